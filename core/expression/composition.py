"""What a set of biosamples is made of: is a label or a series in it more often than chance would have it?

The set is k of n biosamples, drawn without replacement. Of the n, K carry a label; that x or more of the k carry it has
the hypergeometric probability P(X >= x) (Rivals et al. 2007, Bioinformatics 23:401). Over all labels of a dataset the
p-values are adjusted for the false discovery rate (Benjamini & Hochberg 1995). The test takes biosamples as
independent; those of one series are not, so each label also says how many series its members come from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from core.types import BoolArray, DoubleArray, IndexArray

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Enrichment:
    """For each of some categories (c): what is expected, how far from it, and how surprising that is.

    ``expected`` members; ``fold`` = share here over share everywhere; ``odds`` ratio (inf where nobody outside the set
    is of the category, NaN where that is undefined); ``p`` of as many members or more; ``q``: p adjusted for the false
    discovery rate.
    """

    expected: DoubleArray
    fold: DoubleArray
    odds: DoubleArray
    p: DoubleArray
    q: DoubleArray


def enrichment(members: Counts, everywhere: Counts, k: int, n: int, tests: int) -> Enrichment:
    """Compares how many of k members are of each category (c) with how many of all n are (c).

    ``tests``: how many categories there are to choose from, those without a member included (their p is 1).
    """
    expected: DoubleArray = np.asarray(everywhere * (k / n), dtype=np.float64)
    outside = everywhere - members
    with np.errstate(divide="ignore", invalid="ignore"):
        fold = members / expected
        odds = (members * (n - k - outside)) / ((k - members) * outside)
    p = upper_tail(members, everywhere, k, n)
    return Enrichment(expected, fold, odds, p, adjusted(p, tests))


def upper_tail(members: Counts, everywhere: Counts, k: int, n: int) -> DoubleArray:
    """P(X >= x) for X hypergeometric: k drawn of n, of which ``everywhere`` (c) are of a category; x = ``members``."""
    x = np.arange(k + 1)
    of = np.asarray(everywhere, dtype=np.int64)[:, None]
    possible = (x <= of) & (k - x <= n - of) & (x >= np.asarray(members)[:, None])
    some = np.where(possible, x, np.minimum(of, k))  # the others are left out, but must not upset the logarithms
    rest = np.clip(k - some, 0, n - of)
    logs = _log_choose(of, some) + _log_choose(n - of, rest) - _log_choose(np.array(n), np.array(k))
    tail: DoubleArray = np.where(possible, np.exp(logs), 0.0).sum(axis=1)
    return np.where(np.asarray(members) <= np.maximum(0, k - (n - of[:, 0])), 1.0, np.minimum(tail, 1.0))


def _log_choose(n: Counts, k: Counts) -> DoubleArray:
    result: DoubleArray = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return result


def adjusted(p: DoubleArray, tests: int) -> DoubleArray:
    """p-values (c) adjusted by Benjamini & Hochberg for ``tests`` (>= c) tests, of which the others have p = 1."""
    if not len(p):
        return np.empty(0)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * tests / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def series_of_labels(carried: BoolArray, series: IndexArray) -> tuple[Counts, DoubleArray]:
    """For each label the number of distinct series that its biosamples come from, and the share of the largest one.

    ``carried`` (m x c): which of m biosamples carry which of c labels; ``series`` (m) codes, -1 = unknown, which counts
    as a series of its own. Share 0 where nobody carries the label.
    """
    _, codes = np.unique(_apart(series), return_inverse=True)
    number, largest = np.zeros(carried.shape[1], dtype=np.int64), np.zeros(carried.shape[1])
    for label in range(carried.shape[1]):
        sizes = np.bincount(codes[carried[:, label]])
        number[label] = np.count_nonzero(sizes)
        largest[label] = sizes.max() / sizes.sum() if len(sizes) else 0.0
    return number, largest


def _apart(series: IndexArray) -> IndexArray:
    """The codes, with one of its own for each biosample whose series is unknown."""
    alone = -1 - np.arange(len(series))
    return np.where(series < 0, alone, series)
