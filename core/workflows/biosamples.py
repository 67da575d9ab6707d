"""Biosamples as such: searching them, comparing two carts of them gene by gene, and one of them in detail."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.engine import LocalEngine
from core.expression import compare as comparison
from core.expression import normalise
from core.expression.outliers import Reference, high_genes
from core.store.biosample_search import BiosampleSearch, SampleQuery
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.store.workspace import Workspace
from core.types import FloatMatrix, IndexArray, Progress, silent
from core.workflows.carts import check_comparable, positions

COMPARISON_VERSION = 1
PIECE = 32  # biosamples that are normalised at a time
VALUES_AT_ONCE = 1 << 17  # of a block of genes that is compared at a time: they stay in the cache
IN_MEMORY = 1 << 30  # bytes of Q from which on it goes through a file
HIGH_GENES = 50
LABEL_ROWS = 128  # biosamples of a label that say what is usual for it, spread evenly over its own
FOUND = ("sample_id", "labels", "title", "series_id", "source_name_ch1", "alignedreads", "depth",
         "singlecellprobability", "zero_share", "characteristics_ch1")  # fmt: skip
_ENTRY = re.compile(r"\s*[,;\t]\s*(?=[^,;:\t]+:)")


@dataclass(frozen=True)
class CartComparison:
    """Two carts compared. ``genes``: one row a gene of the file, columns as ``_table`` names them, most certain first.

    ``tested``: genes with a p value, ``exact``: those whose p is exact.
    """

    genes: pd.DataFrame
    n_a: int
    n_b: int

    @property
    def tested(self) -> int:
        """Genes with a p value."""
        return int(self.genes["p_value"].notna().sum())

    @property
    def exact(self) -> int:
        """Genes whose p is exact."""
        return int((self.genes["method"] == "exact").sum())

    @property
    def method(self) -> str:
        """How p came about, in a sentence."""
        sizes = f"{self.n_a:,} biosamples in A against {self.n_b:,} in B"
        if min(self.n_a, self.n_b) < comparison.FEWEST:
            return (
                f"{sizes}: with fewer than {comparison.FEWEST} on a side no test is of use, so there are effect sizes "
                "alone and no p values."
            )
        how = "normal approximation with correction for ties and continuity"
        if self.exact:
            how = f"exact for {self.exact:,} genes without tied values, {how} for {self.tested - self.exact:,}"
        none = len(self.genes) - self.tested
        without = f" {none:,} genes without a count in either cart are not tested." if none else ""
        return (
            f"{sizes}: Wilcoxon rank-sum test of {self.tested:,} genes ({how}), p adjusted by Benjamini and Hochberg."
            f"{without}"
        )


def biosample_search(workspace: Workspace, name: str) -> BiosampleSearch:
    """The biosamples of a dataset with the labels in use, ready to search; to be kept while they stay the same."""
    return BiosampleSearch(workspace.dataset(name).biosamples)


def search_biosamples(workspace: Workspace, name: str, query: SampleQuery, limit: int | None = None) -> pd.DataFrame:
    """The biosamples that a query asks for with what is known of them, columns as ``FOUND``.

    Raises NotFoundError for the dataset, RecipeError for a pattern or facet that cannot be.
    """
    rows = biosample_search(workspace, name).find(query).rows[:limit]
    return described(workspace.dataset(name), rows)


def described(dataset: StoredDataset, rows: IndexArray) -> pd.DataFrame:
    """Biosamples at these rows with what is known of them; columns that the dataset has no value for are left out."""
    table = dataset.biosamples
    more = [name for name in table.columns if name not in FOUND]
    order = [name for name in (*FOUND, *more) if name in table and table[name].notna().any()]
    return table.iloc[rows][order].reset_index(drop=True)


def compare_carts(
    workspace: Workspace, name: str, a: Sequence[str], b: Sequence[str], progress: Progress = silent
) -> CartComparison:
    """Compares two carts gene by gene (``core.expression.compare``); computed once for the same biosamples.

    Raises InputError where a cart is empty or both are the same, NotFoundError for an id, RecipeError above the limit.
    """
    check_comparable(a, b)
    dataset = workspace.dataset(name)
    sides = [np.sort(positions(dataset, side)) for side in (a, b)]
    parameters = {"a": _digest(sides[0]), "b": _digest(sides[1])}
    genes = workspace.results.cached(
        dataset, "carts", COMPARISON_VERSION, parameters, lambda: _compare(dataset, sides[0], sides[1], progress)
    )
    return CartComparison(genes, len(sides[0]), len(sides[1]))


def told_by(characteristics: str) -> list[tuple[str, str]]:
    """Key and value of each entry of GEO's characteristics; a comma that no "key:" follows belongs to the value."""
    entries = [entry.partition(":") for entry in _ENTRY.split(characteristics)]
    return [(key.strip(), value.strip()) for key, colon, value in entries if colon and value.strip()]


def expression_in(dataset: StoredDataset, gene: str, sample_ids: Sequence[str]) -> pd.DataFrame:
    """Q of a gene (by Ensembl id or symbol) in biosamples: sample_id, series_id, title, labels, value, counts."""
    rows = positions(dataset, sample_ids)
    column = gene_position(dataset, gene)
    value, counts = np.empty(len(rows)), np.empty(len(rows), dtype=np.uint32)
    for start, stop in spans(len(rows), PIECE):
        block = dataset.counts(rows[start:stop])
        value[start:stop] = normalise.to_target(block, dataset.target)[:, column]
        counts[start:stop] = block[:, column]
    found = dataset.biosamples.iloc[rows][["sample_id", "series_id", "title", "labels"]].reset_index(drop=True)
    return found.assign(value=value, counts=counts)


def gene_position(dataset: StoredDataset, gene: str) -> int:
    """Which of the G genes it is, whether it has a length or not. Raises NotFoundError."""
    wanted = gene.strip()
    genes = dataset.genes
    hits = np.flatnonzero((genes["ensembl_gene_id"] == wanted) | (genes["symbol"] == wanted))
    return int(hits[0]) if len(hits) == 1 else int(dataset.in_y[dataset.gene(gene)])


def unusually_high(dataset: StoredDataset, sample_id: str) -> tuple[pd.DataFrame, str]:
    """Genes that are high in a biosample: symbol, ensembl_gene_id, value (Q), z_all, z_label; and that label.

    Robust z against all biosamples and against those of its first label without itself. Raises NotFoundError.
    """
    row = dataset.biosample(sample_id)
    label = str(dataset.biosamples["labels"].iloc[row]).split("|")[0]
    q = dataset.exact_profiles([row])[0] * dataset.lengths
    others = dataset.rows_with(label)
    others = others[others != row]
    some = others[np.unique(np.linspace(0, len(others) - 1, min(len(others), LABEL_ROWS)).astype(np.intp))]
    of_label = Reference.of(dataset.profiles(some) * dataset.lengths)
    found = high_genes(q, Reference.from_medians(*dataset.medians), of_label, HIGH_GENES)
    genes = dataset.rankings.iloc[found.index][["symbol", "ensembl_gene_id"]].reset_index(drop=True)
    return genes.assign(value=q[found.index], z_all=found.z_all, z_label=found.z_label), label


def _compare(dataset: StoredDataset, a: IndexArray, b: IndexArray, progress: Progress) -> pd.DataFrame:
    rows = np.concatenate([a, b])
    in_a = np.arange(len(rows)) < len(a)
    with _room(len(dataset.genes), len(rows)) as marked:
        _normalise(dataset, rows, marked, progress)
        step = max(64, VALUES_AT_ONCE // len(rows))
        parts = _parts(marked, in_a, step, progress)
        found = comparison.joined(list(parts))
    return _table(dataset, found)


def _normalise(dataset: StoredDataset, rows: IndexArray, out: FloatMatrix, progress: Progress) -> None:
    """Q of biosamples, gene by gene (G x m), with a minus where the count is 0."""

    def fill(start: int, stop: int) -> None:
        counts = dataset.counts(rows[start:stop])
        out[:, start:stop] = comparison.signed(normalise.to_target_rounded(counts, dataset.target), counts).T

    pieces = spans(len(rows), PIECE)
    for number, _ in enumerate(LocalEngine().map(fill, pieces)):
        progress("normalising biosamples", number + 1, len(pieces))


def _parts(marked: FloatMatrix, in_a: np.ndarray, step: int, progress: Progress) -> Iterator[comparison.Comparison]:
    def work(start: int, stop: int) -> comparison.Comparison:
        block = marked[start:stop]
        return comparison.compare(np.abs(block), block > 0, in_a)

    blocks = spans(len(marked), step)
    for number, part in enumerate(LocalEngine().map(work, blocks)):
        progress("testing genes", number + 1, len(blocks))
        yield part


@contextmanager
def _room(genes: int, biosamples: int) -> Iterator[FloatMatrix]:
    """An empty matrix (G x m), in a file that goes with it where it is too large for memory."""
    if 4 * genes * biosamples <= IN_MEMORY:
        yield np.empty((genes, biosamples), dtype=np.float32)
        return
    with tempfile.TemporaryDirectory(prefix="archscope-") as folder:
        yield np.memmap(Path(folder) / "q", dtype=np.float32, mode="w+", shape=(genes, biosamples))


def _table(dataset: StoredDataset, found: comparison.Comparison) -> pd.DataFrame:
    genes = dataset.genes[["symbol", "ensembl_gene_id", "biotype"]].reset_index(drop=True)
    tested = ~np.isnan(found.p)
    table = genes.assign(
        log2_fold_change=found.mean_a - found.mean_b,
        p_value=found.p,
        fdr=comparison.adjusted(found.p),
        auroc=found.auroc,
        mean_a=found.mean_a,
        mean_b=found.mean_b,
        median_difference=found.median_a - found.median_b,
        expressed_a=found.expressed_a,
        expressed_b=found.expressed_b,
        u=found.u,
        method=np.where(found.exact, "exact", np.where(tested, "normal", "")),
        normalised=dataset.genes["normalised"].to_numpy(),
    )
    size = table["log2_fold_change"].abs()
    return (
        table.assign(size=size)
        .sort_values(["p_value", "size"], ascending=[True, False], kind="stable", na_position="last")
        .drop(columns="size")
        .reset_index(names="position")
    )


def _digest(rows: IndexArray) -> str:
    return hashlib.blake2b(np.asarray(rows, dtype="<i8").tobytes(), digest_size=16).hexdigest()
