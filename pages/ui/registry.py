"""The registry on the Train page: what is in use and since when, promote, roll back, delete, and a run's card."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core import access
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError
from core.store.datasets import StoredDataset
from core.store.files import clean
from core.store.runs import Run
from pages.ui import feedback, reports, state

SPLITS = {"random": ("F1, random", "a random third held back"), "series": ("F1, series", "whole series held back")}
OUTCOME = "registry_outcome"
PROMOTE_HELP = "The pages and the command line use this run from now on, until another is promoted."
DELETE_HELP = "It is in use: promote another run or roll back first."
HISTORY = {
    "run": st.column_config.TextColumn("Run", width=60),
    "state": st.column_config.TextColumn("State", width=110),
    "action": st.column_config.TextColumn("How", width=90),
    "since": st.column_config.TextColumn("Since", width=170),
    "until": st.column_config.TextColumn("Until", width=170),
    "id": st.column_config.TextColumn("Full id"),
}


def show_in_use(dataset: StoredDataset, kind: str) -> None:
    """What the last button did; the run in use and since when, the way back, and what was in use before."""
    show_outcome()
    past = wf.promotions(state.workspace(), dataset.name, kind)
    if past.empty or past["state"].iloc[0] != "in use":
        return
    run = state.workspace().runs.get(past["run"].iloc[0])
    since = wf.day(past["since"].iloc[0]) or "a day that is not recorded"
    with st.container(horizontal=True, vertical_alignment="center"):
        words = wf.describe(run.recipe["parameters"])
        st.markdown(f"**In use:** run {run.id[-4:]} ({words}), since {since}", width="content")
        st.space("stretch")
        _rollback_button(dataset, kind)
        with st.popover("What was in use", icon=":material/history:"):
            st.dataframe(
                history_table(past), hide_index=True, column_config=HISTORY, width=760, alt=f"Use of the {kind}s"
            )


def history_table(past: pd.DataFrame) -> pd.DataFrame:
    """The promotions in words, newest first."""
    moments = {name: past[name].map(lambda moment: wf.day(moment) or "not recorded") for name in ("since", "until")}
    moments["until"] = moments["until"].where(past["state"] != "in use", "")
    table = past.assign(**moments, id=past["run"], run=past["run"].str[-4:])
    return table[list(HISTORY)]


def actions(row: Any, kind: str) -> None:
    """What can be done with a run of the history: report on it and promote it where it is finished, delete it where it
    is not in use.
    """
    if row.status == "done":
        reports.button("run", state.workspace().dataset(state.workspace().runs.get(row.id).dataset), row.id)
    if row.active:
        st.badge("in use", icon=":material/check:", color="green")
    elif row.status == "done" and access.may(Role.TRAINER):
        st.button(
            "Promote", key=f"use_{row.id}", type="primary", icon=":material/check:", help=PROMOTE_HELP,
            on_click=_act, args=(lambda: _promote(row.id),),
        )  # fmt: skip
    if not access.may(Role.ADMIN):
        return
    short = row.id[-4:]
    with st.popover(  # its key closes it when the page goes on to another run
        "Delete", icon=":material/delete:", key=f"ask_{row.id}", disabled=bool(row.active),
        help=DELETE_HELP if row.active else None,
    ):  # fmt: skip
        st.markdown(f"Delete run **{short}** ({wf.describe(row.parameters)}) for good?")
        st.caption(f"Its model, scores and card are removed. {row.id}")
        st.button(
            f"Delete run {short}", key=f"delete_{row.id}", type="primary", icon=":material/delete_forever:",
            disabled=bool(row.active), on_click=_act, args=(lambda: _delete(row.id, kind),),
        )  # fmt: skip


def study_actions(dataset: StoredDataset, run: Run, words: str) -> None:
    """What can be done with an augmentation study that has ended: report on it where it is done, delete it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.status == "done":
            reports.button("run", dataset, run.id)
        if not access.may(Role.ADMIN):
            return
        with st.popover("Delete", icon=":material/delete:", key=f"ask_{run.id}"):
            st.markdown(f"Delete the study **{words}** for good?")
            st.caption(f"Its replicates and figures are removed. {run.id}")
            st.button(
                "Delete this study", key=f"delete_{run.id}", type="primary", icon=":material/delete_forever:",
                on_click=_act, args=(lambda: _delete_study(run.id),),
            )  # fmt: skip


def show_card(run_id: str) -> None:
    """A run's model card, to read and to take away."""
    card = wf.model_card(state.workspace(), run_id)
    text = wf.card_markdown(card)
    with st.expander("Model card", icon=":material/id_card:"):
        content = json.dumps(clean(card), indent=2, ensure_ascii=False)
        with st.container(horizontal=True):
            for suffix, mime, data in (("md", "text/markdown", text), ("json", "application/json", content)):
                st.download_button(
                    {"md": "Markdown", "json": "JSON"}[suffix], data, f"{run_id}-card.{suffix}", mime,
                    key=f"card_{suffix}_{run_id}", on_click="ignore", icon=":material/download:",
                )  # fmt: skip
        st.markdown(re.sub(r"^#+ ", "### ", text, flags=re.MULTILINE))


def headline_tiles(kind: str, metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A run's scores at a glance, each above what it has to beat; none where it was not scored."""
    if kind == "classifier":
        splits = metrics.get("splits") or {}
        return [
            (name, f"{split['model']['samples_f1']:.3f}", f"Samples-averaged F1 with {how}",
             f"majority {split['majority']['samples_f1']:.3f}")
            for key, (name, how) in SPLITS.items() if (split := splits.get(key))
        ]  # fmt: skip
    card = metrics.get("scorecard") or []
    compared = [row["beats_baseline"] for row in card if row["beats_baseline"] is not None]
    passed = sum(row["verdict"] == "pass" for row in card)
    tiles = [("Targets met", f"{passed} of {len(card)}", "Measures of the scorecard that reach their target")]
    beaten = ("≥ PCA-Gaussian", f"{sum(compared)} of {len(compared)}", "Measures at least as good as the simple one's")
    return [*(tiles if card else []), *([beaten] if compared else [])]


def _rollback_button(dataset: StoredDataset, kind: str) -> None:
    if not access.may(Role.TRAINER):
        return
    target = wf.rollback_target(state.workspace(), dataset.name, kind)
    help_text = f"Goes back to {wf.model_name(target)}" if target else "No other run was in use before."
    st.button(
        "Roll back", key=f"rollback_{kind}", icon=":material/undo:", disabled=target is None, help=help_text,
        on_click=_act, args=(lambda: _rollback(dataset.name, kind),),
    )  # fmt: skip


def _act(action: Callable[[], str]) -> None:
    """Does what a button asks for; what came of it is shown by the run of the page that follows."""
    try:
        st.session_state[OUTCOME] = (True, action())
    except ArchscopeError as error:
        st.session_state[OUTCOME] = (False, str(error))


def show_outcome() -> None:
    """Says once what the last button did, or why it could not."""
    done, text = st.session_state.pop(OUTCOME, (True, ""))
    if not text:
        return
    st.toast(text, icon=feedback.ICONS["done" if done else "failed"])
    if not done:
        st.error(text, icon=":material/error:")


def _delete_study(run_id: str) -> str:
    wf.delete(state.workspace(), run_id)
    state.set_params(study=None)
    return f"Study {run_id[-4:]} is deleted."


def _promote(run_id: str) -> str:
    change = wf.promote(state.workspace(), run_id)
    return f"Run {change.run.id[-4:]} is in use now."


def _rollback(name: str, kind: str) -> str:
    change = wf.rollback(state.workspace(), name, kind)
    return f"Rolled back: run {change.run.id[-4:]} is in use now."


def _delete(run_id: str, kind: str) -> str:
    wf.delete(state.workspace(), run_id)
    left = [each for each in state.param(f"{kind}_runs").split(",") if each != run_id]
    state.set_params(**{f"{kind}_runs": ",".join(left)})
    return f"Run {run_id[-4:]} is deleted."
