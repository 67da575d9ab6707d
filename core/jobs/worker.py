"""The worker's entry point: ``python -m core.jobs.worker RUN_FOLDER DATA_FOLDER`` does one run, then ends."""

import os
import sys
from pathlib import Path

from core import jobs, workflows
from core.jobs.progress import FileProgress
from core.jobs.queue import slot
from core.settings import job_slots
from core.store.runs import Run
from core.store.workspace import Workspace


def work(run: Run, workspace: Workspace) -> None:
    """Waits for a slot, does the run, and leaves its result."""
    run.claim(os.getpid())
    progress = FileProgress(run)
    trains = run.kind in ("classifier", "generator", "augmentation")
    fetches = run.kind in workflows.REMOTE_KINDS
    queue = "training" if trains else "fetching" if fetches else "building"  # a build waits for neither of the others
    with slot(workspace.root / "slots" / queue, job_slots(), lambda: progress("queued", 0, 1)):
        workflows.perform(workspace, run, progress)
    if run.kind == "demo":
        for kind, parameters in workflows.FIRST_MODELS.items():
            jobs.start(workspace, kind, run.dataset, parameters)


def main() -> None:
    """Command line of the worker."""
    run, workspace = Run(Path(sys.argv[1])), Workspace(Path(sys.argv[2]))
    try:
        work(run, workspace)
    except workflows.EXPECTED as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
