"""The session in docs/api.md runs from its first block to its last, and names what there is."""

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.settings import PROJECT
from core.store.workspace import Workspace

PAGE = PROJECT / "docs" / "api.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def session(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The names that the page's blocks leave behind, run in order in a folder of their own."""
    monkeypatch.setenv("ARCHSCOPE_DATA", str(demo_root))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(), 1):
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), names)
    return names


def test_every_block_runs(
    session: dict[str, object], workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = workspace.dataset("demo")
    rows = dataset.rows_with("brain")
    with h5py.File(tmp_path / "brain.h5ad") as file:
        assert file["X"].attrs["shape"].tolist() == [len(rows), len(dataset.genes)]
        assert file["X/data"][:].sum() == dataset.counts(rows).sum(dtype=np.int64)
    assert pd.read_csv(tmp_path / "gfap.csv").shape == (len(dataset.rankings), 21)
    assert {path.name for path in tmp_path.iterdir()} == {"brain.h5ad", "gfap.csv", "results.duckdb", "synthetic.h5"}
    assert session["predictions"][0].predicted[0] == "brain"  # type: ignore[index]
    assert session["content"][:4] == b"PAR1"  # type: ignore[index]
    assert "Traceback" not in capsys.readouterr().err


def test_the_page_shows_most_of_what_a_notebook_needs() -> None:
    assert len(blocks()) >= 9
    named = set(re.findall(r"workflows\.(\w+)", PAGE.read_text(encoding="utf-8")))
    assert named <= set(workflows.__all__)
    asked = {"datasets", "rankings", "gene", "neighbourhood", "labels", "read_upload", "classify", "runs", "synthesize"}
    assert asked | {"evaluate", "export", "export_biosamples", "export_synthetic", "create_demo", "build"} <= named
