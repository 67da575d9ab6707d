"""What the app tells its user: errors in one box, jobs as they go, the first start."""

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st

from core import access, jobs, logs
from core.access import Role
from core.errors import ArchscopeError
from core.store.runs import Run
from core.store.workspace import Workspace
from pages.ui import people

LIVE = jobs.LIVE
NAMES = {
    "build": "Build", "add": "Addition", "demo": "Demo dataset", "classifier": "Classifier",
    "generator": "Synthetic generator", "augmentation": "Study of synthetic samples",
    "projection": "Map of biosamples", "gsea": "GSEA", "metadata": "List of biosamples", "estimate": "Estimate",
    "fetch": "Biosamples from ARCHS4", "download": "Download",
}  # fmt: skip
log = logging.getLogger("archscope")
logs.set_up("app")
ICONS = {
    "queued": ":material/schedule:", "running": ":material/progress_activity:", "done": ":material/check_circle:",
    "failed": ":material/error:", "cancelled": ":material/cancel:",
}  # fmt: skip


def show_error(error: ArchscopeError) -> None:
    """One box with the error's one line; the log has its class alone."""
    logs.event("error.shown", logging.WARNING, error=type(error).__name__, page=_page())
    st.error(re.sub(r"([\[\]$`*<])", r"\\\1", str(error)), icon=":material/error:")  # it quotes what may be Markdown


@contextmanager
def errors() -> Iterator[None]:
    """Shows an expected error as one box in place of the rest of the block; the page goes on after the block."""
    try:
        yield
    except ArchscopeError as error:
        show_error(error)


def told(action: Callable[..., object], *arguments: Any) -> None:
    """Does what a button asks for before the page is drawn; why it was refused is shown with the job tray."""
    try:
        action(*arguments)
    except ArchscopeError as error:
        st.session_state["refused"] = str(error)


def show_refusal() -> None:
    """Says once why the last button did nothing."""
    if said := st.session_state.pop("refused", ""):
        st.error(said, icon=":material/lock:")


class PageError(Exception):
    """What a user is told where a page met something that nobody foresaw."""


@contextmanager
def calm() -> Iterator[None]:
    """Shows an error that nobody foresaw as one box with a number; what happened is in the server's log under it."""
    try:
        with logs.slow(_page()):
            yield
    except ArchscopeError as error:
        show_error(error)
    except Exception:
        number = secrets.token_hex(3)
        logs.event("error.unforeseen", logging.ERROR, number=number, page=_page())
        log.exception("A page failed (error %s)", number)
        st.exception(PageError(
            "Something went wrong on this page; your data are untouched. Load the page again or go to another one. If "
            f"it comes back, send the lines below “error {number}” of the server's log to whoever runs ARCHScope."
        ))  # fmt: skip


def _page() -> str:
    """Name of the page that is shown, as far as it is known."""
    return str(st.session_state.get("page_name", ""))


def part(function: Callable[..., None], every: float | None = None) -> Callable[..., None]:
    """A part of a page that also runs by itself (again after ``every`` seconds), calm where it fails, even then."""

    @wraps(function)
    def shown(*arguments: Any, **named: Any) -> None:
        with calm():
            access.require(Role.VIEWER, "This server")  # a part runs without the page, and its sign-in may have ended
            function(*arguments, **named)

    run: Callable[..., None] = st.fragment(shown, run_every=every)
    return run


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
        why = [str(step.values["why"]) for step in progress.steps if "why" in step.values]
        return (why or ["waiting for another job to finish"])[-1] if progress.steps else "starting"
    left = f", about {duration(progress.remaining_s)} left" if progress.remaining_s is not None else ""
    return f"{progress.stage or 'starting'}{left}"


def name_of(run: Run) -> str:
    """A job in words: what is made, for which dataset."""
    return f"{NAMES.get(run.kind, run.kind)} · {run.dataset}"


def job_panel(run: Run) -> None:
    """A job with its stage, bar, remaining time and a way to cancel, kept up to date; its outcome once it ended."""
    every = 1.0 if run.status in LIVE else None
    part(_job_panel, every)(run, every is not None)


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
        if people.may_manage(run) and st.button("Cancel", key=f"cancel-{run.id}", icon=":material/cancel:"):
            jobs.cancel(run)
            st.rerun()


def _outcome(run: Run, progress: jobs.JobProgress) -> None:
    if progress.status == "failed":
        st.error(f"{name_of(run)} failed: {progress.error}", icon=ICONS["failed"])
    elif progress.status == "cancelled":
        st.warning(f"{name_of(run)} was cancelled; nothing was changed.", icon=ICONS["cancelled"])
    else:
        st.success(f"{name_of(run)} is done.", icon=ICONS["done"])


def empty(text: str, icon: str = ":material/info:") -> None:
    """An empty state: what there is not, and what to do about it."""
    st.info(text, icon=icon)


def first_start(workspace: Workspace, heading: bool = True) -> None:
    """No dataset yet: starts the demo, shows how far it is, and opens the page when it is there."""
    if not people.welcome(Role.TRAINER, "There is no dataset yet, and making one"):
        return
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
