"""Gene by gene: mean, spread and zeros of synthetic samples against real ones, and how genes move together."""

import numpy as np

from core.types import DoubleArray, FloatMatrix, IndexArray

ZERO_BELOW = float(np.log2(1.5))  # a value that stands for less than half a count is written as count 0
MAX_GENES = 2000


def variable_genes(values: FloatMatrix, limit: int = MAX_GENES) -> IndexArray:
    """Positions (ascending) of the genes of n x G values with the largest variance, at most ``limit``."""
    variance = values.var(axis=0, dtype=np.float64)
    order = np.argsort(-variance, kind="stable")[:limit]
    return np.sort(order[variance[order] > 0])


def correlation_score(a: FloatMatrix, b: FloatMatrix) -> float:
    """Agreement of the gene-gene distances of two sets of samples on the same genes (Viñas et al. 2022, eq. 5).

    Distance = 1 - Pearson correlation over samples; the score is the Pearson correlation of the two distance
    matrices over distinct gene pairs. Genes constant in either set are left out; 0 where fewer than 3 remain.
    """
    varies = (a.std(axis=0) > 0) & (b.std(axis=0) > 0)
    if varies.sum() < 3:
        return 0.0
    pairs = np.triu_indices(int(varies.sum()), k=1)
    first, second = _correlations(a[:, varies])[pairs], _correlations(b[:, varies])[pairs]
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def gene_agreement(a: FloatMatrix, b: FloatMatrix) -> dict[str, float]:
    """Per-gene mean and sd of a (m x G) against b (n x G): R^2 about the identity line and mean absolute error.

    ``zero_share_error``: mean absolute difference of the per-gene share of values that stand for a count of 0.
    """
    result = {"zero_share": float((a < ZERO_BELOW).mean())}
    for name, x, y in (("mean", _mean(a), _mean(b)), ("sd", _sd(a), _sd(b))):
        spread = float(((y - y.mean()) ** 2).sum())
        result[f"gene_{name}_r2"] = 1 - float(((x - y) ** 2).sum()) / spread if spread > 0 else 0.0
        result[f"gene_{name}_error"] = float(np.abs(x - y).mean())
    zeros = np.abs((a < ZERO_BELOW).mean(axis=0) - (b < ZERO_BELOW).mean(axis=0))
    result["zero_share_error"] = float(zeros.mean())
    return result


def _correlations(values: FloatMatrix) -> FloatMatrix:
    centred = values - values.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=0)
    return np.asarray(unit.T @ unit, dtype=np.float32)


def _mean(values: FloatMatrix) -> DoubleArray:
    result: DoubleArray = values.mean(axis=0, dtype=np.float64)
    return result


def _sd(values: FloatMatrix) -> DoubleArray:
    result: DoubleArray = values.std(axis=0, ddof=1, dtype=np.float64)
    return result
