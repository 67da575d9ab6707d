"""Write an ARCHS4 v2 file; callers import ``write_archs4`` from ``core.sources.archs4``."""

import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from core.types import BIOSAMPLE_COLUMNS, GENE_COLUMNS, CountMatrix

_BLOCK = 256
_NUMBERS = ("singlecellprobability", "alignedreads")


def write_archs4(
    path: Path, counts: CountMatrix, genes: pd.DataFrame, biosamples: pd.DataFrame, info: Mapping[str, str]
) -> None:
    """Write counts (n biosamples x G genes) as an ARCHS4 v2 file, which appears whole or not at all.

    ``genes`` (G rows) and ``biosamples`` (n rows, with ``sample_id``; further columns are kept) may lack any other
    contract column: it is written blank. ``info`` goes to ``meta/info``; its ``version`` and ``organism`` are read
    back. Raises ValueError where the sizes do not agree or counts are not uint32.
    """
    n, n_genes = counts.shape
    if counts.dtype != np.uint32 or not n or not n_genes:
        raise ValueError(f"counts must be a non-empty uint32 matrix, got {counts.dtype} {counts.shape}")
    if (len(biosamples), len(genes)) != (n, n_genes):
        raise ValueError(f"counts are {counts.shape}, but there are {len(biosamples)} biosamples, {len(genes)} genes")
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with h5py.File(aside, "w") as file:
            _write_counts(file, counts)
            _write_columns(file.create_group("meta/genes"), genes, GENE_COLUMNS, {})
            renamed = {"sample_id": "geo_accession"}
            _write_columns(file.create_group("meta/samples"), biosamples, BIOSAMPLE_COLUMNS, renamed)
            for key, value in info.items():
                file[f"meta/info/{key}"] = str(value)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write_counts(file: h5py.File, counts: CountMatrix) -> None:
    n, n_genes = counts.shape
    chunks = (min(2000, n_genes), 1)
    dataset = file.create_dataset("data/expression", (n_genes, n), np.uint32, chunks=chunks, compression="gzip")
    for start in range(0, n, _BLOCK):
        dataset[:, start : start + _BLOCK] = counts[start : start + _BLOCK].T


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
