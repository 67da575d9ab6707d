"""Which biosamples are most like a profile, and where each lies in a plane."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import linalg

from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Tile


def cosine_between(profiles: Tile, others: Tile) -> DoubleArray:
    """Cosine of every profile (m x g) to every other (r x g): m x r, float64; 0 with an empty profile."""
    wide, wide_others = np.asarray(profiles, dtype=np.float64), np.asarray(others, dtype=np.float64)
    norms, norms_others = np.linalg.norm(wide, axis=1), np.linalg.norm(wide_others, axis=1)
    cosines: DoubleArray = (wide / _divisor(norms)[:, None]) @ (wide_others / _divisor(norms_others)[:, None]).T
    return cosines


def cosine_to_block(
    units: FloatMatrix,
    pieces: Iterable[tuple[slice, FloatMatrix]],
    norms: DoubleArray,
    present: BoolArray | None = None,
) -> DoubleArray:
    """Cosine of unit profiles (m x g) to the biosamples of a block (b): m x b; 0 with an empty profile.

    ``pieces`` are the block's Y gene by gene: which genes, and their expression (t x b); together every gene once.
    ``norms`` (b) are the lengths of whole profiles; they are not used where only some genes are ``present`` (g).
    """
    products, squares = np.zeros((len(units), len(norms))), np.zeros(len(norms))
    for genes, piece in pieces:
        products += units[:, genes] @ piece
        if present is not None:
            squares += np.square(piece[present[genes]], dtype=np.float64).sum(axis=0)
    cosines: DoubleArray = products / _divisor(norms if present is None else np.sqrt(squares))
    return cosines


def unit_profiles(profiles: Tile, present: BoolArray | None = None) -> FloatMatrix:
    """Profiles (m x g) of length 1, in float32, over the genes that are ``present`` (g), 0 at the others."""
    wanted = np.asarray(profiles if present is None else np.where(present, profiles, 0.0), dtype=np.float64)
    units: FloatMatrix = (wanted / _divisor(np.linalg.norm(wanted, axis=1))[:, None]).astype(np.float32)
    return units


def _divisor(norms: DoubleArray) -> DoubleArray:
    return np.where(norms > 0, norms, 1.0)


def principal_axes(cosines: Tile, dimensions: int) -> DoubleArray:
    """Weights (c x s) that make the c principal axes of s unit profiles, uncentred, out of the profiles themselves.

    ``cosines`` (s x s, of which the lower triangle is read). With U (s x g) the profiles and U U' = V diag(w) V', the
    axes are diag(w)^(-1/2) V' U: the right singular vectors of U of the largest singular values. Axes without
    length (fewer independent profiles than ``dimensions``) are left out.
    """
    s = len(cosines)
    values, vectors = linalg.eigh(cosines, lower=True, subset_by_index=(max(0, s - dimensions), s - 1))
    some = values > values[-1] * s * np.finfo(np.float32).eps
    weights: DoubleArray = (vectors[:, some] / np.sqrt(values[some])).T[::-1]
    return weights


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
