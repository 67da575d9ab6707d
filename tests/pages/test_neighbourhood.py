"""Neighbourhood: a gene's members, what they are compared with, the map, and a walk from one biosample to the next."""

import json
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from core import workflows as wf
from core.store.workspace import Workspace
from pages.ui import projections
from tests.pages.opening import address, choose_row, errors, open_page

CHARTS = 5


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def shown(app: AppTest, table: str) -> list[str]:
    """Ids in the table whose key begins with ``table``."""
    found = next(each for each in app.dataframe if str(each.key).startswith(f"{table}-"))
    return found.value["sample_id"].tolist()


def draw(app: AppTest, selection: dict[str, object]) -> AppTest:
    """What the browser sends for a click, a box or a lasso on the map."""
    chart = next(each for each in app.get("plotly_chart") if "projection-" in each.proto.id)
    states = app._tree.get_widget_states()
    text = json.dumps({"selection": {"points": [], "point_indices": [], "box": [], "lasso": [], **selection}})
    states.widgets.append(WidgetState(id=chart.proto.id, string_value=text))
    return app._run(states)


def test_shows_the_members_and_figures_of_the_gene(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    view = wf.neighbourhood(workspace, "demo", "GFAP")
    assert not app.exception
    assert not errors(app)
    assert shown(app, "members") == view.members["sample_id"].tolist()
    values = {tile.label: (tile.value, tile.delta) for tile in app.metric}
    assert values["Mean cosine"][0] == f"{view.row['mean_cosine']:.3f}"
    assert values["Random sets"][0] == f"{view.random.mean():.3f}"
    assert values["Members"][0] == str(len(view.members))
    assert values["Same series"] == (f"{view.row['same_series_share']:.0%}", f"{view.apart:.3f} without")
    assert len(app.get("plotly_chart")) == CHARTS


def test_enrichment_and_other_sets_are_in_tables(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    tables = {tuple(table.value.columns[:2]): table.value for table in app.dataframe}
    labels = wf.neighbourhood(workspace, "demo", "GFAP").labels
    first = next(t.value for t in app.dataframe if "n_series" in t.value)
    assert first["q"].tolist() == labels["q"].tolist()
    summary = wf.baselines(workspace, "demo", "GFAP").summary
    found = tables["baseline", "pairs"]
    assert found["z"].tolist() == pytest.approx(summary["z"].tolist())
    assert found["baseline"].tolist()[-1] == "One biosample a series"


def test_begins_with_the_best_co_ranked_gene(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo")
    table = workspace.dataset("demo").rankings
    assert address(app)["gene"] == table.loc[table["co_rank"].astype(float).idxmin(), "symbol"]


def test_a_member_leads_to_its_likes_on_to_theirs_and_back(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    second = shown(app, "members")[1]
    app = choose_row(app, "members", 1)
    assert address(app)["sample"] == second
    likes = wf.similar_biosamples(workspace, "demo", second)["sample_id"].tolist()
    assert shown(app, "similar") == likes
    app = choose_row(app, "similar", 0)
    assert (address(app)["trail"], address(app)["sample"]) == (second, likes[0])
    theirs = wf.similar_biosamples(workspace, "demo", likes[0])["sample_id"].tolist()
    assert shown(app, "similar") == theirs
    onward = next(number for number, sample_id in enumerate(theirs) if sample_id != second)
    app = choose_row(app, "similar", onward)
    walk = [second, likes[0], theirs[onward]]
    steps = next(t.value for t in app.dataframe if "cosine_first" in t.value)
    expected = wf.trail(workspace, "demo", walk)
    assert steps["sample_id"].tolist() == walk
    assert steps["cosine"].tolist()[1:] == pytest.approx(expected["cosine"].tolist()[1:])
    app.button(key="trail_back").click().run()
    assert address(app)["sample"] == likes[0]
    app.button(key="trail_0").click().run()
    assert address(app)["sample"] == second
    assert "trail" not in address(app)
    app.button(key="trail_gene").click().run()
    assert "sample" not in address(app)
    assert not errors(app)


def test_a_walk_is_restored_from_its_address_and_going_in_a_circle_shortens_it(workspace: Workspace) -> None:
    first = workspace.dataset("demo").biosamples["sample_id"][5]
    likes = wf.similar_biosamples(workspace, "demo", first)["sample_id"].tolist()
    app = open_page("neighbourhood", dataset="demo", gene="GFAP", sample=likes[0], trail=first)
    theirs = shown(app, "similar")
    assert app.button(key="trail_0").label == first
    if first in theirs:
        app = choose_row(app, "similar", theirs.index(first))
        assert address(app)["sample"] == first
        assert "trail" not in address(app)


def test_an_unknown_gene_or_biosample_is_one_error() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="NOSUCH")
    assert ["NOSUCH" in text for text in errors(app)] == [True]
    app = open_page("neighbourhood", dataset="demo", gene="GFAP", sample="GSM0")
    assert ["GSM0" in text for text in errors(app)] == [True]
    assert len(app.get("plotly_chart")) == CHARTS


def test_another_gene_from_the_picker_goes_into_the_address() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    app.selectbox(key="gene_picker").set_value("ALB").run()
    assert address(app)["gene"] == "ALB"
    assert app.selectbox(key="gene_picker").value == "ALB"


def test_the_browser_gets_few_ids_to_choose_from_the_chosen_one_among_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ui.samples.OFFERED", 5)
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    offered = app.selectbox(key="sample_picker").options
    assert offered == shown(app, "members")[:5]
    another = next(each for each in workspace.dataset("demo").biosamples["sample_id"] if each not in offered)
    picker = open_page("neighbourhood", dataset="demo", gene="GFAP", sample=another).selectbox(key="sample_picker")
    assert (picker.value, picker.options) == (another, [*offered, another])


def test_a_lasso_lists_whoever_is_inside_and_is_in_the_address(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    points = wf.projection(workspace, "demo")
    corners = np.array([[-1.0, -1.0], [30.0, -1.0], [30.0, 30.0], [-1.0, 30.0]])
    inside = wf.inside_lasso(points, corners)["sample_id"].tolist()
    assert 0 < len(inside) < len(points)
    app = draw(app, {"lasso": [{"x": corners[:, 0].tolist(), "y": corners[:, 1].tolist()}]})
    assert shown(app, "lasso") == inside
    again = open_page("neighbourhood", **address(app))
    assert shown(again, "lasso") == inside
    again.button(key="lasso_clear").click().run()
    assert "lasso" not in address(again)
    assert not errors(again)


def test_a_click_on_the_map_begins_a_walk(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    one = workspace.dataset("demo").biosamples["sample_id"][7]
    app = draw(app, {"points": [{"customdata": one}]})
    assert address(app)["sample"] == one


def test_colours_and_method_of_the_map_are_in_the_address() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP", colour="value")
    for colour in ("series", "cart", "label"):
        app.segmented_control(key="colour_control").set_value(colour).run()
        assert address(app)["colour"] == colour
        assert not app.exception
    app.segmented_control(key="map_control").set_value("tsne").run()
    assert address(app)["map"] == "tsne"
    assert len(app.get("plotly_chart")) == CHARTS - 1  # it is not made before somebody says so
    assert app.button(key="make_map").label == "Make the t-SNE map"


def test_a_map_that_is_not_there_is_made_by_a_job_and_shown(page_root: Path) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP", map="tsne")
    app.button(key="make_map").click().run()
    [run] = Workspace(page_root).runs.all("demo", "projection")
    process = run.process()
    if process is not None:
        process.wait(120)
    app.run()
    assert run.status == "done"
    assert len(app.get("plotly_chart")) == CHARTS


def test_members_go_into_a_cart() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    ids = shown(app, "members")
    app.button(key="members_cart_A").click().run()
    assert app.session_state["carts"]["demo"]["A"] == ids


def test_corners_of_a_lasso_are_few_and_those_of_a_box_go_round() -> None:
    many = {"lasso": [{"x": list(range(500)), "y": list(range(500))}]}
    assert len(projections.polygon(many)) <= projections.CORNERS
    assert projections.polygon({"box": [{"x": [1, 2], "y": [3, 4]}]}) == [(1, 3), (2, 3), (2, 4), (1, 4)]
    assert projections.polygon({}) == []
    for text in ("", "abc-pca:1,2", "abc-pca:1,2,3,4,5,x", "other-pca:1,2,3,4,5,6"):
        assert projections.corners_of(text, "abc-pca") is None
