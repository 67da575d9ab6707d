"""The biosamples around a gene's 95th percentile, and how alike their whole profiles are.

Order biosamples by Y (ascending, stable); r = int(0.95 (n + 1)); the neighbourhood is the k biosamples at positions
r - k/2 up to, not including, r + k/2. The metric is the mean cosine over the k (k - 1) / 2 distinct pairs of whole
normalised profiles. With unit vectors u: mean = (|sum u|^2 - k) / (k (k - 1)).

Y is kept in float32, but the order is that of Y in float64. Rounding never turns an order round, it only makes values
equal; so wherever the two values on either side of a neighbourhood's edge still differ, its members are certain, and
only the others (``unsettled``) need the exact values of the biosamples on the edge (``edge_of``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.expression.rare import RareGenes
from core.expression.syrk import add_products
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Tile

SIZE = 100
# Biosamples; above it the n x n cosines cost more than summing selected unit profiles (docs/benchmarks.md).
GRAM_LIMIT = 7_900
Members = npt.NDArray[np.int32]


def window(n: int, size: int = SIZE) -> tuple[int, int]:
    """(first position, k): k = ``size``, or the largest even number for which r + k/2 <= n; 0 where n is 1."""
    r = int(0.95 * (n + 1))
    k = min(size, 2 * (n - r))
    return r - k // 2, k


def members(tile: FloatMatrix, ordered: FloatMatrix, size: int = SIZE) -> Members:
    """Neighbourhoods (t x k, ascending by Y) of a tile (t genes x n), whose ascending rows are ``ordered``."""
    from core.expression import gene_kernels

    start, k = window(tile.shape[1], size)
    found = np.empty((len(tile), k), dtype=np.int32)
    if k:
        gene_kernels.select_window(tile, ordered, start, found)
    return found


@dataclass(frozen=True)
class Edge:
    """One gene whose neighbourhood float32 cannot tell for certain, at its lower edge, its upper edge, or both.

    ``low`` and ``high``: the biosamples (ascending) that share the value on that edge, none where the edge is certain
    or the value is 0. In the order of their exact values, ``skip`` of ``low`` stand before the neighbourhood, and
    ``take`` of ``high`` belong to it.
    """

    low: IndexArray
    high: IndexArray
    skip: int
    take: int


def unsettled(ordered: FloatMatrix, size: int = SIZE) -> BoolArray:
    """Genes (t) for which float32 (ascending rows, t x n) cannot tell a member from a biosample outside."""
    return np.asarray(np.isfinite(_edges(ordered, size)).any(axis=1), dtype=np.bool_)


def edge_of(row: npt.NDArray[np.float32], ordered: npt.NDArray[np.float32], size: int = SIZE) -> Edge:
    """The edges of one gene (n values in file order, and the same ascending)."""
    start, k = window(len(row), size)
    low, high = _edges(ordered[None], size)[0]
    nobody = np.empty(0, dtype=np.intp)
    return Edge(
        np.flatnonzero(row == low) if low > 0 else nobody,
        np.flatnonzero(row == high) if high > 0 else nobody,
        start - int(np.searchsorted(ordered, low)) if low > 0 else 0,
        start + k - int(np.searchsorted(ordered, high)) if high > 0 else 0,
    )


def settle(members: Members, edge: Edge, low: DoubleArray, high: DoubleArray) -> int:
    """Puts the right members (k, changed in place) on the edges, from exact values; how many tie with one outside.

    ``low`` and ``high`` are the exact values of the edge's biosamples.
    """
    tied = 0
    before, after = np.lexsort((edge.low, low)), np.lexsort((edge.high, high))
    if len(before):
        outside, inside = before[: edge.skip], before[edge.skip :][: len(members)]
        members[: len(inside)] = edge.low[inside]
        tied += int((low[inside] == low[outside[-1]]).sum())
    if len(after):
        # One value on both edges: those who stand before the neighbourhood are of this list, too.
        inside, outside = after[: edge.take][-len(members) :], after[edge.take :]
        members[len(members) - len(inside) :] = edge.high[inside]
        tied_above = high[inside] == high[outside[0]]
        if len(before) and len(inside) == len(members):
            tied_above &= high[inside] != low[before[edge.skip - 1]]  # counted below
        tied += int(tied_above.sum())
    return tied


def tied_at_zero(ordered: FloatMatrix, size: int = SIZE) -> npt.NDArray[np.int32]:
    """Members of each gene's neighbourhood (t) that are 0, where a biosample outside is, too; 0 where none is."""
    start, k = window(ordered.shape[1], size)
    inside = (ordered[:, start : start + k] == 0).sum(axis=1)
    return np.where((_edges(ordered, size) == 0).any(axis=1), inside, 0).astype(np.int32)


def _edges(ordered: FloatMatrix, size: int) -> FloatMatrix:
    """The value at the lower and the upper edge (t x 2) where it stands on both sides of it, else NaN."""
    start, k = window(ordered.shape[1], size)
    edges = np.full((len(ordered), 2), np.nan, dtype=np.float32)
    for side, at in enumerate((start, start + k)):
        if k and 0 < at < ordered.shape[1]:
            same = ordered[:, at - 1] == ordered[:, at]
            edges[same, side] = ordered[same, at]
    return edges


def gram(tiles: Iterable[FloatMatrix], norms: DoubleArray, rare: RareGenes | None = None) -> FloatMatrix:
    """What the genes of ``tiles`` (some genes x n) add to the cosine of every pair of biosamples (n x n, float32).

    Only the lower triangle is filled. ``norms`` (n) are the lengths of whole profiles. ``rare`` takes the genes that
    hardly anybody expresses a shorter way.
    """
    from core.expression import gene_kernels

    total: FloatMatrix = np.zeros((len(norms), len(norms)), dtype=np.float32)
    for tile in tiles:
        add_products(np.ascontiguousarray(tile if rare is None else rare.take(tile, total)), total)
    if rare is not None:
        rare.close(total)
    gene_kernels.scale_pairs(_inverse(norms), total)
    return total


def mean_cosine_gram(sets: Members, cosines: FloatMatrix) -> DoubleArray:
    """Mean cosine over distinct pairs for each set (t x k) of positions, from the lower triangle of the n x n cosines.

    NaN where k < 2.
    """
    from core.expression import gene_kernels

    k = sets.shape[1]
    sums = np.full(len(sets), np.nan)
    if k > 1:
        gene_kernels.pair_sums(np.sort(sets, axis=1), cosines, sums)
    result: DoubleArray = sums / max(1, k * (k - 1) // 2)
    return result


def squared_sums(sets: Sequence[Members], tiles: Iterable[FloatMatrix], norms: DoubleArray) -> list[DoubleArray]:
    """Squared length (t) of each set's (t x k) summed unit profiles, over the genes of ``tiles`` (some genes x n).

    Several collections of sets share one pass over the tiles.
    """
    from core.expression import gene_kernels

    totals = [np.zeros(len(some)) for some in sets]
    inverse = _inverse(norms)
    for tile in tiles:
        for start in range(0, len(tile), gene_kernels.STRIPE):
            stripe = tile[start : start + gene_kernels.STRIPE]
            units = np.zeros((len(norms), gene_kernels.STRIPE), dtype=np.float32)
            units[:, : len(stripe)] = (stripe * inverse).T
            for some, total in zip(sets, totals, strict=True):
                gene_kernels.add_squared_sums(some, units, total)
    return totals


def mean_cosine_sums(sets: Members, squared: DoubleArray, norms: DoubleArray) -> DoubleArray:
    """Mean cosine (t) by the identity (|sum u|^2 - k) / (k (k - 1)); NaN where k < 2. An empty profile is no vector."""
    k = sets.shape[1]
    if k < 2:
        return np.full(len(sets), np.nan)
    own = (norms > 0)[sets].sum(axis=1)
    result: DoubleArray = (squared - own) / (k * (k - 1))
    return result


def _inverse(norms: DoubleArray) -> npt.NDArray[np.float32]:
    return np.divide(1.0, norms, out=np.zeros(len(norms)), where=norms > 0).astype(np.float32)


def apply_definition(mean_cosine: DoubleArray, expressed_in: IndexArray) -> DoubleArray:
    """Undefined (NaN) for a gene expressed nowhere, 0 for one expressed in a single biosample."""
    once = np.where(expressed_in == 1, 0.0, mean_cosine)
    return np.where(expressed_in == 0, np.nan, once)


def same_series_share(sets: Members, series: IndexArray) -> DoubleArray:
    """Share of each neighbourhood's pairs (t) that come from one series; ``series`` (n) codes, -1 = unknown."""
    t, k = sets.shape
    if k < 2:
        return np.full(t, np.nan)
    codes = np.sort(series[sets], axis=1)
    pairs = np.zeros(t)
    run = np.zeros(t)
    for column in range(1, k):
        again = (codes[:, column] == codes[:, column - 1]) & (codes[:, column] >= 0)
        run = np.where(again, run + 1, 0)
        pairs += run
    share: DoubleArray = pairs / (k * (k - 1) / 2)
    return share


def random_sets(n: int, size: int = SIZE, draws: int = 100, seed: int = 1) -> Members:
    """``draws`` random sets of distinct biosamples (draws x min(size, n)): the baseline beside every neighbourhood."""
    generator = np.random.default_rng(seed)
    sets = [generator.choice(n, min(size, n), replace=False) for _ in range(draws)]
    return np.array(sets, dtype=np.int32)


def pair_cosines(profiles: Tile) -> DoubleArray:
    """Cosine of every pair of profiles (k x g): k x k, float64; 0 with an empty profile."""
    wide = np.asarray(profiles, dtype=np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    inverse = np.divide(1.0, norms, out=np.zeros(len(norms)), where=norms > 0)
    cosines: DoubleArray = (wide @ wide.T) * inverse[:, None] * inverse  # of one matrix with itself: half the work
    return cosines
