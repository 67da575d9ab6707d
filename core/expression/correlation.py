"""Pearson's correlation of one gene with all others over biosamples, from rows that were standardised beforehand.

With each row centred and of length 1, the correlation of two genes is their scalar product, so that one pass over the
rows answers for all genes. Rows are kept in half precision, in which a value is off by at most a 2,000th of itself.
Equal values are off by the same, so what rounding left of each row's sum and length is kept and taken out again: a
correlation is then exact to about 1e-4, far less than the sampling of biosamples moves it (``interval``).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from core.types import DoubleArray, FloatMatrix

HalfMatrix = npt.NDArray[np.float16]
Z95 = 1.959963984540054  # 97.5th percentile of the standard normal


def unit_rows(values: npt.NDArray[np.floating]) -> FloatMatrix:
    """Rows (t x s) centred and of length 1, float32; all 0 where a row is constant."""
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.square(centred).sum(axis=1))
    flat = norms <= 1e-6 * np.sqrt(centred.shape[1]) * np.abs(values).max(axis=1, initial=0.0)
    norms[flat] = np.inf
    rows: FloatMatrix = (centred / norms[:, None]).astype(np.float32)
    return rows


def moments(rows: HalfMatrix) -> FloatMatrix:
    """Sum and length of each row (t x s) as it was rounded: t x 2."""
    wide = rows.astype(np.float32)
    centred = np.square(wide, dtype=np.float64).sum(axis=1) - wide.sum(axis=1, dtype=np.float64) ** 2 / wide.shape[1]
    sums = wide.sum(axis=1, dtype=np.float64)
    return np.column_stack([sums, np.sqrt(np.maximum(centred, 0.0))]).astype(np.float32)


def with_all(row: int, blocks: Iterable[HalfMatrix], gene: HalfMatrix, known: FloatMatrix) -> DoubleArray:
    """Pearson's r of a gene (its place, and its unit row: s) with all genes, whose unit rows come in blocks (t x s).

    ``known``: the ``moments`` of all rows (g x 2). One value a gene; 0 where either is constant.
    """
    mine = gene.astype(np.float32)
    products = np.concatenate([block.astype(np.float32) @ mine for block in blocks]).astype(np.float64)
    sums, lengths = known.astype(np.float64).T
    over = lengths * lengths[row]
    r = (products - sums * sums[row] / len(mine)) / np.where(over > 0, over, np.inf)
    found: DoubleArray = np.clip(r, -1.0, 1.0)
    return found


def interval(r: DoubleArray, n: int) -> tuple[DoubleArray, DoubleArray]:
    """95 % confidence limits of Pearson's r over ``n`` independent biosamples, by Fisher's z (1921).

    Biosamples of one series are not independent, so that the true limits are wider. Unknown (NaN) below 4 biosamples.
    """
    if n < 4:
        return np.full(len(r), np.nan), np.full(len(r), np.nan)
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    half = Z95 / np.sqrt(n - 3)
    return np.tanh(z - half), np.tanh(z + half)


def between(values: npt.NDArray[np.floating]) -> DoubleArray:
    """Pearson's r of every pair of rows (t x n): t x t; NaN with a constant row."""
    wide = np.asarray(values, dtype=np.float64)
    centred = wide - wide.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.square(centred).sum(axis=1))
    norms[np.ptp(wide, axis=1) == 0] = np.nan
    r: DoubleArray = np.clip((centred @ centred.T) / np.outer(norms, norms), -1.0, 1.0)
    return r
