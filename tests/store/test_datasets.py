import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from core.errors import NotFoundError, StoreError
from core.store.building import publish
from core.store.datasets import StoredDataset, build_key, canonical
from core.store.workspace import Workspace


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


@pytest.fixture
def copy(dataset, tmp_path):
    return Path(shutil.copytree(dataset.path, tmp_path / "datasets" / "demo"))


def test_matrices_fit_the_tables(dataset):
    n, g = len(dataset.biosamples), len(dataset.rankings)
    assert dataset.counts(slice(None)).shape == (n, len(dataset.genes))
    assert dataset.profiles(slice(None)).shape == (n, g)
    assert dataset.label_matrix.shape == (n, len(dataset.label_names))
    assert int(dataset.genes["normalised"].sum()) == g
    np.testing.assert_array_equal(dataset.expression(slice(None)), dataset.profiles(slice(None)).T)


def test_biosamples_and_genes_come_in_the_order_asked_for(dataset):
    everything = dataset.profiles(slice(None))
    some = [200, 3, 3, 319, 0]
    np.testing.assert_array_equal(dataset.counts(some), dataset.counts(slice(None))[some])
    np.testing.assert_array_equal(dataset.profiles(some), everything[some])
    np.testing.assert_array_equal(dataset.expression([7, 2, 2]), everything.T[[7, 2, 2]])
    for number, (first, last) in enumerate(pairwise(dataset.blocks)):
        pieces = list(dataset.block(number))
        np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), everything[first:last].T)
        assert [genes.start for genes, _ in pieces] == [0, *[genes.stop for genes, _ in pieces[:-1]]]


def test_norms_and_medians_are_those_of_the_profiles(dataset):
    y = dataset.profiles(slice(None)).astype(np.float64)
    np.testing.assert_allclose(dataset.norms, np.linalg.norm(y, axis=1), rtol=1e-6)
    median, deviation = dataset.medians
    np.testing.assert_allclose(median, np.median(y * dataset.lengths, axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, stats.median_abs_deviation(y * dataset.lengths, axis=0), rtol=1e-4, atol=1e-6)


def test_labels_are_multi_hot(dataset):
    joined = ["|".join(np.array(dataset.label_names)[row]) for row in dataset.label_matrix]
    assert [sorted(text.split("|")) for text in dataset.biosamples["labels"]] == [
        sorted(text.split("|")) for text in joined
    ]


def test_gene_by_symbol_or_id(dataset):
    row = dataset.rankings.index[dataset.rankings["ensembl_gene_id"] != ""][4]
    symbol, identifier = dataset.rankings.loc[row, ["symbol", "ensembl_gene_id"]]
    assert dataset.gene(identifier + ".12") == row
    assert dataset.gene(identifier.lower()) == row
    assert dataset.rankings["symbol"][dataset.gene(symbol.lower())] == symbol


@pytest.mark.parametrize("wrong", ["", "NOSUCHGENE", "ENSG0"])
def test_unknown_genes(dataset, wrong):
    with pytest.raises(NotFoundError, match="has no gene"):
        dataset.gene(wrong)


def test_unknown_biosample(dataset):
    assert dataset.biosample(dataset.biosamples["sample_id"][3]) == 3
    with pytest.raises(NotFoundError, match="no biosample 'GSM0'"):
        dataset.biosample("GSM0")


def test_lengths_undo_the_division(dataset):
    assert dataset.unit.endswith("per kb")
    np.testing.assert_allclose(dataset.lengths, dataset.rankings["length_bp"] / 1000)


def test_a_folder_without_manifest_is_no_dataset(copy):
    (copy / "manifest.json").unlink()
    assert Workspace(copy.parent.parent).datasets() == []
    with pytest.raises(NotFoundError, match="no dataset 'demo'"):
        StoredDataset(copy)


def test_a_newer_format_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(StoreError, match="newer ARCHScope"):
        StoredDataset(copy)


def test_an_older_format_is_to_be_built_again(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    with pytest.raises(StoreError, match="older ARCHScope: build it again"):
        StoredDataset(copy)
    assert Workspace(copy.parent.parent).datasets() == []


DAMAGED = {
    "counts/000000.tiles": lambda dataset: dataset.counts([0]),
    "expression/000000.tiles": lambda dataset: dataset.expression([0]),
    "members.npy": lambda dataset: dataset.members,
    "rankings.parquet": lambda dataset: dataset.rankings,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named(copy, name):
    (copy / name).write_bytes(b"junk")
    with pytest.raises(StoreError, match=name):
        DAMAGED[name](StoredDataset(copy))


def test_publish_replaces_whole(tmp_path):
    for name, content in (("new", "2"), ("final", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(content)
    publish(tmp_path / "new", tmp_path / "final")
    assert (tmp_path / "final" / "x").read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_keys_follow_content_and_recipe():
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
    keys = {build_key("f", {"a": 1}), build_key("f", {"a": 2}), build_key("g", {"a": 1})}
    assert len(keys) == 3
