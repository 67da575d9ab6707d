"""Overview: the figures of the dataset, where it came from, and the first start."""

from pathlib import Path

import pytest
import streamlit as st

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
