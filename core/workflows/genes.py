"""What the pages ask about single genes: ranks, expression by label, correlated genes, several genes side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.access import Role
from core.errors import RecipeError
from core.expression import correlation, embedding, normalise
from core.store.correlation_sample import GENES, sampled, unit_sample
from core.store.datasets import StoredDataset
from core.store.guard import guarded
from core.store.results import RankingQuery
from core.store.saved_filters import SavedFilters, Values
from core.store.tiles import spans
from core.store.workspace import Workspace
from core.types import BoolArray, DoubleArray, IndexArray

MOST_COMPARED = 8
MOSTLY_ZERO = 0.9  # genes without a count in more biosamples than that are no partners: one outlier makes them agree
SCALES = ("length", "log2", "counts")
# Metrics with a rank: whether the highest value is the first.
RANKED = {
    "signal": True, "mean_cosine": True, "co_rank": False, "mean": True, "p95": True, "variance": True, "tau": True,
    "gini": True, "zero_share": True,
}  # fmt: skip
_STORED = {"signal": "signal_rank", "mean_cosine": "cosine_rank", "co_rank": "co_rank"}


def gene_ranks(workspace: Workspace, name: str, gene: str) -> pd.DataFrame:
    """A gene among all: metric, value, rank (1 = highest; lowest for co_rank), of, percentile (0 to 100, 100 = first).

    Genes without a value are not counted; equal values share the best rank, but for the ranks that the build stored.
    Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    row, table = dataset.gene(gene), dataset.rankings
    rows = []
    for metric, falling in RANKED.items():
        values = table[metric].to_numpy(dtype=np.float64, na_value=np.nan)
        value, of = values[row], int((~np.isnan(values)).sum())
        better = values > value if falling else values < value
        stored = table[_STORED[metric]].iloc[row] if metric in _STORED else int(better.sum()) + 1
        rank = float("nan") if np.isnan(value) else float(stored)
        rows.append((metric, value, rank, of, 100.0 * (of - rank) / max(1, of - 1)))
    return pd.DataFrame(rows, columns=["metric", "value", "rank", "of", "percentile"])


def biotype_counts(workspace: Workspace, name: str, query: RankingQuery) -> pd.DataFrame:
    """biotype, genes: how many genes of each pass the other filters of a query. Raises RecipeError."""
    return workspace.results.biotypes(workspace.dataset(name), query)


def passing_genes(workspace: Workspace, name: str, query: RankingQuery) -> IndexArray:
    """Rows of the genes that pass the filters of a query, ascending. Raises RecipeError."""
    return workspace.results.passing(workspace.dataset(name), query)


def genes_inside(points: pd.DataFrame, corners: Sequence[tuple[float, float]]) -> list[str]:
    """Ids of the genes inside a polygon of signal (its logarithm, as it is drawn) against mean cosine.

    ``points``: id, signal, mean_cosine. ``corners``: v pairs of the same two, signal above 0.
    """
    outline = np.array(corners, dtype=np.float64)
    places = points[["signal", "mean_cosine"]].to_numpy(np.float64, copy=True)
    for some in (outline, places):
        some[:, 0] = np.log10(np.maximum(some[:, 0], np.finfo(np.float64).tiny))
    return points["id"].iloc[embedding.inside(places, outline)].tolist()


def saved_filters(workspace: Workspace, name: str) -> dict[str, Values]:
    """The saved filters of a dataset's rankings, by name. Raises NotFoundError, StoreError."""
    return _filters(workspace, name).all()


@guarded(Role.TRAINER, "save filters")
def save_filters(workspace: Workspace, name: str, label: str, values: Mapping[str, Any]) -> str:
    """Keeps filters of a dataset's rankings under a name (``label``), which is returned as it is kept.

    Raises RecipeError for a name that cannot be, or where there are too many; NotFoundError, StoreError.
    """
    return _filters(workspace, name).save(label, values)


@guarded(Role.TRAINER, "delete filters")
def delete_filters(workspace: Workspace, name: str, label: str) -> None:
    """Forgets saved filters. Raises NotFoundError, StoreError."""
    _filters(workspace, name).delete(label)


def _filters(workspace: Workspace, name: str) -> SavedFilters:
    return SavedFilters(workspace.root / "filters", workspace.dataset(name).name)


def values_of(dataset: StoredDataset, rows: Sequence[int], scale: str = "length") -> DoubleArray:
    """Expression of genes over all biosamples (t x n) on one of ``SCALES``. Raises RecipeError for another.

    length: Y, as the rankings use it; log2: Q, before the division by length; counts: 2^Q - 1, quantile-normalised
    counts on a linear scale.
    """
    if scale not in SCALES:
        raise RecipeError(f"scale is {scale!r}: give one of {', '.join(SCALES)}.")
    values = dataset.expression(list(rows)).astype(np.float64)
    if scale == "length":
        return values
    q: DoubleArray = values * dataset.lengths[list(rows), None]
    return q if scale == "log2" else np.exp2(q) - 1.0


def unit_of(dataset: StoredDataset, scale: str) -> str:
    """Unit of a scale, for axes and columns."""
    words = {"log2": "log2(1 + count), quantile-normalised", "counts": "counts, quantile-normalised, linear"}
    return words.get(scale, dataset.unit)


def expressed(dataset: StoredDataset, rows: Sequence[int]) -> BoolArray:
    """Which biosamples have a count of a gene, t x n, told from Y: all zeros of a biosample share one known value."""
    zeros = np.rint(dataset.biosamples["zero_share"].to_numpy(np.float64) * len(dataset.genes)).astype(np.intp)
    floor = normalise.value_of_zero(zeros, dataset.target)
    y = dataset.expression(list(rows))
    lengths = dataset.lengths[list(rows), None]
    found: BoolArray = (y > (floor / lengths).astype(np.float32) * np.float32(1 + 1e-6)) & (y > 0)
    return found


def expression_by_label(workspace: Workspace, name: str, gene: str, scale: str = "length") -> pd.DataFrame:
    """A row a label, highest median first: label, biosamples, mean, sd, p5, q1, median, q3, p95, share_expressed.

    A biosample with several labels counts for each; those without one are "no label". Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    return _by_label(dataset, dataset.gene(gene), scale)


def _by_label(dataset: StoredDataset, row: int, scale: str) -> pd.DataFrame:
    values, some = values_of(dataset, [row], scale)[0], expressed(dataset, [row])[0]
    rows = []
    for label, members in label_members(dataset):
        mine = values[members]
        q = np.percentile(mine, [5, 25, 50, 75, 95])
        spread = mine.std(ddof=1) if len(mine) > 1 else np.nan
        rows.append((label, len(mine), mine.mean(), spread, *q, some[members].mean()))
    columns = ["label", "biosamples", "mean", "sd", "p5", "q1", "median", "q3", "p95", "share_expressed"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values("median", ascending=False, kind="stable", ignore_index=True)


def label_members(dataset: StoredDataset) -> list[tuple[str, IndexArray]]:
    """Every label with the rows of its biosamples, and last "no label" with the rows of the rest; none is empty."""
    matrix = dataset.label_matrix
    found = [(label, np.flatnonzero(matrix[:, column])) for column, label in enumerate(dataset.label_names)]
    rest = np.flatnonzero(~matrix.any(axis=1)) if len(found) else np.arange(len(matrix))
    return [(label, members) for label, members in [*found, ("no label", rest)] if len(members)]


@dataclass(frozen=True)
class CorrelatedGenes:
    """``table``: position, symbol, ensembl_gene_id, biotype, r, low and high (95 %), mean, zero_share, signal_rank.

    ``used`` of ``biosamples``: how many the correlations go over; ``compared``: genes that could be in the table.
    """

    table: pd.DataFrame
    used: int
    biosamples: int
    compared: int

    @property
    def text(self) -> str:
        """Over what, in words."""
        drawn = "all" if self.used == self.biosamples else f"{self.used:,} (drawn with seed 1) of"
        return (
            f"Pearson's r over {drawn} {self.biosamples:,} biosamples, with {self.compared:,} genes that have a count "
            f"in at least {1 - MOSTLY_ZERO:.0%} of them."
        )


def correlated_genes(workspace: Workspace, name: str, gene: str, top: int = 50, sign: str = "+") -> CorrelatedGenes:
    """The ``top`` genes whose expression goes with a gene's ("+") or against it ("-"), strongest first.

    Pearson's r of Q, which equals that of Y because a gene's length is a constant factor. Raises NotFoundError,
    RecipeError for another sign.
    """
    if sign not in ("+", "-"):
        raise RecipeError(f"sign is {sign!r}: give + or -.")
    dataset = workspace.dataset(name)
    row = dataset.gene(gene)
    units, moments = unit_sample(dataset)
    blocks = (units[start:stop] for start, stop in spans(len(units), GENES))
    r = correlation.with_all(row, blocks, units[row], moments)
    table = dataset.rankings
    partner = table["zero_share"].to_numpy(np.float64) <= MOSTLY_ZERO
    partner[row] = False
    order = np.argsort(-r if sign == "+" else r, kind="stable")
    best = order[partner[order]][:top]
    used = len(sampled(dataset.blocks[-1]))
    low, high = correlation.interval(r[best], used)
    shown = table.iloc[best][["symbol", "ensembl_gene_id", "biotype"]].reset_index(drop=True)
    shown.insert(0, "position", best)
    shown = shown.assign(r=r[best], low=low, high=high)
    for column in ("mean", "zero_share", "signal_rank"):
        shown[column] = table[column].iloc[best].to_numpy()
    return CorrelatedGenes(shown, used, dataset.blocks[-1], int(partner.sum()))


@dataclass(frozen=True)
class GeneComparison:
    """Genes side by side, in the order asked for. ``rows``: in the rankings. ``metrics``: their rows of the rankings.

    ``values``: t x n on the scale asked for; ``labels``: label and rows of its biosamples; ``dots``: gene (place among
    those asked for), label, biosamples, mean, median, share_expressed; ``correlation``: t x t Pearson over all
    biosamples. ``unit`` of the values.
    """

    rows: list[int]
    metrics: pd.DataFrame
    values: DoubleArray
    labels: list[tuple[str, IndexArray]]
    dots: pd.DataFrame
    correlation: DoubleArray
    unit: str


def compare_genes(workspace: Workspace, name: str, genes: Sequence[str], scale: str = "length") -> GeneComparison:
    """Two to eight genes side by side; one that is named twice counts once.

    Raises NotFoundError, RecipeError for fewer or more genes.
    """
    dataset = workspace.dataset(name)
    rows = list(dict.fromkeys(dataset.gene(gene) for gene in genes))
    if not 2 <= len(rows) <= MOST_COMPARED:
        raise RecipeError(f"{len(rows)} genes to compare: choose 2 to {MOST_COMPARED} different ones.")
    values, some, labels = values_of(dataset, rows, scale), expressed(dataset, rows), label_members(dataset)
    dots = [
        (place, label, len(m), values[place, m].mean(), np.median(values[place, m]), some[place, m].mean())
        for place in range(len(rows))
        for label, m in labels
    ]
    return GeneComparison(
        rows=rows,
        metrics=dataset.rankings.iloc[rows].reset_index(drop=True),
        values=values,
        labels=labels,
        dots=pd.DataFrame(dots, columns=["gene", "label", "biosamples", "mean", "median", "share_expressed"]),
        correlation=correlation.between(values_of(dataset, rows, "log2")),
        unit=unit_of(dataset, scale),
    )
