"""archs4py reads our files, and finds in every layout that it knows what our reader finds."""

from pathlib import Path

import numpy as np
import pytest

from core import workflows
from core.sources.archs4 import Archs4File
from core.store.workspace import Workspace
from core.workflows import Choice
from tests.readers.conftest import Reader
from tests.sources.conftest import MakeH5, make_h5
from tests.sources.transcript_files import make

pytestmark = pytest.mark.readers
__all__ = ["make_h5"]
KNOWN = ("v1 nested", "v2.1", "v2.2", "v2.5", "v2.6", "trial")  # archs4py knows no flat layout


@pytest.fixture
def exported(workspace: Workspace, tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    workflows.export(workspace, "demo", Choice(limit=30), path)
    return path


def test_archs4py_finds_the_same_counts(workspace: Workspace, by_archs4py: Reader, exported: Path) -> None:
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"].to_list()
    for task, arguments in [("samples", [ids[4], ids[21]]), ("index", [4, 21]), ("rand", [6])]:
        found = by_archs4py(task, exported, *arguments)
        rows = [ids.index(name) for name in found["samples"]]
        np.testing.assert_array_equal(np.array(found["x"]).T, dataset.counts(rows))
        assert found["genes"] == dataset.genes["symbol"].to_list()
        assert len(rows) == (6 if task == "rand" else 2)


def test_archs4py_finds_the_metadata(workspace: Workspace, by_archs4py: Reader, exported: Path) -> None:
    biosamples = workspace.dataset("demo").biosamples.iloc[:30]
    fields = ["characteristics_ch1", "source_name_ch1", "title"]
    hit = biosamples[fields].apply(lambda column: column.str.contains("cortex", case=False)).any(axis=1)
    found = by_archs4py("meta", exported, "cortex")
    assert found["ids"] == biosamples.loc[hit, "sample_id"].to_list() and 0 < hit.sum() < 30
    assert found["title"] == biosamples.loc[hit, "title"].to_list()
    assert by_archs4py("search", exported, "cortex")["samples"] == found["ids"]
    assert by_archs4py("field", exported, "labels") == biosamples["labels"].to_list()
    np.testing.assert_array_equal(
        by_archs4py("field", exported, "singlecellprobability"), biosamples["singlecellprobability"]
    )


@pytest.mark.parametrize("variant", KNOWN)
def test_both_readers_agree_on_every_layout(make_h5: MakeH5, by_archs4py: Reader, variant: str) -> None:
    path = make_h5(variant)
    found = by_archs4py("index", path, 0, 2, 4)
    with Archs4File(path) as file:
        np.testing.assert_array_equal(file.read(np.array([0, 2, 4])), np.array(found["x"]).T)
        assert file.genes["symbol"].to_list() == found["genes"]
        assert file.biosamples["sample_id"].iloc[[0, 2, 4]].to_list() == found["samples"]


@pytest.mark.parametrize("organism", ["human", "mouse"])
@pytest.mark.parametrize("generation", ["v2.2", "v2.6"])  # archs4py knows no other layout of transcripts
def test_both_readers_agree_on_transcripts(tmp_path: Path, by_archs4py: Reader, generation: str, organism: str) -> None:
    path = make(tmp_path / "t.h5", generation, organism).path
    found = by_archs4py("index", path, 0, 2, 4)
    with Archs4File(path) as file:
        np.testing.assert_array_equal(file.read(np.array([0, 2, 4])), np.array(found["x"]).T)
        assert file.genes["transcript_id"].to_list() == found["genes"]
        assert file.biosamples["sample_id"].iloc[[0, 2, 4]].to_list() == found["samples"]
