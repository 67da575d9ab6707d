"""The evaluation of a classifier on a dataset, fold by fold, on this machine or on Dask workers.

Here the folds go one after another, because each forest takes all threads and each fold holds its training counts. On
Dask they go side by side; a task carries the dataset's folder and a number, and its worker reads the counts it needs.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.engine import DaskEngine, Engine, one_blas_thread
from core.errors import RecipeError, StoreError
from core.models.augmented import Reader
from core.models.folds import FoldPlan, FoldScores, plan_folds, score_fold, score_here
from core.models.probing import probe
from core.models.recipe import ClassifierRecipe
from core.models.validation import Validation, validation_of
from core.store.datasets import StoredDataset
from core.types import IndexArray, Progress, silent


def labelled_rows(dataset: StoredDataset) -> IndexArray:
    """Rows of the biosamples that have a label. Raises RecipeError where there are fewer than two."""
    rows = np.flatnonzero(dataset.label_matrix.any(axis=1)) if dataset.label_names else np.empty(0, dtype=np.intp)
    if len(rows) < 2:
        raise RecipeError(f"Dataset {dataset.name!r} has no labels to learn from: build it again with --labels.")
    return rows


def evaluate_on(
    engine: Engine, dataset: StoredDataset, recipe: ClassifierRecipe, progress: Progress = silent
) -> Validation:
    """Scores of a recipe on the labelled biosamples (positions count these); the same numbers on any engine.

    Progress goes from 0 to 1 over all folds: within a fold here, by finished folds on Dask. Raises RecipeError where
    fewer than two labels have enough biosamples.
    """
    plan = _plan(dataset, recipe)
    if isinstance(engine, DaskEngine):
        return validation_of(plan, _on_workers(engine, dataset, plan, progress))
    with one_blas_thread():  # as on a worker, so that a score does not depend on the number of cores
        return validation_of(plan, score_here(plan, _reader(dataset), progress))


def probe_on(dataset: StoredDataset, recipe: ClassifierRecipe, progress: Progress = silent) -> dict[str, Any]:
    """Novelty of labels left out, and the learning curve (``core.models.probing``), on this machine."""
    with one_blas_thread():
        return probe(_plan(dataset, recipe), _reader(dataset), progress)


def _on_workers(engine: DaskEngine, dataset: StoredDataset, plan: FoldPlan, progress: Progress) -> Iterator[FoldScores]:
    fixed = (str(dataset.path), dataset.key, asdict(plan.recipe))
    tasks = [(*fixed, number, dataset.edits) for number in range(len(plan.folds))]
    progress("folds", 0, len(tasks))
    for number, scored in enumerate(engine.map(score_stored_fold, tasks)):
        fold = plan.folds[number]
        progress("folds", number + 1, len(tasks), split=fold.split, fold=fold.number)
        yield scored


def score_stored_fold(
    folder: str, key: str, parameters: dict[str, Any], number: int, edits: pd.DataFrame | None = None
) -> FoldScores:
    """One fold (0-based ``number`` in the plan) of the dataset in that folder: the task of a worker.

    ``edits`` are those of the labels when the training began. Raises StoreError where another dataset lies there by
    now than the one of that ``key``.
    """
    dataset = StoredDataset(Path(folder), edits)
    if dataset.key != key:
        raise StoreError(f"Dataset {dataset.name!r} was built anew while it was trained on: train again.")
    plan = _plan(dataset, ClassifierRecipe(**parameters))
    return score_fold(plan, plan.folds[number], _reader(dataset))


def _plan(dataset: StoredDataset, recipe: ClassifierRecipe) -> FoldPlan:
    rows = labelled_rows(dataset)
    series = dataset.biosamples["series_id"].iloc[rows].tolist()
    return plan_folds(dataset.label_matrix[rows], dataset.label_names, series, recipe)


def _reader(dataset: StoredDataset) -> Reader:
    """Counts by position among the labelled biosamples, from disk: only what a fold is at work on is in memory."""
    rows = labelled_rows(dataset)
    return lambda positions: dataset.counts(rows[positions])
