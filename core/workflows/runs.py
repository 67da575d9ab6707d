"""The history of trainings: what was asked for, how it went, and which one is in use."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from core.errors import RecipeError
from core.models.generators import GeneratorRecipe
from core.store.runs import Run
from core.store.workspace import Workspace

MODEL_KINDS = ("classifier", "generator")


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
    """Trainings of a dataset, newest first: id, kind, created, finished, status, active, error, parameters, metrics."""
    dataset = workspace.dataset(name)
    active = {found.id for each in MODEL_KINDS if (found := workspace.active(dataset, each))}
    rows = []
    for run in workspace.runs.all(name, kind):
        if run.kind not in MODEL_KINDS:
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
    tables = {path.stem: pd.read_parquet(path) for path in sorted(run.path.glob("*.parquet"))}
    return RunView(run, steps, dict(result.get("metrics", {})), tables)


def activate(workspace: Workspace, run_id: str) -> None:
    """Makes a finished run the one that its dataset uses. Raises NotFoundError."""
    workspace.activate(workspace.runs.get(run_id))


def default_parameters(kind: str) -> dict[str, Any]:
    """The parameters of a training as they are where nothing is chosen. Raises RecipeError for an unknown kind."""
    if kind == "classifier":
        from core.models.classifier import ClassifierRecipe  # the forest's libraries take seconds to import

        return asdict(ClassifierRecipe())
    if kind == "generator":
        return asdict(GeneratorRecipe(label="brain"))
    raise RecipeError(f"Unknown kind of model {kind!r}: choose one of {', '.join(MODEL_KINDS)}.")
