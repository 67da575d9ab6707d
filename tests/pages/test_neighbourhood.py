"""Neighbourhood: a gene's members, and from a biosample to those most like it."""

from pathlib import Path

import pytest
import streamlit as st

from core import workflows as wf
from core.store.workspace import Workspace
from tests.pages.opening import address, choose_row, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def test_shows_the_members_and_figures_of_the_gene(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    view = wf.neighbourhood(workspace, "demo", "GFAP")
    assert not app.exception
    assert not errors(app)
    assert app.dataframe[0].value["sample_id"].tolist() == view.members["sample_id"].tolist()
    values = {tile.label: tile.value for tile in app.metric}
    assert values["Mean cosine"] == f"{view.row['mean_cosine']:.3f}"
    assert values["Random sets"] == f"{view.random.mean():.3f}"
    assert values["Members"] == str(len(view.members))
    assert values["Same series"] == f"{view.row['same_series_share']:.0%}"
    assert len(app.get("plotly_chart")) == 5


def test_begins_with_the_best_co_ranked_gene(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo")
    table = workspace.dataset("demo").rankings
    assert address(app)["gene"] == table.loc[table["co_rank"].astype(float).idxmin(), "symbol"]


def test_a_member_leads_to_its_likes_and_on_to_theirs(workspace: Workspace) -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    second = app.dataframe[0].value["sample_id"][1]
    app = choose_row(app, "members", 1)
    assert address(app)["sample"] == second
    likes = wf.similar_biosamples(workspace, "demo", second)["sample_id"].tolist()
    assert app.dataframe[1].value["sample_id"].tolist() == likes
    app = choose_row(app, "similar", 0)
    assert address(app)["sample"] == likes[0]
    assert app.dataframe[1].value["sample_id"].tolist()[0] != likes[0]


def test_an_unknown_gene_or_biosample_is_one_error() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="NOSUCH")
    assert ["NOSUCH" in text for text in errors(app)] == [True]
    app = open_page("neighbourhood", dataset="demo", gene="GFAP", sample="GSM0")
    assert ["GSM0" in text for text in errors(app)] == [True]
    assert len(app.get("plotly_chart")) == 5


def test_another_gene_from_the_picker_goes_into_the_address() -> None:
    app = open_page("neighbourhood", dataset="demo", gene="GFAP")
    app.selectbox(key="gene_picker").set_value("ALB").run()
    assert address(app)["gene"] == "ALB"
    assert app.selectbox(key="gene_picker").value == "ALB"
