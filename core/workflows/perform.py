"""Does a run, whichever kind it is, and leaves its result; the worker and the command line both come through here."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core import logs
from core.access import Role
from core.errors import ArchscopeError, CancelledError, RecipeError
from core.store.disk import on_disk
from core.store.guard import guarded
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import Progress
from core.workflows.add import AddRequest, add
from core.workflows.build import build
from core.workflows.demo import create_demo
from core.workflows.plan import BuildRequest
from core.workflows.remote_jobs import REMOTE_KINDS, perform_remote

PATHS = ("counts", "labels", "lengths", "label_rules", "label_parents")


@guarded(Role.TRAINER, "run", recorded=False)
def perform(
    workspace: Workspace, run: Run, progress: Progress, engine: str = "local", scheduler: str | None = None
) -> None:
    """Does the run and writes its result: "done" with metrics, or "failed" with the reason. Raises what went wrong.

    ``engine`` and ``scheduler`` say where the folds of a classifier's evaluation run: not what, so they are no part
    of the run's parameters. (A build has its own among them.)
    """
    run.clear()
    with _logged(run):
        _perform(workspace, run, progress, engine, scheduler)


def _perform(workspace: Workspace, run: Run, progress: Progress, engine: str, scheduler: str | None) -> None:
    try:
        with on_disk(workspace.root):
            metrics = _do(workspace, run, progress, engine, scheduler)
            run.write_result("done", metrics=metrics)
    except CancelledError:
        (run.path / "cancelled").touch()
        raise
    except ArchscopeError as error:
        _fail(run, str(error))
        raise
    except BaseException as error:
        _fail(run, f"Unexpected {type(error).__name__}: {error} (see log.txt in the run's folder).")
        raise


@contextlib.contextmanager
def _logged(run: Run) -> Iterator[None]:
    """Logs that the job started, and how it ended."""
    about: dict[str, Any] = {"run": run.id, "kind": run.kind, "dataset": run.dataset, "owner": run.owner or None}
    logs.event("job.started", **about)
    begun, level = time.monotonic(), logging.INFO
    error: str | None = None
    try:
        yield
    except CancelledError:
        raise
    except BaseException as failure:
        level, error = logging.ERROR, type(failure).__name__
        raise
    finally:
        seconds = round(time.monotonic() - begun, 3)
        logs.event("job.ended", level, **about, status=run.status, seconds=seconds, error=error)


def _fail(run: Run, why: str) -> None:
    """Says why in the run's folder, where anything can be written there at all; then its process's end says it."""
    with contextlib.suppress(OSError):
        run.write_result("failed", error=why)


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
    if run.kind == "gsea":
        from core.workflows import preranked

        return preranked.run_gsea(workspace, run, progress)
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
