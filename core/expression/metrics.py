"""What is asked of each gene over biosamples: signal, spread, zeros, and how specific it is to a label.

Every function gets tiles of Y (t genes x n biosamples), so that a matrix of any size passes through in pieces.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.types import CountMatrix, DoubleArray, FloatMatrix, IndexArray, StepArray, Tile

PERCENTILE = 0.95


def percentile_sorted(ordered: Tile, share: float = PERCENTILE) -> DoubleArray:
    """The ``share`` quantile of each ascending row (t x n), linearly interpolated: numpy's result to the last bit."""
    position = share * (ordered.shape[1] - 1)
    low = int(position)
    part = position - low
    below = ordered[:, low].astype(np.float64)
    above = ordered[:, min(low + 1, ordered.shape[1] - 1)].astype(np.float64)
    step = above - below
    between: DoubleArray = above - step * (1.0 - part) if part >= 0.5 else below + step * part
    return between


def signal(p95: DoubleArray, mean: DoubleArray) -> DoubleArray:
    """signal = P95((1 + Y) / mean(1 + Y)) = (1 + p95) / (1 + mean), per gene (t)."""
    return (1.0 + p95) / (1.0 + mean)


def describe_sorted(ordered: FloatMatrix) -> DoubleArray:
    """Mean, variance (n - 1), Gini coefficient, median, median absolute deviation (t x 5) of ascending rows (t x n).

    G = sum_i (2 i - n - 1) x_i / (n sum x), i = 1..n (Gini 1912; for gene expression O'Hagan et al. 2018): 0 = the
    same everywhere, towards 1 = all in one biosample. NaN for a gene that is zero everywhere, the variance of one
    biosample too.
    """
    from core.expression import gene_kernels

    found = np.empty((len(ordered), 5))
    gene_kernels.describe_rows(ordered, found)
    return found


def expressed(counts: CountMatrix) -> tuple[StepArray, DoubleArray, DoubleArray]:
    """Of a block (m x G): biosamples in which each gene is not 0 (G), and each biosample's depth and share of zeros."""
    from core.expression import kernels

    by_gene, by_biosample, depth = (np.zeros(size, dtype=np.int64) for size in (counts.shape[1], *[len(counts)] * 2))
    kernels.count_expressed(counts, by_gene, by_biosample, depth)
    return by_gene, depth.astype(np.float64), 1.0 - by_biosample / counts.shape[1]


@dataclass(frozen=True)
class Labels:
    """Multi-hot labels, sparse: biosample ``rows[i]`` has label ``names[columns[i]]``."""

    names: list[str]
    rows: IndexArray
    columns: IndexArray


def label_means(tile: FloatMatrix, labels: Labels) -> DoubleArray:
    """Mean Y of each gene within each label: t x L, from a tile (t x n)."""
    from core.expression import gene_kernels

    sizes = np.bincount(labels.columns, minlength=len(labels.names)).astype(np.float64)
    sums = np.zeros((len(tile), len(labels.names)))
    gene_kernels.sum_labels(tile, labels.rows, labels.columns, sums)
    means: DoubleArray = np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0)
    return means


def tau(means: DoubleArray) -> DoubleArray:
    """Tissue specificity of each gene (t) from its label means (t x L): 0 = everywhere alike, 1 = one label only.

    tau = sum_l (1 - x_l / max x) / (L - 1) (Yanai et al. 2005). NaN with fewer than two labels or no expression.
    """
    n_labels = means.shape[1]
    if n_labels < 2:
        return np.full(len(means), np.nan)
    highest = means.max(axis=1, keepdims=True)
    scaled = np.divide(means, highest, out=np.full(means.shape, np.nan), where=highest > 0)
    result: DoubleArray = (1.0 - scaled).sum(axis=1) / (n_labels - 1)
    return result


def tile_statistics(tile: FloatMatrix, ordered: FloatMatrix, labels: Labels) -> pd.DataFrame:
    """One row a gene: mean, variance, p95, signal, gini, median, deviation (median, absolute), tau, top_label.

    ``tile`` t x n in biosample order, ``ordered`` the same rows ascending.
    """
    frame = pd.DataFrame(describe_sorted(ordered), columns=["mean", "variance", "gini", "median", "deviation"])
    frame["p95"] = percentile_sorted(ordered)
    frame["signal"] = signal(frame["p95"].to_numpy(), frame["mean"].to_numpy())
    frame["tau"] = np.full(len(tile), np.nan)
    frame["top_label"] = pd.Series([None] * len(tile), dtype="str")
    if labels.names:
        means = label_means(tile, labels)
        frame["tau"] = tau(means)
        highest = np.nan_to_num(means, nan=-1.0).argmax(axis=1)
        top = pd.Series(np.array(labels.names, dtype=object)[highest], dtype="str")
        frame["top_label"] = top.where(means.max(axis=1, initial=0.0) > 0)
    return frame


def add_ranks(rankings: pd.DataFrame) -> pd.DataFrame:
    """Adds signal_rank, cosine_rank and co_rank (1 = highest; ties share the smallest rank; null stays null).

    co_rank orders genes by signal_rank + cosine_rank: high where both are high.
    """
    signal_rank = rankings["signal"].rank(ascending=False, method="min")
    cosine_rank = rankings["mean_cosine"].rank(ascending=False, method="min")
    both = (signal_rank + cosine_rank).rank(method="min")
    ranks = {"signal_rank": signal_rank, "cosine_rank": cosine_rank, "co_rank": both}
    return rankings.assign(**{name: rank.astype("Int64") for name, rank in ranks.items()})
