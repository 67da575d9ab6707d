"""anndata and cmapPy read the files that leave as they were written."""

from pathlib import Path

import numpy as np
import pytest

from core import workflows
from core.store.workspace import Workspace
from core.workflows import Choice
from tests.readers.conftest import Reader

pytestmark = pytest.mark.readers


@pytest.mark.parametrize("values", ["counts", "normalised", "expression"])
def test_anndata_finds_x_obs_and_var(workspace: Workspace, by_anndata: Reader, tmp_path: Path, values: str) -> None:
    dataset = workspace.dataset("demo")
    path = tmp_path / "a.h5ad"
    workflows.export(workspace, "demo", Choice(limit=40), path, values)
    found = by_anndata("h5ad", path)
    expected = dataset.profiles(slice(0, 40)) if values == "expression" else dataset.counts(slice(0, 40))
    x = np.array(found["x"])
    if values == "normalised":
        assert x.shape == expected.shape and not found["sparse"]
    else:
        np.testing.assert_array_equal(x, expected)
    assert found["dtype"] == ("uint32" if values == "counts" else "float32")
    assert found["sparse"] == (values == "counts")
    np.testing.assert_array_equal(found["part"], x[1:3])
    biosamples = dataset.biosamples.iloc[:40]
    assert found["obs_names"] == biosamples["sample_id"].to_list()
    assert {"series_id", "labels"} <= set(found["categorical"])
    for name in biosamples.columns.drop("sample_id"):
        assert found["obs"][name] == biosamples[name].to_list(), name
    genes = dataset.genes if values != "expression" else dataset.genes[dataset.genes["normalised"]]
    assert found["var"]["symbol"] == genes["symbol"].to_list()
    assert found["var_names"] == genes["ensembl_gene_id"].to_list()
    np.testing.assert_array_equal(np.array(list(found["labels"].values())).T, dataset.label_matrix[:40])
    assert list(found["labels"]) == dataset.label_names
    assert found["about"]["fingerprint"] == dataset.fingerprint


def test_anndata_reads_synthetic_samples(workspace: Workspace, by_anndata: Reader, tmp_path: Path) -> None:
    run = workspace.active(workspace.dataset("demo"), "generator")
    assert run is not None
    made = workflows.synthesize(workspace, run.id, 4)
    workflows.export_synthetic(workspace, run.id, made, tmp_path / "s.h5ad")
    found = by_anndata("h5ad", tmp_path / "s.h5ad")
    np.testing.assert_array_equal(found["x"], made.counts)
    assert found["about"]["synthetic"] == "yes" and found["labels"] == {"brain": [True] * 4}


@pytest.mark.parametrize("values", ["counts", "expression"])
def test_cmappy_reads_gct(workspace: Workspace, by_anndata: Reader, tmp_path: Path, values: str) -> None:
    dataset = workspace.dataset("demo")
    workflows.export(workspace, "demo", Choice(limit=9), tmp_path / "a.gct", values)
    found = by_anndata("gct", tmp_path / "a.gct")
    genes = dataset.genes if values == "counts" else dataset.genes[dataset.genes["normalised"]]
    x = dataset.counts(slice(0, 9)) if values == "counts" else dataset.profiles(slice(0, 9))
    np.testing.assert_array_equal(np.array(found["x"], dtype=np.float32), x.T.astype(np.float32))
    assert found["rows"] == genes["ensembl_gene_id"].to_list()
    assert found["symbol"] == genes["symbol"].to_list()
    assert found["columns"] == dataset.biosamples["sample_id"].iloc[:9].to_list()
    assert found["series_id"] == dataset.biosamples["series_id"].iloc[:9].to_list()
