"""Two groups of biosamples compared gene by gene: difference of means, rank-sum test, false discovery rate.

Q = quantile-normalised log2(1 + count). Effect sizes in log2 units are of Q: mean (and median) over group A less that
over group B, so a mean difference is a log2 fold change of geometric means of (1 + normalised count).

The test is the Wilcoxon rank-sum test (Mann and Whitney 1947). In it all counts of 0 are one value: quantile
normalisation gives the zeros of a deep and of a shallow biosample different values, and their order means nothing.
U = sum over pairs of [a > b] + [a = b] / 2, AUROC = U / (n_a n_b). Exact p where no values tie and the groups are small
(n_a n_b <= ``EXACT_PAIRS``), else the normal approximation with tie and continuity correction:

    z = (max(U, n_a n_b - U) - n_a n_b / 2 - 1/2) / s,   s^2 = n_a n_b / 12 (n + 1 - sum (t^3 - t) / (n (n - 1)))

with t the sizes of groups of tied values. p are adjusted over the tested genes by Benjamini and Hochberg (1995).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.errors import InputError
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix

FEWEST = 3  # biosamples on each side for a p value
EXACT_PAIRS = 400  # n_a * n_b up to which p without ties is exact


@dataclass(frozen=True)
class Comparison:
    """Of t genes: means and medians of Q, shares of biosamples with a count, U, AUROC, p (NaN: not tested), and whether
    p is exact.
    """

    mean_a: DoubleArray
    mean_b: DoubleArray
    median_a: DoubleArray
    median_b: DoubleArray
    expressed_a: DoubleArray
    expressed_b: DoubleArray
    u: DoubleArray
    auroc: DoubleArray
    p: DoubleArray
    exact: BoolArray


def compare(q: FloatMatrix, detected: BoolArray, in_a: BoolArray) -> Comparison:
    """Compares groups of biosamples at some genes.

    ``q`` t x m, every detected value above 0; ``detected`` t x m: whether there is any count; ``in_a`` m: group A,
    the rest is B. Genes without any count are not tested, none is with fewer than 3 biosamples on a side.
    Raises InputError where a group is empty.
    """
    n_a, n_b = int(in_a.sum()), int((~in_a).sum())
    if not n_a or not n_b:
        raise InputError("One of the two groups has no biosample: there is nothing to compare.")
    a, b = q[:, in_a], q[:, ~in_a]
    ranked = np.where(detected, q, np.float32(0.0))
    rank_sum, ties = rank_sums(ranked, in_a)
    u = rank_sum - n_a * (n_a + 1) / 2
    p, exact = np.full(len(q), np.nan), np.zeros(len(q), dtype=np.bool_)
    if min(n_a, n_b) >= FEWEST:
        p = normal_p(u, ties, n_a, n_b)
        if n_a * n_b <= EXACT_PAIRS:
            exact = np.asarray(ties == 0)
            p[exact] = exact_p(u[exact], n_a, n_b)
        p[~detected.any(axis=1)] = np.nan
    return Comparison(
        mean_a=a.mean(axis=1, dtype=np.float64),
        mean_b=b.mean(axis=1, dtype=np.float64),
        median_a=np.median(a, axis=1).astype(np.float64),
        median_b=np.median(b, axis=1).astype(np.float64),
        expressed_a=detected[:, in_a].mean(axis=1),
        expressed_b=detected[:, ~in_a].mean(axis=1),
        u=u,
        auroc=u / (n_a * n_b),
        p=p,
        exact=exact & ~np.isnan(p),
    )


def joined(parts: Sequence[Comparison]) -> Comparison:
    """The comparisons of some genes after those of others."""
    return Comparison(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Comparison)))


def rank_sums(values: FloatMatrix, in_a: BoolArray) -> tuple[DoubleArray, DoubleArray]:
    """Sum of group A's mid-ranks (from 1), and sum of t^3 - t over groups of tied values, of each row (t x m >= 0).

    The bits of floats that are not negative order as they do, so the value and the group are sorted as one integer.
    """
    bits = np.ascontiguousarray(values + np.float32(0.0)).view(np.uint32).astype(np.uint64)  # -0 becomes 0
    keys = np.sort((bits << np.uint64(1)) | in_a.astype(np.uint64), axis=1)
    ordered, member = keys >> np.uint64(1), (keys & np.uint64(1)).astype(np.bool_)
    m = values.shape[1]
    place = np.arange(m, dtype=np.int32)
    edge = np.ones((len(values), m + 1), dtype=np.bool_)
    edge[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(edge[:, :-1], place, 0), axis=1)
    last = np.minimum.accumulate(np.where(edge[:, 1:], place, m - 1)[:, ::-1], axis=1)[:, ::-1]
    rank_sum = np.where(member, (first + last) / 2.0 + 1.0, 0.0).sum(axis=1)
    size = (last - first + 1).astype(np.float64)
    return rank_sum, (size**2 - 1.0).sum(axis=1)  # each of the t members of a tie adds t^2 - 1


def normal_p(u: DoubleArray, ties: DoubleArray, n_a: int, n_b: int) -> DoubleArray:
    """Two-sided p of U by the normal approximation; ``ties``: sum of t^3 - t. 1 where all values are tied."""
    from scipy.special import ndtr

    n, pairs = n_a + n_b, n_a * n_b
    variance = pairs / 12.0 * (n + 1 - ties / (n * (n - 1)))
    over = np.maximum(u, pairs - u) - pairs / 2.0 - 0.5
    z = np.divide(over, np.sqrt(variance), out=np.full(len(u), -np.inf), where=variance > 0)
    p: DoubleArray = np.clip(2.0 * ndtr(-z), 0.0, 1.0)
    return p


def exact_p(u: DoubleArray, n_a: int, n_b: int) -> DoubleArray:
    """Two-sided p of U where no values tie: twice the share of arrangements at least as far out, at most 1."""
    counts = u_distribution(n_a, n_b)
    tail = np.cumsum(counts[::-1])[::-1] / counts.sum()
    far = np.maximum(u, n_a * n_b - u).astype(np.intp)
    p: DoubleArray = np.minimum(1.0, 2.0 * tail[far])
    return p


def u_distribution(n_a: int, n_b: int) -> DoubleArray:
    """How many of the arrangements of n_a + n_b distinct values have U = 0, 1, ..., n_a n_b.

    The coefficients of the Gaussian binomial: prod over i = 1..n_a of (1 - x^(n_b + i)) / (1 - x^i).
    """
    counts = np.zeros(n_a * n_b + 1)
    counts[0] = 1.0
    for i in range(1, n_a + 1):
        for k in range(len(counts) - 1, n_b + i - 1, -1):
            counts[k] -= counts[k - n_b - i]
        for k in range(i, len(counts)):
            counts[k] += counts[k - i]
    return counts


def adjusted(p: DoubleArray) -> DoubleArray:
    """Benjamini-Hochberg adjusted p over those that are not NaN, which stay NaN."""
    out = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return out


def signed(q: FloatMatrix, counts: CountMatrix) -> FloatMatrix:
    """Q with a minus where the count is 0: value and detection in one matrix."""
    marked: FloatMatrix = np.where(counts > 0, q, -q)
    return marked
