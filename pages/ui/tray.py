"""The job tray in the sidebar: what runs, waits and ended lately in this data folder, whichever tab started it."""

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import access, jobs
from core.access import Role
from core.store.runs import Run
from core.store.workspace import Workspace
from pages.ui import feedback, people, state
from pages.ui.feedback import ICONS, LIVE
from pages.ui.ranking_columns import COLUMNS

OFTEN, SELDOM = 1.5, 20.0  # seconds between two looks, with and without a job at work
FEW, HERE = 10, 60.0  # sessions that are no crowd; seconds after a look that a session counts
LOG_LINES = 40
SHORT = {"generator": "Generator", "augmentation": "Synthetic study", "projection": "Map"}  # links cut what is longer
FIT = 9  # lines of a log that are shown without scrolling


def show(workspace: Workspace) -> None:
    """Jobs of this data folder; follows them, and redraws the page when one begins or ends, here or in another tab.

    In a crowd nobody's page is drawn anew for somebody else's job: all of them would be at the same moment. The list
    itself changes all the same.
    """
    lively = bool(jobs.active_runs(workspace))
    feedback.part(_show, _pace(_crowd()) if lively else SELDOM)(workspace, lively)


@st.cache_resource(show_spinner=False)
def _looks() -> dict[str, float]:
    """When each session looked last, by a clock that only goes forward. Shared between sessions."""
    return {}


def _crowd() -> int:
    """How many sessions look at the tray, this one among them."""
    context, now, looks = get_script_run_ctx(), time.monotonic(), _looks()
    if context is not None:
        looks[context.session_id] = now
    for session, last in list(looks.items()):
        if now - last > HERE:
            looks.pop(session, None)
    return len(looks)


def _pace(sessions: int) -> float:
    """Seconds between two looks at a job at work: of a crowd each looks less often, so that all together do not."""
    return OFTEN * max(1.0, sessions / FEW)


def result_link(run: Run) -> tuple[str, dict[str, str]]:
    """The page that shows what a job made, and its address parameters."""
    at = {"dataset": run.dataset}
    if run.kind == "classifier":
        return "pages/train.py", at | {"model": "Classifier", "classifier_runs": run.id}
    if run.kind == "generator":
        return "pages/train.py", at | {"model": "Synthetic samples", "generator_runs": run.id}
    if run.kind == "augmentation":
        return "pages/synthetic.py", at | {"study": run.id}
    if run.kind == "projection":
        return "pages/neighbourhood.py", at | {"map": str(run.recipe["parameters"].get("method", ""))}
    if run.kind == "gsea":
        return "pages/rankings.py", at | _gsea_address(run.recipe["parameters"])
    return "pages/overview.py", at


def _gsea_address(given: Mapping[str, Any]) -> dict[str, str]:
    """The address of a GSEA's result, as far as it fits into one (a long list of genes does not)."""
    by = COLUMNS.get(given.get("by", ""), "")
    if given.get("file"):
        return {"tool": "Gene sets", "sets": given["file"], "sets_statistic": "GSEA", "sets_by": by}
    genes = given.get("genes", [])
    return {"tool": "Gene list", "list_by": by} | ({"list": ",".join(genes)} if len(genes) <= 60 else {})


def _show(workspace: Workspace, lively: bool) -> None:
    few = _crowd() <= FEW
    active = jobs.active_runs(workspace)
    _follow(workspace, active, lively, few)
    recent = jobs.recent(workspace)
    feedback.show_refusal()
    if not active and not recent:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Jobs")
        st.space("stretch")
        if len(recent) > 1 and access.may(Role.TRAINER):
            st.button("Clear", key="tray-clear", type="tertiary", help="Takes what has ended off this list",
                      on_click=feedback.told, args=(jobs.dismiss, jobs.recent(workspace, most=jobs.MANY)))  # fmt: skip
    for run in active:
        _active(run)
    for run in recent:
        _ended(run, workspace)


def _follow(workspace: Workspace, active: list[Run], lively: bool, few: bool) -> None:
    """Says what ended since the last look, and draws the page anew where the list changed, among a ``few`` sessions."""
    ids = {run.id for run in active}
    before: set[str] = st.session_state.get("tray", ids)
    st.session_state["tray"] = ids
    ended = [run for run in workspace.runs.all() if run.id in before - ids]  # less what was deleted since
    told = [*st.session_state.pop("tray_told", []), *reversed(ended)]
    # only where the tray runs alone: in a run of the whole page, to begin again would drop the click it is about
    if few and state.by_itself() and (before != ids or (active and not lively)):
        st.session_state["tray_told"] = told  # what is said just before a run begins anew may not reach the browser
        st.rerun()
    for run in told:
        st.toast(f"{feedback.name_of(run)}: {run.status}", icon=ICONS[run.status])


def _active(run: Run) -> None:
    progress = jobs.progress_of(run)
    if progress.status not in LIVE:  # it ended since the list was made; the next look shows it among the others
        return
    st.progress(min(1.0, progress.fraction), text=f"{feedback.name_of(run)}: {feedback.describe(progress)}")
    with st.container(horizontal=True):
        if people.may_manage(run):
            st.button("Cancel", key=f"tray-cancel-{run.id}", icon=":material/cancel:", type="tertiary",
                      on_click=feedback.told, args=(jobs.cancel, run))  # fmt: skip
        _log(run)


def _ended(run: Run, workspace: Workspace) -> None:
    """What became of a job, a way to what it made, its log, and a way to take it off the list."""
    status = run.status
    left, right = st.columns([4, 1], vertical_alignment="center", gap="xxsmall")
    if status == "done" and _is_there(run, workspace):
        page, target = result_link(run)
        label = SHORT.get(run.kind, "") if run.dataset == state.param("dataset") else ""
        told = f"The result of {feedback.name_of(run)}"
        left.page_link(page, label=label or _short(run), icon=ICONS["done"], query_params=target, help=told)
    else:
        left.markdown(f":small[{ICONS[status]} {_short(run)}: {status}]")
    with right:
        _log(run, ended=True)


def _short(run: Run) -> str:
    """A job's name; with its dataset where that is another one than is looked at."""
    full = feedback.name_of(run)
    return full.removesuffix(f" · {run.dataset}") if run.dataset == state.param("dataset") else full


def _is_there(run: Run, workspace: Workspace) -> bool:
    return any(found.name == run.dataset for found in workspace.datasets())


def _log(run: Run, ended: bool = False) -> None:
    """What a job said on its way, read when it is opened."""
    with st.popover(
        "" if ended else "Log", icon=":material/more_vert:" if ended else ":material/article:",
        key=f"tray-log-{run.id}", on_change="rerun", help=f"What “{feedback.name_of(run)}” did, stage by stage",
    ) as opened:  # fmt: skip
        if opened.open:
            _show_log(run)
            if ended and access.may(Role.TRAINER):
                st.button("Take off this list", key=f"tray-dismiss-{run.id}", icon=":material/close:",
                          on_click=feedback.told, args=(jobs.dismiss, [run]))  # fmt: skip


def _show_log(run: Run) -> None:
    st.markdown(f"**{feedback.name_of(run)}**")
    if run.error:
        st.error(run.error)
    lines = jobs.log_lines(run)
    taken = jobs.seconds_taken(run)
    words = [f"{run.status}", *([feedback.duration(taken)] if taken else []), f"run `{run.id}`"]
    words += [run.owner] if run.owner and access.roles_on() else []
    st.caption(" · ".join(words))
    shown = [f"{line.begun:%H:%M:%S}  {line.fraction:4.0%}  {line.stage}" for line in lines[-LOG_LINES:]]
    more = [f"… {len(lines) - LOG_LINES} earlier stages"] if len(lines) > LOG_LINES else []
    if not shown:
        st.caption("It left no progress lines.")
        return
    height = 260 if len(shown) > FIT else "content"
    st.code("\n".join([*more, *shown]), language=None, height=height, wrap_lines=True)
    st.caption("Begin of each stage (UTC), and the share of the whole at its end.")
