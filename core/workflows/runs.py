"""The registry of trained models: what was asked for, how it went, which one is in use and which ones were."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from core.access import Role
from core.errors import RecipeError
from core.models.generators import GeneratorRecipe
from core.store.guard import guarded
from core.store.promotions import FIRST, Promotion
from core.store.runs import MODEL_KINDS, TRAININGS, Run
from core.store.workspace import Workspace

HISTORY_COLUMNS = ("run", "action", "since", "until", "state")
SHOWN = {
    "label": "label", "model": "model", "family": "family", "trees": "trees", "genes": "genes", "steps": "steps",
    "seed": "seed", "min_label_count": "biosamples a label at least",
}  # fmt: skip


@dataclass(frozen=True)
class RunView:
    """A run with everything that it left.

    ``steps``: time, stage, fraction and one column for each figure that the training reported. ``metrics``: as in
    result.json ({} while it runs). ``tables``: by name, every table that the run wrote.
    """

    run: Run
    steps: pd.DataFrame
    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def runs(workspace: Workspace, name: str, kind: str | None = None) -> pd.DataFrame:
    """Trainings and studies of a dataset, newest first: id, kind, created, finished, status, active, error, parameters,
    metrics.

    ``active``: whether it is the one of its kind that is in use; a study never is.
    """
    dataset = workspace.dataset(name)
    active = {used.id for each in MODEL_KINDS if (used := workspace.active(dataset, each))}
    rows = []
    found = workspace.runs.all(name)
    workspace.results.keep_runs(name, [run.id for run in found])  # another process may have deleted some
    for run in found:
        if run.kind not in TRAININGS or kind not in (None, run.kind):
            continue
        workspace.results.import_run(run)
        result = run.result or {}
        row = {"id": run.id, "kind": run.kind, "created": run.recipe["created"], "finished": result.get("finished")}
        row |= {"status": run.status, "active": run.id in active, "error": run.error}
        rows.append(row | {"parameters": run.recipe["parameters"], "metrics": result.get("metrics", {})})
    columns = ["id", "kind", "created", "finished", "status", "active", "error", "parameters", "metrics"]
    return pd.DataFrame(rows, columns=columns)


def run_view(workspace: Workspace, run_id: str) -> RunView:
    """One run, whatever its status. Raises NotFoundError."""
    run = workspace.runs.get(run_id)
    rows = [{"time": step.time, "stage": step.stage, "fraction": step.fraction, **step.values} for step in run.steps()]
    steps = pd.DataFrame(rows, columns=None if rows else ["time", "stage", "fraction"])
    result = run.result or {}
    try:
        tables = {path.stem: pd.read_parquet(path) for path in sorted(run.path.glob("*.parquet"))}
    except FileNotFoundError:
        workspace.runs.get(run_id)  # says that somebody deleted it meanwhile, where that is so
        raise
    return RunView(run, steps, dict(result.get("metrics", {})), tables)


@dataclass(frozen=True)
class Change:
    """Run ``run`` is in use now, ``before`` was until now (None: there was none)."""

    run: Run
    before: Run | None


@guarded(Role.TRAINER, "promote")
def promote(workspace: Workspace, run_id: str) -> Change:
    """Makes a finished run the one that its dataset uses.

    Raises NotFoundError for a run that is not there, not finished or trained on other content, InputError for one that
    is no model, StoreError where the data folder cannot be written.
    """
    run = workspace.runs.get(run_id)
    return Change(run, workspace.activate(run))


def activate(workspace: Workspace, run_id: str) -> None:
    """The same as ``promote``."""
    promote(workspace, run_id)


@guarded(Role.TRAINER, "roll back")
def rollback(workspace: Workspace, name: str, kind: str = "classifier") -> Change:
    """Puts the run to use that was in use before the present one; again, the one before that.

    Deleted runs, and runs of other content than the dataset has now, are passed over. Raises NotFoundError where there
    is nothing to go back to, RecipeError for an unknown kind.
    """
    return Change(*workspace.roll_back(workspace.dataset(name), _known(kind)))


def rollback_target(workspace: Workspace, name: str, kind: str = "classifier") -> Run | None:
    """The run that ``rollback`` would put to use; None where there is nothing to go back to."""
    return workspace.way_back(workspace.dataset(name), _known(kind))


@guarded(Role.ADMIN, "delete")
def delete(workspace: Workspace, run_id: str) -> Run:
    """Deletes a training or a study for good: its folder and what the results database has of it; the run that was.

    Raises NotFoundError for a run that is not there, InputError for one that is in use, at work or of another kind.
    """
    run = workspace.runs.get(run_id)
    workspace.delete(run)
    return run


def promotions(workspace: Workspace, name: str, kind: str = "classifier") -> pd.DataFrame:
    """Which runs of a kind were in use, newest first: run, action, since, until, state.

    ``action``: first (in use without anybody's choice), promoted or rolled back. ``since`` and ``until``: None where
    that is not recorded. ``state``: in use, kept, deleted, or other content (trained on what the dataset was before).
    """
    dataset = workspace.dataset(name)
    active = workspace.active(dataset, _known(kind))
    history = workspace.promotions.history(name, kind)
    if active is not None and (not history or history[-1].run != active.id):
        history.append(Promotion(active.id, FIRST, (active.result or {}).get("finished")))
    states = {run.id: "other content" for run in workspace.runs.all(name, kind)}
    states |= {run.id: "kept" for run in workspace.usable_runs(dataset, kind)}
    until = [*(entry.since for entry in history[1:]), None][: len(history)]
    rows = [
        [entry.run, entry.action, entry.since, end, states.get(entry.run, "deleted")]
        for entry, end in zip(history, until, strict=True)
    ][::-1]
    if active is not None:
        rows[0][-1] = "in use"
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS), dtype=object)


def model_name(run: Run) -> str:
    """A trained model in a few words, to stand by what it says: when it was asked for, what, the end of its id."""
    return " · ".join([day(run.recipe.get("created")), describe(run.recipe.get("parameters") or {}), run.id[-4:]])


def describe(parameters: Mapping[str, Any]) -> str:
    """The parameters that a reader tells runs apart by; "default parameters" where none was chosen."""
    known = [(word, parameters[key]) for key, word in SHOWN.items() if parameters.get(key) not in (None, "")]
    words = [_in_words(word, value) for word, value in known]
    if parameters.get("least_distance"):
        words.append(f"{parameters['least_distance']:g} away")
    if parameters.get("augment"):
        model = parameters.get("augment_model") or "pca-gaussian"
        words.append(f"synthetic {' and '.join(parameters['augment'])} added ({model})")
    return ", ".join(words) or "default parameters"


def day(moment: str | None) -> str:
    """A time in UTC as people write it; "" for none."""
    return datetime.fromisoformat(moment).strftime("%d %b %Y, %H:%M UTC") if moment else ""


def _in_words(word: str, value: Any) -> str:
    if word in ("label", "model", "family"):
        return str(value)
    return f"{word} {value}" if word == "seed" else f"{value:,} {word}"


def _known(kind: str) -> str:
    if kind not in MODEL_KINDS:
        raise RecipeError(f"Unknown kind of model {kind!r}: choose one of {', '.join(MODEL_KINDS)}.")
    return kind


def default_parameters(kind: str) -> dict[str, Any]:
    """The parameters of a training as they are where nothing is chosen. Raises RecipeError for an unknown kind."""
    if _known(kind) == "classifier":
        from core.models.recipe import ClassifierRecipe  # the forest's libraries take seconds to import

        return asdict(ClassifierRecipe())
    return asdict(GeneratorRecipe(label="brain"))
