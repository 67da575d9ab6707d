"""Does a run, whichever kind it is, and leaves its result; the worker and the command line both come through here."""

from pathlib import Path
from typing import Any

from core.errors import ArchscopeError, CancelledError, RecipeError
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import Progress
from core.workflows.add import AddRequest, add
from core.workflows.build import build
from core.workflows.demo import create_demo
from core.workflows.plan import BuildRequest
from core.workflows.remote_jobs import REMOTE_KINDS, perform_remote

PATHS = ("counts", "labels", "lengths", "label_rules", "label_parents")


def perform(
    workspace: Workspace, run: Run, progress: Progress, engine: str = "local", scheduler: str | None = None
) -> None:
    """Does the run and writes its result: "done" with metrics, or "failed" with the reason. Raises what went wrong.

    ``engine`` and ``scheduler`` say where the folds of a classifier's evaluation run: not what, so they are no part
    of the run's parameters. (A build has its own among them.)
    """
    try:
        metrics = _do(workspace, run, progress, engine, scheduler)
    except CancelledError:
        (run.path / "cancelled").touch()
        raise
    except ArchscopeError as error:
        run.write_result("failed", error=str(error))
        raise
    except BaseException as error:
        run.write_result(
            "failed", error=f"Unexpected {type(error).__name__}: {error} (see log.txt in the run's folder)."
        )
        raise
    run.write_result("done", metrics=metrics)


def _do(workspace: Workspace, run: Run, progress: Progress, engine: str, scheduler: str | None) -> dict[str, Any]:
    if run.kind == "build":
        outcome = build(workspace, build_request(run.dataset, run.recipe["parameters"]), progress)
        return {"cached": outcome.cached, "seconds": outcome.seconds, "warnings": outcome.warnings}
    if run.kind == "add":
        outcome = add(workspace, _add_request(run.dataset, run.recipe["parameters"]), progress)
        return {"cached": outcome.cached, "seconds": outcome.seconds, "warnings": outcome.warnings}
    if run.kind == "demo":
        outcome = create_demo(workspace, progress)
        return {"cached": outcome.cached, "seconds": outcome.seconds, "warnings": outcome.warnings}
    if run.kind == "augmentation":
        from core.workflows import augmentation

        return augmentation.run_study(workspace, run, progress)
    if run.kind == "projection":
        from core.workflows import projections

        return projections.run_projection(workspace, run, progress)
    if run.kind in REMOTE_KINDS:
        return perform_remote(workspace, run, progress)
    if run.kind in ("classifier", "generator"):
        from core.workflows import train  # the models' libraries take seconds to import

        if run.kind == "classifier":
            return train.train_classifier(workspace, run, progress, engine, scheduler)
        return train.train_generator(workspace, run, progress)
    raise RecipeError(f"Unknown kind of run {run.kind!r}.")


def build_request(name: str, parameters: dict[str, Any]) -> BuildRequest:
    """A BuildRequest from a run's parameters (JSON: paths are text, absent ones null)."""
    return BuildRequest(name=name, **_given(parameters))


def _add_request(name: str, parameters: dict[str, Any]) -> AddRequest:
    return AddRequest(name, **_given(parameters))


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {key: value for key, value in parameters.items() if value is not None and key != "name"}
    given |= {key: Path(given[key]) for key in PATHS if key in given}
    if "counts" not in given:
        raise RecipeError("A build needs a counts file: choose one.")
    return given
