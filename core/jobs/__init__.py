"""Work over a second runs in a child process: start it, follow it, cancel it.

A job belongs to its run's folder, not to a browser tab: it goes on when the tab closes, and any tab or a restarted
app can follow or cancel it.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from core import logs, settings
from core.access import Role
from core.errors import AccessError
from core.jobs import memory
from core.jobs import recent as _recent
from core.jobs.progress import FileProgress, JobProgress, at_this_pace, progress_of
from core.jobs.recent import LIVE, MANY, LogLine, ended, log_lines, recent, seconds_taken, shown_again
from core.store import guard, job_uploads, quotas
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows.remote_jobs import REMOTE_KINDS

__all__ = [
    "LIVE", "MANY", "FileProgress", "JobProgress", "LogLine", "active_runs", "at_this_pace", "bootstrap_demo", "cancel",
    "claim", "dismiss", "ended", "launch", "log_lines", "progress_of", "recent", "seconds_taken", "start",
]  # fmt: skip

_bootstrap_lock = threading.Lock()
_start_lock = threading.Lock()


def start(workspace: Workspace, kind: str, dataset: str, parameters: Mapping[str, Any]) -> Run:
    """Starts a job: "build", "add", "demo", "classifier", "generator", "augmentation", "projection", "gsea" or
    one of REMOTE_KINDS.

    Raises NotFoundError: no such dataset; AccessError: for trainers, within their quotas; RecipeError: it needs more
    memory than jobs may take.
    """
    about = {"kind": kind, "dataset": dataset}
    guard.check(workspace.root, Role.TRAINER, "start", **about)
    if kind == "build":
        guard.check(workspace.root, guard.role_to_replace(workspace, dataset), "replace", **about)
    memory.check(workspace, kind, dataset, parameters)
    fingerprint = "" if kind in ("build", "add", "demo", *REMOTE_KINDS) else workspace.dataset(dataset).fingerprint
    with _start_lock:  # two at once would both find the last place free
        _check_quotas(workspace, "start", about)
        run = workspace.runs.create(kind, dataset, parameters, fingerprint)
    return _launch(workspace, run, "start")


def launch(workspace: Workspace, run: Run) -> Run:
    """Starts a process for a run that is to go on, and that nobody works on. Raises AccessError for somebody else's."""
    about = guard.about_run(run)
    guard.check(workspace.root, guard.role_for(run), "resume", **about)
    _check_quotas(workspace, "resume", about)
    return _launch(workspace, run, "resume")


def _check_quotas(workspace: Workspace, action: str, about: dict[str, str]) -> None:
    try:
        quotas.check_start(workspace)
    except AccessError as error:
        guard.refused(workspace.root, action, str(error), **about)
        raise


def _launch(workspace: Workspace, run: Run, action: str) -> Run:
    guard.record(workspace.root, action, "allowed", **guard.about_run(run))
    command = [sys.executable, "-m", "core.jobs.worker", str(run.path), str(workspace.root)]
    with (run.path / "log.txt").open("w") as log:
        child = subprocess.Popen(
            command, cwd=settings.PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    shown_again(run)
    run.claim(child.pid)
    threading.Thread(target=_wait, args=(child, run), daemon=True).start()
    return run


def _wait(child: "subprocess.Popen[bytes]", run: Run) -> None:
    """Waits for a job's process, so that it does not stay a zombie, and logs its end; a worker's own log is apart."""
    own = settings.log_file() is None
    about: dict[str, Any] = {"run": run.id, "kind": run.kind, "dataset": run.dataset, "owner": run.owner or None}
    if own:
        logs.event("job.started", **about, pid=child.pid)
    child.wait()
    job_uploads.release(run)
    if own and run.path.is_dir():
        status, seconds = run.status, seconds_taken(run)
        level = logging.ERROR if status == "failed" else logging.INFO
        logs.event("job.ended", level, **about, status=status, seconds=None if seconds is None else round(seconds, 3))


@guard.guarded(Role.TRAINER, "start")
def claim(run: Run) -> None:
    """Notes that this very process works on a run (the command line does)."""
    shown_again(run)
    run.claim(os.getpid())


def cancel(run: Run) -> None:
    """Stops a job for good; harmless where it has ended. Raises AccessError for somebody else's, but for admins."""
    if run.status in LIVE:
        _cancel(run)


@guard.guarded(guard.role_for, "cancel")
def _cancel(run: Run) -> None:
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


def dismiss(runs: Sequence[Run]) -> None:
    """Takes ended jobs off the list of recent ones, in every tab; what they made stays. Raises AccessError."""
    for run in runs:
        _dismiss(run)


@guard.guarded(Role.TRAINER, "dismiss", recorded=False)
def _dismiss(run: Run) -> None:
    _recent.dismiss([run])


def active_runs(workspace: Workspace) -> list[Run]:
    """Jobs that are running or waiting, oldest first."""
    there = reversed(workspace.runs.all())
    return [run for run in there if not (run.path / "result.json").exists() and run.status in LIVE]


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
