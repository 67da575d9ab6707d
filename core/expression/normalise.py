"""Counts to normalised expression: log2, quantile normalisation onto a stored target, gene length.

L = log2(1 + X);  t = mean over reference biosamples of their sorted L;  Q = t at the rank of each value, tied values
sharing the mean of t over the ranks they span (Bolstad et al. 2003, with the tie rule of qnorm 1.0.0);
Y = Q / length.

The target is fitted once and kept: an upload or a test fold is mapped onto it, never the other way round.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray, StepArray, Tile

Counts = npt.NDArray[np.uint32] | npt.NDArray[np.float64]
# Logs are added up as whole multiples of 2^-36, so that a target does not depend on how biosamples fall into blocks:
# whole numbers add up to the same sum in any order. Rounding changes a log by less than 1e-11 of itself (log2(1 + 1)
# = 1 is the smallest that is not 0), and 4 million biosamples of the largest count (log2 = 32) still fit 63 bits.
SCALE = 2.0**36


def log2p1(counts: npt.ArrayLike) -> DoubleArray:
    """L = log2(1 + X) in float64 (1 + x wraps to 0 in uint32, and log2 of uint16 would be float32)."""
    result: DoubleArray = np.log2(1.0 + np.asarray(counts, dtype=np.float64))
    return result


@cache
def _logs_of_small_counts() -> StepArray:
    from core.expression import kernels

    return np.rint(log2p1(np.arange(kernels.SMALL)) * SCALE).astype(np.int64)


def target_steps(counts: CountMatrix) -> StepArray:
    """One block's part (m x G counts) of the target: the rise from rank to rank of its sorted L, summed over rows (G).

    In units of 2^-36. Parts of blocks, of datasets too, add up exactly.
    """
    from core.expression import kernels

    steps = np.zeros(counts.shape[1], dtype=np.int64)
    kernels.add_steps(np.ascontiguousarray(counts), _logs_of_small_counts(), SCALE, steps)
    return steps


def target_of(steps: StepArray, n: int) -> DoubleArray:
    """Target t (G), ascending, from the summed steps of ``n`` reference biosamples."""
    target: DoubleArray = np.cumsum(steps) / (SCALE * n)
    return target


def fit_target(blocks: Iterable[Counts]) -> DoubleArray:
    """Target t (G), ascending, from blocks of reference biosamples (each m x G counts).

    Raises InputError where there is no biosample, or a value is no count.
    """
    total: StepArray | None = None
    n = 0
    for block in blocks:
        steps = target_steps(_whole(block))
        total = steps if total is None else total + steps
        n += len(block)
    if total is None or n == 0:
        raise InputError("A quantile target needs at least one biosample, but there is none: check the filters.")
    return target_of(total, n)


def _whole(counts: Counts) -> CountMatrix:
    if counts.dtype == np.uint32:
        return counts  # type: ignore[return-value]
    if not ((counts >= 0) & (counts < 2**32) & (counts == np.floor(counts))).all():
        raise InputError("A quantile target is fitted on counts: whole numbers from 0 to 4294967295.")
    return counts.astype(np.uint32)


def to_target(counts: Counts, target: DoubleArray) -> DoubleArray:
    """Q (m x G, float64): each row of counts mapped onto the target (G) by rank; ties share the mean of their ranks.

    Any strictly increasing transform of a row gives the same Q, so counts, TPM and log values all may be mapped.
    """
    out = np.empty(counts.shape, dtype=np.float64)
    _map(counts, target, out)
    return out


def to_target_rounded(counts: Counts, target: DoubleArray, out: FloatMatrix | None = None) -> FloatMatrix:
    """The same in float32 (m x G), without a float64 matrix on the way; into ``out`` where it is given."""
    out = np.empty(counts.shape, dtype=np.float32) if out is None else out
    _map(counts, target, out)
    return out


def _map(counts: Counts, target: DoubleArray, out: Tile) -> None:
    summed = _summed(target)
    if counts.dtype == np.uint32:
        from core.expression import kernels

        kernels.map_to_target(np.ascontiguousarray(counts), np.ascontiguousarray(target), summed, out)
    else:
        for row, mapped in zip(counts, out, strict=True):
            _map_row(row, target, summed, mapped)


def value_of_zero(zeros: IndexArray, target: DoubleArray) -> DoubleArray:
    """Q (m) of a count of 0 in biosamples that have so many of them (m); 0 where there is none."""
    summed = _summed(target)
    several: DoubleArray = summed[zeros] / np.maximum(zeros, 1)
    return several


def to_target_at(counts: CountMatrix, rows: IndexArray, genes: IndexArray, target: DoubleArray) -> DoubleArray:
    """Q at some places of a matrix (m x G counts) alone: ``rows`` (ascending) and ``genes``, one value a pair."""
    from core.expression import kernels

    out = np.empty(len(rows))
    kernels.map_pairs(np.ascontiguousarray(counts), rows, genes, target, _summed(target), out)
    return out


def _summed(target: DoubleArray) -> DoubleArray:
    return np.concatenate([[0.0], np.cumsum(target)])


def _map_row(row: npt.NDArray[np.generic], target: DoubleArray, summed: DoubleArray, out: Tile) -> None:
    """What ``kernels.map_to_target`` does, to the last bit, for values that are no counts."""
    ordered = np.sort(row)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(row))
    shared = np.where(ends - starts == 1, target[starts], (summed[ends] - summed[starts]) / (ends - starts))
    out[:] = shared[np.searchsorted(ordered[starts], row)]


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


def profiles_by_gene(
    counts: CountMatrix, target: DoubleArray, keep: IndexArray, length: DoubleArray
) -> tuple[FloatMatrix, DoubleArray]:
    """Y of biosamples (m x G counts) at the genes ``keep`` (g), turned (g x m float32), and the profiles' lengths (m).

    What ``to_target`` and ``divide_by_length`` give, rounded, without their float64 matrices in between.
    """
    from core.expression import kernels

    y = np.empty((len(keep), len(counts)), dtype=np.float32)
    norms = np.empty(len(counts))
    kernels.map_and_divide(np.ascontiguousarray(counts), target, _summed(target), keep, length, y, norms)
    return y, norms
