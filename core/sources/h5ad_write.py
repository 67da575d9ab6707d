"""Write an AnnData .h5ad file by h5py alone, as AnnData's on-disk specification (version 0.1.0) has it.

X holds counts as a sparse matrix by rows (CSR), anything else as a dense array; ``obs`` the biosamples, ``var`` the
genes, ``obsm/labels`` the labels bit by bit, ``uns/archscope`` where the values come from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from core.sources.matrix_write import OutMatrix
from core.types import Progress, silent

_TEXT = h5py.string_dtype()
_PACKED: dict[str, Any] = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
_CHUNK = 1 << 18  # values of a chunk of the sparse matrix
_FEW = 0.5  # distinct values a row, below which a column of text is kept as categories


def write_h5ad(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """Writes ``matrix`` to ``path``, some biosamples at a time; ``uns/archscope/values`` names what X holds."""
    with h5py.File(path, "w") as file:
        _mark(file, "anndata", "0.1.0")
        if matrix.is_counts:
            _write_sparse(file, matrix, progress)
        else:
            _write_dense(file, matrix, progress)
        obs = pd.Index(matrix.biosamples["sample_id"])
        _write_frame(file, "obs", matrix.biosamples.drop(columns="sample_id"), obs)
        _write_frame(file, "var", matrix.genes, pd.Index(matrix.gene_ids()))
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            _mark(file.create_group(name), "dict", "0.1.0")
        if matrix.labels.shape[1]:
            _write_frame(file, "obsm/labels", matrix.labels, obs)
        _write_texts(file, "uns/archscope", {"values": matrix.values, **matrix.provenance})


def _mark(item: h5py.HLObject, encoding: str, version: str) -> None:
    item.attrs["encoding-type"], item.attrs["encoding-version"] = encoding, version


def _write_sparse(file: h5py.File, matrix: OutMatrix, progress: Progress) -> None:
    """CSR: the values that are not 0 with their columns (ascending), and where each row starts."""
    group = file.create_group("X")
    _mark(group, "csr_matrix", "0.1.0")
    group.attrs["shape"] = np.array(matrix.shape, dtype=np.int64)
    stored = {
        name: group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(_CHUNK,), **_PACKED)
        for name, dtype in (("data", matrix.dtype), ("indices", np.int32))
    }
    starts = np.zeros(matrix.shape[0] + 1, dtype=np.int64)
    for first, block in matrix.blocks(progress):
        rows, columns = np.nonzero(block)
        _append(stored["data"], block[rows, columns])
        _append(stored["indices"], columns.astype(np.int32))
        starts[first + 1 : first + 1 + len(block)] = np.bincount(rows, minlength=len(block))
    group.create_dataset("indptr", data=np.cumsum(starts))


def _append(dataset: h5py.Dataset, values: npt.NDArray[Any]) -> None:
    before = dataset.shape[0]
    dataset.resize((before + len(values),))
    dataset[before:] = values


def _write_dense(file: h5py.File, matrix: OutMatrix, progress: Progress) -> None:
    n, n_genes = matrix.shape
    chunks = (min(n, 64), min(n_genes, 4096))
    dataset = file.create_dataset("X", (n, n_genes), matrix.dtype, chunks=chunks, **_PACKED)
    _mark(dataset, "array", "0.2.0")
    for first, block in matrix.blocks(progress):
        dataset[first : first + len(block)] = block


def _write_frame(file: h5py.File, key: str, frame: pd.DataFrame, index: "pd.Index[Any]") -> None:
    group = file.create_group(key)
    _mark(group, "dataframe", "0.2.0")
    names = [str(name) for name in frame.columns]
    keys = [name.replace("/", "_") for name in names]  # a slash would be a group of its own
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(keys, dtype=_TEXT) if keys else np.array([], dtype=np.float64)
    _write_column(group, "_index", index.to_series(), categories=False)
    for key_of, name in zip(keys, frame.columns, strict=True):
        _write_column(group, key_of, frame[name])


def _write_column(group: h5py.Group, key: str, values: "pd.Series[Any]", categories: bool = True) -> None:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        _mark(group.create_dataset(key, data=values.to_numpy(), **_PACKED), "array", "0.2.0")
        return
    text = values.fillna("").astype(str)
    if not categories or text.nunique() > _FEW * len(text):
        _mark(group.create_dataset(key, data=text.to_list(), dtype=_TEXT, **_PACKED), "string-array", "0.2.0")
        return
    known = sorted(text.unique())
    codes = pd.Index(known).get_indexer(pd.Index(text)).astype(np.int32)
    inner = group.create_group(key)
    _mark(inner, "categorical", "0.2.0")
    inner.attrs["ordered"] = False
    _mark(inner.create_dataset("codes", data=codes, **_PACKED), "array", "0.2.0")
    _mark(inner.create_dataset("categories", data=known, dtype=_TEXT), "string-array", "0.2.0")


def _write_texts(file: h5py.File, key: str, texts: Mapping[str, str]) -> None:
    group = file.create_group(key)
    _mark(group, "dict", "0.1.0")
    for name, text in texts.items():
        _mark(group.create_dataset(name, data=str(text), dtype=_TEXT), "string", "0.2.0")
