"""HDF5 uploads: kallisto, Cell Ranger and h5ad against scipy and numpy, and files that must not be trusted."""

import gzip
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.sparse

from core.errors import SampleFileError
from core.sources import sample_anndata, sample_cells, sample_hdf5, sample_limits
from core.sources.sample_files import read_samples
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS, MakeH5

RNG = np.random.default_rng(8)
CELLS = RNG.poisson(0.4, (12, 60))  # features x cells
BULK = RNG.poisson(30, (4, 12)) * 100_000 + RNG.integers(0, 9, (4, 12))  # samples x genes; over 2^24 in places
NAMES = ["s1", "s2", "s3", "s4"]
JOINED = [f"{e}|{s}" for e, s in zip(ENSEMBL, SYMBOLS, strict=True)]


@pytest.mark.parametrize("way", ["path", "bytes", "gzip"])
def test_kallisto_h5(tmp_path: Path, way: str) -> None:
    ids, counts = [f"ENST{i:011d}.2" for i in range(40)], RNG.poisson(9, 40) / 4
    path = made.kallisto_h5(tmp_path / "whatever.csv", ids, counts)
    data = path.read_bytes()
    source = {"path": path, "bytes": data, "gzip": gzip.compress(data, mtime=0)}[way]
    samples = read_samples(source, "abundance.h5")
    assert samples.kind == "kallisto abundance.h5" and samples.counted and samples.sample_names == ["abundance"]
    assert samples.gene_ids == ids
    np.testing.assert_allclose(samples.values, [counts], rtol=1e-6)


def test_cell_ranger_is_one_pseudo_bulk(tmp_path: Path) -> None:
    types = np.array([b"Gene Expression"] * 10 + [b"Antibody Capture"] * 2)
    path = made.cell_ranger(tmp_path / "a", CELLS, ENSEMBL, SYMBOLS, **{"features/feature_type": types})
    samples = read_samples(path, "filtered_feature_bc_matrix.h5")
    assert samples.kind == "Cell Ranger matrix (HDF5)" and samples.gene_ids == JOINED[:10]
    np.testing.assert_array_equal(samples.values, [CELLS.sum(axis=1)[:10]])
    empty = int((CELLS.sum(axis=0) == 0).sum())
    assert samples.notes[0].startswith("filtered_feature_bc_matrix: the counts of 60 cells were added up to one sample")
    assert (f"{empty:,} of them have no count" in samples.notes[0]) == bool(empty)
    assert samples.notes[1] == "2 features that are no genes were left out (Antibody Capture)."


def test_cell_ranger_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_cells, "PIECE", 7)
    path = made.cell_ranger(tmp_path / "a", CELLS, ENSEMBL, SYMBOLS)
    np.testing.assert_array_equal(read_samples(path, "a.h5").values, [CELLS.sum(axis=1)])


def test_cell_ranger_2(tmp_path: Path) -> None:
    sparse = scipy.sparse.csc_matrix(CELLS)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for key in ("data", "indices", "indptr"):
            file[f"GRCh38/{key}"] = getattr(sparse, key)
        file["GRCh38/shape"] = np.array(CELLS.shape)
        for key, values in (("genes", ENSEMBL), ("gene_names", SYMBOLS), ("barcodes", ["A"] * 60)):
            file[f"GRCh38/{key}"] = np.array([value.encode() for value in values])
    samples = read_samples(tmp_path / "a.h5", "a.h5")
    np.testing.assert_array_equal(samples.values, [CELLS.sum(axis=1)])
    assert samples.gene_ids == JOINED


@pytest.mark.parametrize("form", ["dense", "csr", "csc"])
@pytest.mark.parametrize("piece", [5, 10**6])
def test_h5ad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, piece: int) -> None:
    monkeypatch.setattr(sample_anndata, "PIECE", piece)
    path = made.h5ad(
        tmp_path / "x.csv", BULK.astype(np.float32), SYMBOLS, NAMES, form=form, columns={"gene_ids": ENSEMBL}
    )
    samples = read_samples(path, "x.csv")
    np.testing.assert_array_equal(samples.values, BULK.astype(np.float32).astype(np.int64))
    assert samples.values.dtype == np.uint32 and samples.counted
    assert samples.kind == "h5ad (AnnData)" and samples.sample_names == NAMES and samples.gene_ids == JOINED
    assert samples.notes == ["Genes by var: gene_ids."]


@pytest.mark.parametrize("where", ["layers/counts", "layers/sum", "raw"])
def test_counts_are_preferred_to_what_x_holds(tmp_path: Path, where: str) -> None:
    scaled = np.log1p(BULK / 1e4)
    layers = {where.split("/")[1]: BULK} if "/" in where else None
    raw = BULK if where == "raw" else None
    path = made.h5ad(tmp_path / "x", scaled, ENSEMBL, NAMES, layers=layers, raw=raw, form="csr")
    samples = read_samples(path, "x.h5ad")
    np.testing.assert_array_equal(samples.values, BULK)
    used = "raw/X" if where == "raw" else where
    assert samples.notes == [f"X holds no counts: {used} was read instead."]
    assert samples.gene_ids == ENSEMBL


def test_counts_in_a_layer_alone(tmp_path: Path) -> None:
    samples = read_samples(made.h5ad(tmp_path / "x", None, SYMBOLS, NAMES, layers={"sum": BULK}), "x.h5ad")
    np.testing.assert_array_equal(samples.values, BULK)
    assert samples.notes == [] and samples.gene_ids == SYMBOLS


def test_x_is_taken_where_nothing_is_whole(tmp_path: Path) -> None:
    samples = read_samples(made.h5ad(tmp_path / "x", BULK / 7, SYMBOLS, NAMES), "x.h5ad")
    np.testing.assert_allclose(samples.values, BULK / 7, rtol=1e-6)
    assert not samples.counted and samples.notes == ["X was read; no counts were found in X, layers or raw."]


def test_symbols_of_var_stand_in_for_numbers(tmp_path: Path) -> None:
    columns = {"feature_name": SYMBOLS}
    path = made.h5ad(tmp_path / "x", BULK, [str(i) for i in range(12)], NAMES, columns=columns)
    assert read_samples(path, "x.h5ad").gene_ids == SYMBOLS
    ids = made.h5ad(tmp_path / "y", BULK, ENSEMBL, NAMES, columns=columns)
    assert read_samples(ids, "x.h5ad").gene_ids == JOINED


def test_observations_that_look_like_cells_are_noted(tmp_path: Path) -> None:
    path = made.h5ad(tmp_path / "x", CELLS.T + 1, SYMBOLS, [f"c{i}" for i in range(60)])
    assert "they look like single cells" in read_samples(path, "x.h5ad").notes[0]


def test_too_many_observations_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_limits, "MAX_SAMPLES", 3)
    path = made.h5ad(tmp_path / "x", BULK, SYMBOLS, NAMES)
    with pytest.raises(SampleFileError, match=r"4 observations, but at most 3 .* scanpy.get.aggregate\(.* in parts"):
        read_samples(path, "x.h5ad")


def spoil(path: Path, key: str, value: Any) -> Path:
    with h5py.File(path, "a") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value
    return path


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("aux/ids", h5py.ExternalLink("/etc/passwd", "/x"), "/aux/ids is a link. Only data in the file itself"),
        ("more", h5py.SoftLink("/est_counts"), "/more is a link"),
        ("est_counts", np.zeros(3), "est_counts does not fit the 40 targets"),
        ("est_counts", np.array([-1.0] * 40), "est_counts of T0 is -1.0"),
        ("est_counts", np.array([np.inf] * 40), "est_counts of T0 is inf"),
        ("est_counts", np.array([1e300] * 40), r"est_counts of T0 is 1e\+300"),
        ("est_counts", None, "without est_counts"),
        ("est_counts", np.array([b"x"] * 40), "est_counts does not fit"),
        ("aux/ids", np.zeros((2, 2)), "aux/ids must be a list"),
    ],
)
def test_kallisto_files_that_are_refused(tmp_path: Path, key: str, value: Any, message: str) -> None:
    path = spoil(made.kallisto_h5(tmp_path / "a", [f"T{i}" for i in range(40)], np.ones(40)), key, value)
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(path, "up.h5")
    assert str(caught.value).startswith("up.h5: ")


def test_data_in_other_files_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.ones(40).tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones(40)
    outside, virtual = (made.kallisto_h5(tmp_path / n, [f"T{i}" for i in range(40)], np.ones(40)) for n in "ab")
    with h5py.File(outside, "a") as file:
        del file["est_counts"]
        file.create_dataset("est_counts", (40,), "f8", external=[(str(secret), 0, 320)])
    with h5py.File(virtual, "a") as file:
        del file["est_counts"]
        layout = h5py.VirtualLayout((40,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (40,))
        file.create_virtual_dataset("est_counts", layout)
    for path in (outside, virtual):
        with pytest.raises(SampleFileError, match="/est_counts keeps its values in other files"):
            read_samples(path, "up.h5")


@pytest.mark.parametrize("key", ["est_counts", "bootstrap/bs1"])
def test_what_promises_more_than_it_stores_is_refused_before_it_is_read(tmp_path: Path, key: str) -> None:
    path = made.kallisto_h5(tmp_path / "a", [f"T{i}" for i in range(40)], np.ones(40))
    with h5py.File(path, "a") as file:
        if key in file:
            del file[key]
        file.create_dataset(key, (2**36,), "f8", chunks=(1024,), compression="gzip")
    assert path.stat().st_size < 10**5
    with pytest.raises(SampleFileError, match=rf"/{key} promises 524,288 MB .* made to fill the memory"):
        read_samples(path, "up.h5")


def test_an_archs4_layout_that_promises_too_much_is_refused(make_h5: MakeH5) -> None:
    path = make_h5(change={"meta/samples/geo_accession": None})
    with h5py.File(path, "a") as file:
        file.create_dataset("meta/samples/geo_accession", (2**31,), h5py.string_dtype(), chunks=(1024,))
    with pytest.raises(SampleFileError, match="geo_accession promises"):
        read_samples(path, "up.h5")


def test_one_chunk_for_everything_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_hdf5, "MAX_CHUNK_BYTES", 300)
    path = made.kallisto_h5(tmp_path / "a", [f"T{i}" for i in range(40)], np.ones(40))
    with pytest.raises(SampleFileError, match="est_counts is stored in chunks over"):
        read_samples(path, "up.h5")


def test_a_group_within_itself_does_not_go_on_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made.kallisto_h5(tmp_path / "a", [f"T{i}" for i in range(40)], np.ones(40))
    with h5py.File(path, "a") as file:
        file["aux/again"] = file["aux"]
    assert read_samples(path, "up.h5").values.sum() == 40
    monkeypatch.setattr(sample_hdf5, "MAX_OBJECTS", 5)
    with pytest.raises(SampleFileError, match="holds more than 5 objects"):
        read_samples(path, "up.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": np.array([12, 61])}, "the matrix is 12 x 61, but the file names 12 features and 60 barcodes"),
        ({"shape": np.array([12, 2**40])}, "the matrix is 12 x"),
        ({"indptr": np.zeros(61, dtype=np.int64)}, "data, indices and indptr do not fit"),
        ({"indices": np.full(scipy.sparse.csc_matrix(CELLS).nnz, 12)}, "indices points outside its 12 features"),
        ({"data": np.full(scipy.sparse.csc_matrix(CELLS).nnz, -1)}, "data holds -1.0, but counts"),
        ({"features/name": np.array([b"x"])}, "the columns of its features differ in length"),
        ({"features/feature_type": np.array([b"Peaks"] * 12)}, r"none of its features is a gene \(Peaks\)"),
    ],
)
def test_cell_ranger_files_that_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleFileError, match=message):
        read_samples(made.cell_ranger(tmp_path / "a", CELLS, ENSEMBL, SYMBOLS, **change), "up.h5")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("X", np.zeros((4, 11)), "X has 11 genes, but var names 12"),
        ("X", np.zeros((3, 12)), "neither X nor layers/counts nor raw/X has a row for each of 4"),
        ("X", BULK - 10.0**9, "X holds -.* give the raw counts"),
        ("X", np.array([[b"x"] * 12] * 4), "X holds no numbers"),
        ("X/data", None, "X is neither a plain nor a sparse"),
        ("X/indices", np.full(np.count_nonzero(BULK), 12), "X/indices points outside the matrix"),
        ("X/indptr", np.zeros(5, dtype=np.int64), "the parts of X do not fit"),
        ("obs/_index", np.array([b"a", b"a", b"b", b"c"]), "the sample names a are repeated"),
        ("obs/_index", None, "obs has no index"),
        ("var/_index", np.array([b"a"] * 11 + [b""]), "gene 12 of var has no name"),
        ("obs", np.zeros(4), "in the form of anndata before 0.7"),
    ],
)
def test_h5ad_files_that_are_refused(tmp_path: Path, key: str, value: Any, message: str) -> None:
    path = spoil(made.h5ad(tmp_path / "a", BULK, SYMBOLS, NAMES, form="csr"), key, value)
    with pytest.raises(SampleFileError, match=message) as caught:
        read_samples(path, "up.h5ad")
    assert "\n" not in str(caught.value)


def test_a_sparse_matrix_may_declare_no_more_than_fits(tmp_path: Path) -> None:
    path = made.h5ad(tmp_path / "a", BULK, SYMBOLS, NAMES, form="csr")
    with h5py.File(path, "a") as file:
        file["X"].attrs["shape"] = np.array([4, 2**31])
    with pytest.raises(SampleFileError, match="more than fit into memory"):
        read_samples(path, "up.h5ad")
