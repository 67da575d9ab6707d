"""Zip uploads: 10x folders against scipy, tables of several samples, and archives that must not be trusted."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from core.errors import SampleFileError
from core.sources import sample_archives, sample_mtx
from core.sources.sample_files import read_samples
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS
from tests.sources.made_uploads import zipped

RNG = np.random.default_rng(3)
CELLS = RNG.poisson(0.5, (12, 40))
CELLS[:, 7] = 0
JOINED = [f"{e}|{s}" for e, s in zip(ENSEMBL, SYMBOLS, strict=True)]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("place", ["", "liver/filtered_feature_bc_matrix/", "GSM5_liver_"])
@pytest.mark.parametrize("chunk", [9, 10**6])
def test_a_10x_folder(monkeypatch: pytest.MonkeyPatch, packed: bool, place: str, chunk: int) -> None:
    monkeypatch.setattr(sample_mtx, "CHUNK_ROWS", chunk)
    files = made.ten_x(CELLS, ENSEMBL, SYMBOLS, packed=packed)
    data = zipped({f"{place}{n}": d for n, d in files.items()} | {"__MACOSX/._x": b"?", ".DS_Store": b"?"})
    samples = read_samples(data, "sample.csv")
    assert samples.kind == "10x folder (zip)" and samples.counted and samples.gene_ids == JOINED
    stored = next(d for n, d in files.items() if "matrix" in n)
    whole = scipy.io.mmread(io.BytesIO(gzip.decompress(stored) if packed else stored)).toarray()
    np.testing.assert_array_equal(samples.values, [whole.sum(axis=1)])
    name = {"": "sample", "GSM5_liver_": "GSM5_liver"}.get(place, "liver")
    assert samples.sample_names == [name]
    assert samples.notes[0].startswith(f"{name}: the counts of 40 cells were added up to one sample (pseudo-bulk; ")
    assert f"{(whole.sum(axis=0) == 0).sum()} of them have no count" in samples.notes[0]


def test_features_that_are_no_genes_are_left_out() -> None:
    types = ["Gene Expression"] * 10 + ["Antibody Capture", "CRISPR Guide Capture"]
    samples = read_samples(zipped(made.ten_x(CELLS, ENSEMBL, SYMBOLS, types)), "x.zip")
    assert samples.gene_ids == JOINED[:10]
    np.testing.assert_array_equal(samples.values, [CELLS[:10].sum(axis=1)])
    assert samples.notes[1].startswith("2 features that are no genes were left out (Antibody Capture, CRISPR")


def test_raw_is_passed_over_beside_filtered_and_cells_as_rows_are_turned() -> None:
    raw = made.ten_x(CELLS * 2, ENSEMBL, SYMBOLS)
    turned = made.ten_x(CELLS, ENSEMBL, SYMBOLS) | {
        "matrix.mtx.gz": made.ten_x(CELLS.T, ["x"] * 40, ["x"] * 40)["matrix.mtx.gz"]
    }
    files = {f"outs/raw_feature_bc_matrix/{n}": d for n, d in raw.items()}
    samples = read_samples(
        zipped(files | {f"outs/filtered_feature_bc_matrix/{n}": d for n, d in turned.items()}), "s.zip"
    )
    np.testing.assert_array_equal(samples.values, [CELLS.sum(axis=1)])
    assert samples.sample_names == ["s"] and "cells as rows: it was turned" in samples.notes[1]


def test_several_matrices_are_several_samples() -> None:
    files = {
        f"{s}/{n}": d for i, s in enumerate("ab") for n, d in made.ten_x(CELLS * (i + 1), ENSEMBL, SYMBOLS).items()
    }
    samples = read_samples(zipped(files), "x.zip")
    assert samples.sample_names == ["a", "b"]
    np.testing.assert_array_equal(samples.values, [CELLS.sum(axis=1), 2 * CELLS.sum(axis=1)])
    other = {f"b/{n}": d for n, d in made.ten_x(CELLS, ENSEMBL[::-1], SYMBOLS).items()}
    with pytest.raises(SampleFileError, match=r"b/features.tsv.gz has other features than a/features.tsv.gz"):
        read_samples(zipped(files | other), "x.zip")


def test_one_table_in_a_zip_and_a_quantifiers_tables(tmp_path: Path) -> None:
    one = read_samples(zipped({"folder/liver.csv": b"gene,count\nTP53,5\n"}), "x.zip")
    assert one.values.tolist() == [[5]] and one.sample_names == ["liver"]
    counts = RNG.poisson(20, (3, 12))
    files = {f"run/{s}/quant.sf": made.salmon(ENSEMBL, c) for s, c in zip("abc", counts, strict=True)}
    extra = {"run/a/cmd_info.json": b"{}", "run/a/quant.genes.sf": b"?"}
    path = tmp_path / "all"
    path.write_bytes(zipped(files | extra))
    samples = read_samples(path, "all.zip")
    assert samples.kind == "zip of 3 tables (salmon quant.sf)" and samples.sample_names == ["a", "b", "c"]
    np.testing.assert_array_equal(samples.values, counts)
    h5 = made.kallisto_h5(tmp_path / "h5", ENSEMBL, counts[0] / 3).read_bytes()
    assert (
        read_samples(zipped({"k/abundance.h5": h5, "k/run_info.json": b"{}"}), "k.zip").kind == "kallisto abundance.h5"
    )
    with pytest.raises(SampleFileError, match=r"run/b/quant\.sf has other genes than run/a/quant.sf"):
        read_samples(zipped(files | {"run/b/quant.sf": made.salmon(ENSEMBL[::-1], counts[0])}), "x.zip")


def ten_x_with(**change: bytes | None) -> bytes:
    files = made.ten_x(CELLS, ENSEMBL, SYMBOLS, packed=False) | {n.replace("_", "."): d for n, d in change.items()}
    return zipped({name: data for name, data in files.items() if data is not None})


def mtx(kind: str, *rows: str) -> bytes:
    """A zip whose matrix has these lines."""
    lines = [f"%%MatrixMarket matrix coordinate {kind}", "%", *rows, ""]
    return ten_x_with(matrix_mtx="\n".join(lines).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ten_x_with(genes_tsv=None), r"matrix.mtx has no features.tsv \(or genes.tsv\) beside it"),
        (ten_x_with(barcodes_tsv=None), "has no barcodes.tsv beside it"),
        (ten_x_with(barcodes_tsv=b"A\nB\n"), "matrix.mtx is 12 x 40, but there are 12 features and 2 barcodes"),
        (ten_x_with(genes_tsv=b""), "names 0 features"),
        (ten_x_with(genes_tsv=b"\xff\xfe"), "is not UTF-8"),
        (ten_x_with(matrix_mtx=b"x"), "no sparse Matrix Market file"),
        (mtx("pattern general", "12 40 1", "1 1"), "of the kind pattern general"),
        (mtx("integer symmetric", "12 40 1", "1 1 1"), "of the kind integer symmetric"),
        (mtx("integer general", "12 40"), "lacks its dimensions"),
        (mtx("integer general", "12 40 2", "1 1 1"), "promises 2 values, but has 1"),
        (mtx("integer general", "12 40 1", "13 1 1"), "points outside its 12 features"),
        (mtx("integer general", "12 40 1", "0 1 1"), "points outside its 12 features"),
        (mtx("integer general", "12 40 1", "1e300 1 1"), "points outside its 12 features"),
        (mtx("integer general", "12 40 1", "1.5 1 1"), "has a row or column that is no whole number"),
        (mtx("integer general", "12 40 1", "1 1 -4"), "holds -4.0, but counts"),
        (mtx("integer general", "12 40 1", "1 1 x"), "not row, column and value"),
        (mtx("integer general", "12 40 1", "1 1"), "not row, column and value"),
        (mtx("integer general", "12 40 0"), "every count of up is 0"),
        (zipped({}), "an empty zip file"),
        (zipped({"a.csv": b"gene,x\nA,1\n", "b.csv": b"gene,x\nA,1\n"}), "a zip of a.csv, b.csv with neither"),
        (zipped({"inner.zip": zipped({"a": b"x"})}), "inner.zip is an archive .* itself"),
        (zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}), "Excel or zip file. Save the sheet as CSV"),
        (zipped({"../../etc/x.csv": b"gene,x\nA,1\n"}), "leads out of the archive"),
        (zipped({"/etc/x.csv": b"gene,x\nA,1\n"}), "leads out of the archive"),
        (zipped({"a\\..\\x.csv": b"gene,x\nA,1\n"}), "leads out of the archive"),
        (zipped({"x.csv": b"gene,x\nA,1\n"})[:-30], "damaged zip file"),
        (zipped({"bad.csv": b"gene,x\nA,-1\n"}), "up.zip/bad.csv, line 2: the count of gene A"),
    ],
)  # fmt: skip
def test_archives_that_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(data, "up.zip")
    assert str(caught.value).startswith("up") and "\n" not in str(caught.value)


def test_a_damaged_member_is_told() -> None:
    data = bytearray(zipped({"x.csv": b"gene,x\n" + RNG.bytes(500).hex().encode()}))
    data[200] ^= 0xFF
    with pytest.raises(SampleFileError, match="damaged zip file"):
        read_samples(bytes(data), "up.zip")


def test_an_encrypted_zip_is_told() -> None:
    data = bytearray(zipped({"x.csv": b"gene,x\nA,1\n"}))
    central = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    with pytest.raises(SampleFileError, match="is encrypted"):
        read_samples(bytes(data), "up.zip")


def test_a_link_is_not_followed() -> None:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            link = zipfile.ZipInfo("x.csv")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        data = file.getvalue()
    with pytest.raises(SampleFileError, match="leads out of the archive"):
        read_samples(data, "up.zip")


def test_bombs_are_refused_by_what_they_declare_and_by_what_they_unpack_to(monkeypatch: pytest.MonkeyPatch) -> None:
    big = zipped({"x.csv": b"gene,x\n" + b"0" * 100_000})
    monkeypatch.setattr(sample_archives, "MAX_BYTES", 50_000)
    with pytest.raises(SampleFileError, match="unpacks to more than"):
        read_samples(big, "up.zip")
    within = zipped(
        {"matrix.mtx": b"", "features.tsv": b"a\n", "barcodes.tsv.gz": gzip.compress(b"A\n" * 500_000, mtime=0)}
    )
    with pytest.raises(SampleFileError, match="unpacks to more than"):  # a gzip within the zip
        read_samples(within, "up.zip")
    lie = bytearray(big)  # says that it holds 10 bytes
    central = lie.index(b"PK\x01\x02")
    lie[central + 24 : central + 28] = struct.pack("<I", 10)
    lie[22:26] = struct.pack("<I", 10)
    with pytest.raises(SampleFileError, match=r"damaged zip file|unpacks to more than"):
        read_samples(bytes(lie), "up.zip")


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_archives, "MAX_ENTRIES", 3)
    with pytest.raises(SampleFileError, match="holds 4 files, but at most 3"):
        read_samples(zipped({f"{i}.csv": b"" for i in range(4)}), "up.zip")


def test_a_table_in_a_zip_is_held_to_the_size_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_archives, "MAX_TABLE_BYTES", 10)
    with pytest.raises(SampleFileError, match=r"x.csv holds more than"):
        read_samples(zipped({"x.csv": b"gene,x\nTP53,1\n"}), "up.zip")
