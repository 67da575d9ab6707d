"""The worker's entry point: ``python -m core.jobs.worker RUN_FOLDER DATA_FOLDER`` does one run, then ends."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from core import access, jobs, logs, workflows
from core.errors import CancelledError
from core.jobs import memory
from core.jobs.progress import FileProgress
from core.jobs.queue import Limits, Ticket, place
from core.jobs.watching import watched
from core.settings import job_memory, job_slots
from core.store import job_uploads
from core.store.disk import on_disk
from core.store.runs import Run
from core.store.workspace import Workspace

NICE = 5  # steps by which jobs stand back for the app, so that pages answer while models are trained


def work(run: Run, workspace: Workspace) -> None:
    """Waits for a place and for memory, does the run, and leaves its result."""
    run.claim(os.getpid())
    progress = FileProgress(run)
    folder, limits = workspace.root / "slots" / "jobs", Limits(job_slots(), job_memory())
    ticket = ticket_of(run, workspace)
    with place(folder, ticket, limits, _waiting(run, progress)), watched(run, folder, limits.memory):
        workflows.perform(workspace, run, progress)
    if run.kind == "demo":
        for kind, parameters in workflows.FIRST_MODELS.items():
            jobs.start(workspace, kind, run.dataset, parameters)


def ticket_of(run: Run, workspace: Workspace) -> Ticket:
    """What a run asks the queue for. A build waits for no training, and neither for what is fetched."""
    trains = run.kind in ("classifier", "generator", "augmentation")
    sort = "training" if trains else "fetching" if run.kind in workflows.REMOTE_KINDS else "building"
    needs = memory.expected(workspace, run.kind, run.dataset, run.recipe["parameters"])
    return Ticket(run.id, sort, (int(run.recipe.get("number", 0)), run.id), run.owner, needs)


def _waiting(run: Run, progress: FileProgress) -> Callable[[str], None]:
    """Says why a run waits, once for each reason; raises CancelledError once it is cancelled."""
    said = ""

    def wait(why: str) -> None:
        nonlocal said
        if (run.path / "cancelled").exists():
            raise CancelledError(f"Run {run.id} was cancelled.")
        if why != said:
            progress("queued", 0, 1, why=why)
        said = why

    return wait


def main() -> None:
    """Command line of the worker."""
    logs.set_up("worker")
    with contextlib.suppress(OSError):
        os.nice(NICE)
    run, workspace = Run(Path(sys.argv[1])), Workspace(Path(sys.argv[2]))
    try:
        with access.acting_as(access.owner_of(run.recipe)), _told(run), on_disk(workspace.root):
            work(run, workspace)
    except workflows.EXPECTED as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        job_uploads.release(run)


@contextlib.contextmanager
def _told(run: Run) -> Iterator[None]:
    """Leaves word in the run's folder of what went wrong before the run itself began: a full disk, say."""
    try:
        yield
    except CancelledError:
        raise
    except workflows.EXPECTED as error:
        if run.result is None:
            with contextlib.suppress(OSError):
                run.write_result("failed", error=str(error))
        raise


if __name__ == "__main__":
    main()
