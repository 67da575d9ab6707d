"""The work on one block of a build. Tasks get paths and write their own rows, so any engine may run them, twice too."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import CountsFileError
from core.expression import metrics, neighbourhood, normalise
from core.sources.archs4 import Archs4File
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray


@lru_cache(maxsize=1)
def _opened(path: str, stamp: int) -> Archs4File:
    """A counts file that stays open between blocks; ``stamp`` (its time of change) keeps two builds apart."""
    return Archs4File(Path(path)).__enter__()


def sum_duplicates(counts: CountMatrix, group: IndexArray, n_genes: int) -> CountMatrix:
    """Adds up columns (m x file genes) of one group: m x n_genes. Raises CountsFileError where a sum leaves uint32."""
    if len(group) == n_genes:
        return np.ascontiguousarray(counts[:, np.argsort(group)])
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sums = np.add.reduceat(counts[:, order], starts, axis=1, dtype=np.uint64)
    if sums.max(initial=0) > np.iinfo(np.uint32).max:
        raise CountsFileError("Counts of a repeated gene add up to more than 4294967295: keep repeated genes apart.")
    return sums.astype(np.uint32)


def ingest(
    source: str, stamp: int, rows: IndexArray, group: IndexArray, n_genes: int, out: str, start: int
) -> DoubleArray:
    """Reads biosamples, sums repeated genes, writes counts rows from ``start``; the block's part of the target (G)."""
    counts = sum_duplicates(_opened(source, stamp).read(rows), group, n_genes)
    np.load(out, mmap_mode="r+")[start : start + len(rows)] = counts
    return normalise.sum_sorted(counts)


def normalise_rows(folder: str, keep: IndexArray, length: DoubleArray, start: int, stop: int) -> int:
    """Writes Y of biosamples start..stop, by biosample in float32 and by gene in float64; the number of rows done."""
    path = Path(folder)
    counts = np.load(path / "counts.npy", mmap_mode="r")[start:stop]
    q = normalise.to_target(counts, np.load(path / "target.npy"))
    y = normalise.divide_by_length(q[:, keep], length)
    np.load(path / "normalised.npy", mmap_mode="r+")[start:stop] = y
    np.load(path / "exact.npy", mmap_mode="r+")[:, start:stop] = y.T
    return stop - start


def measure_genes(
    folder: str, keep: IndexArray, labels: BoolArray, names: list[str], series: IndexArray, start: int, stop: int
) -> tuple[pd.DataFrame, npt.NDArray[np.int32]]:
    """Statistics of genes start..stop (one row each) and their neighbourhoods (t x k); writes Y by gene in float32.

    Works on Y in float64: two values that float32 cannot tell apart would change places in the order.
    """
    path = Path(folder)
    tile = np.array(np.load(path / "exact.npy", mmap_mode="r")[start:stop])
    np.load(path / "by_gene.npy", mmap_mode="r+")[start:stop] = tile
    counts = np.load(path / "counts.npy", mmap_mode="r")[:, keep[start:stop]]
    members, ordered, tied = neighbourhood.members(tile)
    frame = metrics.tile_statistics(tile, ordered, labels, names)
    expressed = np.count_nonzero(counts, axis=0)
    frame["expressed_in"] = expressed
    frame["zero_share"] = 1.0 - expressed / len(counts)
    frame["n_neighbours"] = members.shape[1]
    frame["n_tied"] = tied
    frame["same_series_share"] = neighbourhood.same_series_share(members, series)
    return frame, members


def close_source() -> None:
    """Lets go of the counts file that a build had open."""
    _opened.cache_clear()
