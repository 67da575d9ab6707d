"""A data folder of a shared server: people sign in, one folder may be opened, and there is something outside it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.store.workspace import Workspace


@dataclass(frozen=True)
class Places:
    """``allowed`` may be opened from pages; ``outside`` may not. Both hold counts.h5, labels.tsv and lengths.tsv."""

    root: Path
    allowed: Path
    outside: Path


@pytest.fixture
def places(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The same files twice: in a configured folder, and beside it."""
    root, allowed, outside = tmp_path / "data", tmp_path / "allowed", tmp_path / "allowed-not"
    shutil.copytree(demo_root, root)
    sources = Workspace(root).dataset("demo").manifest["sources"]
    for folder in (allowed, outside):
        folder.mkdir()
        for kind, ending in (("counts", "h5"), ("labels", "tsv"), ("lengths", "tsv")):
            shutil.copy(sources[kind], folder / f"{kind}.{ending}")
    monkeypatch.setenv("ARCHSCOPE_DATA", str(root))
    monkeypatch.setenv("ARCHSCOPE_FOLDERS", str(allowed))
    return Places(root, allowed, outside)
