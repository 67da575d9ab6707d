"""All biosamples on a plane: principal components, t-SNE (van der Maaten & Hinton 2008) or UMAP (McInnes et al. 2018).

The last two start from principal components and have a fixed seed, so that the same input gives the same map. Distances
between far groups mean little in either; what is near is alike.
"""

import importlib
from dataclasses import dataclass

import numpy as np

from core.errors import RecipeError
from core.types import DoubleArray, IndexArray, Tile

METHODS = ("pca", "tsne", "umap")
LEAST = 12  # biosamples that a map by neighbours needs
NEIGHBOURS = 15  # of UMAP
PERPLEXITY = 30.0  # of t-SNE
NEAR = 5  # biosamples on the map that one outside of it is placed by


@dataclass(frozen=True)
class Axes:
    """Principal axes: the mean (p) that is taken off, the axes (c x p), and the share of variance of each (c)."""

    mean: DoubleArray
    axes: DoubleArray
    share: DoubleArray

    def scores(self, matrix: Tile) -> DoubleArray:
        """Where the rows of a matrix (m x p) lie on the axes: m x c."""
        scores: DoubleArray = (np.asarray(matrix, dtype=np.float64) - self.mean) @ self.axes.T
        return scores


def principal_axes(matrix: Tile, dimensions: int, seed: int = 1) -> Axes:
    """The principal axes of a matrix (n x p)."""
    from sklearn.decomposition import PCA  # takes a second to import, and most commands do without

    c = min(dimensions, *matrix.shape)
    solver = "randomized" if min(matrix.shape) > 4 * c else "full"
    pca = PCA(n_components=c, svd_solver=solver, random_state=seed).fit(np.asarray(matrix, dtype=np.float64))
    return Axes(pca.mean_, pca.components_, np.asarray(pca.explained_variance_ratio_, dtype=np.float64))


def embed(scores: DoubleArray, method: str, seed: int = 1) -> DoubleArray:
    """Biosamples on a plane (n x 2) from their principal components (n x c).

    Raises RecipeError for a method that there is not, for too few biosamples, and where UMAP is not installed.
    """
    if method not in METHODS:
        raise RecipeError(f"There is no map {method!r}: choose one of {', '.join(METHODS)}.")
    if method == "pca":
        return np.pad(scores[:, :2], ((0, 0), (0, max(0, 2 - scores.shape[1]))))
    if len(scores) < LEAST:
        raise RecipeError(f"{method} needs at least {LEAST} biosamples, and there are {len(scores)}: choose pca.")
    return _tsne(scores, seed) if method == "tsne" else _umap(scores, seed)


def _tsne(scores: DoubleArray, seed: int) -> DoubleArray:
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(scores) - 1) / 3)
    model = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(scores), dtype=np.float64)


def _umap(scores: DoubleArray, seed: int) -> DoubleArray:
    try:
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise RecipeError("UMAP is not installed: pip install umap-learn, or choose tsne or pca.") from error
    # one thread: with more of them UMAP gives another map every time
    model = umap.UMAP(n_components=2, n_neighbors=min(NEIGHBOURS, len(scores) - 1), random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(scores.astype(np.float32)), dtype=np.float64)


def place(scores: DoubleArray, known: DoubleArray, plane: DoubleArray, near: int = NEAR) -> DoubleArray:
    """Puts further biosamples on a map (m x 2): the mean place of the ``near`` most like them, weighted by nearness.

    ``scores`` (m x c) and ``known`` (n x c) lie on the same principal axes; ``plane`` (n x 2) is the map of the known.
    """
    from sklearn.neighbors import NearestNeighbors

    if not len(scores):
        return np.empty((0, 2))
    search = NearestNeighbors(n_neighbors=min(near, len(known)), algorithm="brute").fit(known)
    distances, rows = search.kneighbors(scores)
    weights = 1.0 / np.maximum(distances, 1e-9)
    weights /= weights.sum(axis=1, keepdims=True)
    placed: DoubleArray = (plane[rows] * weights[:, :, None]).sum(axis=1)
    return placed


def inside(points: DoubleArray, corners: DoubleArray) -> IndexArray:
    """Which of some points (n x 2) lie inside a polygon (v x 2 corners): their rows, by the even-odd rule."""
    x, y = points[:, 0], points[:, 1]
    crossed = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        straddles = (y0 > y) != (y1 > y)
        if straddles.any():
            crossed ^= straddles & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0 if y1 != y0 else 1.0))
    return np.flatnonzero(crossed)
