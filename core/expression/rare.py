"""What genes that few biosamples express add to the cosines of all pairs, without their n x n products.

Where a biosample has no count of a gene, Y is floor / length: the floor (Q of a count of 0) is the biosample's, the
length the gene's. So Y = floor / length + s, with s = 0 in all but a few biosamples, and over such genes

    sum Y_i Y_k = f_i f_k sum 1 / length^2  +  f_i sum s_k / length  +  f_k sum s_i / length  +  sum s_i s_k:

two numbers a biosample, and products of those few that express a gene. A third of the genes of a large ARCHS4 file are
such genes, and cost next to nothing this way.
"""

import numpy as np

from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray

SHARE = 20  # a gene is rare where at most one biosample in so many expresses it


def is_rare(expressed: IndexArray, n: int) -> BoolArray:
    """Which genes are rare, by the number of the n biosamples that express them."""
    return np.asarray(expressed * SHARE <= n, dtype=np.bool_)


class RareGenes:
    """Takes rare genes out of tiles as they pass, and adds what they amount to at the end.

    ``floor`` (n): Q of a count of 0 of each biosample. ``rare`` and ``length`` (t) are of all genes that will pass, in
    order.
    """

    def __init__(self, floor: DoubleArray, rare: BoolArray, length: DoubleArray) -> None:
        self._floor = floor
        self._rare, self._scale = rare, 1.0 / length
        self._frequent: FloatMatrix = np.empty((0, 0), dtype=np.float32)  # one place for every tile
        self._above = np.zeros(len(floor))
        self._passed = 0

    def take(self, tile: FloatMatrix, total: FloatMatrix) -> FloatMatrix:
        """The genes of a tile (some genes x n) that are not rare, until the next tile is taken.

        Products of the rare ones go to ``total`` (n x n).
        """
        here = slice(self._passed, self._passed + len(tile))
        self._passed += len(tile)
        from core.expression import rare_kernels  # numba takes a while to import

        rare = self._rare[here]
        if not rare.any():
            return tile
        if self._frequent.shape[1:] != tile.shape[1:] or len(self._frequent) < len(tile):
            self._frequent = np.empty(tile.shape, dtype=np.float32)
        rare_kernels.add_above(tile, np.flatnonzero(rare), self._scale[here], self._floor, self._above, total)
        rest: FloatMatrix = self._frequent[: len(tile) - int(rare.sum())]
        np.compress(~rare, tile, axis=0, out=rest)
        return rest

    def close(self, total: FloatMatrix) -> None:
        """Adds the floors' part to the lower triangle of ``total`` (n x n)."""
        from core.expression import rare_kernels

        scale = self._scale[self._rare]
        if len(scale):
            rare_kernels.add_floors(self._floor, self._above, float(scale @ scale), total)
