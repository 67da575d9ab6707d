"""Each format holds what was written, by readers that are not ours: h5py and scipy, pandas, pyarrow, split lines."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_matrix

from core.errors import InputError, RecipeError
from core.sources import matrix_write, table_write
from core.sources.archs4 import Archs4File
from core.sources.matrix_write import SUFFIXES, OutMatrix, check_out, unique, write_matrix

N, G = 7, 12
Make = Callable[..., tuple[OutMatrix, np.ndarray]]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A matrix of 7 biosamples x 12 genes with repeated and missing names, read 3 biosamples at a time."""
    monkeypatch.setattr(matrix_write, "BLOCK_BYTES", 3 * 4 * G)

    def made(counts: bool = True) -> tuple[OutMatrix, np.ndarray]:
        rng = np.random.default_rng(5)
        values = rng.poisson(2.0, (N, G)).astype(np.uint32)
        values[1] = 0
        values[2, 3] = 4_294_967_295
        if not counts:
            values = rng.random((N, G), dtype=np.float32)
        symbols = [f"S{i}" for i in range(G)]
        symbols[4], symbols[5] = "", 'odd "one", here'
        ids = [f"ENSG{i:011d}" for i in range(G)]
        ids[3], ids[5], ids[7] = "", "", ids[6]
        genes = pd.DataFrame({"symbol": symbols, "ensembl_gene_id": ids, "biotype": "lncRNA"})
        biosamples = pd.DataFrame({
            "sample_id": [f"GSM{i}" for i in range(N)], "series_id": ["GSE1"] * 4 + ["GSE2"] * 3,
            "title": [f"Gehirn Nº\t{i}" for i in range(N)], "alignedreads": [1.5, np.nan, 3, 4, 5, 6, 7e8],
            "labels": ["brain|cortex", "", *["liver"] * 5],
        })  # fmt: skip
        labels = pd.DataFrame({"brain": [True] + [False] * 6, "liver": [False] * 2 + [True] * 5})
        read = lambda a, b: values[a:b]  # noqa: E731
        about = {"dataset": "trial", "recipe": '{"version":1}', "version": "2.2", "organism": "Homo sapiens"}
        return OutMatrix(genes, biosamples, read, values.dtype, "counts" if counts else "log", labels, about), values

    return made


GENES = ["ENSG00000000000", "ENSG00000000001", "ENSG00000000002", "S3", "ENSG00000000004", 'odd "one", here',
         "ENSG00000000006", "ENSG00000000006", *(f"ENSG{i:011d}" for i in range(8, 12))]  # fmt: skip
UNIQUE = [*GENES[:7], "ENSG00000000006-1", *GENES[8:]]


def test_archs4_is_read_back(tmp_path: Path, make: Make) -> None:
    matrix, values = make()
    write_matrix(tmp_path / "a.h5", matrix)
    with Archs4File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read(slice(None)), values)
        assert file.biosamples["sample_id"].to_list() == matrix.biosamples["sample_id"].to_list()
        assert (file.version, file.organism, file.layout) == ("2.2", "Homo sapiens", "v2")
    with h5py.File(tmp_path / "a.h5") as raw:
        np.testing.assert_array_equal(raw["data/expression"][:], values.T)
        assert raw["data/expression"].chunks == (12, 1)
        assert raw["meta/info/recipe"][()] == b'{"version":1}'
        assert list(raw["meta/samples/labels"].asstr()[:3]) == ["brain|cortex", "", "liver"]


def _attributes(item: Any) -> tuple[str, str]:
    return item.attrs["encoding-type"], item.attrs["encoding-version"]


@pytest.mark.parametrize("counts", [True, False])
def test_h5ad_follows_the_specification(tmp_path: Path, make: Make, counts: bool) -> None:
    matrix, values = make(counts)
    write_matrix(tmp_path / "a.h5ad", matrix)
    with h5py.File(tmp_path / "a.h5ad") as file:
        assert _attributes(file) == ("anndata", "0.1.0")
        if counts:
            x = file["X"]
            assert _attributes(x) == ("csr_matrix", "0.1.0")
            found = csr_matrix((x["data"][:], x["indices"][:], x["indptr"][:]), shape=tuple(x.attrs["shape"]))
            assert found.has_canonical_format and found.dtype == np.uint32
            np.testing.assert_array_equal(found.toarray(), values)
        else:
            assert _attributes(file["X"]) == ("array", "0.2.0")
            np.testing.assert_array_equal(file["X"][:], values)
        obs, var = file["obs"], file["var"]
        assert _attributes(obs) == _attributes(var) == _attributes(file["obsm/labels"]) == ("dataframe", "0.2.0")
        assert list(obs[obs.attrs["_index"]].asstr()[:]) == matrix.biosamples["sample_id"].to_list()
        assert list(var[var.attrs["_index"]].asstr()[:]) == UNIQUE
        assert list(obs.attrs["column-order"]) == ["series_id", "title", "alignedreads", "labels"]
        assert _attributes(obs["series_id"]) == ("categorical", "0.2.0")
        assert list(obs["series_id/categories"].asstr()[:][obs["series_id/codes"][:]]) == ["GSE1"] * 4 + ["GSE2"] * 3
        assert _attributes(obs["title"]) == ("string-array", "0.2.0")
        np.testing.assert_array_equal(obs["alignedreads"][:], matrix.biosamples["alignedreads"])
        assert file["obsm/labels/liver"][:].tolist() == matrix.labels["liver"].to_list()
        assert file["uns/archscope/dataset"][()] == b"trial"
        assert set(file) == {"X", "layers", "obs", "obsm", "obsp", "uns", "var", "varm", "varp"}


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("held", [1 << 20, 100])
def test_csv_loses_nothing(
    tmp_path: Path, make: Make, counts: bool, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_write, "HELD_BYTES", held)  # 100: through a scratch file
    monkeypatch.setattr(table_write, "TEXT_BYTES", 5 * 4 * N)
    matrix, values = make(counts)
    write_matrix(tmp_path / "a.csv", matrix)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["gene", *matrix.biosamples["sample_id"]]
    assert [row[0] for row in rows[1:]] == GENES
    np.testing.assert_array_equal(np.array([row[1:] for row in rows[1:]]).astype(values.dtype), values.T)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("counts", [True, False])
def test_parquet_keeps_types_and_provenance(
    tmp_path: Path, make: Make, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_write, "GROUP_BYTES", 5 * 4 * N)
    matrix, values = make(counts)
    write_matrix(tmp_path / "a.parquet", matrix)
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert list(frame.columns) == ["symbol", "ensembl_gene_id", *matrix.biosamples["sample_id"]]
    assert frame.iloc[:, 2:].dtypes.unique().tolist() == [values.dtype]
    np.testing.assert_array_equal(frame.iloc[:, 2:].to_numpy(), values.T)
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 3
    about = json.loads(file.schema_arrow.metadata[b"archscope"])
    assert about == {"values": matrix.values, **matrix.provenance}


@pytest.mark.parametrize("counts", [True, False])
def test_gct_by_split_lines(tmp_path: Path, make: Make, counts: bool) -> None:
    matrix, values = make(counts)
    write_matrix(tmp_path / "a.gct", matrix)
    lines = [line.split("\t") for line in (tmp_path / "a.gct").read_text(encoding="utf-8").rstrip("\n").split("\n")]
    assert lines[0] == ["#1.3"] and lines[1] == ["12", "7", "2", "4"]
    assert lines[2] == ["id", "symbol", "biotype", *matrix.biosamples["sample_id"]]
    assert {len(line) for line in lines[2:]} == {3 + N}
    fields = {line[0]: line[3:] for line in lines[3:7]}
    assert fields["title"][6] == "Gehirn Nº 6" and fields["alignedreads"] == [
        "1.5",
        "na",
        "3",
        "4",
        "5",
        "6",
        "700000000",
    ]
    assert fields["labels"][:2] == ["brain|cortex", ""]
    assert [line[0] for line in lines[7:]] == [name.replace('"', "'") for name in UNIQUE]
    assert lines[12][1] == "odd 'one', here"
    np.testing.assert_array_equal(np.array([line[3:] for line in lines[7:]]).astype(values.dtype), values.T)


def test_archs4_holds_counts_alone(tmp_path: Path, make: Make) -> None:
    with pytest.raises(RecipeError, match=r"holds counts, not log values: write \.h5ad"):
        write_matrix(tmp_path / "a.h5", make(counts=False)[0])
    assert not list(tmp_path.iterdir())


def test_parquet_refuses_too_many_columns(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_write, "MOST_COLUMNS", 6)
    with pytest.raises(RecipeError, match=r"7 are too many \(limit 6\)"):
        write_matrix(tmp_path / "a.parquet", make()[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, make: Make, suffix: str) -> None:
    matrix, values = make()

    def fails(start: int, stop: int) -> np.ndarray:
        if start >= 3:
            raise OSError(28, "No space left on device")
        return values[start:stop]

    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    broken = OutMatrix(matrix.genes, matrix.biosamples, fails, np.uint32)
    with pytest.raises(InputError, match=r"cannot be written \(No space left"):
        write_matrix(path, broken)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_paths_are_checked(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("x")
    check_out(tmp_path / "there.csv", force=True)
    check_out(tmp_path / "new.csv", force=False)
    for path, message in [
        (tmp_path / "there.csv", "is there already: choose another name, or replace it with --force"),
        (tmp_path / "no" / "a.csv", "There is no folder"),
        (tmp_path, "is a folder"),
    ]:
        with pytest.raises(RecipeError, match=message):
            check_out(path, force=False)


def test_names_are_told_apart() -> None:
    assert unique(["a", "b", "a", "a-1", "a"]) == ["a", "b", "a-2", "a-1", "a-3"]
    assert unique(["a", "a-1", "a", "a-2", "a"]) == ["a", "a-1", "a-3", "a-2", "a-4"]
