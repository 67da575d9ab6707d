"""All biosamples on a plane, computed once for each method and kept.

The input of every map is Q (log2, quantile-normalised, before length) of the most variable genes. Above ``MAP_LIMIT``
biosamples a map is made of as many, drawn with a seed; others that somebody asks for are put onto it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.access import Role
from core.errors import RecipeError
from core.expression import embedding
from core.store.datasets import StoredDataset
from core.store.guard import guarded
from core.store.runs import Run
from core.store.tiles import spans
from core.store.workspace import Workspace
from core.types import DoubleArray, FloatMatrix, IndexArray, Progress, silent
from core.workflows.neighbourhoods import BIOSAMPLE_VIEW

VERSION = 2
GENES = 2000
COMPONENTS = 50
SHOWN = 10  # components that the table has columns for
SEED = 1
MAP_LIMIT = {"pca": 20_000, "tsne": 10_000, "umap": 20_000}  # biosamples on a map: more take t-SNE minutes
AT_ONCE = 4_000_000  # biosamples x genes of a map that is made within a second, so needs no job
ROWS = 256  # whole profiles held at a time
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
TABLES = ("map", "axes")


def projection(
    workspace: Workspace, name: str, method: str = "pca", keep: tuple[str, ...] = (), progress: Progress = silent
) -> pd.DataFrame:
    """Biosamples on a plane: sample_id, series_id, title, labels, x, y, placed, then PC1.. and share1.. of variance.

    ``keep``: biosamples that have to be on the map although it was made without them (``placed`` is True then).
    Computes what is not kept yet. Raises RecipeError, and NotFoundError for a biosample to keep that there is not.
    """
    dataset = workspace.dataset(name)
    points, axes = _tables(workspace, dataset, method, progress)
    rows = dataset.biosamples["sample_id"]
    at = pd.Index(rows).get_indexer(pd.Index(points["sample_id"]))
    wanted = np.array([dataset.biosample(sample_id) for sample_id in keep], dtype=np.intp)
    extra = np.setdiff1d(wanted, at)
    if len(extra):
        points = pd.concat([points, _placed(dataset, extra, points, axes, method)], ignore_index=True)
        at = np.concatenate([at, extra])
    told = dataset.biosamples.iloc[at][BIOSAMPLE_VIEW].reset_index(drop=True)  # its labels may have been edited since
    components = _components(points)[:SHOWN]
    shares = {f"share{c + 1}": float(axes["share"].iloc[c]) for c in range(min(2, len(components)))}
    more = points[["x", "y", "placed", *components]].reset_index(drop=True)
    table: pd.DataFrame = told.join(more).assign(**shares)
    return table


def is_ready(workspace: Workspace, name: str, method: str) -> bool:
    """Whether a map is kept, or was made by a job that has finished."""
    dataset = workspace.dataset(name)
    try:
        _kept(workspace, dataset, method)
    except _NotYetError:
        return False
    return True


def is_quick(workspace: Workspace, name: str, method: str) -> bool:
    """Whether a map takes so little time that it needs no job."""
    n = min(len(workspace.dataset(name).biosamples), MAP_LIMIT[method])
    return method == "pca" and n * min(GENES, len(workspace.dataset(name).lengths)) <= AT_ONCE


def projection_parameters(workspace: Workspace, name: str, method: str) -> dict[str, Any]:
    """Parameters of a job of kind "projection". Raises RecipeError for a method that there is not."""
    if method not in NAMES:
        raise RecipeError(f"There is no map {method!r}: choose one of {', '.join(NAMES)}.")
    return {"method": method, "version": VERSION, "build": workspace.dataset(name).key}


def projection_job(workspace: Workspace, name: str, method: str) -> Run | None:
    """The newest job that makes or made this map; None where there is none."""
    wanted = projection_parameters(workspace, name, method)
    found = workspace.runs.all(name, "projection")
    return next((run for run in found if run.recipe["parameters"] == wanted), None)


@guarded(Role.TRAINER, "run", recorded=False)
def run_projection(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    """Makes the map that a job asks for, and leaves it in the run's folder for the app to take in."""
    dataset = workspace.dataset(run.dataset)
    method = str(run.recipe["parameters"]["method"])
    points, axes = _make(dataset, method, progress)
    points.to_parquet(run.path / "map.parquet", index=False)
    axes.to_parquet(run.path / "axes.parquet", index=False)
    return {"method": method, "biosamples": len(points)}


def _components(points: pd.DataFrame) -> list[str]:
    return [str(column) for column in points if str(column).startswith("PC")]


def inside_lasso(points: pd.DataFrame, corners: DoubleArray) -> pd.DataFrame:
    """The biosamples of a map that lie inside a polygon (v x 2 corners)."""
    rows = embedding.inside(points[["x", "y"]].to_numpy(dtype=np.float64), corners)
    return points.iloc[rows].reset_index(drop=True)


class _NotYetError(Exception):
    """There is no such map yet."""


def _parameters(method: str) -> dict[str, Any]:
    shared = {"genes": GENES, "components": COMPONENTS, "seed": SEED, "limit": MAP_LIMIT[method]}
    return {"method": method, **shared}


def _tables(
    workspace: Workspace, dataset: StoredDataset, method: str, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if method not in NAMES:
        raise RecipeError(f"There is no map {method!r}: choose one of {', '.join(NAMES)}.")
    try:
        return _kept(workspace, dataset, method)
    except _NotYetError:
        made = dict(zip(TABLES, _make(dataset, method, progress), strict=True))
        return _cached(workspace, dataset, method, made)


def _kept(workspace: Workspace, dataset: StoredDataset, method: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """From the results database, else from a finished job; what a job made is taken into the database."""
    try:
        return _cached(workspace, dataset, method, {})
    except _NotYetError:
        run = projection_job(workspace, dataset.name, method)
        if run is None or run.status != "done" or run.recipe["fingerprint"] != dataset.fingerprint:
            raise
        return _cached(workspace, dataset, method, {name: _read(run.path / f"{name}.parquet") for name in TABLES})


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except OSError as error:  # somebody deleted the run meanwhile
        raise _NotYetError from error


def _cached(
    workspace: Workspace, dataset: StoredDataset, method: str, made: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    def table(name: str) -> pd.DataFrame:
        def given() -> pd.DataFrame:
            if name not in made:
                raise _NotYetError
            return made[name]

        parameters = {**_parameters(method), "table": name}
        return workspace.results.cached(dataset, "projection", VERSION, parameters, given)

    return table("map"), table("axes")


def _make(dataset: StoredDataset, method: str, progress: Progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The map (sample_id, x, y, placed, PC1..) and the axes under it (gene, mean, then one row a component)."""
    n = len(dataset.biosamples)
    rows = np.arange(n)
    if n > MAP_LIMIT[method]:
        rows = np.sort(np.random.default_rng(SEED).choice(n, MAP_LIMIT[method], replace=False))
    genes = _genes(dataset)
    progress("reading the most variable genes", 0, 10)
    matrix = _values(dataset, rows, genes, len(rows) == n)
    progress("principal components", 2, 10)
    axes = embedding.principal_axes(matrix, COMPONENTS, SEED)
    scores = axes.scores(matrix)
    progress(f"{NAMES[method]} of {len(rows):,} biosamples", 4, 10)
    plane = embedding.embed(scores, method, SEED)
    points = pd.DataFrame({"sample_id": dataset.biosamples["sample_id"].iloc[rows].to_numpy()})
    points["x"], points["y"], points["placed"] = *plane.T.astype(np.float32), False
    named = {f"PC{c + 1}": scores[:, c].astype(np.float32) for c in range(scores.shape[1])}
    progress(f"{NAMES[method]} of {len(rows):,} biosamples", 10, 10)
    return points.assign(**named), _axes_table(genes, axes)


def _genes(dataset: StoredDataset) -> IndexArray:
    variance = dataset.rankings["variance"].to_numpy() * dataset.lengths**2  # of Q
    return np.sort(np.argsort(-variance, kind="stable")[:GENES])


def _values(dataset: StoredDataset, rows: IndexArray, genes: IndexArray, everybody: bool) -> FloatMatrix:
    """Q of some biosamples (m x p): by gene where it is of all of them, else from their whole profiles."""
    lengths = dataset.lengths[genes].astype(np.float32)
    if everybody:
        return np.ascontiguousarray(dataset.expression(genes).T) * lengths
    out = np.empty((len(rows), len(genes)), dtype=np.float32)
    for start, stop in spans(len(rows), ROWS):
        out[start:stop] = dataset.profiles(rows[start:stop])[:, genes] * lengths
    return out


def _axes_table(genes: IndexArray, axes: embedding.Axes) -> pd.DataFrame:
    """One row a gene: gene (row of the rankings), mean, axis1..; ``share`` (of variance) fills the first rows."""
    table = pd.DataFrame({"gene": genes, "mean": axes.mean})
    table["share"] = np.nan
    table.loc[: len(axes.share) - 1, "share"] = axes.share[: len(table)]
    return table.assign(**{f"axis{c + 1}": axis for c, axis in enumerate(axes.axes)})


def _placed(
    dataset: StoredDataset, rows: IndexArray, points: pd.DataFrame, table: pd.DataFrame, method: str
) -> pd.DataFrame:
    """Biosamples that the map was made without, put onto it by their principal components."""
    columns = _components(points)
    axes = embedding.Axes(
        table["mean"].to_numpy(), table[[f"axis{c + 1}" for c in range(len(columns))]].to_numpy().T, np.empty(0)
    )
    scores: DoubleArray = axes.scores(_values(dataset, rows, table["gene"].to_numpy(), False))
    plane = points[["x", "y"]].to_numpy(dtype=np.float64)
    known = points[columns].to_numpy(dtype=np.float64)
    put = scores[:, :2] if method == "pca" else embedding.place(scores, known, plane)
    found = pd.DataFrame({"sample_id": dataset.biosamples["sample_id"].iloc[rows].to_numpy()})
    found["x"], found["y"], found["placed"] = put[:, 0], put[:, 1], True
    return found.assign(**{column: scores[:, c] for c, column in enumerate(columns)})
