"""Which gene sets stand near the top of the rankings: files of sets in the data folder, and their statistics."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import GeneSetsError, NotFoundError, RecipeError, StoreError
from core.expression import enrichment
from core.sources.gene_sets import GeneSet, read_gmt
from core.store.workspace import Workspace
from core.types import IndexArray
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


def keep_gene_sets(workspace: Workspace, filename: str, data: bytes) -> str:
    """Puts an uploaded .gmt file into the data folder; its name without the ending.

    Raises GeneSetsError for a file that is none, a name that cannot be, or one that another file has already.
    """
    stem = Path(filename).name.removesuffix(".gmt").strip()
    if not _NAME.fullmatch(stem):
        raise GeneSetsError(f"{filename!r} cannot be kept by that name: use letters, digits, blanks, . _ + - and ( ).")
    read_gmt(data, filename)
    path = workspace.root / FOLDER / f"{stem}.gmt"
    try:
        if path.is_file() and path.read_bytes() != data:
            raise GeneSetsError(f"The data folder has another {stem}.gmt: rename the file, then upload it again.")
        path.parent.mkdir(exist_ok=True)
        aside = path.with_name(f".{path.name}.upload")
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error}): free some room, or change its rights.") from error
    return stem


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
    scores, rows = scores_by(dataset, by)
    if among is not None:
        kept = np.isin(rows, among)
        scores, rows = scores[kept], rows[kept]
    g = len(rows)
    if not 1 <= top < g:
        raise RecipeError(f"The top {top} of {g:,} genes: give a number from 1 to {max(1, g - 1):,}.")
    where = np.full(len(dataset.rankings), -1)
    where[rows] = np.arange(g)
    place = np.empty(g, dtype=np.intp)
    place[np.argsort(-scores, kind="stable")] = np.arange(g)
    found = [(each, where[members]) for each, members in _matched(GeneNames(dataset), sets)]
    found = [(each, members[members >= 0]) for each, members in found]
    usable = [(each, members) for each, members in found if SMALLEST <= len(members) <= min(LARGEST, g - 1)]
    if not usable:
        raise GeneSetsError(
            f"None of the {len(sets):,} sets has {SMALLEST} to {LARGEST:,} genes that are ranked: check that the sets "
            "are of the dataset's organism, and that they name symbols or Ensembl ids."
        )
    symbols = dataset.rankings["symbol"].where(dataset.rankings["symbol"] != "", dataset.rankings["ensembl_gene_id"])
    return _table(usable, scores, place, top, symbols.iloc[rows].to_numpy(object))


def _matched(names: GeneNames, sets: list[GeneSet]) -> list[tuple[GeneSet, IndexArray]]:
    """Rows of the genes of each set; a symbol that several genes share is left out."""
    known: dict[str, list[int]] = {}
    for each in sets:
        for gene in each.genes:
            if gene not in known:
                known[gene] = names.rows(gene)
    rows = [sorted({known[gene][0] for gene in each.genes if len(known[gene]) == 1}) for each in sets]
    return [(each, np.array(some, dtype=np.intp)) for each, some in zip(sets, rows, strict=True)]


def _table(
    usable: list[tuple[GeneSet, IndexArray]], scores: np.ndarray, place: IndexArray, top: int, symbols: np.ndarray
) -> pd.DataFrame:
    g = len(scores)
    tested = enrichment.rank_sum(scores, [members for _, members in usable])
    by_place = np.empty(g, dtype=object)
    by_place[place] = symbols
    rows = []
    for each, members in usable:
        places = np.sort(place[members])
        score, leading = enrichment.enrichment_score(places, g)
        edge = places[:leading] if score >= 0 else places[len(places) - leading :]
        in_top = int((places < top).sum())
        expected = len(places) * top / g
        rows.append({
            "set": each.name, "genes": len(each.genes), "ranked": len(places), "in_top": in_top, "expected": expected,
            "fold": in_top / expected, "median_rank": float(np.median(places) + 1), "score": score,
            "n_leading": leading, "leading_edge": " ".join(map(str, by_place[edge])), "description": each.description,
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    overlap, sizes = frame["in_top"].to_numpy(np.intp), frame["ranked"].to_numpy(np.intp)
    frame = frame.assign(auc=tested.auc, p_rank=tested.p, p_top=enrichment.over_representation(overlap, sizes, top, g))
    frame = frame.assign(q_rank=enrichment.adjusted(tested.p), q_top=enrichment.adjusted(frame["p_top"].to_numpy()))
    return frame[list(COLUMNS)].sort_values(["q_rank", "p_rank"], kind="stable", ignore_index=True)
