"""Files of the pages that people open in a spreadsheet: no cell runs, and Parquet says where it comes from."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import streamlit as st

from core import workflows as wf
from core.store.workspace import Workspace
from core.types import Prediction
from pages.ui import labelling, predictions
from tests.pages.conftest import Opener

FORMULA = "=HYPERLINK(1)"
Files = dict[str, Callable[[], bytes]]


@pytest.fixture
def files(page_root: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """What download buttons would make, by file name."""
    found: Files = {}

    def button(label: str, data: Callable[[], bytes], file_name: str, *more: Any, **named: Any) -> None:
        found[file_name] = data

    monkeypatch.setattr(st, "download_button", button)
    st.cache_resource.clear()
    return found


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_predictions_run_nothing_in_a_spreadsheet_and_parquet_names_the_model(files: Files, page_root: Path) -> None:
    workspace = Workspace(page_root)
    dataset, run = workspace.dataset("demo"), workspace.runs.all("demo", "classifier")[0]
    found = Prediction(FORMULA, ["brain"], {"brain": 0.75}, False, [], 10, 12, 0.25, model=run.id)
    predictions.downloads(dataset, run, predictions.Answer(("key",), [found]))
    by_kind = {name.rsplit(".", 1)[1]: make for name, make in files.items()}
    [head, row] = rows(by_kind["csv"]())
    assert dict(zip(head, row, strict=True))["sample"] == f"'{FORMULA}"
    content = io.BytesIO(by_kind["parquet"]())
    assert pq.read_table(content)["sample"].to_pylist() == [FORMULA]
    held = pq.read_schema(content).metadata
    assert (held[b"archscope.model"].decode(), held[b"archscope.fingerprint"].decode()) == (run.id, dataset.fingerprint)
    assert all(dataset.fingerprint[:8] in name for name in files)


def test_label_tables_run_nothing_in_a_spreadsheet_and_what_a_build_reads_stays_as_it_is(
    files: Files, page_root: Path
) -> None:
    workspace = Workspace(page_root)
    sample = workspace.dataset("demo").biosamples["sample_id"].iloc[0]
    wf.edit_labels(workspace, "demo", [sample], "a new label", note=FORMULA)
    labelling._downloads(workspace.dataset("demo"))
    edits = rows(files["demo-label-edits.csv"]())
    assert f"'{FORMULA}" in edits[1]
    assert FORMULA not in edits[1]
    assert files["demo-labels.tsv"]() == wf.label_table(workspace, "demo").encode()
    assert len(rows(files["demo-labels-with-sources.csv"]())) == len(wf.labels(workspace, "demo")) + 1


def test_a_study_is_deleted_on_its_page(open_page: Opener, page_root: Path) -> None:
    workspace = Workspace(page_root)
    parameters = wf.study_parameters(workspace, "demo", label="brain")
    study = workspace.runs.create("augmentation", "demo", parameters, workspace.dataset("demo").fingerprint)
    study.write_result("failed", error="stopped")
    app = open_page("synthetic", study=study.id)
    assert not app.exception
    app.button(key=f"delete_{study.id}").click().run()
    assert not app.exception
    assert not study.path.exists()
    assert [toast.value for toast in app.toast] == [f"Study {study.id[-4:]} is deleted."]
