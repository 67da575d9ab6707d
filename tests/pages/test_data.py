"""Data: the list of datasets, building one, and what is said when input is no good."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs, workflows
from core.sources.archs4 import Archs4File, write_archs4
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from tests.pages.opening import address, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Jobs that the page starts; they run in this process, at once."""
    found: list[Run] = []

    def start(workspace: Workspace, kind: str, dataset: str, parameters: dict[str, Any]) -> Run:
        run = workspace.runs.create(kind, dataset, parameters)
        found.append(run)
        try:
            workflows.perform(workspace, run, silent)
        except workflows.EXPECTED as error:
            assert run.error == str(error)
        return run

    monkeypatch.setattr(jobs, "start", start)
    return found


def fill(app: AppTest, name: str, **paths: Path | str) -> AppTest:
    app.text_input(key="build_name").set_value(name)
    for key, path in paths.items():
        app.text_input(key=f"{key}_path").set_value(str(path))
    return next(button for button in app.button if button.label == "Build").click().run()


def demo_files(root: Path) -> dict[str, Path]:
    return {kind: Path(path) for kind, path in Workspace(root).dataset("demo").manifest["sources"].items()}


def test_lists_datasets_and_names_genes_without_a_length(workspace: Workspace) -> None:
    app = open_page("data", dataset="demo")
    assert not app.exception
    assert app.dataframe[0].value["name"].tolist() == ["demo"]
    left_out = app.dataframe[1].value
    without = workspace.dataset("demo").manifest["without_length"]
    assert set(without) <= set(left_out["gene"])
    assert any(f"**{len(without)}** of" in text.value for text in app.markdown)


def test_builds_a_dataset_and_recognises_it_the_second_time(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), "again", **files)
    assert not app.exception
    assert not errors(app)
    assert address(app)["run"] == builds[0].id
    assert any("is done" in box.value for box in app.success)
    assert app.dataframe[0].value["name"].tolist() == ["again", "demo"]
    app = fill(open_page("data", dataset="demo"), "again", **files)
    assert any("built before" in box.value for box in app.info)
    assert [run.result["metrics"]["cached"] for run in builds] == [False, True]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("", ("counts", "lengths"), "no name"),
        ("new", (), "no counts file"),
        ("new", ("counts",), "lengths are missing"),
        ("../new", ("counts", "lengths"), "no name for a dataset"),
    ],
)
def test_what_is_missing_is_one_error_and_starts_nothing(
    page_root: Path, builds: list[Run], name: str, given: tuple[str, ...], said: str
) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), name, **{key: files[key] for key in given})
    assert len(errors(app)) == 1
    assert said in errors(app)[0]
    assert builds == []


def test_a_path_that_is_not_there_is_one_error(page_root: Path, builds: list[Run]) -> None:
    app = fill(open_page("data", dataset="demo"), "new", counts="/no/such.h5", lengths=demo_files(page_root)["lengths"])
    assert ["/no/such.h5" in text for text in errors(app)] == [True]
    assert builds == []


def test_a_file_that_is_no_counts_file_is_one_error_and_changes_nothing(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), "bad", counts=files["labels"], lengths=files["lengths"])
    assert not app.exception
    in_page = [box.value for box in app.main.error]
    assert len(in_page) == 1
    assert files["labels"].name in in_page[0]
    assert app.dataframe[0].value["name"].tolist() == ["demo"]


def test_an_upload_is_kept_below_the_data_folder(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = open_page("data", dataset="demo")
    app.segmented_control(key="files_from").set_value("Upload").run()
    app.text_input(key="build_name").set_value("uploaded")
    for kind in ("counts", "labels", "lengths"):
        app.file_uploader(key=f"{kind}_upload").upload(files[kind].name, files[kind].read_bytes())
    app = next(button for button in app.button if button.label == "Build").click().run()
    assert not app.exception
    assert not errors(app)
    assert Path(builds[0].recipe["parameters"]["counts"]) == page_root / "uploads" / "uploaded" / files["counts"].name
    assert Workspace(page_root).dataset("uploaded").fingerprint == Workspace(page_root).dataset("demo").fingerprint


def add(app: AppTest, **paths: Path | str) -> AppTest:
    for key, path in paths.items():
        app.text_input(key=f"add_{key}_path").set_value(str(path))
    return next(button for button in app.button if button.label == "Add").click().run()


def test_adds_the_biosamples_of_another_file(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    before = len(Workspace(page_root).dataset("demo").biosamples)
    app = add(open_page("data", dataset="demo"), counts=files["counts"])
    assert not app.exception
    assert any("has every biosample of the file already" in box.value for box in app.info)
    with Archs4File(files["counts"]) as file:
        more = file.biosamples.iloc[:9].assign(sample_id=[f"GSM_NEW{i}" for i in range(9)], singlecellprobability=0.0)
        write_archs4(page_root / "more.h5", file.read(slice(9)), file.genes, more, {"simulated": "yes"})
    app.selectbox(key="add_target").set_value("kept")
    app = add(app, counts=page_root / "more.h5")
    assert not app.exception
    assert [run.kind for run in builds] == ["add", "add"]
    assert len(Workspace(page_root).dataset("demo").biosamples) == before + 9
    assert any("The target was kept" in text.value for text in app.caption)


def test_nothing_to_add_is_one_error(page_root: Path, builds: list[Run]) -> None:
    for counts, said in (("", "no counts file"), ("/no/such.h5", "no file /no/such.h5")):
        app = add(open_page("data", dataset="demo"), counts=counts)
        assert [said in text for text in errors(app)] == [True]
    assert builds == []


def test_a_build_that_runs_is_followed_after_a_refresh(page_root: Path) -> None:
    run = Workspace(page_root).runs.create("build", "slow", {})
    app = open_page("data", dataset="demo", run=run.id)
    assert any("Build · slow" in text.value for text in app.main.markdown)
    assert any(button.label == "Cancel" for button in app.main.button)
    next(button for button in app.main.button if button.label == "Cancel").click().run()
    assert run.status == "cancelled"
