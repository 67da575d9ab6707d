"""Gene lengths from tables and GTFs, held against a plain parser and against hand-made sums."""

import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import LengthsError
from core.sources.gencode import match_lengths, read_annotation, strip_version

HEADER = "symbol\tensembl_gene_id\tlongest_transcript_spliced_length\tlongest_transcript_genomic_span\ttranscript_id\n"
NAN = float("nan")


def _table(tmp_path: Path, text: str, name: str = "lengths.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def _feature(kind: str, start: int, end: int, gene: str, transcript: str, symbol: str, chromosome: str = "chr1") -> str:
    attributes = f'gene_id "{gene}"; transcript_id "{transcript}"; gene_type "x"; gene_name "{symbol}"; level 2;'
    return f"{chromosome}\tHAVANA\t{kind}\t{start}\t{end}\t.\t+\t.\t{attributes}\n"


def _gtf(seed: int = 0) -> str:
    """A GENCODE-like GTF of 30 genes, some with a copy in the pseudoautosomal region of Y."""
    rng = np.random.default_rng(seed)
    lines = ["##description: evidence-based annotation\n", "##provider: GENCODE\n"]
    for g in range(30):
        gene = f"ENSG{g:011d}.{g % 4 + 1}"
        copies = [("chrX", ""), ("chrY", "_PAR_Y")] if g % 7 == 0 else [("chr1", "")]
        models = [
            np.sort(rng.choice(10_000, 2 * rng.integers(1, 6), replace=False)) + 1 for _ in range(rng.integers(1, 5))
        ]
        for chromosome, mark in copies:
            lines.append(f'{chromosome}\tHAVANA\tgene\t1\t20000\t.\t+\t.\tgene_id "{gene}{mark}"; gene_name "S{g}";\n')
            for t, ends in enumerate(models):
                transcript = f"ENST{100 * g + t:011d}.2{mark}"
                where = (gene + mark, transcript, f"S{g}", chromosome)
                lines.append(_feature("transcript", ends[0], ends[-1], *where))
                for start, end in ends.reshape(-1, 2):
                    lines += [_feature("exon", start, end, *where), _feature("CDS", start, end, *where)]
    return "".join(lines)


def _plain_lengths(text: str) -> dict[str, tuple[int, int]]:
    """Spliced length and span by gene: another way, by transcript lines and split strings."""
    exons: dict[tuple[str, str], int] = defaultdict(int)
    spans: dict[tuple[str, str], int] = {}
    for line in text.splitlines():
        if line.startswith("#") or line.split("\t")[2] not in ("exon", "transcript"):
            continue
        fields = line.split("\t")
        attributes = dict(part.strip().split(" ", 1) for part in fields[8].strip(";").split(";"))
        gene = attributes["gene_id"].strip('"').split(".")[0]
        length = int(fields[4]) - int(fields[3]) + 1
        if fields[2] == "exon":
            exons[gene, attributes["transcript_id"]] += length
        else:
            spans[gene, attributes["transcript_id"]] = length
    genes = {gene for gene, _ in exons}
    return {
        g: (max(v for k, v in exons.items() if k[0] == g), max(v for k, v in spans.items() if k[0] == g)) for g in genes
    }


@pytest.mark.parametrize("name", ["gencode.gtf", "gencode.gtf.gz", "named.tsv"])
def test_gtf_against_a_plain_parser(tmp_path: Path, name: str) -> None:
    text = _gtf()
    lengths, _ = read_annotation(_table(tmp_path, text, name))
    found = {row.ensembl_gene_id: (row.spliced_bp, row.span_bp) for row in lengths.itertuples()}
    assert found == _plain_lengths(text)
    assert len(lengths) == 30
    assert lengths["symbol"].to_list() == [f"S{g}" for g in range(30)]
    assert not lengths["transcript_id"].str.contains(r"\.|PAR").any()


def test_gtf_by_hand(tmp_path: Path) -> None:
    where = ("ENSG00000000001.7", "ENST00000000001.1", "A")
    other = ("ENSG00000000001.7", "ENST00000000002.1", "A")
    text = "".join([
        _feature("exon", 101, 200, *where), _feature("exon", 301, 350, *where),  # spliced 150, span 250
        _feature("exon", 1001, 1030, *other), _feature("exon", 2001, 2100, *other),  # spliced 130, span 1100
    ])  # fmt: skip
    lengths, _ = read_annotation(_table(tmp_path, text))
    assert lengths.values.tolist() == [["A", "ENSG00000000001", 150.0, 1100.0, "ENST00000000001"]]


def test_ensembl_gtf_without_gene_names(tmp_path: Path) -> None:
    attributes = 'gene_id "ENSMUSG00000000001"; gene_version "4"; transcript_id "ENSMUST00000000001";'
    lengths, _ = read_annotation(
        _table(tmp_path, f"#!genome-build GRCm39\n3\tensembl\texon\t5\t9\t.\t-\t.\t{attributes}\n")
    )
    assert lengths.values.tolist() == [["", "ENSMUSG00000000001", 5.0, 5.0, "ENSMUST00000000001"]]


def test_transcripts_of_a_gtf(tmp_path: Path) -> None:
    text = _gtf()
    _, transcripts = read_annotation(_table(tmp_path, text))
    expected = {part.split('"')[1].split(".")[0] for part in text.split(";") if part.startswith(" transcript_id")}
    assert set(transcripts["transcript_id"]) == expected and len(transcripts) == len(expected)
    first = transcripts.iloc[0]
    assert first.to_list() == ["ENST00000000000", "ENSG00000000000", "S0"]


@pytest.mark.parametrize("name", ["lengths.tsv", "lengths.csv", "lengths.tsv.gz"])
def test_tables(tmp_path: Path, name: str) -> None:
    text = (
        HEADER
        + "TP53\tENSG00000141510.18\t2512\t25772\tENST00000269305.9\n\tENSG00000000002\t10.5\t\t\nB\t\tNA\t7\tNA\n"
    )
    lengths, _ = read_annotation(_table(tmp_path, text.replace("\t", ",") if "csv" in name else text, name))
    expected = pd.DataFrame({
        "symbol": ["TP53", "", "B"], "ensembl_gene_id": ["ENSG00000141510", "ENSG00000000002", ""],
        "spliced_bp": [2512.0, 10.5, NAN], "span_bp": [25772.0, NAN, 7.0],
        "transcript_id": ["ENST00000269305", "", ""],
    })  # fmt: skip
    pd.testing.assert_frame_equal(lengths, expected)
    assert read_annotation(tmp_path / name)[1].values.tolist() == [["ENST00000269305", "ENSG00000141510", "TP53"]]


def test_columns_in_any_order_and_no_transcripts(tmp_path: Path) -> None:
    header = "longest_transcript_genomic_span,extra,symbol,longest_transcript_spliced_length,ensembl_gene_id\n"
    text = header + "9,x,A,5,ENSG1\n"
    assert read_annotation(_table(tmp_path, text))[0].values.tolist() == [["A", "ENSG1", 5.0, 9.0, ""]]
    assert read_annotation(_table(tmp_path, text))[1].empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol\tlength\nA\t5\n", "lacks the columns ensembl_gene_id, longest_transcript_spliced_length, longest"),
        (HEADER + "A\tE\t5\t6\t\nB\tE\tlong\t6\t\n", "line 3: longest_transcript_spliced_length is 'long'"),
        (HEADER + "A\tE\t5\t0\t\n", "line 2: longest_transcript_genomic_span is '0'"),
        (HEADER + "\nA\tE\t-5\t1\t\n", "line 3: longest_transcript_spliced_length is '-5'"),
        (HEADER + "A\tE\tinf\t1\t\n", "line 2: .* is 'inf'"),
        (HEADER + "A\tE\tnan\t1\t\n", "line 2: .* is 'nan'"),
        (HEADER + "A\tE\t5\n", "line 2: 3 columns, but the header has 5"),
        (HEADER, "a header but no rows"),
        ("", "the file is empty"),
        ("##gff-version 3\nchr1\tx\texon\t1\t2\t.\t+\t.\tID=1\n", "this is GFF3"),
        (_feature("gene", 1, 9, "ENSG1", "ENST1", "A"), "a GTF without exon lines"),
        (_feature("gene", 1, 9, "G", "T", "A") + _feature("exon", 9, 1, "G", "T", "A"), "line 2: not a GTF line"),
        ('1\tx\texon\t1\t2\t.\t+\t.\tgene_id "G";\n', "line 1: an exon without gene_id and transcript_id"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LengthsError, match=rf"lengths\.tsv.*{message}"):
        read_annotation(_table(tmp_path, text))


def test_damaged_gtf(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gtf.gz"
    cut.write_bytes(gzip.compress(_gtf().encode())[:-200])
    with pytest.raises(LengthsError, match="damaged gzip"):
        read_annotation(cut)
    latin = tmp_path / "latin.gtf"
    latin.write_bytes(_feature("exon", 1, 9, "G", "T", "A").encode() + b"\xe9\n")
    with pytest.raises(LengthsError, match="not UTF-8"):
        read_annotation(latin)
    with pytest.raises(LengthsError, match="no such file"):
        read_annotation(tmp_path / "none.gtf")


@pytest.mark.parametrize(
    ("identifier", "plain"),
    [
        ("ENSG00000182378.15_PAR_Y", "ENSG00000182378"),
        ("ENSGR0000182378.9", "ENSG00000182378"),
        ("ENST00000381578", "ENST00000381578"),
        ("ENSMUSG00000000001.5", "ENSMUSG00000000001"),
        ("RP11-34P13.7", "RP11-34P13.7"),
        ("ENSA", "ENSA"),
        ("", ""),
    ],
)
def test_strip_version(identifier: str, plain: str) -> None:
    assert strip_version(identifier) == plain


def test_match_lengths_by_id_then_symbol() -> None:
    rows = [
        ("A", "ENSG00000000001", 10.0, 100.0),
        ("B", "ENSG00000000002", NAN, 200.0),
        ("B", "ENSG00000000003", 30.0, 50.0),
        ("B", "ENSG00000000004", 20.0, NAN),
        ("", "ENSG00000000005", 40.0, NAN),
    ]
    lengths = pd.DataFrame(rows, columns=["symbol", "ensembl_gene_id", "spliced_bp", "span_bp"])
    genes = pd.DataFrame(
        [
            ("X", "ENSG00000000001.3"),  # the id wins, the version is ignored
            ("A", "ENSG00000000099"),  # id unknown: by symbol
            ("B", "ENSG00000000002"),  # id has no spliced length: by symbol, the longest of the three
            ("B", "ENSG00000000004"),  # its own length, not the longest of the symbol
            ("", ""),  # blank never matches blank
            ("b", ""),
        ],
        columns=["symbol", "ensembl_gene_id"],
    )
    np.testing.assert_array_equal(match_lengths(genes, lengths, "spliced"), [10, 10, 30, 20, NAN, NAN])
    np.testing.assert_array_equal(match_lengths(genes, lengths, "genomic_span"), [100, 100, 200, 200, NAN, NAN])
    np.testing.assert_array_equal(match_lengths(genes, lengths.iloc[:0], "spliced"), [NAN] * 6)


@pytest.mark.real
def test_the_real_length_table(real_data: Path) -> None:
    path = real_data / "gene_lengths.tsv"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert lines[0][:5] == HEADER.strip().split("\t")
    by_id = {cells[1]: float(cells[2]) for cells in lines[1:]}
    lengths, _ = read_annotation(path)
    assert len(lengths) == 58_243
    wanted = [cells[1] for cells in lines[1:] if cells[0]][::50]
    genes = pd.DataFrame({"symbol": "", "ensembl_gene_id": wanted})
    np.testing.assert_array_equal(match_lengths(genes, lengths, "spliced"), [by_id[w] for w in wanted])
