"""The loops behind ``rare``, compiled with numba."""

import numpy as np
import numpy.typing as npt

from core.expression.kernels import compiled

ROUNDING = 1e-6  # of the floor: below it, a difference is that of float32


@compiled
def add_above(
    tile: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    scale: npt.NDArray[np.float64],
    floor: npt.NDArray[np.float64],
    above: npt.NDArray[np.float64],
    total: npt.NDArray[np.float32],
) -> None:
    """Adds to ``total`` (n x n, lower triangle) the products of what lies above the floor in some ``rows`` of a tile
    (t x n), and to ``above`` (n) its sums weighted by ``scale`` (t, 1 / gene length). See ``rare.RareGenes``.
    """
    n = tile.shape[1]
    who, much = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.float32)
    for row in rows:
        found = 0
        for i in range(n):
            level = floor[i] * scale[row]
            s = np.float64(tile[row, i]) - level
            if s > ROUNDING * level:
                who[found], much[found] = i, np.float32(s)
                above[i] += s * scale[row]
                found += 1
        for a in range(found):
            for b in range(a + 1):
                total[who[a], who[b]] += much[a] * much[b]


@compiled
def add_floors(
    floor: npt.NDArray[np.float64], above: npt.NDArray[np.float64], squares: float, total: npt.NDArray[np.float32]
) -> None:
    """Adds to ``total`` (n x n, lower triangle) what the floors (n) amount to over genes of summed ``squares``."""
    for i in range(len(floor)):
        for k in range(i + 1):
            total[i, k] += np.float32(floor[i] * floor[k] * squares + floor[i] * above[k] + floor[k] * above[i])
