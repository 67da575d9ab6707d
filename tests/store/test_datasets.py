import json
import shutil

import numpy as np
import pytest

from core.errors import NotFoundError, StoreError
from core.store.datasets import StoredDataset, build_key, canonical, find_datasets, publish


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


@pytest.fixture
def copy(dataset, tmp_path):
    shutil.copytree(dataset.path, tmp_path / "demo")
    return tmp_path / "demo"


def test_matrices_fit_the_tables(dataset):
    n, g = len(dataset.biosamples), len(dataset.rankings)
    assert dataset.counts.shape == (n, len(dataset.genes))
    assert dataset.normalised.shape == (n, g)
    assert dataset.label_matrix.shape == (n, len(dataset.label_names))
    assert int(dataset.genes["normalised"].sum()) == g
    np.testing.assert_array_equal(dataset.by_gene, dataset.normalised.T)


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
    assert list(find_datasets(copy.parent)) == []
    with pytest.raises(NotFoundError, match="no dataset 'demo'"):
        StoredDataset(copy)


def test_a_newer_format_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(StoreError, match="newer ARCHScope"):
        StoredDataset(copy)


@pytest.mark.parametrize(("name", "read"), [("counts.npy", "counts"), ("rankings.parquet", "rankings")])
def test_damage_is_named(copy, name, read):
    (copy / name).write_bytes(b"junk")
    with pytest.raises(StoreError, match=name):
        getattr(StoredDataset(copy), read)


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
