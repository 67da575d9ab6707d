"""Sets of biosamples to hold a neighbourhood against, and the mean cosine of each.

Any two profiles are alike to a degree, those of one tissue more so, and those of one series most of all. So a gene's
mean cosine is compared with that of sets drawn at random, of sets with the same labels (is it more than the tissue?),
and of sets with one biosample a series (what is left without the likeness of a study to itself?). Draws have a seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.types import DoubleArray, FloatMatrix, IndexArray

DRAWS = 100
Sets = list[IndexArray]
# Rows of some biosamples (k) and their series -> mean cosine over all pairs, over those of different series, and how
# many the latter are.
Means = Callable[[IndexArray, IndexArray], tuple[float, float, int]]


@dataclass(frozen=True)
class Standing:
    """Where a value lies among those of ``sets`` sets: their mean and sd, z = (value - mean) / sd, and the percentile.

    ``percentile``: share of sets with a lower value (ties count half), 0 to 100. z is NaN where all sets are equal.
    """

    sets: int
    mean: float
    sd: float
    value: float
    z: float
    percentile: float


def random_sets(n: int, k: int, seed: int = 1, draws: int = DRAWS) -> Sets:
    """Sets of k distinct biosamples out of n."""
    generator = np.random.default_rng(seed)
    return [generator.choice(n, min(k, n), replace=False) for _ in range(draws)]


def matched_sets(strata: IndexArray, members: IndexArray, seed: int = 1, draws: int = DRAWS) -> Sets:
    """Sets with as many biosamples of each stratum as ``members`` (k rows) has; ``strata`` (n) codes.

    A stratum that the members exhaust gives the same biosamples every time.
    """
    generator = np.random.default_rng(seed)
    wanted = [(np.flatnonzero(strata == code), m) for code, m in zip(*_counted(strata[members]), strict=True)]
    return [
        np.concatenate([generator.choice(pool, m, replace=False, shuffle=False) for pool, m in wanted])
        for _ in range(draws)
    ]


def one_a_series(series: IndexArray, k: int, seed: int = 1, draws: int = DRAWS) -> Sets:
    """Sets of k biosamples from k series (fewer where there are fewer series), every series as likely as any other.

    ``series`` (n) codes; biosamples without a known series (-1) are left out. No sets where there are under two series.
    """
    generator = np.random.default_rng(seed)
    rows = np.argsort(series, kind="stable")[np.count_nonzero(series < 0) :]
    codes, sizes = _counted(series[rows])
    if len(codes) < 2:
        return []
    starts = np.cumsum(sizes) - sizes
    found = []
    for _ in range(draws):
        some = generator.choice(len(codes), min(k, len(codes)), replace=False)
        found.append(rows[starts[some] + generator.integers(0, sizes[some])])
    return found


def _counted(codes: IndexArray) -> tuple[IndexArray, IndexArray]:
    values, sizes = np.unique(codes, return_counts=True)
    return values, sizes.astype(np.intp)


def pair_means(cosines: DoubleArray, series: IndexArray) -> tuple[float, float, int]:
    """Mean cosine over all pairs, over pairs of different series alone, and how many those are.

    ``cosines`` (k x k, symmetric), ``series`` (k) codes; an unknown series (-1) differs from every other. NaN where
    there is no pair.
    """
    k = len(cosines)
    same = np.equal.outer(series, series) & (series >= 0)
    np.fill_diagonal(same, False)
    total, pairs = float(cosines.sum() - np.trace(cosines)), k * (k - 1)
    apart = pairs - int(same.sum())
    return _mean(total, pairs), _mean(total - float(cosines[same].sum()), apart), apart // 2


def _mean(total: float, number: int) -> float:
    return total / number if number else float("nan")


def from_points(points: FloatMatrix) -> Means:
    """Mean cosines from where unit profiles lie on their principal axes (n x c): what the axes hold of each cosine.

    The products over all pairs of a set add up to ||sum p||^2 - sum ||p||^2; likewise within each series.
    """

    def of(rows: IndexArray, series: IndexArray) -> tuple[float, float, int]:
        k = len(rows)
        wide = points[rows].astype(np.float64)
        own = float(np.einsum("ij,ij->", wide, wide))
        codes = np.where(series >= 0, series, -1 - np.arange(k))  # an unknown series is one of its own
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=codes[order][:1] - 1))
        sums = np.add.reduceat(wide[order], starts, axis=0)
        sizes = np.diff(starts, append=k)
        total = float((sums.sum(axis=0) ** 2).sum()) - own
        same, same_pairs = float((sums**2).sum()) - own, int((sizes * (sizes - 1)).sum())
        apart = k * (k - 1) - same_pairs
        return _mean(total, k * (k - 1)), _mean(total - same, apart), apart // 2

    return of


def from_all(cosines: FloatMatrix) -> Means:
    """Mean cosines from those of all pairs (n x n, of which the lower triangle is read)."""

    def of(rows: IndexArray, series: IndexArray) -> tuple[float, float, int]:
        low, high = np.minimum.outer(rows, rows), np.maximum.outer(rows, rows)
        return pair_means(cosines[high, low].astype(np.float64), series)

    return of


def standing(value: float, sets: DoubleArray) -> Standing:
    """Where a value lies among those of some sets (NaN among them are left out)."""
    known = sets[np.isfinite(sets)]
    if not len(known) or not np.isfinite(value):
        nothing = float("nan")
        mean, sd = (float(known.mean()), _sd(known)) if len(known) else (nothing, nothing)
        return Standing(len(known), mean, sd, value, nothing, nothing)
    mean, sd = float(known.mean()), _sd(known)
    below = np.count_nonzero(known < value) + np.count_nonzero(known == value) / 2
    z = (value - mean) / sd if sd > 0 else float("nan")
    return Standing(len(known), mean, sd, value, z, 100.0 * float(below) / len(known))


def _sd(values: DoubleArray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
