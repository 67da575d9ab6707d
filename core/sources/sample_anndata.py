"""AnnData files (.h5ad): the matrix that holds counts, its genes, and its observations as samples.

Format as of encoding versions up to 0.2 (anndata documentation, "On-disk format"), and what came before it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import h5py
import numpy as np

from core.errors import SampleFileError
from core.sources import sample_limits
from core.sources.gene_names import is_gene_id, joined
from core.sources.sample_columns import PIECE, check_counts, damage, is_list, numbers, texts
from core.sources.sample_limits import distinct, few
from core.types import DoubleArray, IndexArray, Progress, SampleSet, SampleValues

MAX_GENES = 1_000_000
LAYERS = ("counts", "raw_counts", "sum")  # the last is what scanpy.get.aggregate(func="sum") writes
_SYMBOLS = ("gene_symbols", "gene_symbol", "feature_name", "gene_name", "gene_names", "symbol", "hgnc_symbol")
_IDS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "ensembl", "feature_id", "ensembl_gene_id")
_CELLS, _CELL_READS = 50, 100_000  # so many observations of so few counts each look like cells
_MOST = 0.5
_Place = slice | tuple[IndexArray, IndexArray]


def is_anndata(file: h5py.File) -> bool:
    return "obs" in file and "var" in file and any(key in file for key in ("X", "layers", "raw"))


@dataclass(frozen=True)
class _Matrix:
    """``shape`` (observations, genes) of a matrix; ``sparse``: "csr", "csc" or "" where every value is kept."""

    item: h5py.Dataset | h5py.Group
    key: str
    shape: tuple[int, int]
    sparse: str
    name: str

    def pieces(self) -> "Iterator[tuple[_Place, DoubleArray]]":
        """What is stored, some at a time: where it goes, and the values."""
        return self._stored() if self.sparse else self._dense()

    def _dense(self) -> "Iterator[tuple[_Place, DoubleArray]]":
        n, width = self.shape
        step = max(1, PIECE // max(1, width))
        for start in range(0, n, step):
            with damage(self.name, self.key):
                yield slice(start, start + step), np.asarray(self.item[start : start + step], dtype=np.float64)

    def _stored(self) -> "Iterator[tuple[_Place, DoubleArray]]":
        major, minor = self.shape if self.sparse == "csr" else self.shape[::-1]
        data, indices = self.item["data"], self.item["indices"]
        pointers = numbers(self.item["indptr"], f"{self.key}/indptr", self.name, major + 1).astype(np.int64)
        ends = {part.shape for part in (data, indices)}
        if len(pointers) != major + 1 or pointers[0] != 0 or (np.diff(pointers) < 0).any() or ends != {(pointers[-1],)}:
            raise SampleFileError(f"{self.name}: the parts of {self.key} do not fit each other. Save the file again.")
        for start in range(0, int(pointers[-1]), PIECE):
            stop = min(start + PIECE, int(pointers[-1]))
            with damage(self.name, self.key):
                values = np.asarray(data[start:stop], dtype=np.float64)
                inner = np.asarray(indices[start:stop], dtype=np.int64)
            if not (inner.min() >= 0 and inner.max() < minor):
                raise SampleFileError(f"{self.name}: {self.key}/indices points outside the matrix. Save it again.")
            outer = np.searchsorted(pointers, np.arange(start, stop), side="right") - 1
            yield (outer, inner) if self.sparse == "csr" else (inner, outer), values

    def whole(self, step: Callable[[], None]) -> bool:
        """Whether it holds whole numbers of at least 0 alone, as counts are; ``step`` is called for every piece."""
        for _, values in self.pieces():
            step()
            if not ((values >= 0) & (values == np.floor(values)) & (values < 2**32)).all():
                return False
        return True

    def filled(self, whole: bool, step: Callable[[], None]) -> SampleValues:
        """All of it (m x p), in four bytes a value."""
        values: SampleValues
        values = np.zeros(self.shape, dtype=np.uint32) if whole else np.zeros(self.shape, dtype=np.float32)
        for place, part in self.pieces():
            step()
            check_counts(part, f"{self.name}: {self.key}")
            if isinstance(place, slice):
                values[place] = part
            else:
                np.add.at(values, place, part.astype(values.dtype))
        return values


def read_anndata(file: h5py.File, name: str, progress: Progress) -> SampleSet:
    """Observations (m <= 5,000) of an h5ad as samples.

    Counts are looked for in X, then in layers/counts and raw/X; where none is whole, X is taken for what it is.
    Raises SampleFileError: too many observations, parts that do not fit, values below 0, repeated names.
    """
    n = _length(file["obs"], "obs", name)
    if n > sample_limits.MAX_SAMPLES:
        raise SampleFileError(_too_many(n, name))
    candidates = [matrix for matrix in _matrices(file, name) if matrix.shape[0] == n]
    if not candidates:
        raise SampleFileError(
            f"{name}: neither X nor layers/counts nor raw/X has a row for each of {n:,} observations."
        )
    first = candidates[0]
    looking, reading = partial(progress, "looking for counts", 0, 2), partial(progress, "reading the file", 1, 2)
    chosen = next((matrix for matrix in candidates if matrix.whole(looking)), None)
    matrix = chosen or first
    values = matrix.filled(chosen is not None, reading)
    genes, notes = _genes(file["raw/var" if matrix.key.startswith("raw") else "var"], matrix, name)
    if matrix is not first:
        notes.append(f"{first.key} holds no counts: {matrix.key} was read instead.")
    if chosen is None:
        notes.append(f"{matrix.key} was read; no counts were found in X, layers or raw.")
    names = distinct(texts(_index(file["obs"], "obs", name), "obs", name, n), name)
    notes += cells_note(values, chosen is not None)
    return SampleSet(values, genes, names, "h5ad (AnnData)", notes, counted=chosen is not None)


def _too_many(n: int, name: str) -> str:
    return (
        f"{name}: {n:,} observations, but at most {sample_limits.MAX_SAMPLES:,} are read at once. If they are cells, "
        "add up the counts of each sample or cluster first, e.g. scanpy.get.aggregate(adata, by='sample', func='sum', "
        "layer='counts'), and save that; if they are samples, save them in parts, e.g. adata[:5000].write_h5ad(...)."
    )


def _matrices(file: h5py.File, name: str) -> list[_Matrix]:
    """X, layers of counts and raw/X, in the order in which they are looked at."""
    keys = ["X", *(f"layers/{layer}" for layer in LAYERS), "raw/X"]
    found = [_matrix(file[key], key, name) for key in keys if key in file]
    return [matrix for matrix in found if matrix is not None]


def _matrix(item: h5py.Dataset | h5py.Group, key: str, name: str) -> _Matrix | None:
    """A matrix by what it says of itself. None where it is null."""
    if isinstance(item, h5py.Dataset):
        if item.ndim != 2:
            return None
        shape, sparse = item.shape, ""
        kind = item.dtype.kind
    else:
        said = item.attrs.get("encoding-type", item.attrs.get("h5sparse_format", ""))
        sparse = str(said.decode() if isinstance(said, bytes) else said)[:3]
        shape = tuple(int(size) for size in np.ravel(item.attrs.get("shape", item.attrs.get("h5sparse_shape", ()))))
        if sparse not in ("csr", "csc") or len(shape) != 2 or not {"data", "indices", "indptr"} <= set(item):
            raise SampleFileError(f"{name}: {key} is neither a plain nor a sparse (CSR, CSC) matrix. Save it as one.")
        if not is_list(item["data"], "buif") or not is_list(item["indices"], "iu"):
            raise SampleFileError(
                f"{name}: {key}/data and {key}/indices must be lists of numbers. Save the file again."
            )
        kind = item["data"].dtype.kind
    if kind not in "buif":
        raise SampleFileError(f"{name}: {key} holds no numbers.")
    sample_limits.check_size(shape[0], shape[1], name)
    return _Matrix(item, key, (int(shape[0]), int(shape[1])), sparse, name)


def _index(table: h5py.Group | h5py.Dataset, key: str, name: str) -> h5py.Dataset | h5py.Group:
    """The index column of obs or var."""
    if not isinstance(table, h5py.Group):
        raise SampleFileError(f"{name}: {key} is in the form of anndata before 0.7. Open and save it with a newer one.")
    said = table.attrs.get("_index", "_index")
    column = str(said.decode() if isinstance(said, bytes) else said)
    found = next((table[one] for one in (column, "_index", "index") if one in table), None)
    if found is None:
        raise SampleFileError(f"{name}: {key} has no index. Save the file again.")
    return found


def _length(table: h5py.Group | h5py.Dataset, key: str, name: str) -> int:
    index = _index(table, key, name)
    inner = index
    if isinstance(index, h5py.Group):
        inner = index["codes"] if "codes" in index else index["values"]
    if not isinstance(inner, h5py.Dataset) or inner.ndim != 1:
        raise SampleFileError(f"{name}: the index of {key} must be a list. Save the file again.")
    return int(inner.shape[0])


def _genes(table: h5py.Group, matrix: _Matrix, name: str) -> tuple[list[str], list[str]]:
    """Names of the genes (p), ids joined with symbols where there are both, and notes."""
    key = "raw/var" if matrix.key.startswith("raw") else "var"
    index = texts(_index(table, key, name), key, name, MAX_GENES)
    if len(index) != matrix.shape[1]:
        raise SampleFileError(
            f"{name}: {matrix.key} has {matrix.shape[1]:,} genes, but {key} names {len(index):,}. Save the file again."
        )
    columns = {one: texts(table[one], f"{key}/{one}", name, MAX_GENES) for one in (*_IDS, *_SYMBOLS) if one in table}
    columns = {one: values for one, values in columns.items() if len(values) == len(index)}
    ids = next((v for v in (index, *(columns[c] for c in _IDS if c in columns)) if _most_are_ids(v)), None)
    symbols = next((columns[c] for c in _SYMBOLS if c in columns), None)
    if symbols is None and not _most_are_ids(index) and not index[0].isdigit():
        symbols = index
    chosen = ids or symbols or index
    if ids and symbols:
        chosen = [joined(one or symbol, symbol) for one, symbol in zip(ids, symbols, strict=True)]
    blank = [i for i, one in enumerate(chosen) if not one]
    if blank:
        raise SampleFileError(f"{name}: gene {blank[0] + 1} of {key} has no name. Name it or leave it out.")
    used = [one for one, values in columns.items() if values is ids or values is symbols]
    return chosen, [f"Genes by {key}: {few(used)}."] if used else []


def _most_are_ids(names: list[str]) -> bool:
    some = names[:2_000]
    return bool(some) and sum(map(is_gene_id, some)) > _MOST * len(some)


def cells_note(values: SampleValues, whole: bool) -> list[str]:
    """A warning where the observations are more likely cells than samples."""
    if not whole or len(values) < _CELLS:
        return []
    typical = float(np.median(values.sum(axis=1, dtype=np.float64)))
    if typical >= _CELL_READS:
        return []
    return [
        f"The {len(values):,} observations have {typical:,.0f} counts each (median): they look like single cells, and "
        "the model knows samples of many cells. Add up the cells of a sample or cluster and upload the sums."
    ]
