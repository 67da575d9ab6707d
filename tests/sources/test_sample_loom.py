"""Loom files, written key by key as loompy and scanpy name things."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from core.errors import SampleFileError
from core.sources import sample_limits
from core.sources.sample_files import read_samples
from tests.sources.conftest import ENSEMBL, SYMBOLS

COUNTS = np.random.default_rng(6).poisson(300, (12, 4))
LOOMPY = {
    "row_attrs/Gene": [s.encode() for s in SYMBOLS], "row_attrs/Accession": [e.encode() for e in ENSEMBL],
    "col_attrs/CellID": [f"sample {i}".encode() for i in range(4)],
}  # fmt: skip
SCANPY = {"row_attrs/var_names": [s.encode() for s in SYMBOLS], "col_attrs/obs_names": [b"a", b"b", b"c", b"d"]}


def loom(path: Path, attrs: dict[str, Any], matrix: np.ndarray = COUNTS) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=matrix, chunks=(4, 2), compression="gzip")
        for key in ("row_attrs", "col_attrs", "layers", "row_graphs", "col_graphs"):
            file.create_group(key)
        for key, values in attrs.items():
            file[key] = np.array(values)
    return path


def test_columns_are_samples_with_ids_and_symbols(tmp_path: Path) -> None:
    samples = read_samples(loom(tmp_path / "x.loom", LOOMPY), "x.loom")
    assert samples.kind == "loom" and samples.counted and samples.values.dtype == np.uint32
    np.testing.assert_array_equal(samples.values, COUNTS.T)
    assert samples.gene_ids == [f"{e}|{s}" for e, s in zip(ENSEMBL, SYMBOLS, strict=True)]
    assert samples.sample_names == [f"sample {i}" for i in range(4)]


def test_the_names_that_scanpy_writes(tmp_path: Path) -> None:
    samples = read_samples(loom(tmp_path / "x.loom", SCANPY, COUNTS.astype(np.float32)), "x.loom")
    assert samples.gene_ids == SYMBOLS and samples.sample_names == ["a", "b", "c", "d"] and samples.counted


def test_values_that_are_not_whole_are_no_counts(tmp_path: Path) -> None:
    samples = read_samples(loom(tmp_path / "x.loom", SCANPY, COUNTS / 3), "x.loom")
    assert not samples.counted and samples.values.dtype == np.float32
    np.testing.assert_allclose(samples.values, COUNTS.T / 3, rtol=1e-6)
    assert "no whole numbers" in " ".join(samples.notes)


@pytest.mark.parametrize(
    ("attrs", "matrix", "words"),
    [
        ({"col_attrs/CellID": LOOMPY["col_attrs/CellID"], "row_attrs/Chr": [b"1"] * 12}, COUNTS,
         r"row_attrs names no genes \(found: Chr\)"),
        (SCANPY, -COUNTS, "matrix holds -"),
        (SCANPY | {"col_attrs/obs_names": [b"a"] * 4}, COUNTS, "sample names a"),
        (SCANPY | {"row_attrs/var_names": [b"A"] * 3}, COUNTS, "names no genes"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, attrs: dict[str, Any], matrix: np.ndarray, words: str) -> None:
    with pytest.raises(SampleFileError, match=words):
        read_samples(loom(tmp_path / "x.loom", attrs, matrix), "x.loom")


def test_more_columns_than_samples_are_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_limits, "MAX_SAMPLES", 3)
    with pytest.raises(SampleFileError, match=r"4 columns, but at most 3 .*scanpy\.get\.aggregate"):
        read_samples(loom(tmp_path / "x.loom", LOOMPY), "x.loom")
