"""Work over a second runs in a child process: start it, follow it, cancel it.

A job belongs to its run's folder, not to a browser tab: it goes on when the tab closes, and any tab or a restarted
app can follow or cancel it.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import psutil

from core import settings
from core.jobs.progress import FileProgress, JobProgress, at_this_pace, progress_of
from core.jobs.recent import LIVE, MANY, LogLine, dismiss, ended, log_lines, recent, seconds_taken, shown_again
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows.remote_jobs import REMOTE_KINDS

__all__ = [
    "LIVE", "MANY", "FileProgress", "JobProgress", "LogLine", "active_runs", "at_this_pace", "bootstrap_demo", "cancel",
    "claim", "dismiss", "ended", "launch", "log_lines", "progress_of", "recent", "seconds_taken", "start",
]  # fmt: skip

_bootstrap_lock = threading.Lock()


def start(workspace: Workspace, kind: str, dataset: str, parameters: Mapping[str, Any]) -> Run:
    """Starts a job: "build", "add", "demo", "classifier", "generator", "augmentation" or one of REMOTE_KINDS.

    Raises NotFoundError: no such dataset.
    """
    fingerprint = "" if kind in ("build", "add", "demo", *REMOTE_KINDS) else workspace.dataset(dataset).fingerprint
    return launch(workspace, workspace.runs.create(kind, dataset, parameters, fingerprint))


def launch(workspace: Workspace, run: Run) -> Run:
    """Starts a process that does a run which nobody works on: one just created, or one that is to go on."""
    command = [sys.executable, "-m", "core.jobs.worker", str(run.path), str(workspace.root)]
    with (run.path / "log.txt").open("w") as log:
        child = subprocess.Popen(
            command, cwd=settings.PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    shown_again(run)
    run.claim(child.pid)
    threading.Thread(target=child.wait, daemon=True).start()  # so that a finished child does not stay a zombie
    return run


def claim(run: Run) -> None:
    """Notes that this very process works on a run (the command line does)."""
    shown_again(run)
    run.claim(os.getpid())


def cancel(run: Run) -> None:
    """Stops a job for good; harmless where it has ended."""
    if run.status not in LIVE:
        return
    (run.path / "cancelled").touch()
    process = run.process()
    if process is None:
        return
    family = [process, *process.children(recursive=True)]
    for member in family:
        _terminate(member)
    psutil.wait_procs(family, timeout=3)
    for member in family:
        if member.is_running():
            member.kill()


def active_runs(workspace: Workspace) -> list[Run]:
    """Jobs that are running or waiting, oldest first."""
    return [run for run in reversed(workspace.runs.all()) if run.status in LIVE]


def bootstrap_demo(workspace: Workspace, again: bool = False) -> Run | None:
    """Starts the demo's build where there is no dataset yet; the run to follow, or None where there is a dataset.

    An attempt that failed is returned as it is, and only tried anew with ``again``. The first classifier and GAN
    follow from the build's own end (see ``core.jobs.worker``), so they come even when the tab is closed.
    """
    with _bootstrap_lock:
        if workspace.datasets():
            return None
        tried = workspace.runs.all(kind="demo")
        if tried and (not again or tried[0].status in LIVE):
            return tried[0]
        return start(workspace, "demo", settings.DEMO_NAME, {})


def _terminate(process: psutil.Process) -> None:
    try:
        process.terminate()
    except psutil.NoSuchProcess:
        return
