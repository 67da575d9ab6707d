"""Tables of quantifiers and GCT: known by content under a wrong name, equal to what pandas reads, refused in words."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import SampleFileError
from core.sources.gene_matching import match_genes
from core.sources.matched import counts_of
from core.sources.sample_files import read_samples
from core.sources.sample_quantifiers import bam_names, choose_strand
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS

RNG = np.random.default_rng(5)
COUNTS = RNG.poisson(40, (3, len(ENSEMBL)))
VERSIONED = [f"{one}.{i + 1}" for i, one in enumerate(ENSEMBL)]
WRONG = "data (1).csv"  # says nothing of what is in it


def column(data: bytes, name: str | int, **how: object) -> np.ndarray:
    return pd.read_csv(io.BytesIO(data), sep="\t", **how)[name].to_numpy()


@pytest.mark.parametrize("names", [[f"ENST{i:011d}.1" for i in range(12)], VERSIONED])
def test_salmon(names: list[str]) -> None:
    data = made.salmon(names, COUNTS[0] / 7)
    samples = read_samples(data, WRONG)
    assert samples.kind == "salmon quant.sf" and samples.counted
    assert samples.notes == ["The column NumReads was used."]
    assert samples.gene_ids == names and samples.sample_names == ["data (1)"]
    np.testing.assert_allclose(samples.values[0], column(data, "NumReads"), rtol=1e-6)


@pytest.mark.parametrize(
    ("shares", "strand", "words"),
    [
        ((0.5, 0.52), 0, "not stranded (49% of the reads lie on the first read's strand): the column of both strands"),
        ((0.03, 0.97), 2, "stranded (97% of the reads lie on the second read's strand): that strand's column"),
        ((0.95, 0.05), 1, "stranded (95% of the reads lie on the first read's strand): that strand's column"),
        ((0.3, 0.7), 0, "Whether the library is stranded is unclear (30% of the reads"),
    ],
)
def test_star_takes_the_strand_of_the_library(shares: tuple[float, float], strand: int, words: str) -> None:
    both = RNG.poisson(20_000, 12)
    columns = np.array([both, *(np.round(both * share).astype(int) for share in shares)])
    data = made.star(ENSEMBL, columns)
    samples = read_samples(data, WRONG)
    table = pd.read_csv(io.BytesIO(data), sep="\t", header=None, index_col=0, skiprows=4)
    np.testing.assert_array_equal(samples.values, [table[strand + 1].to_numpy()])
    assert samples.kind == "STAR ReadsPerGene.out.tab" and samples.gene_ids == ENSEMBL and samples.counted
    assert words in samples.notes[0]
    left_out = "Rows that are no genes were left out: N_unmapped, N_multimapping, N_noFeature, N_ambiguous."
    assert samples.notes[1] == left_out


def test_strands_without_reads_are_not_stranded() -> None:
    assert choose_strand(np.zeros((3, 4), dtype=np.uint32))[0] == 0


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("/runs/liver1_ReadsPerGene.out.tab", "liver1"), ("liver1.ReadsPerGene.out.tab.gz", "liver1"),
        ("ReadsPerGene.out.tab", "ReadsPerGene.out"),
    ],
)  # fmt: skip
def test_the_sample_is_named_without_the_programs_ending(name: str, sample: str) -> None:
    assert read_samples(made.star(ENSEMBL, COUNTS), name).sample_names == [sample]


def test_merged_star_and_htseq_tables_lose_the_rows_that_are_no_genes() -> None:
    text = b"gene,a,b\nN_unmapped,9,9\nN_noFeature,9,9\nTP53,1,2\nACTB,3,4\n__no_feature,5,6\n"
    samples = read_samples(text, "m.csv")
    assert samples.gene_ids == ["TP53", "ACTB"] and samples.values.tolist() == [[1, 3], [2, 4]]
    assert samples.notes == ["Rows that are no genes were left out: N_unmapped, N_noFeature, __no_feature."]


def test_gdc() -> None:
    head = ["gene_id", "gene_name", "gene_type", "unstranded", "stranded_first", "stranded_second",
            "tpm_unstranded", "fpkm_unstranded", "fpkm_uq_unstranded"]  # fmt: skip
    rows = [[v, s, "protein_coding", c, c // 2, c - c // 2, 1.5, 0.5, 0.7]
            for v, s, c in zip(VERSIONED, SYMBOLS, COUNTS[0].tolist(), strict=True)]  # fmt: skip
    data = b"# gene-model: GENCODE v36\n" + made.tsv([head, ["N_unmapped", "", "", 4, 4, 4, "", "", ""], *rows])
    samples = read_samples(data, "TCGA-1.rna_seq.augmented_star_gene_counts.tsv")
    assert samples.kind == "GDC table of STAR counts" and samples.sample_names == ["TCGA-1"]
    np.testing.assert_array_equal(samples.values[0], column(data, "unstranded", comment="#")[1:])
    assert samples.gene_ids[0] == f"{VERSIONED[0]}|TP53"


@pytest.mark.parametrize("comment", [True, False])
@pytest.mark.parametrize("extra", [True, False])
def test_feature_counts(comment: bool, extra: bool) -> None:
    bams = ["/data/run 1/S1.Aligned.sortedByCoord.out.bam", "C:\\bam\\S2.sorted.markdup.bam", "S3.bam"]
    data = made.feature_counts(VERSIONED, bams, COUNTS, extra)
    data = data if comment else data.split(b"\n", 1)[1]
    samples = read_samples(data, WRONG)
    assert samples.kind == "featureCounts table" and samples.sample_names == ["S1", "S2", "S3"] and samples.counted
    table = pd.read_csv(io.BytesIO(data), sep="\t", comment="#")
    np.testing.assert_array_equal(samples.values, table[bams].to_numpy().T)
    assert samples.gene_ids == ([f"{v}|SYM{i}" for i, v in enumerate(VERSIONED)] if extra else VERSIONED)


def test_bam_files_of_one_name_go_by_their_folders() -> None:
    assert bam_names(["a/accepted_hits.bam", "b/accepted_hits.bam"]) == ["a", "b"]
    assert bam_names(["x/a/1.bam", "x/a/2.bam"]) == ["1", "2"]
    assert bam_names(["a/1.bam", "a/2.bam", "b/1.bam"]) == ["a/1", "a/2", "b/1"]
    assert bam_names(["Aligned.out.bam"]) == ["Aligned.out.bam"]


@pytest.mark.parametrize("symbols", [None, SYMBOLS])
def test_htseq(symbols: list[str] | None) -> None:
    data = made.htseq(ENSEMBL, COUNTS[1].tolist(), symbols)
    samples = read_samples(data, "liver.htseq.counts.txt")
    assert samples.kind == "HTSeq-count table" and samples.counted
    table = pd.read_csv(io.BytesIO(data), sep="\t", header=None)
    np.testing.assert_array_equal(samples.values[0], table.iloc[:-5, -1])
    assert samples.gene_ids == ([f"{e}|{s}" for e, s in zip(ENSEMBL, symbols, strict=True)] if symbols else ENSEMBL)
    assert "__no_feature, __ambiguous, __too_low_aQual" in samples.notes[-1]


def test_rsem_genes_with_symbols_in_their_ids(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    names = [f"{v}_{s}" for v, s in zip(VERSIONED, SYMBOLS, strict=True)]
    data = made.rsem_genes(names, (COUNTS[2] / 3).round(2))
    samples = read_samples(data, WRONG)
    assert samples.kind == "RSEM genes.results" and samples.notes == ["The column expected_count was used."]
    np.testing.assert_allclose(samples.values[0], column(data, "expected_count"), rtol=1e-6)
    for dataset in (genes, genes.assign(ensembl_gene_id="")):  # by id, and by the symbol where there are no ids
        matched = match_genes(samples, dataset, no_transcripts)
        np.testing.assert_allclose(counts_of(matched)[0], column(data, "expected_count"), rtol=1e-6)


def test_rsem_isoforms_are_added_up_by_their_gene(genes: pd.DataFrame, no_transcripts: pd.DataFrame) -> None:
    pairs = [(f"ENST{i:011d}.2", VERSIONED[i // 3]) for i in range(36)]
    data = made.rsem_isoforms(pairs, RNG.poisson(30, 36))
    samples = read_samples(data, WRONG)
    assert samples.kind == "RSEM isoforms.results" and "added up" in samples.notes[1]
    matched = match_genes(samples, genes, no_transcripts)
    by_gene = pd.read_csv(io.BytesIO(data), sep="\t").groupby("gene_id")["expected_count"].sum()
    np.testing.assert_array_equal(counts_of(matched)[0], by_gene[VERSIONED].to_numpy())


def test_a_matrix_with_columns_on_its_genes() -> None:
    rows = [[e, s, *COUNTS[:, i]] for i, (e, s) in enumerate(zip(ENSEMBL, SYMBOLS, strict=True))]
    samples = read_samples(made.tsv([["gene_id", "gene_name", "a", "b", "c"], *rows]), "x")
    np.testing.assert_array_equal(samples.values, COUNTS)
    assert samples.sample_names == ["a", "b", "c"] and samples.gene_ids[3] == f"{ENSEMBL[3]}|ALB"
    assert samples.notes == ["Taken for no sample: gene_name."]
    turned = read_samples(
        made.tsv([["symbol", "ensembl_gene_id", "count"], *([r[1], r[0], r[2]] for r in rows)]), "x.tsv"
    )
    np.testing.assert_array_equal(turned.values, COUNTS[:1])
    assert turned.gene_ids == samples.gene_ids and turned.sample_names == ["x"]


def test_gct_1_2() -> None:
    data = made.gct(VERSIONED, ["GTEX-1", "GTEX-2", "GTEX-3"], COUNTS / 4, SYMBOLS)
    samples = read_samples(data, WRONG)
    assert samples.kind == "GCT 1.2" and samples.sample_names == ["GTEX-1", "GTEX-2", "GTEX-3"]
    table = pd.read_csv(io.BytesIO(data), sep="\t", skiprows=2)
    np.testing.assert_allclose(samples.values, table.iloc[:, 2:].to_numpy().T, rtol=1e-6)
    assert samples.gene_ids[0] == f"{VERSIONED[0]}|TP53" and not samples.counted


def gct_1_3(ids: list[object]) -> bytes:
    head = ["id", "pr_gene_symbol", "pr_type", "s1", "s2", "s3"]
    fields = [["tissue", "na", "na", "liver", "brain", "brain"], ["dose", -666, -666, 1, 2, 3]]
    rows = [[one, s, "protein", *COUNTS[:, i]] for i, (one, s) in enumerate(zip(ids, SYMBOLS, strict=True))]
    return made.tsv([["#1.3"], [12, 3, 2, 2], head, *fields, *rows])


@pytest.mark.parametrize(
    ("ids", "genes"),
    [(list(range(7000, 7012)), SYMBOLS), (ENSEMBL, [f"{e}|{s}" for e, s in zip(ENSEMBL, SYMBOLS, strict=True)])],
)
def test_gct_1_3(ids: list[object], genes: list[str]) -> None:
    data = gct_1_3(ids)
    samples = read_samples(data, WRONG)
    assert samples.kind == "GCT 1.3" and samples.sample_names == ["s1", "s2", "s3"] and samples.gene_ids == genes
    table = pd.read_csv(io.BytesIO(data), sep="\t", skiprows=5, header=None)
    np.testing.assert_array_equal(samples.values, table.iloc[:, 3:].to_numpy().T)
    assert samples.notes == ["Metadata of rows (2 columns) and of samples (2 rows) were passed over."]


GCT = made.gct(ENSEMBL, ["a", "b", "c"], COUNTS, SYMBOLS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GCT.replace(b"12\t3", b"13\t3"), "promise 13 rows, but the file has 12. It was cut short"),
        (GCT.replace(b"12\t3", b"12\t4"), "line 3: the dimensions promise 4 samples, but the header has 3"),
        (GCT.replace(b"12\t3", b"twelve"), "line 2: GCT 1.2 has 2 whole numbers there"),
        (b"#1.3\n12\t3\n", "line 2: GCT 1.3 has 4 whole numbers there"),
        (b"#1.2\n1\t1\nName\tDescription\ta\n", "without rows of data"),
        (GCT.replace(f"TP53\t{COUNTS[0, 0]}".encode(), b"TP53\t"), "line 4: the count of gene .* in sample a is blank"),
        (b"Status\ts1.bam\nAssigned\t5\nUnassigned_Unmapped\t5\n", "the summary that featureCounts writes"),
        (b"Geneid\tChr\tStart\tEnd\tStrand\tLength\nA\t1\t1\t2\t+\t2\n", "without a column of counts"),
        (made.salmon(["ENST1", "ENST2"], [1, 2]).replace(b"1.000", b"-1"), "sample up is -1"),
        (made.salmon(["ENST1", "ENST2"], [1, 2])[:-15], "line 3: the count of gene ENST2 .* is blank"),
        (made.rsem_genes(["A", "A"], [1, 2]), r"1 genes occur more than once \(A\)"),
        (b"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 5\n", "Give the folder of the three files"),
        (b"Name\tLength\tEffectiveLength\tTPM\tNumReads\nENST1\t5\n", "first row has fewer columns"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(content, "up.tsv")
    assert str(caught.value).startswith("up.tsv") and "\n" not in str(caught.value)


def test_by_path_too(tmp_path: Path) -> None:
    path = tmp_path / "quant"
    path.write_bytes(made.salmon(ENSEMBL, COUNTS[0]))
    assert read_samples(path, "quant").kind == "salmon quant.sf"
