"""A pasted list of genes: which of them the dataset has, where they stand in a ranking, and whether that is chance."""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.errors import GeneSetsError, RecipeError
from core.expression import enrichment
from core.sources.gencode import strip_version
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray

MOST = 20_000  # names in a list
TOP = 0.1
# What a list can be ranked by, and the sign that makes the best value the highest.
RANKED_BY = {"signal": 1, "mean_cosine": 1, "co_rank": -1, "mean": 1, "p95": 1, "variance": 1, "tau": 1, "gini": 1}
_BETWEEN = re.compile(r"[\s,;|\"'\[\](){}]+")


@dataclass(frozen=True)
class GeneList:
    """A list on a dataset. ``rows`` of the rankings, each once, in the order of the list.

    ``unknown``: names that no gene of the dataset has; ``without_length``: those of genes that are not ranked;
    ``ambiguous``: symbols that several ranked genes share (give their Ensembl ids); ``repeated``: how many names meant
    a gene that stood in the list before.
    """

    rows: list[int]
    asked: int
    unknown: list[str] = field(default_factory=list)
    without_length: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    repeated: int = 0


class GeneNames:
    """Finds ranked genes by symbol or Ensembl id; version and case don't matter, but an exact symbol comes first."""

    def __init__(self, dataset: StoredDataset) -> None:
        table = dataset.rankings
        symbols = table["symbol"].fillna("")
        self._ids = _rows_of(table["ensembl_gene_id"].fillna("").map(strip_version).str.upper())
        self._exact, self._folded = _rows_of(symbols), _rows_of(symbols.str.upper())
        left = dataset.genes[~dataset.genes["normalised"].astype(bool)]
        names = (left["symbol"].fillna(""), left["ensembl_gene_id"].fillna("").map(strip_version))
        self._unranked = {name.upper() for column in names for name in column if name}

    def rows(self, name: str) -> list[int]:
        """Rows that a name means: none, one, or several where genes share a symbol."""
        plain = strip_version(name)
        folded = plain.upper()
        return self._ids.get(folded) or self._exact.get(plain) or self._folded.get(folded) or []

    def is_unranked(self, name: str) -> bool:
        """Whether it is a gene of the dataset that has no length."""
        return strip_version(name).upper() in self._unranked


def _rows_of(names: "pd.Series[str]") -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:
            found.setdefault(name, []).append(row)
    return found


def match_gene_list(workspace: Workspace, name: str, text: str) -> GeneList:
    """A list of symbols or Ensembl ids, parted by anything but letters, on the genes of a dataset.

    Raises NotFoundError, GeneSetsError for a list that is empty or too long.
    """
    names = [each for each in _BETWEEN.split(text) if each]
    if not names:
        raise GeneSetsError("The list is empty: paste gene symbols or Ensembl ids.")
    if len(names) > MOST:
        raise GeneSetsError(f"The list has {len(names):,} names: {MOST:,} at most.")
    known = GeneNames(workspace.dataset(name))
    rows = Counter[int]()
    unknown, without, ambiguous = list[str](), list[str](), list[str]()
    for each in names:
        found = known.rows(each)
        if len(found) == 1:
            rows[found[0]] += 1
        elif found:
            ambiguous.append(each)
        else:
            (without if known.is_unranked(each) else unknown).append(each)
    unknown, without, ambiguous = (list(dict.fromkeys(several)) for several in (unknown, without, ambiguous))
    return GeneList(list(rows), len(names), unknown, without, ambiguous, rows.total() - len(rows))


@dataclass(frozen=True)
class ListRanks:
    """How a list stands in a ranking of ``genes`` genes.

    ``table``: position, symbol, ensembl_gene_id, value, rank, percentile, best rank first; ``expected_median``: of a
    random list; ``top_share``: of the list in the top tenth; ``auc``: chance that a gene of the list ranks above one
    that is not in it; ``u`` and ``p`` (two-sided) of Mann and Whitney; ``curve``: corners of the running sum.
    ``values``: all values, highest rank first, for the rank plot.
    """

    by: str
    genes: int
    table: pd.DataFrame
    median_rank: float
    top_share: float
    auc: float
    u: float
    p: float
    curve: tuple[DoubleArray, DoubleArray]
    values: DoubleArray
    missing: int


def rank_gene_list(workspace: Workspace, name: str, rows: list[int], by: str = "signal") -> ListRanks:
    """Ranks of some genes (rows of the rankings) by a metric, against all others that have a value.

    Genes of equal value share the mean of their ranks. Raises NotFoundError, RecipeError for another metric, and
    GeneSetsError where no gene of the list has a value.
    """
    dataset = workspace.dataset(name)
    scores, ranked = scores_by(dataset, by)
    where = np.full(len(dataset.rankings), -1)
    where[ranked] = np.arange(len(ranked))
    asked = np.unique(np.asarray(rows, dtype=np.intp))
    mine = where[asked]
    mine = mine[mine >= 0]
    if not len(mine):
        raise GeneSetsError(f"No gene of the list has a value of {by}: rank by another metric.")
    g = len(scores)
    ranks = g + 1 - _mean_ranks(scores)
    test = enrichment.rank_sum(scores, [mine])
    order = np.argsort(-scores, kind="stable")
    places = np.sort(np.argsort(order)[mine])
    at = ranked[mine]
    table = dataset.rankings.iloc[at][["symbol", "ensembl_gene_id"]].reset_index(drop=True)
    table.insert(0, "position", at)
    table = table.assign(value=dataset.rankings[by].iloc[at].to_numpy(), rank=ranks[mine])
    table["percentile"] = 100.0 * (g - table["rank"]) / max(1, g - 1)
    return ListRanks(
        by=by, genes=g, table=table.sort_values("rank", kind="stable", ignore_index=True),
        median_rank=float(np.median(ranks[mine])), top_share=float((ranks[mine] <= TOP * g).mean()),
        auc=float(test.auc[0]), u=float(test.u[0]), p=float(test.p[0]), curve=enrichment.running_sum(places, g),
        values=RANKED_BY[by] * scores[order], missing=len(asked) - len(mine),
    )  # fmt: skip


def scores_by(dataset: StoredDataset, by: str) -> tuple[DoubleArray, IndexArray]:
    """Scores of the genes that have a value, highest is best, and their rows. Raises RecipeError for another metric."""
    if by not in RANKED_BY:
        raise RecipeError(f"Cannot rank a list by {by!r}: choose one of {', '.join(RANKED_BY)}.")
    values = dataset.rankings[by].to_numpy(dtype=np.float64, na_value=np.nan) * RANKED_BY[by]
    rows = np.flatnonzero(~np.isnan(values))
    return values[rows], rows


def _mean_ranks(scores: DoubleArray) -> DoubleArray:
    from scipy import stats

    ranks: DoubleArray = stats.rankdata(scores)
    return ranks
