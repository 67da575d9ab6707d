"""Does a set of points cover the same region as real points? Precision, recall, density and coverage.

The manifold of a set is the union of balls around its points, each reaching to the point's k-th nearest neighbour
(itself left out).

- precision: share of synthetic points inside the real manifold; recall: share of real points inside the synthetic
  manifold (Kynkäänniemi et al. 2019, eq. 1-3).
- density: mean number of real balls that hold a synthetic point, over k (may exceed 1); coverage: share of real balls
  that hold at least one synthetic point (Naeem et al. 2020, eq. 3-4).
"""

import numpy as np
from scipy.spatial.distance import cdist

from core.types import DoubleArray

K_NEIGHBOURS = 5


def neighbours_for(n: int, k: int = K_NEIGHBOURS) -> int:
    """k, reduced for tiny sets so that a ball never holds more than half of the other points; at least 1."""
    return max(1, min(k, (n - 1) // 2))


def radii(points: DoubleArray, k: int) -> DoubleArray:
    """Distance (n) of each point (n x d) to its k-th nearest other point."""
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    result: DoubleArray = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return result


def manifold_metrics(synthetic: DoubleArray, real: DoubleArray, k: int) -> dict[str, float]:
    """Precision, recall, density and coverage of synthetic points (m x d) against real points (n x d)."""
    distances = cdist(synthetic, real)  # m x n
    in_real = distances <= radii(real, k)[None, :]
    in_synthetic = distances <= radii(synthetic, k)[:, None]
    return {
        "precision": float(in_real.any(axis=1).mean()),
        "recall": float(in_synthetic.any(axis=0).mean()),
        "density": float(in_real.sum() / (k * len(synthetic))),
        "coverage": float(in_real.any(axis=0).mean()),
    }
