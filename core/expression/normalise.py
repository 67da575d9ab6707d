"""Counts to normalised expression: log2, quantile normalisation onto a stored target, gene length.

L = log2(1 + X);  t = mean over reference biosamples of their sorted L;  Q = t at the rank of each value, tied values
sharing the mean of t over the ranks they span (Bolstad et al. 2003, with the tie rule of qnorm 1.0.0);
Y = Q / length.

The target is fitted once and kept: an upload or a test fold is mapped onto it, never the other way round.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.types import BoolArray, DoubleArray, Tile

Counts = npt.NDArray[np.uint32] | npt.NDArray[np.float64]


def log2p1(counts: npt.ArrayLike) -> DoubleArray:
    """L = log2(1 + X) in float64 (1 + x wraps to 0 in uint32, and log2 of uint16 would be float32)."""
    result: DoubleArray = np.log2(1.0 + np.asarray(counts, dtype=np.float64))
    return result


def sum_sorted(counts: Counts) -> DoubleArray:
    """Sum over the rows of a block (m x G) of their sorted L: one block's part of the target (G)."""
    ordered = np.sort(counts, axis=1)
    total: DoubleArray = log2p1(ordered).sum(axis=0)
    return total


def fit_target(blocks: Iterable[Counts]) -> DoubleArray:
    """Target t (G), ascending, from blocks of reference biosamples (each m x G).

    Raises InputError where there is no biosample.
    """
    total: DoubleArray | None = None
    n = 0
    for block in blocks:
        total = sum_sorted(block) if total is None else total + sum_sorted(block)
        n += len(block)
    if total is None or n == 0:
        raise InputError("A quantile target needs at least one biosample, but there is none: check the filters.")
    return total / n


def to_target(counts: Counts, target: DoubleArray) -> DoubleArray:
    """Q (m x G, float64): each row of counts mapped onto the target (G) by rank; ties share the mean of their ranks.

    Any strictly increasing transform of a row gives the same Q, so counts, TPM and log values all may be mapped.
    """
    return np.stack([_row_to_target(row, target) for row in counts])


def _row_to_target(row: npt.NDArray[np.generic], target: DoubleArray) -> DoubleArray:
    ordered = np.sort(row)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    shared = np.add.reduceat(target, starts) / np.diff(starts, append=len(row))
    return np.asarray(shared[np.searchsorted(ordered[starts], row)], dtype=np.float64)


def to_partial_target(values: DoubleArray, matched: BoolArray, reference: Tile) -> DoubleArray:
    """Q (m x G) of samples that lack genes: NaN where ``matched`` (G) is False.

    The target of the matched genes alone is the mean over reference biosamples (r x G, already Q) of their sorted
    values at those genes; with every gene matched it is the stored target again. So a reference biosample that
    loses genes keeps, at the others, close to the values it had.
    """
    target = np.sort(reference[:, matched], axis=1).mean(axis=0, dtype=np.float64)
    result = np.full(values.shape, np.nan)
    result[:, matched] = to_target(values[:, matched], target)
    return result


def divide_by_length(q: DoubleArray, length: DoubleArray) -> DoubleArray:
    """Y = Q / length (m x g, float64); ``length`` (g) in the unit that the recipe names."""
    return q / length
