"""The biosamples around a gene's 95th percentile, and how alike their whole profiles are.

Order biosamples by Y (ascending, stable); r = int(0.95 (n + 1)); the neighbourhood is the k biosamples at positions
r - k/2 up to, not including, r + k/2. The metric is the mean cosine over the k (k - 1) / 2 distinct pairs of whole
normalised profiles. With unit vectors u: mean = (|sum u|^2 - k) / (k (k - 1)).
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.types import DoubleArray, IndexArray, Progress, Tile, silent

SIZE = 100
GRAM_LIMIT = 5_500  # biosamples; above it the n x n Gram matrix costs more than summing selected unit profiles


def window(n: int, size: int = SIZE) -> tuple[int, int]:
    """(first position, k): k = ``size``, or the largest even number for which r + k/2 <= n; 0 where n is 1."""
    r = int(0.95 * (n + 1))
    k = min(size, 2 * (n - r))
    return r - k // 2, k


def members(tile: Tile, size: int = SIZE) -> tuple[npt.NDArray[np.int32], Tile, npt.NDArray[np.int32]]:
    """Neighbourhoods of a tile (t genes x n): positions (t x k, ascending by Y), sorted rows (t x n), tied members (t).

    A member is tied where a biosample outside has the same Y: which of the two is inside is arbitrary.
    """
    order = np.argsort(tile, axis=1, kind="stable")
    ordered = np.take_along_axis(tile, order, axis=1)
    start, k = window(tile.shape[1], size)
    inside = ordered[:, start : start + k]
    tied = np.zeros(inside.shape, dtype=bool)
    if start > 0:
        tied |= inside == ordered[:, start - 1 : start]
    if start + k < tile.shape[1]:
        tied |= inside == ordered[:, start + k : start + k + 1]
    return order[:, start : start + k].astype(np.int32), ordered, tied.sum(axis=1).astype(np.int32)


def gram(tiles: Iterable[Tile]) -> DoubleArray:
    """Cosine of every pair of biosamples (n x n, float64) from tiles of Y (t x n) that together hold every gene."""
    products: DoubleArray | None = None
    for tile in tiles:
        wide = tile.astype(np.float64)
        products = wide.T @ wide if products is None else products + wide.T @ wide
    if products is None:
        raise ValueError("gram needs at least one tile")
    norms = np.sqrt(np.diag(products))
    norms[norms == 0] = 1.0
    cosines: DoubleArray = products / np.outer(norms, norms)
    return cosines


def mean_cosine_gram(neighbours: npt.NDArray[np.int32], cosines: DoubleArray, step: int = 256) -> DoubleArray:
    """Mean cosine over distinct pairs for each set (t x k) of positions, from the n x n cosines. NaN where k < 2."""
    k = neighbours.shape[1]
    if k < 2:
        return np.full(len(neighbours), np.nan)
    result = np.empty(len(neighbours))
    for start in range(0, len(neighbours), step):
        m = neighbours[start : start + step]
        block = cosines[m[:, :, None], m[:, None, :]]
        whole = block.sum(axis=(1, 2)) - np.trace(block, axis1=1, axis2=2)
        result[start : start + step] = whole / (k * (k - 1))
    return result


def mean_cosine_sums(neighbours: npt.NDArray[np.int32], tiles: Iterable[Tile], norms: DoubleArray) -> DoubleArray:
    """The same by the identity (|sum u|^2 - k) / (k (k - 1)), for n too large for a Gram matrix.

    ``tiles`` of Y (t x n) together hold every gene; ``norms`` (n) are the lengths of the whole profiles.
    """
    t, k = neighbours.shape
    if k < 2:
        return np.full(t, np.nan)
    n = len(norms)
    pick = sparse.csr_matrix((np.ones(t * k), neighbours.ravel(), np.arange(0, t * k + 1, k)), shape=(t, n))
    scale = np.divide(1.0, norms, out=np.zeros(n), where=norms > 0)
    squared = np.zeros(t)
    for tile in tiles:
        squared += ((pick @ (tile.T * scale[:, None])) ** 2).sum(axis=1)
    own = pick @ (norms > 0).astype(np.float64)
    result: DoubleArray = (squared - own) / (k * (k - 1))
    return result


def profile_norms(tiles: Iterable[Tile], n: int) -> DoubleArray:
    """Euclidean length of every biosample's profile (n), from tiles of Y (t x n)."""
    total = np.zeros(n)
    for tile in tiles:
        total += np.square(tile, dtype=np.float64).sum(axis=0)
    return np.sqrt(total)


def apply_definition(mean_cosine: DoubleArray, expressed_in: IndexArray) -> DoubleArray:
    """Undefined (NaN) for a gene expressed nowhere, 0 for one expressed in a single biosample."""
    once = np.where(expressed_in == 1, 0.0, mean_cosine)
    return np.where(expressed_in == 0, np.nan, once)


def same_series_share(neighbours: npt.NDArray[np.int32], series: IndexArray) -> DoubleArray:
    """Share of each neighbourhood's pairs (t) that come from one series; ``series`` (n) codes, -1 = unknown."""
    t, k = neighbours.shape
    if k < 2:
        return np.full(t, np.nan)
    codes = np.sort(series[neighbours], axis=1)
    pairs = np.zeros(t)
    run = np.zeros(t)
    for column in range(1, k):
        again = (codes[:, column] == codes[:, column - 1]) & (codes[:, column] >= 0)
        run = np.where(again, run + 1, 0)
        pairs += run
    share: DoubleArray = pairs / (k * (k - 1) / 2)
    return share


def random_sets(n: int, size: int = SIZE, draws: int = 100, seed: int = 1) -> npt.NDArray[np.int32]:
    """``draws`` random sets of distinct biosamples (draws x min(size, n)): the baseline beside every neighbourhood."""
    generator = np.random.default_rng(seed)
    sets = [generator.choice(n, min(size, n), replace=False) for _ in range(draws)]
    return np.array(sets, dtype=np.int32)


def row_tiles(by_gene: Tile, step: int = 1024) -> Iterator[Tile]:
    """Tiles (at most ``step`` genes x n) over a gene-major matrix."""
    for start in range(0, len(by_gene), step):
        yield by_gene[start : start + step]


class Cosines:
    """Mean cosine of any sets of biosamples, by the cheaper of the two ways for this n.

    ``by_gene`` is Y gene-major (g x n), in memory or mapped; it is read once (Gram matrix) or once a call (sums).
    """

    def __init__(self, by_gene: Tile, progress: Progress = silent, gram_limit: int = GRAM_LIMIT) -> None:
        self._by_gene = by_gene
        n = by_gene.shape[1]
        tiles = _counted(row_tiles(by_gene), len(by_gene), progress)
        self._gram = gram(tiles) if n <= gram_limit else None
        self._norms = profile_norms(tiles, n) if self._gram is None else None

    def mean_of(self, sets: npt.NDArray[np.int32]) -> DoubleArray:
        """Mean cosine over the distinct pairs of each set (t x k)."""
        if self._gram is not None:
            return mean_cosine_gram(sets, self._gram)
        assert self._norms is not None
        return mean_cosine_sums(sets, row_tiles(self._by_gene), self._norms)


def _counted(tiles: Iterator[Tile], total: int, progress: Progress) -> Iterator[Tile]:
    done = 0
    for tile in tiles:
        yield tile
        done += len(tile)
        progress("comparing biosamples", done, total)
