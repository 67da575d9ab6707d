"""Genes under all their names."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from core.errors import SampleFileError
from core.sources.gene_matching import match_genes
from core.sources.matched import counts_of
from core.types import MatchedSamples, SampleSet
from tests.sources.conftest import ENSEMBL, SYMBOLS

NAN = float("nan")


def _samples(ids: list[str], values: list[list[float]] | None = None) -> SampleSet:
    rows = np.array(values if values is not None else [range(1, len(ids) + 1)], dtype=np.float64)
    return SampleSet(rows, ids, [f"s{i}" for i in range(len(rows))], "table", ["from the file"])


def _found(matched: MatchedSamples) -> dict[str, float]:
    """First sample's counts by symbol, without the genes that the file lacks."""
    row = counts_of(matched)[0]
    assert np.array_equal(matched.matched, ~np.isnan(row))
    return {SYMBOLS[i]: row[i] for i in np.flatnonzero(matched.matched)}


TRANSCRIPTS = pd.DataFrame(
    [
        ("ENST00000000001", ENSEMBL[0], "TP53"),
        ("ENST00000000002", ENSEMBL[0], "TP53"),
        ("ENST00000000003", ENSEMBL[3], "ALB"),
    ],
    columns=["transcript_id", "ensembl_gene_id", "symbol"],
)


def test_symbols(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    samples = _samples(["ALB", "TP53", "XIST"], [[5, 6, 7], [0, 1, 2]])
    matched = match_genes(samples, genes, no_transcripts)
    expected = np.full((2, 12), NAN)
    expected[:, 3], expected[:, 0] = [5, 0], [6, 1]
    np.testing.assert_array_equal(counts_of(matched), expected)
    assert matched.unmatched == ["XIST"] and matched.sample_names == ["s0", "s1"]
    assert matched.kind == "table, gene symbols" and matched.notes == ["from the file"]


@pytest.mark.parametrize(
    "ids",
    [
        [ENSEMBL[3], ENSEMBL[0]],
        [ENSEMBL[3] + ".12", ENSEMBL[0] + ".3"],
        ["ENSGR0000000004.1", ENSEMBL[0]],
    ],
)
def test_ensembl_gene_ids(genes: pd.DataFrame, no_transcripts: pd.DataFrame, ids: list[str]) -> None:
    matched = match_genes(_samples(ids), genes, no_transcripts)
    assert _found(matched) == {"ALB": 1, "TP53": 2} and matched.kind == "table, Ensembl gene ids"


def test_versions_in_the_dataset_are_ignored(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    versioned = genes.assign(ensembl_gene_id=genes["ensembl_gene_id"] + ".9")
    assert _found(match_genes(_samples([ENSEMBL[2]]), versioned, no_transcripts)) == {"ACTB": 1}


def test_par_y_copies_are_added(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    matched = match_genes(_samples([f"{ENSEMBL[1]}.5", f"{ENSEMBL[1]}.5_PAR_Y", ENSEMBL[2]]), genes, no_transcripts)
    assert _found(matched) == {"GAPDH": 3, "ACTB": 3}
    assert "3 rows fell on 2 genes: the counts of each gene were added up." in matched.notes


def test_transcripts_are_summed_to_genes(genes: pd.DataFrame) -> None:
    ids = ["ENST00000000001.4", "ENST00000000003", "ENST00000000002.1", "ENST00000000099.1"]
    matched = match_genes(_samples(ids), genes, TRANSCRIPTS)
    assert _found(matched) == {"TP53": 4, "ALB": 2} and matched.unmatched == ["ENST00000000099.1"]
    assert matched.kind == "table, Ensembl transcript ids"


def test_transcripts_on_a_dataset_of_symbols(genes: pd.DataFrame) -> None:
    matched = match_genes(_samples(["ENST00000000003.1"]), genes.assign(ensembl_gene_id=""), TRANSCRIPTS)
    assert _found(matched) == {"ALB": 1}


def test_the_transcript_table_leads_from_id_to_symbol_and_back(genes: pd.DataFrame) -> None:
    assert _found(match_genes(_samples([ENSEMBL[3]]), genes.assign(ensembl_gene_id=""), TRANSCRIPTS)) == {"ALB": 1}
    assert _found(match_genes(_samples(["ALB"]), genes.assign(symbol=""), TRANSCRIPTS)) == {"ALB": 1}


def test_gencode_targets(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    ids = [
        f"ENST00000000001.2|{ENSEMBL[3]}.5|OTTHUMG1|OTTHUMT1|ALB-201|ALB|1657|protein_coding|",
        f"ENST00000000002.2|{ENSEMBL[3]}.5|-|-|ALB-202|ALB|657|protein_coding|",
        "ENST00000000003.2|ENSG00000999999.1|-|-|GFAP-201|GFAP|9|protein_coding|",  # id unknown, symbol known
    ]
    matched = match_genes(_samples(ids), genes, no_transcripts)
    assert _found(matched) == {"ALB": 3, "GFAP": 3} and matched.kind == "table, GENCODE target ids"


def test_case_is_a_last_resort_and_noted(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    matched = match_genes(_samples(["alb", "gfap", "TP53"]), genes, no_transcripts)
    assert _found(matched) == {"ALB": 1, "GFAP": 2, "TP53": 3}
    assert "2 symbols were matched without regard to upper and lower case." in matched.notes


def test_the_majority_decides_and_the_rest_fills_gaps(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    ids = ["TP53", "GAPDH", "ACTB", ENSEMBL[3], ENSEMBL[0], "ENST00000000001"]
    matched = match_genes(_samples(ids), genes, no_transcripts)
    assert _found(matched) == {"TP53": 1, "GAPDH": 2, "ACTB": 3, "ALB": 4}  # TP53 is not counted twice
    assert matched.unmatched == [ENSEMBL[0], "ENST00000000001"]


def test_symbols_that_several_genes_share_are_left_out(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    genes.loc[5, "symbol"] = "ALB"
    matched = match_genes(_samples(["ALB", "TP53"]), genes, no_transcripts)
    assert np.flatnonzero(matched.matched).tolist() == [0] and matched.unmatched == ["ALB"]
    assert "1 names are shared by several genes of the dataset and were left out." in matched.notes
    by_id = match_genes(_samples([ENSEMBL[5], ENSEMBL[3]]), genes, no_transcripts)
    assert counts_of(by_id)[0, [3, 5]].tolist() == [2, 1]


def test_few_matches_are_noted(no_transcripts: pd.DataFrame) -> None:
    many = pd.DataFrame({"symbol": [f"G{i}" for i in range(100)], "ensembl_gene_id": ""})
    notes = match_genes(_samples(["G1", "G2"]), many, no_transcripts).notes
    assert notes[-1] == "Only 2 of the dataset's 100 genes were found (2.0%): results rest on few genes."
    assert match_genes(_samples([f"G{i}" for i in range(10)]), many, no_transcripts).notes == ["from the file"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (
            ["foo", "bar", "baz", "qux"],
            "None of the 4 genes is in the dataset: the file has foo, bar, baz; expected TP53,",
        ),
        (["Trp53", "Gapdh", "Alb"], "The file looks like mouse, the dataset like human"),
        (["ENSMUSG00000059552.14", "ENSMUSG00000057666"], f"expected {ENSEMBL[0]}, .* looks like mouse"),
        (["ENST00000000001.1"], "Build the dataset with --lengths and a GENCODE GTF"),
        (["7157", "2597"], "look like Entrez ids"),
        (["ENSG00000999999"], "Give gene symbols or Ensembl ids"),
    ],
)
def test_no_known_gene(genes: pd.DataFrame, no_transcripts: pd.DataFrame, ids: list[str], message: str) -> None:
    with pytest.raises(SampleFileError, match=message):
        match_genes(_samples(ids), genes, no_transcripts)


def test_mouse_symbols_never_pass_for_human_by_case(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    human = genes.assign(ensembl_gene_id="")
    with pytest.raises(SampleFileError, match="looks like mouse, the dataset like human"):
        match_genes(_samples(["Gapdh", "Actb", "Alb"]), human, no_transcripts)
    mouse = human.assign(symbol=human["symbol"].str.capitalize())
    with pytest.raises(SampleFileError, match="looks like human, the dataset like mouse"):
        match_genes(_samples(["GAPDH", "ACTB"]), mouse, no_transcripts)


def _many(write: str) -> pd.DataFrame:
    """A hundred genes of an organism, of which five are written alike in both."""
    symbols = [f"{write}{i}" for i in range(95)] + [f"XIST{i}" for i in range(5)]
    return pd.DataFrame({"symbol": symbols, "ensembl_gene_id": ""})


@pytest.mark.parametrize(("file", "dataset"), [("Gene", "GENE"), ("GENE", "Gene")])
def test_the_other_organism_is_refused_though_some_names_match(
    no_transcripts: pd.DataFrame, file: str, dataset: str
) -> None:
    words = {"GENE": "human", "Gene": "mouse"}
    samples = _samples(_many(file)["symbol"].tolist())
    with pytest.raises(SampleFileError, match=rf"look like {words[file]} .* dataset is of {words[dataset]}: only 5 of"):
        match_genes(samples, _many(dataset), no_transcripts)
    assert match_genes(samples, _many(file), no_transcripts).matched.all()


def test_the_organism_that_the_counts_file_names_counts(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    lower = genes.assign(symbol=genes["symbol"].str.lower(), ensembl_gene_id="")  # tells nothing by itself
    samples = _samples([*(f"Gene{i}" for i in range(50)), "tp53"])
    assert match_genes(samples, lower, no_transcripts).matched.sum() == 1
    with pytest.raises(SampleFileError, match=r"look like mouse .* dataset is of human"):
        match_genes(samples, lower, no_transcripts, "Homo sapiens")


def test_a_graft_with_genes_of_both_organisms_is_read(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    mouse = [f"ENSMUSG{i:011d}" for i in range(20)]
    assert match_genes(_samples([*ENSEMBL, *mouse]), genes, no_transcripts).matched.all()


def test_genes_of_a_third_organism_are_named(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    with pytest.raises(SampleFileError, match="looks like rat, the dataset like human"):
        match_genes(_samples(["ENSRNOG00000010756"]), genes, no_transcripts)


RENAMED = [
    ("SEPT2", "SEPTIN2"), ("MARCH3", "MARCHF3"), ("MARC1", "MTARC1"), ("DEC1", "DELEC1"), ("SEP15", "SELENOF"),
]  # fmt: skip


@pytest.mark.parametrize("pair", RENAMED)
@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("write", [str.upper, str.capitalize])
def test_a_renamed_gene_is_found_under_its_other_name(
    no_transcripts: pd.DataFrame, pair: tuple[str, str], turn: int, write: Callable[[str], str]
) -> None:
    ours, theirs = (write(name) for name in pair[::turn])
    dataset = pd.DataFrame({"symbol": [write("GAPDH"), write("TTN"), ours], "ensembl_gene_id": ""})
    matched = match_genes(_samples([theirs, write("GAPDH"), write("TTN")]), dataset, no_transcripts)
    assert matched.columns.tolist() == [2, 0, 1]
    assert f"1 symbols were found under another name of the gene: {theirs} as {ours}." in matched.notes


def test_a_dataset_that_has_the_former_name_keeps_it(no_transcripts: pd.DataFrame) -> None:
    dataset = pd.DataFrame({"symbol": ["SEPT2", "SEPTIN2", "TTN"], "ensembl_gene_id": ""})
    assert match_genes(_samples(["SEPT2", "TTN"]), dataset, no_transcripts).columns.tolist() == [0, 2]
    one = dataset.iloc[1:].reset_index(drop=True)  # and what has the current name is not counted twice
    matched = match_genes(_samples(["SEPTIN2", "SEPT2", "TTN"]), one, no_transcripts)
    assert matched.columns.tolist() == [0, -1, 1] and matched.unmatched == ["SEPT2"]


@pytest.mark.parametrize(
    "name", ["{0}_{1}", "{0}.12_{1}", "{0}|{1}", "{0}.3|{1}", "{1}|{0}", "{1}_{0}.4", "{0}|{1}|protein_coding"]
)
@pytest.mark.parametrize("blank", ["symbol", "ensembl_gene_id"])
def test_an_id_and_a_symbol_in_one_name(
    genes: pd.DataFrame, no_transcripts: pd.DataFrame, name: str, blank: str
) -> None:
    ids = [name.format(ENSEMBL[i], SYMBOLS[i]) for i in (3, 0)]
    matched = match_genes(_samples(ids), genes.assign(**{blank: ""}), no_transcripts)
    assert matched.columns.tolist() == [3, 0] and matched.kind == "table, Ensembl gene ids"


def test_the_symbol_beside_an_unknown_id_does_not_add_to_a_gene_that_has_its_own(
    genes: pd.DataFrame, no_transcripts: pd.DataFrame
) -> None:
    ids = [f"{ENSEMBL[3]}|ALB", "ENSG00000999999|ALB", "ENSG00000999998|GFAP"]
    matched = match_genes(_samples(ids), genes, no_transcripts)
    assert _found(matched) == {"ALB": 1, "GFAP": 3} and matched.unmatched == ["ENSG00000999999|ALB"]


def test_symbols_with_entrez_ids(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    assert _found(match_genes(_samples(["ALB|213", "TP53|7157", "?|100130426"]), genes, no_transcripts)) == {
        "ALB": 1, "TP53": 2,
    }  # fmt: skip


def test_par_y_with_a_symbol_is_added_to_x(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    ids = [f"{ENSEMBL[1]}.5_GAPDH", f"{ENSEMBL[1]}.5_PAR_Y_GAPDH"]
    assert _found(match_genes(_samples(ids), genes, no_transcripts)) == {"GAPDH": 3}


def test_a_table_of_few_transcripts_is_noted(genes: pd.DataFrame) -> None:
    ids = [f"ENST{i:011d}.1" for i in range(1, 9)]
    notes = match_genes(_samples(ids), genes, TRANSCRIPTS).notes
    assert any("knows the gene of only 3 of the file's 8 transcripts" in note for note in notes)
