"""Principal axes of a matrix with few rows and many columns (n biosamples << G genes), without a full SVD.

With K = Xc Xc^T (n x n) and its eigenpairs (lambda, u), the axes are v = Xc^T u / sqrt(lambda): the Gram form of PCA,
exact and deterministic. Its cost is n^2 G, so callers with many rows fit on a seeded part of them.
"""

from dataclasses import dataclass

import numpy as np

from core.types import DoubleArray, FloatMatrix, IndexArray

_CHUNK = 4096  # columns in float64 at a time


@dataclass(frozen=True)
class PrincipalAxes:
    """``mean`` (G), ``axes`` (d x G, orthonormal rows, largest variance first), ``sd`` (d) of the fitted scores."""

    mean: FloatMatrix
    axes: FloatMatrix
    sd: DoubleArray

    def scores(self, values: FloatMatrix) -> DoubleArray:
        """Coordinates (m x d, in the units of the values) of profiles (m x G)."""
        projected: DoubleArray = np.asarray(values @ self.axes.T, dtype=np.float64)
        return projected - np.asarray(self.axes @ self.mean, dtype=np.float64)

    def profiles(self, scores: DoubleArray) -> FloatMatrix:
        """Profiles (m x G, float32) at coordinates (m x d)."""
        return np.asarray(scores.astype(np.float32) @ self.axes + self.mean, dtype=np.float32)


def fit_axes(values: FloatMatrix, n_components: int) -> PrincipalAxes:
    """Axes of n x G values; at most n - 1 of them, and none along which nothing varies."""
    n = len(values)
    mean = values.mean(axis=0, dtype=np.float64).astype(np.float32)
    eigenvalues, vectors = np.linalg.eigh(_gram(values, mean))
    order = np.argsort(eigenvalues)[::-1][: min(n_components, n - 1)]
    order = order[eigenvalues[order] > 1e-9 * max(float(eigenvalues[-1]), 1e-300)]
    scale = np.sqrt(eigenvalues[order])
    weights = (vectors[:, order] / scale).T  # d x n
    axes = np.asarray(weights @ values - np.outer(weights.sum(axis=1), mean), dtype=np.float32)
    signs = np.where(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1) < 0, -1, 1)
    return PrincipalAxes(mean, np.ascontiguousarray(axes * signs, dtype=np.float32), scale / np.sqrt(n - 1))


def seeded_rows(n: int, limit: int, seed: int, keep: IndexArray | None = None) -> IndexArray:
    """Positions of at most ``limit`` of n rows, ascending: those in ``keep``, then a seeded draw of the others."""
    if n <= limit:
        return np.arange(n)
    kept = np.asarray([] if keep is None else keep, dtype=np.intp)[:limit]
    others = np.setdiff1d(np.arange(n), kept)
    drawn = np.random.default_rng(seed).choice(others, limit - len(kept), replace=False)
    return np.sort(np.concatenate([kept, drawn]))


def _gram(values: FloatMatrix, mean: FloatMatrix) -> DoubleArray:
    """Xc Xc^T (n x n), summed in float64 over blocks of columns."""
    gram = np.zeros((len(values), len(values)))
    for start in range(0, values.shape[1], _CHUNK):
        centred = values[:, start : start + _CHUNK].astype(np.float64) - mean[start : start + _CHUNK]
        gram += centred @ centred.T
    return gram
