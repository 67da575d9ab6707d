"""Tar uploads, plain and gzipped: what zip archives are read as, and what must not be trusted."""

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from core.errors import SampleFileError
from core.sources import sample_archives
from core.sources.sample_files import read_samples
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS

RNG = np.random.default_rng(4)
CELLS = RNG.poisson(0.5, (12, 40))
COUNTS = RNG.poisson(20, (3, 12))


def tarred(files: Mapping[str, bytes], mode: str = "w:gz", change: Callable[[tarfile.TarInfo], None] = id) -> bytes:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                change(entry)
                archive.addfile(entry, io.BytesIO(data))
        return file.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("on_disk", [True, False])
def test_a_quantifiers_folder(tmp_path: Path, mode: str, on_disk: bool) -> None:
    files = {f"./run/{s}/quant.sf": made.salmon(ENSEMBL, c) for s, c in zip("cab", COUNTS, strict=True)}
    extra = {"./run/._x": b"?", "./run/a/cmd_info.json": b"{}", "./run/a/logs/salmon_quant.log": b"x" * 9_000}
    data: bytes | Path = tarred(extra | files, mode)
    if on_disk:
        (tmp_path / "all").write_bytes(data)
        data = tmp_path / "all"
    samples = read_samples(data, "all.tar.gz")
    assert samples.kind == "tar of 3 tables (salmon quant.sf)" and samples.sample_names == ["a", "b", "c"]
    np.testing.assert_array_equal(samples.values, COUNTS[[1, 2, 0]])
    assert samples.gene_ids == ENSEMBL and samples.counted


def test_star_and_kallisto_h5(tmp_path: Path) -> None:
    star = {f"s{i}ReadsPerGene.out.tab": made.star(ENSEMBL, np.array([c, c, c])) for i, c in enumerate(COUNTS)}
    np.testing.assert_array_equal(read_samples(tarred(star), "x.tgz").values, COUNTS)
    h5 = made.kallisto_h5(tmp_path / "h5", ENSEMBL, COUNTS[0]).read_bytes()
    samples = read_samples(tarred({"k/abundance.h5": h5, "k/run_info.json": b"{}"}), "k.tar.gz")
    assert samples.kind == "kallisto abundance.h5" and samples.values.tolist() == [COUNTS[0].tolist()]


@pytest.mark.parametrize("packed", [True, False])
def test_a_10x_folder(packed: bool) -> None:
    files = made.ten_x(CELLS, ENSEMBL, SYMBOLS, packed=packed)
    samples = read_samples(tarred({f"filtered_feature_bc_matrix/{n}": d for n, d in files.items()}), "liver.tar.gz")
    assert samples.kind == "10x folder (tar)" and samples.sample_names == ["liver"]
    np.testing.assert_array_equal(samples.values, [CELLS.sum(axis=1)])


def test_one_table(tmp_path: Path) -> None:
    samples = read_samples(tarred({"folder/liver.csv": b"gene,count\nTP53,5\n"}), "x.tar.gz")
    assert samples.values.tolist() == [[5]] and samples.sample_names == ["liver"]


def of_kind(kind: bytes, target: str = "/etc/passwd") -> Callable[[tarfile.TarInfo], None]:
    def change(entry: tarfile.TarInfo) -> None:
        entry.type, entry.linkname, entry.size = kind, target, 0

    return change


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tarred({}), "an empty tar file|cannot|is empty|binary"),
        (tarred({"a.csv": b"gene,x\nA,1\n", "b.csv": b"gene,x\nA,1\n"}), "a tar of a.csv, b.csv with neither"),
        (tarred({"../../etc/x.csv": b"gene,x\nA,1\n"}), "leads out of the archive"),
        (tarred({"/etc/x.csv": b"gene,x\nA,1\n"}), "leads out of the archive"),
        (tarred({"x.csv": b""}, change=of_kind(tarfile.SYMTYPE)), "no ordinary file"),
        (tarred({"x.csv": b""}, change=of_kind(tarfile.LNKTYPE)), "no ordinary file"),
        (tarred({"x.csv": b""}, change=of_kind(tarfile.CHRTYPE)), "no ordinary file"),
        (tarred({"x.csv": b""}, change=of_kind(tarfile.FIFOTYPE)), "no ordinary file"),
        (tarred({"inner.tar": tarred({"a": b"x"}, "w")}), "inner.tar is an archive .* itself"),
        (tarred({"inner.tgz": tarred({"a": b"x"})}), "inner.tgz is an archive .* itself"),
        (tarred({"inner.zip": made.zipped({"a": b"x"})}), "inner.zip is an archive .* itself"),
        (tarred({"bad.csv": b"gene,x\nA,-1\n"}), "up.tgz/bad.csv, line 2: the count of gene A"),
    ],
)  # fmt: skip
def test_archives_that_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(data, "up.tgz")
    assert str(caught.value).startswith("up") and "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_damaged_tar_is_told(mode: str, cut: float) -> None:
    data = tarred({"x.csv": b"gene,x\n" + RNG.bytes(4_000).hex().encode()}, mode)
    if mode == "w":
        data = data[: 512 + 8_000]  # header and content
    with pytest.raises(SampleFileError) as caught:
        read_samples(data[: int(len(data) * cut)], "up.tar")
    assert "\n" not in str(caught.value)


def test_bombs_are_refused_by_what_they_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_archives, "MAX_BYTES", 50_000)
    with pytest.raises(SampleFileError, match="unpacks to more than"):
        read_samples(tarred({"x.csv": b"gene,x\n" + b"0" * 100_000}), "up.tgz")
    many = {f"{s}/quant.sf": b"0" * 20_000 for s in "abc"}
    with pytest.raises(SampleFileError, match="unpacks to more than"):
        read_samples(tarred(many), "up.tgz")


def test_a_header_that_would_fill_the_memory_is_refused() -> None:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            entry = tarfile.TarInfo("x.csv")
            entry.pax_headers = {"comment": "0" * 3_000_000}
            archive.addfile(entry)
        data = gzip.compress(file.getvalue())
    with pytest.raises(SampleFileError, match="a header of 3,000,"):
        read_samples(data, "up.tgz")


def test_too_many_entries_and_repeated_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_archives, "MAX_ENTRIES", 3)
    with pytest.raises(SampleFileError, match="holds more than 3 files"):
        read_samples(tarred({f"{i}.csv": b"" for i in range(4)}), "up.tgz")
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for _ in range(2):
                archive.addfile(tarfile.TarInfo("x.csv"))
        with pytest.raises(SampleFileError, match="two files of the same name"):
            read_samples(file.getvalue(), "up.tar")
