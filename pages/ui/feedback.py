"""What the app tells its user: errors in one box, jobs as they go, the first start."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core import jobs
from core.errors import ArchscopeError
from core.store.runs import Run
from core.store.workspace import Workspace

LIVE = ("queued", "running")
NAMES = {
    "build": "Build", "add": "Addition", "demo": "Demo dataset", "classifier": "Classifier",
    "generator": "Synthetic generator", "augmentation": "Study of synthetic samples",
}  # fmt: skip
ICONS = {
    "queued": ":material/schedule:", "running": ":material/progress_activity:", "done": ":material/check_circle:",
    "failed": ":material/error:", "cancelled": ":material/cancel:",
}  # fmt: skip


def show_error(error: ArchscopeError) -> None:
    """One box with the error's one line."""
    st.error(str(error), icon=":material/error:")


@contextmanager
def errors() -> Iterator[None]:
    """Shows an expected error as one box in place of the rest of the block; the page goes on after the block."""
    try:
        yield
    except ArchscopeError as error:
        show_error(error)


def duration(seconds: float) -> str:
    """Seconds as people say them: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 and whole < 600 else f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def describe(progress: jobs.JobProgress) -> str:
    """Stage and remaining time of a job in one line."""
    if progress.status == "queued":
        return "waiting for another job to finish" if progress.steps else "starting"
    left = f", about {duration(progress.remaining_s)} left" if progress.remaining_s is not None else ""
    return f"{progress.stage or 'starting'}{left}"


def name_of(run: Run) -> str:
    """A job in words: what is made, for which dataset."""
    return f"{NAMES.get(run.kind, run.kind)} · {run.dataset}"


def job_panel(run: Run) -> None:
    """A job with its stage, bar, remaining time and a way to cancel, kept up to date; its outcome once it ended."""
    every = 1.0 if run.status in LIVE else None
    st.fragment(_job_panel, run_every=every)(run, every is not None)


def _job_panel(run: Run, was_live: bool) -> None:
    progress = jobs.progress_of(run)
    if progress.status not in LIVE:
        if was_live:
            st.rerun()
        _outcome(run, progress)
        return
    with st.container(border=True):
        st.markdown(f"**{name_of(run)}**")
        st.progress(min(1.0, progress.fraction), text=f"{describe(progress)} · {progress.fraction:.0%}")
        if st.button("Cancel", key=f"cancel-{run.id}", icon=":material/cancel:"):
            jobs.cancel(run)
            st.rerun()


def _outcome(run: Run, progress: jobs.JobProgress) -> None:
    if progress.status == "failed":
        st.error(f"{name_of(run)} failed: {progress.error}", icon=ICONS["failed"])
    elif progress.status == "cancelled":
        st.warning(f"{name_of(run)} was cancelled; nothing was changed.", icon=ICONS["cancelled"])
    else:
        st.success(f"{name_of(run)} is done.", icon=ICONS["done"])


def tray(workspace: Workspace) -> None:
    """Jobs of this data folder, whichever tab started them; follows them, and redraws the page when one ends."""
    every = 1.5 if jobs.active_runs(workspace) else 20.0
    st.fragment(_tray, run_every=every)(workspace, every)


def _tray(workspace: Workspace, every: float) -> None:
    active = jobs.active_runs(workspace)
    ids = {run.id for run in active}
    before: set[str] = st.session_state.get("tray", ids)
    st.session_state["tray"] = ids
    ended = [run for run in workspace.runs.all() if run.id in before - ids]  # less what was deleted since
    for run in reversed(ended):
        st.toast(f"{name_of(run)}: {run.status}", icon=ICONS[run.status])
    if before != ids or (active and every > 2):
        st.rerun()
    failed = _failed(workspace)
    if not active and not failed:
        return
    st.caption("Jobs")
    for run in active:
        progress = jobs.progress_of(run)
        st.progress(min(1.0, progress.fraction), text=f"{name_of(run)} — {describe(progress)}")
    for run in failed:
        with st.popover(f"{name_of(run)}: failed", icon=ICONS["failed"], width="stretch"):
            st.error(run.error)


def _failed(workspace: Workspace) -> list[Run]:
    """Jobs that failed and that no newer job of their kind and dataset has made up for."""
    newest: dict[tuple[str, str], Run] = {}
    for run in workspace.runs.all():
        newest.setdefault((run.kind, run.dataset), run)
    return [run for run in newest.values() if run.status == "failed"][:3]


def empty(text: str, icon: str = ":material/info:") -> None:
    """An empty state: what there is not, and what to do about it."""
    st.info(text, icon=icon)


def first_start(workspace: Workspace, heading: bool = True) -> None:
    """No dataset yet: starts the demo, shows how far it is, and opens the page when it is there."""
    run = jobs.bootstrap_demo(workspace)
    if run is None:
        st.rerun()
    if heading:
        st.title("Welcome to ARCHScope", anchor=False)
    st.markdown(
        "There is no dataset yet, so ARCHScope is making one to look around in: **simulated** counts with real gene "
        "names. This page opens by itself when it is ready. To use your own file, go to the Data page."
    )
    job_panel(run)
    if run.status not in LIVE and st.button("Try again", type="primary", icon=":material/refresh:"):
        jobs.bootstrap_demo(workspace, again=True)
        st.rerun()
