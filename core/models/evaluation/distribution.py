"""Distances between two distributions that are known by samples: Fréchet, and maximum mean discrepancy."""

import numpy as np
from scipy.spatial.distance import cdist, pdist

from core.types import DoubleArray


def frechet_distance(a: DoubleArray, b: DoubleArray) -> float:
    """Fréchet distance of the Gaussians fitted to a (m x d) and b (n x d) (Dowson and Landau 1982, eq. 4; squared).

    |mean_a - mean_b|^2 + tr(S_a) + tr(S_b) - 2 tr((S_a S_b)^(1/2)). With S = A^T A, A the centred points over
    sqrt(n - 1), the last trace is the nuclear norm of A B^T, so no matrix root is needed, even where m < d.
    """
    root_a = (a - a.mean(axis=0)) / np.sqrt(len(a) - 1)
    root_b = (b - b.mean(axis=0)) / np.sqrt(len(b) - 1)
    shift = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    overlap = float(np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum())
    return max(0.0, shift + float((root_a**2).sum() + (root_b**2).sum()) - 2 * overlap)


def median_distance(points: DoubleArray) -> float:
    """The median heuristic: median distance between distinct points (1 where all coincide)."""
    return float(np.median(pdist(points))) or 1.0


def mmd_squared(a: DoubleArray, b: DoubleArray, bandwidth: float) -> float:
    """Unbiased estimate of the squared MMD, kernel exp(-|x - y|^2 / (2 bandwidth^2)) (Gretton et al. 2012, eq. 3).

    Unbiased, so it scatters around 0 (also below) where both sets follow one distribution.
    """

    def kernel(x: DoubleArray, y: DoubleArray) -> DoubleArray:
        result: DoubleArray = np.exp(-cdist(x, y, "sqeuclidean") / (2 * bandwidth**2))
        return result

    m, n = len(a), len(b)
    within_a = (kernel(a, a).sum() - m) / (m * (m - 1))
    within_b = (kernel(b, b).sum() - n) / (n * (n - 1))
    return float(within_a + within_b - 2 * kernel(a, b).mean())
