"""Write an ARCHS4 v2 file; callers import ``write_archs4`` from ``core.sources.archs4``."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import RecipeError
from core.sources.matrix_write import OutMatrix
from core.types import BIOSAMPLE_COLUMNS, GENE_COLUMNS, CountMatrix, Progress, silent

_BLOCK = 256
_NUMBERS = ("singlecellprobability", "alignedreads")
_TRANSCRIPT_NAMES = {"transcript_id": "ensembl_id", "ensembl_gene_id": "ensembl_gene"}  # as v2 has them
Blocks = Iterable[tuple[int, npt.NDArray[Any]]]


def write_archs4(
    path: Path, counts: CountMatrix, genes: pd.DataFrame, biosamples: pd.DataFrame, info: Mapping[str, str]
) -> None:
    """Write counts (n biosamples x G genes) as an ARCHS4 v2 file, which appears whole or not at all.

    ``genes`` (G rows) and ``biosamples`` (n rows, with ``sample_id``; further columns are kept) may lack any other
    contract column: it is written blank. With a column ``transcript_id`` the file is one of transcripts. ``info`` goes
    to ``meta/info``; its ``version`` and ``organism`` are read back. Raises ValueError where the sizes do not agree or
    counts are not uint32.
    """
    n, n_genes = counts.shape
    if counts.dtype != np.uint32 or not n or not n_genes:
        raise ValueError(f"counts must be a non-empty uint32 matrix, got {counts.dtype} {counts.shape}")
    if (len(biosamples), len(genes)) != (n, n_genes):
        raise ValueError(f"counts are {counts.shape}, but there are {len(biosamples)} biosamples, {len(genes)} genes")
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(
            aside, ((start, counts[start : start + _BLOCK]) for start in range(0, n, _BLOCK)), genes, biosamples, info
        )
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_archs4_blocks(
    path: Path, blocks: Blocks, genes: pd.DataFrame, biosamples: pd.DataFrame, info: Mapping[str, str]
) -> None:
    """As ``write_archs4``, from blocks of biosamples with the row where each begins: never all in memory at once."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(aside, blocks, genes, biosamples, info)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_archs4_matrix(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """Writes a matrix of counts as an ARCHS4 v2 file, some biosamples at a time; its provenance goes to ``meta/info``.

    The labels go to ``meta/samples/labels``. Raises RecipeError for values that are no counts.
    """
    if not matrix.is_counts:
        raise RecipeError(f"An ARCHS4 .h5 file holds counts, not {matrix.values} values: write .h5ad or .parquet.")
    _write(path, matrix.blocks(progress), matrix.genes, matrix.biosamples, matrix.provenance)


def _write(path: Path, blocks: Blocks, genes: pd.DataFrame, biosamples: pd.DataFrame, info: Mapping[str, str]) -> None:
    with h5py.File(path, "w") as file:
        _write_counts(file, blocks, (len(genes), len(biosamples)))
        if "transcript_id" in genes:
            _write_columns(file.create_group("meta/transcripts"), genes, GENE_COLUMNS, _TRANSCRIPT_NAMES)
        else:
            _write_columns(file.create_group("meta/genes"), genes, GENE_COLUMNS, {})
        _write_columns(file.create_group("meta/samples"), biosamples, BIOSAMPLE_COLUMNS, {"sample_id": "geo_accession"})
        for key, value in info.items():
            file[f"meta/info/{key}"] = str(value)


def _write_counts(file: h5py.File, blocks: Blocks, shape: tuple[int, int]) -> None:
    chunks = (min(2000, shape[0]), 1)
    dataset = file.create_dataset("data/expression", shape, np.uint32, chunks=chunks, compression="gzip")
    for start, block in blocks:
        dataset[:, start : start + len(block)] = block.T


def _write_columns(group: h5py.Group, table: pd.DataFrame, contract: tuple[str, ...], names: Mapping[str, str]) -> None:
    extra = [str(column) for column in table.columns if column not in contract]
    for column in [*contract, *extra]:
        blank = np.nan if column in _NUMBERS else ""
        values = table[column] if column in table else pd.Series([blank] * len(table))
        name = names.get(column, column)
        if pd.api.types.is_numeric_dtype(values):
            group.create_dataset(name, data=values.to_numpy(), compression="gzip")
        else:
            text = values.fillna("").astype(str).to_list()
            group.create_dataset(name, data=text, dtype=h5py.string_dtype(), compression="gzip")
