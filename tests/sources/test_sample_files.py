"""Uploads of every kind, and every upload that must be refused."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import SampleFileError
from core.sources import sample_limits, sample_tables, text_tables
from core.sources.gene_matching import match_genes
from core.sources.matched import counts_of as counts_of_samples
from core.sources.sample_files import read_samples
from tests.sources.conftest import ENSEMBL, SYMBOLS, MakeH5, counts_of


@pytest.mark.parametrize(
    "text",
    [
        "gene,count\nTP53,5\nGAPDH,0\nACTB,2.5\n",
        "TP53\t5\nGAPDH\t0\nACTB\t2.5\n",
        "﻿# by hand\n\nsymbol\tcount\r\nTP53\t5\r\n\r\nGAPDH\t0\r\nACTB\t2.5",
        "gene;count\nTP53; 5\nGAPDH;0 \nACTB;2.5\n",
        '"gene","count"\n"TP53","5"\n"GAPDH","0"\n"ACTB","2.5"\n',
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_gene_and_count(text: str, packed: bool) -> None:
    data = gzip.compress(text.encode()) if packed else text.encode()
    samples = read_samples(data, "patient 7.csv.gz")
    assert samples.values.tolist() == [[5, 0, 2.5]]
    assert samples.gene_ids == ["TP53", "GAPDH", "ACTB"]
    assert samples.sample_names == ["patient 7"]
    assert samples.kind == "table of gene and count"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gene,s1,s2\nTP53,1,2\nGAPDH,3,4\n", ["s1", "s2"]),
        (",1,2\nTP53,1,2\nGAPDH,3,4\n", ["1", "2"]),
        ("s1\ts2\nTP53\t1\t2\nGAPDH\t3\t4\n", ["s1", "s2"]),  # R's write.table
        ("TP53\t1\t2\nGAPDH\t3\t4\n", ["sample 1", "sample 2"]),
    ],
)
def test_matrix(text: str, names: list[str]) -> None:
    samples = read_samples(text.encode(), "m.csv")
    assert samples.values.tolist() == [[1, 3], [2, 4]]
    assert samples.values.dtype == np.uint32
    assert samples.sample_names == names and samples.gene_ids == ["TP53", "GAPDH"]
    assert samples.kind == "matrix of genes x samples"
    assert samples.notes == (["The file has no header."] if names[0] == "sample 1" else [])


def test_one_named_sample_as_r_writes_it() -> None:
    samples = read_samples(b"liver_1\nTP53\t1\nGAPDH\t3\n", "m.tsv")
    assert samples.sample_names == ["liver_1"] and samples.values.tolist() == [[1, 3]]


@pytest.mark.parametrize("header", ["gene,TPM", "gene,FPKM", "gene_id,count", "gene,tpm"])
def test_one_column_named_after_what_it_holds_takes_the_files_name(header: str) -> None:
    samples = read_samples(f"{header}\nTP53,1.5\nGAPDH,3\n".encode(), "tpm.csv")
    assert samples.sample_names == ["tpm"] and samples.values.tolist() == [[1.5, 3]]


def test_kallisto() -> None:
    text = (
        "target_id\tlength\teff_length\test_counts\ttpm\n"
        "ENST00000456328.2\t1657\t1490.22\t12.5\t0.3\nENST00000450305.2\t632\t465\t0\t0\n"
    )
    samples = read_samples(text.encode(), "run/abundance.tsv")
    assert samples.kind == "kallisto abundance.tsv" and samples.notes == ["The column est_counts was used."]
    assert samples.values.tolist() == [[12.5, 0]] and samples.sample_names == ["abundance"]
    assert samples.gene_ids == ["ENST00000456328.2", "ENST00000450305.2"]


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("variant", ["v1 flat", "v2.6"])
def test_hdf5(make_h5: MakeH5, variant: str, as_bytes: bool) -> None:
    path = make_h5(variant)
    samples = read_samples(path.read_bytes() if as_bytes else path, "upload.h5")
    np.testing.assert_array_equal(samples.values, counts_of(5, 12))
    assert samples.gene_ids == (SYMBOLS if variant == "v1 flat" else ENSEMBL)
    assert samples.sample_names == ["GSM1", "GSM2", "GSM3", "GSM4", "GSM5"]
    assert "ARCHS4" in samples.kind


def test_hdf5_with_repeated_and_nameless_genes(make_h5: MakeH5, no_transcripts: pd.DataFrame) -> None:
    symbols = ["A", "B", "A", "", *SYMBOLS[4:]]
    samples = read_samples(make_h5(change={"meta/genes/symbol": symbols, "meta/genes/ensembl_gene": None}), "u.h5")
    assert samples.gene_ids == ["A", "B", "A", *SYMBOLS[4:]]
    assert samples.notes == ["1 genes without a name were left out."]
    genes = pd.DataFrame({"symbol": ["B", "A", *SYMBOLS[4:]], "ensembl_gene_id": ""})
    counts = counts_of_samples(match_genes(samples, genes, no_transcripts))
    stored = counts_of(5, 12)
    expected = np.column_stack([stored[:, 1], stored[:, 0] + stored[:, 2], stored[:, 4:]])
    np.testing.assert_array_equal(counts, expected)


def test_a_file_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("gene,count\nTP53,5\n")
    assert read_samples(path, "x.csv").values.tolist() == [[5]]
    with pytest.raises(SampleFileError, match="none: no such file"):
        read_samples(tmp_path / "none.csv", "none")


def _excel() -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("xl/workbook.xml", "x")
        return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "up.csv: the file is empty"),
        (b" \n\n", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"# only\n", "has no rows"),
        (b"gene,count\n", "a header but no rows"),
        (b"TP53\nGAPDH\n", "one column only"),
        (b"gene,count\nTP53,5\nACTB,-1\n", "up.csv, line 3: the count of gene ACTB in sample up is -1"),
        (b"gene,count\n\nTP53,5\nACTB,many\n", "line 4: the count of gene ACTB in sample up is many"),
        (b"gene,a,b\nTP53,5,6\nACTB,1,nan\n", "line 3: the count of gene ACTB in sample b is nan"),
        (b"gene,count\nTP53,inf\n", "line 2: the count of gene TP53 .* is inf"),
        (b"gene,count\nTP53,1e999\n", "line 2: the count of gene TP53"),
        (b"gene,count\nTP53,\n", "line 2: the count of gene TP53 .* is blank"),
        (b"TP53,NA\nACTB,1\n", "line 1: the count of gene TP53 .* is NA"),
        (b"gene,a,b\nTP53,5,1\nACTB,1\n", "line 3: the count of gene ACTB in sample b is blank"),
        (b"gene,a\nTP53,True\nACTB,False\n", "line 2: the count of gene TP53 in sample a is True"),
        (b"gene,count\nTP53,1\nACTB,2,3\n", "differ in their number of columns .Expected 2 fields in line 3, saw 3"),
        (b"gene,a,b,c\nTP53,1\n", "line 2: 2 columns, but the header has 4"),
        (b"gene,count\nTP53,1\n,2\n", "line 3: no gene name"),
        (b"gene,count\nA,1\nB,1\nA,2\nB,3\n", r"2 genes occur more than once \(A, B\). Add up the rows"),
        (b"gene,count\n1-Mar,1\n1-Mar,1\n", "Names like dates come from Excel"),
        (b"gene,a,a\nTP53,1,2\n", "the sample names a are repeated"),
        (b"gene,a,,b\nTP53,1,2,3\n", "sample column 2 has no name"),
        (b"gene,a,b\nTP53,1,0\nACTB,1,0\n", "every count of b is 0"),
        (b"Gene\tLength\tEffectiveLength\tTPM\tReads\nENST1\t5\t5\t1\t1\n", "column Length holds no counts"),
        (_excel(), "Excel or zip file. Save the sheet as CSV; .* gene names into dates"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel or zip file"),
        (b"gene,count\nTP53,5\ncaf\xe9,1\n", "line 3: not UTF-8"),
        (b"gene\0,count\nTP53,5\n", "binary file"),
        (bytes(range(256)), "not UTF-8"),
        (gzip.compress(b"gene,count\nTP53,5\n", mtime=0)[:-4], "damaged gzip"),
        (b"\x1f\x8bgarbage", "damaged gzip"),
        (b"\x89HDF\r\n\x1a\n" + b"junk", "up.csv: "),
        (b'gene,count\n"TP53,5\nACTB,1\n', "differ in their number of columns"),
        (b'gene,count\n"TP53\nACTB",1\n', "a quoted gene name runs over lines"),
        (b'gene,a\nTP53,"5\nACTB,1"\n', "the count of gene TP53 in sample a is 5 ACTB,1"),
        (b"gene," + b"x" * 200_000 + b"\nTP53,5\n", "first line is no table row"),
    ],
)  # fmt: skip
def test_uploads_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(content, "up.csv")
    assert str(caught.value).startswith("up.csv") and "\n" not in str(caught.value)


def test_hdf5_without_expression(make_h5: MakeH5) -> None:
    whole = make_h5().read_bytes()
    with pytest.raises(SampleFileError, match=r"up\.h5: is truncated"):
        read_samples(whole[:-300], "up.h5")


def test_too_many_samples(monkeypatch: pytest.MonkeyPatch, make_h5: MakeH5) -> None:
    monkeypatch.setattr(sample_limits, "MAX_SAMPLES", 4)
    assert len(read_samples(b"g,a,b,c,d\nTP53,1,1,1,1\n", "m").sample_names) == 4
    for content in (b"g,a,b,c,d,e\nTP53,1,1,1,1,1\n", make_h5().read_bytes()):
        with pytest.raises(SampleFileError, match="5 samples, but at most 4"):
            read_samples(content, "m")


def test_a_gzip_bomb_is_cut_short() -> None:
    bomb = gzip.compress(b"0" * 3_000_000, mtime=0)
    with pytest.raises(SampleFileError, match="bomb: holds more than 1 MB"):
        text_tables.read_bytes(bomb, "bomb", SampleFileError, limit=2**20)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_chunks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(3, (4, 57)) + 1.0
    counts[2, 41] = 2.5  # the first value that is not whole, in a late chunk
    lines = ["gene,a,b,c,d", *(f"G{i}," + ",".join(f"{v:g}" for v in counts[:, i]) for i in range(57))]
    data = end.join(lines).encode()
    told: list[tuple[str, float, float]] = []
    monkeypatch.setattr(sample_tables, "CHUNK_VALUES", 40)
    samples = read_samples(data, "m.csv", lambda stage, done, total, **_: told.append((stage, done, total)))
    np.testing.assert_array_equal(samples.values, counts)
    assert samples.values.dtype == np.float32
    assert samples.gene_ids == [f"G{i}" for i in range(57)]
    assert len(told) > 5 and all(done <= total for _, done, total in told)
    monkeypatch.setattr(sample_tables, "CHUNK_VALUES", 10**6)
    np.testing.assert_array_equal(read_samples(data, "m.csv").values, counts)


def test_a_wrong_value_in_a_late_chunk_is_named_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_tables, "CHUNK_VALUES", 6)
    rows = [f"G{i},{i},1" for i in range(20)]
    rows[13] = "G13,5,many"
    with pytest.raises(SampleFileError, match="line 16: the count of gene G13 in sample b is many"):
        read_samples("\n".join(["gene,a,b", "", *rows]).encode(), "m.csv")
    rows[13] = rows[2]
    with pytest.raises(SampleFileError, match=r"1 genes occur more than once \(G2\)\."):
        read_samples("\n".join(["gene,a,b", *rows]).encode(), "m.csv")


def test_values_below_zero_say_what_to_give_instead() -> None:
    with pytest.raises(SampleFileError, match=r"is -1.5. .*z-scores, .* give counts, TPM, RPKM, CPM"):
        read_samples(b"gene,a\nTP53,0.5\nACTB,-1.5\n", "z.csv")


def test_more_values_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_limits, "MAX_VALUES", 5)
    with pytest.raises(SampleFileError, match=r"3 rows of 2 samples .* files of at most 1 samples"):
        read_samples(b"g,a,b\nTP53,1,2\nACTB,1,2", "m")


def test_names_like_dates_are_noted() -> None:
    samples = read_samples(b"gene,count\n1-Mar,1\nSep-02,4\nTP53,2\n", "x")
    assert samples.notes == [
        "Names that Excel had turned into dates were put right, as only one gene can be meant: Sep-02 is SEPTIN2.",
        "1 gene names look like dates (1-Mar): Excel changed them, they are lost.",
    ]
    assert samples.gene_ids == ["1-Mar", "SEPTIN2", "TP53"]


@pytest.mark.real
def test_a_matrix_of_real_counts(real_data: Path, tmp_path: Path) -> None:
    samples = read_samples(real_data / "human_tissue_counts.h5", "human_tissue_counts.h5")
    lines = ["gene," + ",".join(samples.sample_names[:20])]
    columns = samples.values[:20].astype(int).T
    lines += [f"{g}," + ",".join(map(str, row)) for g, row in zip(samples.gene_ids, columns, strict=True)]
    again = read_samples("\n".join(lines).encode(), "m.csv")
    np.testing.assert_array_equal(again.values, samples.values[:20])
    assert again.gene_ids == samples.gene_ids and again.sample_names == samples.sample_names[:20]
