"""Is a set of genes near the top of a ranking? Three statistics that need no permutations, for many sets at once.

Over-representation among the top genes (hypergeometric), the rank-sum test of Mann and Whitney, and the unweighted
running sum of Mootha et al. (2003) with the leading edge of Subramanian et al. (2005). All three take genes for
independent of each other, which co-expressed genes are not: small p-values are too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.types import DoubleArray, IndexArray


@dataclass(frozen=True)
class RankSum:
    """For each of s sets: U of Mann and Whitney, U / (m (g - m)) (0.5 = no difference, 1 = all on top), two-sided p."""

    u: DoubleArray
    auc: DoubleArray
    p: DoubleArray


def rank_sum(scores: DoubleArray, sets: Sequence[IndexArray]) -> RankSum:
    """The scores (g) of each set's genes (positions) against those of all other genes.

    The p-value is the normal approximation with the correction for ties and for continuity; NaN for a set that is
    empty or holds every gene.
    """
    g = len(scores)
    ranks = stats.rankdata(scores)
    _, ties = np.unique(scores, return_counts=True)
    spread = (g + 1) - (ties.astype(np.float64) ** 3 - ties).sum() / max(1, g * (g - 1))
    m = np.array([len(each) for each in sets], dtype=np.float64)
    sums = np.array([ranks[each].sum() for each in sets], dtype=np.float64)
    u = sums - m * (m + 1) / 2
    pairs = m * (g - m)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (np.abs(u - pairs / 2) - 0.5) / np.sqrt(pairs * spread / 12)
        p = np.where(pairs > 0, np.minimum(1.0, 2 * stats.norm.sf(z)), np.nan)
        return RankSum(u, u / pairs, p)


def over_representation(overlap: IndexArray, size: IndexArray, top: int, genes: int) -> DoubleArray:
    """P of at least ``overlap`` genes of a set of ``size`` among ``top`` genes drawn of ``genes`` (one value a set)."""
    p: DoubleArray = stats.hypergeom.sf(np.asarray(overlap) - 1, genes, np.asarray(size), top)
    return p


def adjusted(p: DoubleArray) -> DoubleArray:
    """p-values adjusted for the number of sets by Benjamini and Hochberg (1995); NaN stays NaN."""
    result: DoubleArray = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        result[known] = stats.false_discovery_control(p[known], method="bh")
    return result


def enrichment_score(places: IndexArray, genes: int, weights: DoubleArray | None = None) -> tuple[float, int]:
    """Largest deviation from 0 of the running sum, and how many genes of the set are its leading edge.

    ``places``: 0-based places of the set's m genes in the ranking, ascending. The sum rises by 1/m at each of them, or
    by its share of the ``weights`` (m, not negative), and falls by 1/(g - m) at every other gene. Where the
    deviation is positive the leading edge are the genes up to its peak (counted from the top), else those from the
    lowest point on (counted from the end).
    """
    m = len(places)
    if m == 0 or m == genes:
        return 0.0, 0
    before, after = _corners(places, genes, weights)
    top, bottom = int(after.argmax()), int(before.argmin())
    if after[top] >= -before[bottom]:
        return float(after[top]), top + 1
    return float(before[bottom]), m - bottom


def running_sum(places: IndexArray, genes: int, weights: DoubleArray | None = None) -> tuple[DoubleArray, DoubleArray]:
    """The corners of the running sum's line: number of genes passed (x), sum (y); from (0, 0) to (g, 0)."""
    x = np.column_stack([places, places + 1]).ravel()
    y = np.column_stack(_corners(places, genes, weights)).ravel()
    return np.concatenate([[0.0], x, [float(genes)]]), np.concatenate([[0.0], y, [0.0]])


def _corners(places: IndexArray, genes: int, weights: DoubleArray | None) -> tuple[DoubleArray, DoubleArray]:
    """The sum just before and just after each gene of the set."""
    m = len(places)
    shares = np.full(m, 1 / max(m, 1)) if weights is None else weights / (weights.sum() or 1.0)
    after = np.cumsum(shares) - (places - np.arange(m)) / max(genes - m, 1)
    return after - shares, after
