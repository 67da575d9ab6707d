"""Which gene sets stand near the top of the rankings: files of sets in the data folder, and their statistics."""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.access import Role
from core.errors import GeneSetsError, NotFoundError, RecipeError, StoreError
from core.expression import enrichment
from core.sources.gene_sets import GeneSet, read_gmt
from core.store.datasets import StoredDataset
from core.store.guard import guarded
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray
from core.workflows.gene_lists import GeneNames, scores_by

FOLDER = "gene_sets"
TOP = 500
SMALLEST, LARGEST = 5, 2000  # genes of a set that are ranked, else it is left out
COLUMNS = (
    "set", "genes", "ranked", "in_top", "expected", "fold", "p_top", "q_top", "median_rank", "auc", "p_rank", "q_rank",
    "score", "n_leading", "leading_edge", "description",
)  # fmt: skip
_NAME = re.compile(r"[\w][\w .()+-]{0,100}")


def gene_set_files(workspace: Workspace) -> list[str]:
    """Names of the .gmt files in the data folder's gene_sets, without the ending."""
    return sorted(path.stem for path in (workspace.root / FOLDER).glob("[!.]*.gmt") if path.is_file())


def gene_sets(workspace: Workspace, file: str) -> list[GeneSet]:
    """The sets of one of those files. Raises NotFoundError, GeneSetsError."""
    if file not in gene_set_files(workspace):
        raise NotFoundError(f"There is no {FOLDER}/{file}.gmt in the data folder: put it there, or upload it.")
    return read_gene_sets(workspace.root / FOLDER / f"{file}.gmt")


def read_gene_sets(path: Path) -> list[GeneSet]:
    """The sets of a .gmt file anywhere. Raises GeneSetsError."""
    try:
        return read_gmt(path.read_bytes(), path.name)
    except OSError as error:
        raise GeneSetsError(f"{path} cannot be read ({error.strerror}): check the path.") from error


@guarded(Role.TRAINER, "keep gene sets")
def keep_gene_sets(workspace: Workspace, filename: str, data: bytes) -> str:
    """Puts an uploaded .gmt file into the data folder; the name that it is kept by, without the ending.

    Where another file has that name, it is kept as "name (2)"; the same file again changes nothing. Raises
    GeneSetsError for a file that is none or a name that cannot be, and StoreError.
    """
    stem = Path(filename).name.removesuffix(".gmt").strip()
    if not _NAME.fullmatch(stem):
        raise GeneSetsError(f"{filename!r} cannot be kept by that name: use letters, digits, blanks, . _ + - and ( ).")
    read_gmt(data, filename)
    try:
        stem = _free_name(workspace.root / FOLDER, stem, data)
        path = workspace.root / FOLDER / f"{stem}.gmt"
        path.parent.mkdir(exist_ok=True)
        aside = path.with_name(f".{path.name}.upload")
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        where = workspace.root / FOLDER
        raise StoreError(f"{where} cannot be written ({error}): free some room, or change its rights.") from error
    return stem


def _free_name(folder: Path, stem: str, data: bytes) -> str:
    """The name itself where no other file has it, whatever its case, else the first of "name (2)", "name (3)", ..."""
    taken = {path.stem.lower(): path for path in folder.glob("[!.]*.gmt")}
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem} ({number})"
        other = taken.get(name.lower())
        if other is None:
            return name
        if other.read_bytes() == data:
            return other.stem
    raise AssertionError


@guarded(Role.ADMIN, "delete gene sets")
def delete_gene_sets(workspace: Workspace, file: str) -> None:
    """Removes one of the data folder's .gmt files; what was computed of it stays. Raises NotFoundError, StoreError."""
    if file not in gene_set_files(workspace):
        raise NotFoundError(f"There is no {FOLDER}/{file}.gmt in the data folder any more.")
    path = workspace.root / FOLDER / f"{file}.gmt"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be deleted ({error.strerror}): change the rights of its folder.") from error


def enrich(
    workspace: Workspace,
    name: str,
    sets: list[GeneSet],
    by: str = "signal",
    top: int = TOP,
    among: IndexArray | None = None,
) -> pd.DataFrame:
    """A row a set (columns ``COLUMNS``), smallest adjusted p-value of the rank test first.

    ``among``: rows of the genes that are the background (None: all that are ranked); those without a value of ``by``
    are left out. Sets with fewer than 5 or more than 2,000 of these genes are left out. ``p_top``: hypergeometric, of
    at least ``in_top`` genes of the set among the ``top`` first; ``p_rank``: Mann and Whitney, two-sided; q: adjusted
    by Benjamini and Hochberg over the sets in the table. Raises NotFoundError, RecipeError, GeneSetsError where no
    set is left.
    """
    dataset = workspace.dataset(name)
    ranking = _ranking(dataset, by, among)
    g = len(ranking.scores)
    if not 1 <= top < g:
        raise RecipeError(f"The top {top} of {g:,} genes: give a number from 1 to {max(1, g - 1):,}.")
    return _table(_usable(dataset, ranking, sets), ranking, top)


@dataclass(frozen=True)
class Ranking:
    """The g genes that have a value: ``scores`` (highest is best), ``place`` (0-based; equal ones keep the order of the
    rankings), ``rows`` of the rankings, and what they are called.
    """

    scores: DoubleArray
    place: IndexArray
    rows: IndexArray
    symbols: np.ndarray

    def places(self, members: IndexArray) -> IndexArray:
        """Places of some genes, ascending."""
        return np.sort(self.place[members])

    def named(self) -> np.ndarray:
        """What the genes are called, best first."""
        names = np.empty(len(self.place), dtype=object)
        names[self.place] = self.symbols
        return names


def ranked_sets(
    workspace: Workspace, name: str, sets: list[GeneSet], by: str, among: IndexArray | None = None
) -> tuple[Ranking, list[tuple[GeneSet, IndexArray]]]:
    """The ranking by a metric, and the sets that can be tested, each with its genes as positions in the ranking.

    Raises NotFoundError, RecipeError, GeneSetsError where no set is left.
    """
    dataset = workspace.dataset(name)
    ranking = _ranking(dataset, by, among)
    return ranking, _usable(dataset, ranking, sets)


def _ranking(dataset: StoredDataset, by: str, among: IndexArray | None) -> Ranking:
    scores, rows = scores_by(dataset, by)
    if among is not None:
        kept = np.isin(rows, among)
        scores, rows = scores[kept], rows[kept]
    place = np.empty(len(rows), dtype=np.intp)
    place[np.argsort(-scores, kind="stable")] = np.arange(len(rows))
    symbols = dataset.rankings["symbol"].where(dataset.rankings["symbol"] != "", dataset.rankings["ensembl_gene_id"])
    return Ranking(scores, place, rows, symbols.iloc[rows].to_numpy(object))


def _usable(dataset: StoredDataset, ranking: Ranking, sets: list[GeneSet]) -> list[tuple[GeneSet, IndexArray]]:
    g = len(ranking.rows)
    where = np.full(len(dataset.rankings), -1)
    where[ranking.rows] = np.arange(g)
    found = [(each, where[members]) for each, members in _matched(GeneNames(dataset), sets)]
    found = [(each, members[members >= 0]) for each, members in found]
    usable = [(each, members) for each, members in found if SMALLEST <= len(members) <= min(LARGEST, g - 1)]
    if not usable:
        raise GeneSetsError(
            f"None of the {len(sets):,} sets has {SMALLEST} to {LARGEST:,} genes that are ranked: check that the sets "
            "are of the dataset's organism, and that they name symbols or Ensembl ids."
        )
    return usable


def _matched(names: GeneNames, sets: list[GeneSet]) -> list[tuple[GeneSet, IndexArray]]:
    """Rows of the genes of each set; a symbol that several genes share is left out."""
    known: dict[str, list[int]] = {}
    for each in sets:
        for gene in each.genes:
            if gene not in known:
                known[gene] = names.rows(gene)
    rows = [sorted({known[gene][0] for gene in each.genes if len(known[gene]) == 1}) for each in sets]
    return [(each, np.array(some, dtype=np.intp)) for each, some in zip(sets, rows, strict=True)]


def _table(usable: list[tuple[GeneSet, IndexArray]], ranking: Ranking, top: int) -> pd.DataFrame:
    g = len(ranking.scores)
    tested = enrichment.rank_sum(ranking.scores, [members for _, members in usable])
    by_place = ranking.named()
    rows = []
    for each, members in usable:
        places = ranking.places(members)
        in_top = int((places < top).sum())
        expected = len(places) * top / g
        rows.append({
            "set": each.name, "genes": len(each.genes), "ranked": len(places), "in_top": in_top, "expected": expected,
            "fold": in_top / expected, "median_rank": float(np.median(places) + 1), "description": each.description,
            **leading_edge(places, by_place),
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    overlap, sizes = frame["in_top"].to_numpy(np.intp), frame["ranked"].to_numpy(np.intp)
    frame = frame.assign(auc=tested.auc, p_rank=tested.p, p_top=enrichment.over_representation(overlap, sizes, top, g))
    frame = frame.assign(q_rank=enrichment.adjusted(tested.p), q_top=enrichment.adjusted(frame["p_top"].to_numpy()))
    return frame[list(COLUMNS)].sort_values(["q_rank", "p_rank"], kind="stable", ignore_index=True)


def leading_edge(places: IndexArray, by_place: np.ndarray, weights: DoubleArray | None = None) -> dict[str, Any]:
    """score, n_leading, leading_edge (names joined by blanks) of a set by the running sum."""
    score, leading = enrichment.enrichment_score(places, len(by_place), weights)
    edge = places[:leading] if score >= 0 else places[len(places) - leading :]
    return {"score": score, "n_leading": leading, "leading_edge": " ".join(map(str, by_place[edge]))}
