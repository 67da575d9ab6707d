"""Which biosamples are most like a profile, and where each lies in a plane."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.types import DoubleArray, IndexArray, Tile


def cosine_to_all(profiles: Tile, matrix: Tile, step: int = 2048) -> DoubleArray:
    """Cosine of profiles (m x g, or one of g) to every row of a matrix (n x g), in blocks of rows: m x n, or n.

    0 for an empty profile.
    """
    units = _units(np.atleast_2d(profiles))
    result = np.empty((len(units), len(matrix)))
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step]
        result[:, start : start + len(block)] = units @ _units(block).T
    return result if profiles.ndim == 2 else result[0]


def _units(rows: Tile) -> DoubleArray:
    wide = np.asarray(rows, dtype=np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    units: DoubleArray = wide / np.where(norms > 0, norms, 1.0)
    return units


def nearest(cosines: DoubleArray, top: int, leave_out: int | None = None) -> IndexArray:
    """Positions of the ``top`` highest cosines, highest first, equal ones in file order."""
    order = np.argsort(-cosines, kind="stable")
    return order[order != leave_out][:top] if leave_out is not None else order[:top]


def variable_genes(matrix: Tile, top: int) -> IndexArray:
    """Positions of the ``top`` columns with the largest variance, ascending by position."""
    variance = np.var(matrix, axis=0, dtype=np.float64)
    return np.sort(np.argsort(-variance, kind="stable")[:top])


def principal_components(matrix: Tile, n_components: int = 10, seed: int = 1) -> tuple[DoubleArray, DoubleArray]:
    """Scores (n x c) on the first principal components of a matrix (n x p), and the share of variance of each (c)."""
    pca = _pca(matrix, n_components, seed)
    return pca.transform(matrix), np.asarray(pca.explained_variance_ratio_, dtype=np.float64)


def fit_components(matrix: Tile, n_components: int, seed: int = 1) -> tuple[DoubleArray, Callable[[Tile], DoubleArray]]:
    """Scores (n x c) of a matrix (n x p), and the function that puts further rows (m x p) into the same space."""
    pca = _pca(matrix, n_components, seed)
    return pca.transform(matrix), pca.transform


def _pca(matrix: Tile, n_components: int, seed: int) -> Any:
    from sklearn.decomposition import PCA  # takes a second to import, and most commands do without

    c = min(n_components, *matrix.shape)
    solver = "randomized" if min(matrix.shape) > 4 * c else "full"
    return PCA(n_components=c, svd_solver=solver, random_state=seed).fit(np.asarray(matrix, dtype=np.float64))
