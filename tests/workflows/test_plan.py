import numpy as np
import pandas as pd
import pytest

from core.errors import CountsFileError, RecipeError
from core.store.tiles import spans
from core.workflows.blocks import sum_duplicates
from core.workflows.build import BYTES_A_CELL, block_rows
from core.workflows.plan import BuildRequest, group_genes

GENES = pd.DataFrame(
    {
        "symbol": ["A", "B", "B", "C", "C", "D"],
        "ensembl_gene_id": ["ENSG1.2", "ENSG2", "ENSG2.9", "", "", "ENSG4"],
        "biotype": "",
    }
)


def test_genes_are_keyed_by_id_else_by_symbol():
    group, genes, repeated = group_genes(GENES, "sum")
    assert group.tolist() == [0, 1, 1, 2, 2, 3]
    assert genes["ensembl_gene_id"].tolist() == ["ENSG1", "ENSG2", "", "ENSG4"]
    assert repeated == ["B", "C"]


def test_repeats_can_be_kept_apart():
    group, genes, repeated = group_genes(GENES, "keep")
    assert group.tolist() == list(range(6))
    assert len(genes) == 6
    assert repeated == ["B", "C"]


def test_repeats_are_added_up_by_a_plain_loop():
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 50, (7, 9), dtype=np.uint32)
    group = np.array([0, 1, 1, 2, 0, 3, 4, 4, 1])
    expected = np.zeros((7, 5), dtype=np.uint64)
    for column, target in enumerate(group):
        expected[:, target] += counts[:, column]
    np.testing.assert_array_equal(sum_duplicates(counts, group, 5), expected)


def test_sums_beyond_uint32_are_refused():
    counts = np.array([[4_000_000_000, 400_000_000]], dtype=np.uint32)
    with pytest.raises(CountsFileError, match="4294967295"):
        sum_duplicates(counts, np.array([0, 0]), 1)


def test_blocks_fit_the_memory():
    class Two:
        workers = 2

    rows = block_rows("4GB", 67_186, Two())
    assert 1 <= rows <= 256
    assert rows * 67_186 * BYTES_A_CELL * 3 <= 4e9
    assert block_rows("100 MB", 6_000, Two()) == min(256, 100_000_000 // (BYTES_A_CELL * 6_000 * 3))
    for wrong in ("", "much", "4XB", "1KB"):
        with pytest.raises(RecipeError, match="memory"):
            block_rows(wrong, 6_000, Two())


def test_spans_cover_everything_once():
    assert spans(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert spans(0, 3) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("length_measure", "exons"), ("length_unit", "mb"), ("repeated_genes", "drop"), ("name", "a b"), ("name", "")],
)
def test_recipes_are_checked(tmp_path, field, value):
    given = {"counts": tmp_path / "x.h5", "name": "x", "lengths": tmp_path / "l.tsv", field: value}
    with pytest.raises(RecipeError):
        BuildRequest(**given).recipe()


def test_paths_and_engines_do_not_change_the_recipe(tmp_path):
    one = BuildRequest(tmp_path / "a.h5", "a", lengths=tmp_path / "l.tsv").recipe()
    two = BuildRequest(tmp_path / "b.h5", "b", lengths=tmp_path / "m.tsv", engine="dask", memory="1GB").recipe()
    assert one == two
