"""The loops that a build spends its time in, compiled with numba; ``normalise`` and ``neighbourhood`` call them.

Counts are integers and log2(1 + x) is monotone, so integers are ranked, and without sorting: a histogram of the counts
below 2^14 (nearly all of them) plus a short sorted tail. Each function frees the interpreter lock, so threads run it
side by side. Arrays are C-contiguous; G = genes, m = biosamples of a block. Loops over genes: ``gene_kernels``.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F = TypeVar("F", bound=Callable[..., Any])
SMALL = 1 << 14  # counts below it have a place of their own in the histogram
TURN = 16  # biosamples that are turned at a time: a cache line of float32


def compiled(function: F) -> F:
    """The function as machine code, made at its first call and kept on disk."""
    return cast(F, numba.njit(nogil=True, cache=True)(function))


def vectorised(function: F) -> F:
    """The same, with sums split over the lanes of the processor: their last digit depends on its kind."""
    return cast(F, numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "contract"})(function))


@compiled
def _tally(row: npt.NDArray[np.uint32], bins: npt.NDArray[np.int32], tail: npt.NDArray[np.uint32]) -> int:
    """Counts of a row by value, in ``bins[0]``; those from SMALL on go to ``tail``, sorted. How many they are.

    Two histograms take turns: most counts are 0, and adding to one place again and again waits for the last time.
    """
    bins[:] = 0
    n_tail = 0
    for j in range(len(row)):
        if row[j] < SMALL:
            bins[j & 1, row[j]] += 1
        else:
            tail[n_tail] = row[j]
            n_tail += 1
    bins[0] += bins[1]
    tail[:n_tail].sort()
    return n_tail


@compiled
def add_steps(
    counts: npt.NDArray[np.uint32], log_small: npt.NDArray[np.int64], scale: float, steps: npt.NDArray[np.int64]
) -> None:
    """Adds every row's sorted logs to ``steps`` (G): at each rank, how much larger the log is than at the rank before.

    ``log_small`` (SMALL) are the logs of the small counts as whole multiples of 1 / ``scale``. Whole numbers add up to
    the same sum in any order.
    """
    bins = np.empty((2, SMALL), dtype=np.int32)
    tail = np.empty(counts.shape[1], dtype=np.uint32)
    for i in range(len(counts)):
        n_tail = _tally(counts[i], bins, tail)
        rank, before = 0, np.int64(0)
        for value in range(SMALL):
            if bins[0, value] > 0:
                steps[rank] += log_small[value] - before
                before = log_small[value]
                rank += bins[0, value]
        for j in range(n_tail):
            if j == 0 or tail[j] != tail[j - 1]:
                log = np.int64(np.rint(np.log2(1.0 + np.float64(tail[j])) * scale))
                steps[rank] += log - before
                before = log
            rank += 1


@compiled
def map_to_target(
    counts: npt.NDArray[np.uint32],
    target: npt.NDArray[np.float64],
    summed: npt.NDArray[np.float64],
    out: npt.NDArray[np.floating[Any]],
) -> None:
    """Writes Q (m x G, float64 or float32): each value becomes the mean of ``target`` (G) over the ranks of its ties.

    ``summed`` (G + 1) is the running sum of the target, from 0.
    """
    bins = np.empty((2, SMALL), dtype=np.int32)
    tail = np.empty(counts.shape[1], dtype=np.uint32)
    shared = np.empty(SMALL, dtype=np.float64)
    of_tail = np.empty(counts.shape[1], dtype=np.float64)
    for i in range(len(counts)):
        n_tail = _share(counts[i], target, summed, bins, tail, shared, of_tail)
        for j in range(counts.shape[1]):
            out[i, j] = _look_up(counts[i, j], shared, tail[:n_tail], of_tail)


@compiled
def map_pairs(
    counts: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    target: npt.NDArray[np.float64],
    summed: npt.NDArray[np.float64],
    out: npt.NDArray[np.float64],
) -> None:
    """The same for some places of the matrix alone: ``rows``, ascending, and ``columns``, of as many values of Q."""
    bins = np.empty((2, SMALL), dtype=np.int32)
    tail = np.empty(counts.shape[1], dtype=np.uint32)
    shared = np.empty(SMALL, dtype=np.float64)
    of_tail = np.empty(counts.shape[1], dtype=np.float64)
    n_tail, before = 0, -1
    for i in range(len(rows)):
        row = counts[rows[i]]
        if rows[i] != before:
            n_tail = _share(row, target, summed, bins, tail, shared, of_tail)
            before = rows[i]
        out[i] = _look_up(row[columns[i]], shared, tail[:n_tail], of_tail)


@compiled
def map_and_divide(
    counts: npt.NDArray[np.uint32],
    target: npt.NDArray[np.float64],
    summed: npt.NDArray[np.float64],
    keep: npt.NDArray[np.intp],
    length: npt.NDArray[np.float64],
    y: npt.NDArray[np.float32],
    norms: npt.NDArray[np.float64],
) -> None:
    """Writes Y = Q / length of the genes at ``keep`` (g), turned (g x m, float32), and each profile's length (m)."""
    bins = np.empty((2, SMALL), dtype=np.int32)
    tail = np.empty(counts.shape[1], dtype=np.uint32)
    shared = np.empty(SMALL, dtype=np.float64)
    of_tail = np.empty(counts.shape[1], dtype=np.float64)
    some = np.empty((TURN, len(keep)), dtype=np.float32)
    for start in range(0, len(counts), TURN):
        height = min(TURN, len(counts) - start)
        for i in range(height):
            row = counts[start + i]
            n_tail = _share(row, target, summed, bins, tail, shared, of_tail)
            square = 0.0
            for j in range(len(keep)):
                value = _look_up(row[keep[j]], shared, tail[:n_tail], of_tail) / length[j]
                square += value * value
                some[i, j] = value
            norms[start + i] = np.sqrt(square)
        for j in range(len(keep)):
            for i in range(height):
                y[j, start + i] = some[i, j]


@compiled
def _share(
    row: npt.NDArray[np.uint32],
    target: npt.NDArray[np.float64],
    summed: npt.NDArray[np.float64],
    bins: npt.NDArray[np.int32],
    tail: npt.NDArray[np.uint32],
    shared: npt.NDArray[np.float64],
    of_tail: npt.NDArray[np.float64],
) -> int:
    """What each value of a row becomes: ``shared`` by count, ``of_tail`` where it first stands in the sorted tail."""
    n_tail = _tally(row, bins, tail)
    rank = 0
    for value in range(SMALL):
        ties = bins[0, value]
        if ties > 0:
            shared[value] = _mean_of_ranks(target, summed, rank, ties)
            rank += ties
    j = 0
    while j < n_tail:
        ties = 1
        while j + ties < n_tail and tail[j + ties] == tail[j]:
            ties += 1
        of_tail[j] = _mean_of_ranks(target, summed, rank, ties)
        rank += ties
        j += ties
    return n_tail


@compiled
def _look_up(
    count: int, shared: npt.NDArray[np.float64], tail: npt.NDArray[np.uint32], of_tail: npt.NDArray[np.float64]
) -> float:
    if count < SMALL:
        return float(shared[count])
    return float(of_tail[np.searchsorted(tail, count)])


@compiled
def _mean_of_ranks(target: npt.NDArray[np.float64], summed: npt.NDArray[np.float64], rank: int, ties: int) -> float:
    if ties == 1:
        return float(target[rank])
    return float((summed[rank + ties] - summed[rank]) / ties)


@compiled
def count_expressed(
    counts: npt.NDArray[np.uint32],
    by_gene: npt.NDArray[np.int64],
    by_biosample: npt.NDArray[np.int64],
    depth: npt.NDArray[np.int64],
) -> None:
    """Adds how many counts (m x G) are over 0, to ``by_gene`` (G) and ``by_biosample`` (m), and row sums (m)."""
    for i in range(len(counts)):
        total, expressed = np.int64(0), np.int64(0)
        for j in range(counts.shape[1]):
            here = np.int64(counts[i, j] > 0)
            by_gene[j] += here
            expressed += here
            total += np.int64(counts[i, j])
        by_biosample[i] += expressed
        depth[i] += total
