"""What is asked of each gene over biosamples: signal, spread, zeros, and how specific it is to a label.

Every function gets tiles of Y (t genes x n biosamples), so that a matrix of any size passes through in pieces.
"""

import numpy as np
import pandas as pd

from core.types import BoolArray, DoubleArray, Tile

PERCENTILE = 0.95


def percentile_sorted(ordered: Tile, share: float = PERCENTILE) -> DoubleArray:
    """The ``share`` quantile of each row (t) of ascending rows (t x n), linear interpolation (numpy's default)."""
    position = share * (ordered.shape[1] - 1)
    low = int(position)
    high = min(low + 1, ordered.shape[1] - 1)
    below = ordered[:, low].astype(np.float64)
    between: DoubleArray = below + (ordered[:, high] - below) * (position - low)
    return between


def signal(p95: DoubleArray, mean: DoubleArray) -> DoubleArray:
    """signal = P95((1 + Y) / mean(1 + Y)) = (1 + p95) / (1 + mean), per gene (t)."""
    return (1.0 + p95) / (1.0 + mean)


def gini_sorted(ordered: Tile) -> DoubleArray:
    """Gini coefficient of each ascending row (t x n): 0 = the same everywhere, towards 1 = all in one biosample.

    G = sum_i (2 i - n - 1) x_i / (n sum x), i = 1..n (Gini 1912; for gene expression O'Hagan et al. 2018).
    NaN for a gene that is zero everywhere.
    """
    n = ordered.shape[1]
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    total = ordered.sum(axis=1, dtype=np.float64)
    weighted = ordered.astype(np.float64) @ weights
    gini: DoubleArray = np.divide(weighted, n * total, out=np.full(len(ordered), np.nan), where=total > 0)
    return gini


def label_means(tile: Tile, labels: BoolArray) -> DoubleArray:
    """Mean Y of each gene within each label: t x L, from a tile (t x n) and multi-hot labels (n x L)."""
    sizes = labels.sum(axis=0)
    sums = tile.astype(np.float64) @ labels.astype(np.float64)
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


def tile_statistics(tile: Tile, ordered: Tile, labels: BoolArray, names: list[str]) -> pd.DataFrame:
    """One row a gene: mean, variance, p95, signal, gini, tau, top_label.

    ``tile`` t x n in biosample order, ``ordered`` the same rows ascending, ``labels`` n x L multi-hot, ``names`` L.
    """
    mean = tile.mean(axis=1, dtype=np.float64)
    p95 = percentile_sorted(ordered)
    n = tile.shape[1]
    variance = tile.var(axis=1, ddof=1, dtype=np.float64) if n > 1 else np.full(len(tile), np.nan)
    columns = {"mean": mean, "variance": variance, "p95": p95, "signal": signal(p95, mean)}
    columns |= {"gini": gini_sorted(ordered), "tau": np.full(len(tile), np.nan)}
    frame = pd.DataFrame(columns)
    frame["top_label"] = pd.Series([None] * len(tile), dtype="str")
    if names:
        means = label_means(tile, labels)
        frame["tau"] = tau(means)
        top = pd.Series(np.array(names, dtype=object)[np.nan_to_num(means, nan=-1.0).argmax(axis=1)], dtype="str")
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
