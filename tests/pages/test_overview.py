"""Overview: the figures of the dataset, where it came from, and the first start."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.pages.opening import errors, open_page


@pytest.fixture(autouse=True)
def _fresh() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def test_says_what_the_dataset_is(page_root: Path, workspace: Workspace) -> None:
    app = open_page("overview", dataset="demo")
    manifest = workspace.dataset("demo").manifest
    assert not app.exception
    assert not errors(app)
    values = {tile.label: tile.value for tile in app.metric}
    assert values["Biosamples"] == f"{manifest['n_biosamples']:,}"
    assert values["Genes"] == f"{manifest['n_genes']:,}"
    assert values["Labels"] == str(manifest["n_labels"])
    assert values["Zeros"] == f"{manifest['zero_share']:.0%}"
    assert any("simulated" in text.value for text in app.markdown)
    assert len(app.get("plotly_chart")) == 6


def steps(app: AppTest) -> dict[str, tuple[str, str, dict[str, list[str]]]]:
    """Links of the first five minutes by label: icon, page and parameters."""
    path = next(each for each in app.expander if each.label.startswith("First five minutes"))
    links = [each.proto for each in path.get("page_link")]
    return {each.label: (each.icon, each.page, parse_qs(each.query_string)) for each in links}


def test_the_first_steps_carry_a_gene_a_sample_and_two_carts(page_root: Path, workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    table = dataset.rankings
    gene = table.loc[table["co_rank"].astype(float).idxmin()]
    app = open_page("overview", dataset="demo")
    found = steps(app)
    assert len(found) == 8
    assert all(query["dataset"] == ["demo"] for _, _, query in found.values())
    assert found[f"Open {gene['symbol']}"][2]["gene"] == [gene["symbol"]]
    assert found["Its neighbourhood"][2]["gene"] == [gene["symbol"]]
    assert found["Classify a sample"][2]["example"] == ["example_brain.csv"]
    said = next(text.value for text in app.caption if text.value.startswith("Which genes differ between "))
    a, b = said.removeprefix("Which genes differ between ").split(":")[0].split(" and ")
    assert a == gene["top_label"]
    carried = dataset.labels.groupby("label")["sample_id"].agg(set)
    carts = [set(found["Compare two tissues"][2][name][0].split(",")) for name in ("cart_a", "cart_b")]
    assert min(len(cart) for cart in carts) >= 3
    assert carts[0] <= carried[a] - carried[b]
    assert carts[1] <= carried[b] - carried[a]
    series = dataset.biosamples.set_index("sample_id")["series_id"]
    for cart, label, other in ((carts[0], a, b), (carts[1], b, a)):
        all_of = series[list(carried[label] - carried[other])].nunique()
        assert series[list(cart)].nunique() == min(all_of, len(cart))
    assert "Synthetic brain" in found


def test_a_step_is_ticked_once_its_page_was_opened(page_root: Path) -> None:
    app = open_page("overview", dataset="demo")
    assert not any("check" in icon for icon, _, _ in steps(app).values())
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/overview.py").run()
    assert [label for label, (icon, _, _) in steps(app).items() if "check" in icon] == ["Retrain"]
    assert any("1 of 7 done" in each.label for each in app.expander)


def test_carts_that_the_user_filled_are_not_replaced(page_root: Path, workspace: Workspace) -> None:
    one, two = workspace.dataset("demo").biosamples["sample_id"].iloc[:2]
    app = open_page("samples", dataset="demo", cart_a=f"{one},{two}")
    app.switch_page("pages/overview.py").run()
    query = steps(app)["Compare your carts"][2]
    assert query == {"dataset": ["demo"], "show": ["compare"]}


def test_steps_without_a_model_lead_to_its_training(page_root: Path, workspace: Workspace) -> None:
    for run in Workspace(page_root).runs.all():
        if run.kind in ("classifier", "generator"):
            shutil.rmtree(run.path)
    app = open_page("overview", dataset="demo")
    found = steps(app)
    assert found["Classify a sample"][2]["model"] == ["Classifier"]
    assert found["Synthetic samples"][2]["model"] == ["Synthetic samples"]
    said = [text.value for text in app.caption]
    assert "Needs a classifier: train one first, on the Train page." in said
    assert "Needs a generator: train one first, on the Train page." in said


def test_says_where_it_came_from(page_root: Path, workspace: Workspace) -> None:
    table = open_page("overview", dataset="demo").dataframe[-1].value.set_index("what")["value"]
    dataset = workspace.dataset("demo")
    assert table["fingerprint of the content"] == dataset.fingerprint
    assert table["counts file"] == dataset.manifest["sources"]["counts"]
    assert table["classifier in use"] == workspace.active(dataset, "classifier").id
    assert table["simulated"].startswith("yes")


def test_without_a_dataset_the_demo_is_started_once_and_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_DATA", str(tmp_path / "empty"))
    started: list[str] = []

    def start(workspace: Workspace, kind: str, dataset: str, parameters: object) -> Run:
        started.append(kind)
        return workspace.runs.create(kind, dataset, {})

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("overview")
    assert not app.exception
    assert "Welcome" in app.title[0].value
    assert any("simulated" in text.value for text in app.markdown)
    app.run()
    assert started == ["demo"]


def test_a_demo_that_failed_says_why_and_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSCOPE_DATA", str(tmp_path))
    workspace = Workspace(tmp_path)
    workspace.runs.create("demo", "demo", {}).write_result("failed", error="The disk is full.")
    started: list[str] = []

    def start(workspace: Workspace, kind: str, dataset: str, parameters: object) -> Run:
        started.append(kind)
        return workspace.runs.create(kind, dataset, {})

    monkeypatch.setattr(jobs, "start", start)
    app = open_page("overview")
    assert any("The disk is full." in text for text in errors(app))
    assert started == []
    next(button for button in app.button if button.label == "Try again").click().run()
    assert started == ["demo"]
