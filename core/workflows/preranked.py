"""Preranked GSEA of gene sets in a ranking: one call, or a job whose table is kept; the running sum of one set."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import settings
from core.access import Role
from core.errors import GeneSetsError, NotFoundError, RecipeError
from core.expression import enrichment
from core.expression.gsea import prerank
from core.sources.gene_sets import GeneSet
from core.store.guard import guarded
from core.store.results import RankingQuery
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray, Progress, silent
from core.workflows.enrichment import FOLDER, gene_set_files, gene_sets, leading_edge, ranked_sets
from core.workflows.genes import passing_genes

VERSION = 1
SEED = 1
WEIGHTS = (1.0, 0.0)
PERMUTATIONS = (1000, 10_000)
GSEA_LIST = "gene list"  # what the set of a pasted list is called
GSEA_COLUMNS = (
    "set", "genes", "ranked", "score", "nes", "p", "q", "n_leading", "leading_edge", "description",
)  # fmt: skip
TABLE = "sets.parquet"


@dataclass(frozen=True)
class GseaRequest:
    """What a job is asked for: the sets of a ``file`` of the data folder, or one set of ``genes``.

    ``weight``: exponent of the score in the running sum, 1 (GSEA's own) or 0 (ranks alone). ``among``: filters of the
    background (None: all ranked genes).
    """

    file: str = ""
    genes: tuple[str, ...] = ()
    by: str = "signal"
    weight: float = 1.0
    permutations: int = 1000
    among: RankingQuery | None = None


@dataclass(frozen=True)
class SetCurve:
    """The running sum of one set: corners of its line, and its genes' ``ranks`` (from 1), names and values, best first.

    ``score``: ES; ``leading``: which genes are the leading edge. ``genes``: of the ranking.
    """

    corners: tuple[DoubleArray, DoubleArray]
    ranks: IndexArray
    names: list[str]
    values: DoubleArray
    score: float
    leading: np.ndarray
    genes: int


def gsea(
    workspace: Workspace,
    name: str,
    sets: list[GeneSet],
    by: str = "signal",
    weight: float = 1.0,
    permutations: int = 1000,
    among: IndexArray | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """A row a set (columns ``GSEA_COLUMNS``), smallest q and then the largest NES first; see ``core.expression.gsea``.

    The same sets are left out as by ``enrich``. Takes seconds to minutes: p and q below 1/permutations are given as
    that. Raises NotFoundError, RecipeError, GeneSetsError where no set is left.
    """
    _check(by, weight, permutations)
    progress("ranking the genes", 0, 10)
    ranking, usable = ranked_sets(workspace, name, sets, by, among)
    order = np.argsort(ranking.place)
    scores, by_place = ranking.scores[order], ranking.named()
    places = [ranking.places(members) for _, members in usable]
    progress(f"permuting genes {permutations:,} times for {len(usable):,} sets", 1, 10)
    found = prerank(scores, places, weight, permutations, SEED, settings.n_threads())
    rows = [
        {"set": each.name, "genes": len(each.genes), "ranked": len(at), "description": each.description,
         **leading_edge(at, by_place, np.abs(scores[at]) ** weight)}
        for (each, _), at in zip(usable, places, strict=True)
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(nes=found.normalised, p=found.p, q=found.q)
    progress("done", 10, 10)
    order = np.lexsort((-frame["nes"].abs(), frame["q"]))
    return frame.iloc[order].reset_index(drop=True)[list(GSEA_COLUMNS)]


def set_curve(workspace: Workspace, name: str, request: GseaRequest, chosen: str = GSEA_LIST) -> SetCurve:
    """The running sum of one of a request's sets. Raises NotFoundError, RecipeError, GeneSetsError."""
    _check(request.by, request.weight, request.permutations)
    sets = [each for each in _sets(workspace, request) if each.name == chosen]
    if not sets:
        raise NotFoundError(f"{request.file}.gmt has no set {chosen!r}: choose one of the table.")
    ranking, [(_, members)] = ranked_sets(workspace, name, sets, request.by, _among(workspace, name, request))
    order = np.argsort(ranking.place)
    places = ranking.places(members)
    values = ranking.scores[order][places]
    weights = np.abs(values) ** request.weight
    score, n = enrichment.enrichment_score(places, len(order), weights)
    m = len(places)
    leading = np.arange(m) < n if score >= 0 else np.arange(m) >= m - n
    corners = enrichment.running_sum(places, len(order), weights)
    shown = workspace.dataset(name).rankings[request.by].iloc[ranking.rows[order[places]]].to_numpy(np.float64)
    names = [str(each) for each in ranking.named()[places]]
    return SetCurve(corners, places + 1, names, shown, score, leading, len(order))


def gsea_parameters(workspace: Workspace, name: str, request: GseaRequest) -> dict[str, Any]:
    """Parameters of a job of kind "gsea": what decides its result. Raises RecipeError, NotFoundError."""
    _check(request.by, request.weight, request.permutations)
    content = {"version": VERSION, "seed": SEED, "build": workspace.dataset(name).key, **asdict(request)}
    if request.file:
        content["digest"] = _digest(workspace, request.file)
    return dict(json.loads(json.dumps(content)))


def gsea_job(workspace: Workspace, name: str, request: GseaRequest) -> Run | None:
    """The newest job that does or did this; None where there is none."""
    wanted = gsea_parameters(workspace, name, request)
    return next((run for run in workspace.runs.all(name, "gsea") if run.recipe["parameters"] == wanted), None)


def gsea_result(workspace: Workspace, name: str, request: GseaRequest) -> pd.DataFrame | None:
    """The table of such a job where one has finished, now or before; it outlasts the job's folder."""
    dataset, wanted = workspace.dataset(name), gsea_parameters(workspace, name, request)

    def finished() -> pd.DataFrame:
        run = gsea_job(workspace, name, request)
        if run is None or run.status != "done" or run.recipe["fingerprint"] != dataset.fingerprint:
            raise _NotYetError
        try:
            return pd.read_parquet(run.path / TABLE)
        except OSError as error:  # somebody deleted the run meanwhile
            raise _NotYetError from error

    try:
        return workspace.results.cached(dataset, "gsea", VERSION, wanted, finished)
    except _NotYetError:
        return None


@guarded(Role.TRAINER, "run", recorded=False)
def run_gsea(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    """Does what a job of kind "gsea" asks for, and leaves its table in the run's folder for the app to take in.

    Raises GeneSetsError where the file changed since the job was asked for.
    """
    given = run.recipe["parameters"]
    request = _request(given)
    if request.file and _digest(workspace, request.file) != given["digest"]:
        raise GeneSetsError(f"{request.file}.gmt has changed since this was asked for: start it again.")
    among = _among(workspace, run.dataset, request)
    sets = _sets(workspace, request)
    found = gsea(workspace, run.dataset, sets, request.by, request.weight, request.permutations, among, progress)
    found.to_parquet(run.path / TABLE, index=False)
    return {"sets": len(found), "q05": int((found["q"] <= 0.05).sum())}


class _NotYetError(Exception):
    """No job has done this yet."""


def _request(given: dict[str, Any]) -> GseaRequest:
    """The request that a run's parameters (JSON: tuples are lists) came from."""
    among = given["among"]
    if among is not None:
        fixed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in among.items()
        }
        among = RankingQuery(**fixed)
    plain = {key: given[key] for key in ("file", "by", "weight", "permutations")}
    return GseaRequest(genes=tuple(given["genes"]), among=among, **plain)


def _sets(workspace: Workspace, request: GseaRequest) -> list[GeneSet]:
    return gene_sets(workspace, request.file) if request.file else [GeneSet(GSEA_LIST, "", request.genes)]


def _among(workspace: Workspace, name: str, request: GseaRequest) -> IndexArray | None:
    return None if request.among is None else passing_genes(workspace, name, request.among)


def _digest(workspace: Workspace, file: str) -> str:
    missing = f"There is no {FOLDER}/{file}.gmt in the data folder: put it there, or upload it."
    if file not in gene_set_files(workspace):
        raise NotFoundError(missing)
    try:
        content = (workspace.root / FOLDER / f"{file}.gmt").read_bytes()
    except OSError as error:
        raise NotFoundError(missing) from error
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _check(by: str, weight: float, permutations: int) -> None:
    if weight not in WEIGHTS:
        raise RecipeError(f"Weight {weight:g}: give 1 (by value, GSEA's own) or 0 (by rank alone).")
    if by == "co_rank" and weight:
        raise RecipeError("The co-rank is a rank: as a weight its worst genes would count most. Give weight 0.")
    if not 100 <= permutations <= 100_000:
        raise RecipeError(f"{permutations:,} permutations: give 100 to 100,000.")
