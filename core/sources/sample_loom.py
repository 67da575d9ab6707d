"""Loom files (.loom): a matrix of genes x columns with attributes of both (loompy's file format, versions 2 and 3).

A column is taken for a sample, as an observation of an h5ad is. Older files name genes and columns as they like.
"""

from collections.abc import Iterator

import h5py
import numpy as np

from core.errors import SampleFileError
from core.sources import sample_limits
from core.sources.gene_names import is_gene_id, joined
from core.sources.sample_anndata import MAX_GENES, cells_note
from core.sources.sample_columns import PIECE, check_counts, damage, texts
from core.sources.sample_limits import distinct
from core.types import DoubleArray, Progress, SampleSet, SampleValues

# Names of attributes, the first that is there counts.
_IDS = ("Accession", "accession", "gene_ids", "gene_id", "ensembl", "Ensembl", "ensembl_id", "var_names")
_SYMBOLS = ("Gene", "gene", "gene_name", "gene_names", "GeneName", "gene_symbols", "symbol", "Symbol", "var_names")
_COLUMNS = ("CellID", "cell_id", "SampleID", "sample", "Sample", "obs_names", "Cell", "cell_names")
_LAYERS = ("spliced", "unspliced", "ambiguous")  # velocyto's, which may stand for all counts together


def is_loom(file: h5py.File) -> bool:
    """Whether an HDF5 file is in loom's layout."""
    return isinstance(file.get("matrix"), h5py.Dataset) and "row_attrs" in file and "col_attrs" in file


def read_loom(file: h5py.File, name: str, progress: Progress) -> SampleSet:
    """Columns (m <= 5,000) of a loom file as samples; of several layers, the main matrix.

    Raises SampleFileError: too many columns, no genes, parts that do not fit, values below 0, repeated names.
    """
    matrix = file["matrix"]
    if matrix.ndim != 2 or matrix.dtype.kind not in "buif":
        raise SampleFileError(f"{name}: matrix is no table of numbers. Save the file again.")
    n_genes, n = (int(size) for size in matrix.shape)
    if n > sample_limits.MAX_SAMPLES:
        raise SampleFileError(_too_many(n, name))
    sample_limits.check_size(n, n_genes, name)
    progress("reading the file", 0, 1)
    values = _values(matrix, name)
    whole = values.dtype == np.uint32
    names = _first(file, "col_attrs", _COLUMNS, n, name) or [f"column {i + 1}" for i in range(n)]
    notes = ["A column was taken for a sample."]
    if any(layer in file.get("layers", {}) for layer in _LAYERS):
        notes.append("Beside the layers of spliced and unspliced counts, the main matrix was read.")
    notes += [] if whole else ["The matrix holds no whole numbers: it was taken for what it is."]
    notes += cells_note(values, whole)
    return SampleSet(values, _genes(file, n_genes, name), distinct(names, name), "loom", notes, counted=whole)


def _values(matrix: h5py.Dataset, name: str) -> SampleValues:
    """The matrix turned (columns x genes), some genes at a time; uint32 where every value is whole."""
    n_genes, n = matrix.shape
    whole = _is_whole(matrix, name)
    values: SampleValues
    values = np.zeros((n, n_genes), dtype=np.uint32) if whole else np.zeros((n, n_genes), dtype=np.float32)
    for start, part in _pieces(matrix, name):
        check_counts(part, f"{name}: matrix")
        values[:, start : start + len(part)] = part.T
    return values


def _is_whole(matrix: h5py.Dataset, name: str) -> bool:
    parts = (part for _, part in _pieces(matrix, name))
    return all(bool(((part >= 0) & (part == np.floor(part)) & (part < 2**32)).all()) for part in parts)


def _pieces(matrix: h5py.Dataset, name: str) -> Iterator[tuple[int, DoubleArray]]:
    """The first gene of some and their values."""
    step = max(1, PIECE // max(1, int(matrix.shape[1])))
    for start in range(0, int(matrix.shape[0]), step):
        with damage(name, "matrix"):
            part = np.asarray(matrix[start : start + step], dtype=np.float64)
        yield start, part


def _first(file: h5py.File, group: str, keys: tuple[str, ...], size: int, name: str) -> list[str] | None:
    """The first of these attributes that is a list of ``size`` texts, none blank."""
    for key in keys:
        item = file[group].get(key)
        if isinstance(item, h5py.Dataset) and item.shape == (size,):
            found = texts(item, f"{group}/{key}", name, MAX_GENES)
            if all(found):
                return found
    return None


def _genes(file: h5py.File, size: int, name: str) -> list[str]:
    """Names of the genes, ids joined with symbols where there are both."""
    ids, symbols = (_first(file, "row_attrs", keys, size, name) for keys in (_IDS, _SYMBOLS))
    if ids and not is_gene_id(ids[0]):
        ids, symbols = None, symbols or ids
    if ids is None and symbols is None:
        found = ", ".join(sorted(file["row_attrs"])[:6]) or "nothing"
        raise SampleFileError(
            f"{name}: row_attrs names no genes (found: {found}). Name them in row_attrs/Gene or row_attrs/Accession."
        )
    if ids and symbols:
        return [joined(one, symbol) for one, symbol in zip(ids, symbols, strict=True)]
    return ids or symbols or []


def _too_many(n: int, name: str) -> str:
    return (
        f"{name}: {n:,} columns, but at most {sample_limits.MAX_SAMPLES:,} are read at once. If they are cells, add up "
        "the counts of each sample or cluster first, e.g. adata = scanpy.read_loom(file); "
        "scanpy.get.aggregate(adata, by='sample', func='sum').write_h5ad(...), and give that .h5ad."
    )
