"""Augmentation studies: run one replicate after the other, go on where one was stopped, sum up what there is.

runs/<id>/replicates.jsonl   a line for every finished replicate, with the identity of the dataset that it was run on
          summary.parquet, replicates.parquet   once all are done
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.access import Role
from core.engine.blas import one_blas_thread
from core.errors import NotFoundError, RecipeError, StoreError
from core.models.augmentation import AugmentationRecipe, Replicate, notes, summarise, verdicts
from core.models.augmentation.recipe import size_name
from core.store.datasets import StoredDataset
from core.store.files import write_parquet
from core.store.guard import guarded, role_for
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import Progress

KIND = "augmentation"
LINES = "replicates.jsonl"


@dataclass(frozen=True)
class StudyView:
    """A study as far as it is: ``summary`` (a row for each arm and size), ``replicates`` (a row for each arm of each
    replicate), ``verdicts`` and ``notes`` in sentences, and ``complete``: whether all replicates are in it.
    """

    run: Run
    recipe: AugmentationRecipe
    summary: pd.DataFrame
    replicates: pd.DataFrame
    verdicts: list[str]
    notes: list[str]
    complete: bool


def study_parameters(workspace: Workspace, name: str, **chosen: Any) -> dict[str, Any]:
    """All parameters of a study of a dataset, checked; what is None is left as it usually is.

    Raises RecipeError for an unknown label or a parameter out of its range.
    """
    recipe = AugmentationRecipe.from_json({key: value for key, value in chosen.items() if value is not None})
    _check_label(workspace.dataset(name), recipe.label)
    return recipe.to_json()


@guarded(Role.TRAINER, "run", recorded=False)
def run_study(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    """Runs every replicate of a study that its folder does not have yet, then sums up; the metrics for result.json.

    Raises InputError where the label has too few biosamples, StoreError where the dataset is another one by now than
    the finished replicates were run on.
    """
    from core.models.augmentation.replicate import Samples, plan, run_replicate  # its libraries take seconds to import
    from core.workflows.folds import labelled_rows

    dataset = workspace.dataset(run.dataset)
    recipe = AugmentationRecipe.from_json(run.recipe["parameters"])
    _check_label(dataset, recipe.label)
    rows = labelled_rows(dataset)
    samples = Samples(
        lambda positions: dataset.counts(rows[positions]),
        np.asarray(dataset.label_matrix[rows]),
        dataset.label_names,
        dataset.biosamples["series_id"].iloc[rows].tolist(),
    )
    done = _begin(run, _identity(dataset))
    todo = [each for each in plan(samples, recipe) if each not in done]
    for number, each in enumerate(todo):
        with one_blas_thread():
            found = run_replicate(samples, recipe, each, _within(progress, recipe, each, number, len(todo)))
        _append(run, {"dataset": _identity(dataset)} | found)
    progress("summing up", 1, 1)
    return _finish(run, recipe)


def studies(workspace: Workspace, name: str) -> list[Run]:
    """Augmentation studies of a dataset as it is now, whatever their status, newest first."""
    fingerprint = workspace.dataset(name).fingerprint
    return [run for run in workspace.runs.all(name, KIND) if run.recipe["fingerprint"] == fingerprint]


def study(workspace: Workspace, run_id: str) -> StudyView:
    """A study with everything that it has so far. Raises NotFoundError."""
    run = workspace.runs.get(run_id)
    if run.kind != KIND:
        raise NotFoundError(f"Run {run_id!r} is a {run.kind}, not an augmentation study.")
    recipe = AugmentationRecipe.from_json(run.recipe["parameters"])
    found = _read(run)
    rows = summarise(found)
    complete = run.status == "done"
    return StudyView(
        run, recipe, pd.DataFrame(rows), _table(found), verdicts(recipe.label, rows),
        notes(recipe, found, complete), complete,
    )  # fmt: skip


@guarded(role_for, "resume", recorded=False)
def reopen_study(workspace: Workspace, run_id: str, name: str | None = None) -> Run:
    """Makes a study that was cancelled or that failed ready to go on from its finished replicates.

    Raises NotFoundError where there is no such study (of the dataset ``name``), RecipeError where it is done or at
    work.
    """
    run = workspace.runs.get(run_id)
    if run.kind != KIND or name not in (None, run.dataset):
        raise NotFoundError(f"Run {run_id!r} is no augmentation study of {name or run.dataset!r}.")
    if run.status not in ("cancelled", "failed"):
        raise RecipeError(f"Study {run_id!r} is {run.status}: only one that was cancelled or failed can go on.")
    for left in ("cancelled", "result.json", "progress.jsonl", "process.json"):
        (run.path / left).unlink(missing_ok=True)
    return run


def _within(progress: Progress, recipe: AugmentationRecipe, each: Replicate, number: int, of: int) -> Progress:
    """Progress of one of the replicates that are left, in words."""

    def report(stage: str, done: float, total: float, **values: float | str) -> None:
        seed = each.seed - recipe.seed + 1
        words = f"seed {seed} of {recipe.seeds}, n = {size_name(each.size)}: {stage}"
        progress(words, number + (done / total if total else 0.0), of, **values)

    return report


def _check_label(dataset: StoredDataset, label: str) -> None:
    if label not in dataset.label_names:
        known = ", ".join(dataset.label_names) or "none"
        raise RecipeError(f"Dataset {dataset.name!r} has no label {label!r}: choose one of {known}.")


def _identity(dataset: StoredDataset) -> str:
    return f"{dataset.fingerprint}-{dataset.labels_hash}"


def _begin(run: Run, identity: str) -> set[Replicate]:
    """The replicates that are finished; a line that a kill cut short is taken away."""
    lines = _read(run)
    if any(line["dataset"] != identity for line in lines):
        raise StoreError(
            f"Dataset {run.dataset!r} or its labels changed since the study {run.id!r} began: start a new study."
        )
    if lines:
        aside = run.path / f".{LINES}"
        aside.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        aside.replace(run.path / LINES)
    elif (run.path / LINES).exists():
        (run.path / LINES).unlink()
    return {Replicate(line["seed"], line["size"]) for line in lines}


def _read(run: Run) -> list[dict[str, Any]]:
    path = run.path / LINES
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def _append(run: Run, found: Mapping[str, Any]) -> None:
    with (run.path / LINES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(found, allow_nan=False) + "\n")


def _finish(run: Run, recipe: AugmentationRecipe) -> dict[str, Any]:
    found = _read(run)
    rows = summarise(found)
    write_parquet(run.path / "summary.parquet", pd.DataFrame(rows))
    write_parquet(run.path / "replicates.parquet", _table(found))
    said = verdicts(recipe.label, rows)
    return {
        "label": recipe.label, "verdict": said[0] if said else "", "verdicts": said, "notes": notes(recipe, found),
        "protocol": found[0]["rule"], "summary": rows,
    }  # fmt: skip


def _table(found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Replicates as a table, a row for each arm of each."""
    shared = ("seed", "n", "added", "test_positive", "test_negative")
    rows = [
        {**{name: one[name] for name in shared}, "size": size_name(one["size"]),
         "held_out": " | ".join(one["held_out"]), "arm": arm, **figures}
        for one in found
        for arm, figures in one["arms"].items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
