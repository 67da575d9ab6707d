import numpy as np
import pandas as pd
import pytest

from core.errors import CountsFileError, NotFoundError, RecipeError
from core.sources.archs4 import write_archs4
from core.sources.fingerprint import content_fingerprint
from core.sources.label_sources import LABEL_COLUMNS, SHIPPED_PARENTS, SHIPPED_RULES
from core.store.tiles import spans
from core.workflows.blocks import sum_duplicates
from core.workflows.build import BYTES_A_CELL, block_rows
from core.workflows.plan import BuildRequest, group_genes, make_plan

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


@pytest.fixture
def counts(tmp_path):
    """A file of four biosamples, one of them single-cell, with something to read in each field."""
    biosamples = pd.DataFrame(
        {
            "sample_id": ["GSM1", "GSM2", "GSM3", "GSM4"],
            "series_id": "GSE1",
            "title": ["Liver_1", "b", "c", "d"],
            "source_name_ch1": ["RNA", "putamen", "HeLa", "liver"],
            "characteristics_ch1": ["age: 1", "age: 2", "tissue: cervix,cell line: HeLa", "age: 4"],
            "singlecellprobability": [0.0, 0.0, 0.0, 0.9],
            "alignedreads": 1.0,
        }
    )
    path = tmp_path / "counts.h5"
    write_archs4(path, np.arange(24, dtype=np.uint32).reshape(4, 6), GENES, biosamples, {"version": "2.5"})
    return path


def planned(counts, **more):
    return make_plan(BuildRequest(counts, "x", length_measure="none", **more))


def test_labels_of_rules_and_of_a_table_together(counts, tmp_path):
    table = tmp_path / "mine.tsv"
    table.write_text("sample_id\tlabel\nGSM1\tmine\nGSM3\tHeLa\nGSM4\tmine\n")
    plan = planned(counts, labels=table, label_rules=SHIPPED_RULES)
    assert tuple(plan.labels.columns) == LABEL_COLUMNS
    assert {tuple(row) for row in plan.labels.to_numpy()} == {
        ("GSM1", "mine", "mine.tsv", "", ""),
        ("GSM3", "HeLa", "mine.tsv", "", ""),
        ("GSM1", "liver", "rules", "title", "Liver"),
        ("GSM2", "putamen", "rules", "source_name_ch1", "putamen"),
        ("GSM2", "striatum", "implied by putamen", "", ""),
        ("GSM2", "brain", "implied by putamen", "", ""),
    }
    assert (plan.facts["n_labels"], plan.facts["n_labelled"]) == (6, 3)
    assert "Rules labelled 3 of 3 biosamples." in plan.facts["warnings"]
    arrays = plan.arrays([0, 3])
    labelled = set(zip(arrays["label_rows"].tolist(), arrays["label_names"][arrays["label_columns"]], strict=True))
    assert labelled == {(0, "mine"), (2, "HeLa"), (0, "liver"), (1, "putamen"), (1, "striatum"), (1, "brain")}


def test_labels_of_a_folder(counts, tmp_path):
    (tmp_path / "labels" / "tissue" / "spinal_cord").mkdir(parents=True)
    (tmp_path / "labels" / "tissue" / "spinal_cord" / "a.tsv").write_text("gene\tGSM2\tGSM4\tGSM99\n")
    plan = planned(counts, labels=tmp_path / "labels")
    assert plan.labels.to_numpy().tolist() == [["GSM2", "spinal cord", "tissue/spinal_cord/a.tsv", "", ""]]
    assert "1 biosamples of labels are not in the dataset." in plan.facts["warnings"]


def test_no_labels_have_the_same_columns(counts):
    plan = planned(counts)
    assert plan.labels.empty
    assert tuple(plan.labels.columns) == LABEL_COLUMNS


def key(request):
    return request.label_sources.fingerprint(request.inputs)


def test_a_build_is_known_by_its_labels(counts, tmp_path):
    table, lengths = tmp_path / "labels.tsv", tmp_path / "lengths.tsv"
    table.write_text("sample_id\tlabel\nGSM1\tmine\n")
    lengths.write_text("lengths")
    plain = BuildRequest(counts, "x", table, lengths)
    assert plain.inputs == [counts, table, lengths]
    assert key(plain) == content_fingerprint([counts, table, lengths]), "earlier builds keep their key"
    ruled = BuildRequest(counts, "x", table, lengths, label_rules=SHIPPED_RULES)
    more = BuildRequest(counts, "x", table, lengths, label_rules=SHIPPED_RULES, label_parents=SHIPPED_PARENTS)
    assert len({key(plain), key(ruled), key(more)}) == 3
    assert plain.recipe() == ruled.recipe()
    with pytest.raises(NotFoundError, match=r"no file or folder .*nowhere"):
        _ = BuildRequest(counts, "x", tmp_path / "nowhere", lengths).inputs
    with pytest.raises(NotFoundError, match=r"no file .*words"):
        _ = BuildRequest(counts, "x", label_rules=tmp_path / "words").inputs
