"""The disk on the Data page: what takes how much, cleaning what can be made again, deleting a dataset by its name."""

import pandas as pd
import streamlit as st

from core import access
from core import workflows as wf
from core.access import Role
from core.figures.disk import WORDS, disk_bars, words_of
from core.store.workspace import Workspace
from pages.ui import feedback, people, state, widgets

DAYS = {"Whatever its age": 0.0, "Older than a day": 1.0, "Older than a week": 7.0, "Older than a month": 30.0}
GONE = (
    "This deletes **{name}** for good: its counts and tables, its runs with their models, label edits, promotions, "
    "saved filters and uploaded files, {size} in all. Nothing brings them back but a backup (`python -m core backup`)."
)


def section(workspace: Workspace) -> None:
    """What the data folder takes; measured when it is opened."""
    before = state.param("disk") == "open"
    with st.expander("Disk", before, icon=":material/hard_drive:", key="disk", on_change="rerun") as opened:
        state.set_params(disk="open" if opened.open else None)
        if opened.open:
            _show(workspace)


@feedback.part
def _show(workspace: Workspace) -> None:
    if said := st.session_state.pop("disk_said", ""):
        st.success(said, icon=":material/check_circle:")
    found = wf.disk_use(workspace)
    kinds = found.kinds
    clean = int(kinds["bytes"][kinds["rebuildable"] == "yes"].sum())
    widgets.tiles([
        ("Taken", words_of(found.bytes), "Every file in the data folder; a file under two names counts once"),
        ("Cleanable", words_of(clean), "Made again when it is needed"),
        ("Free", words_of(found.free), f"Of the {words_of(found.total)} of this disk"),
    ])  # fmt: skip
    widgets.chart(disk_bars(kinds), "disk_chart", _alt(kinds), export=False)
    _table(kinds)
    if not access.may(Role.ADMIN):
        people.welcome(Role.ADMIN, "Cleaning and deleting")
        return
    left, right = st.columns(2, gap="large")
    with left:
        _cleaning(workspace, kinds)
    with right:
        _deleting(workspace)


def _alt(kinds: pd.DataFrame) -> str:
    largest = [f"{row.title} {words_of(row.bytes)}" for row in kinds.head(3).itertuples()]
    return f"Bars of what takes how much of the disk: {', '.join(largest)}"


def _table(kinds: pd.DataFrame) -> None:
    shown = kinds.assign(size=kinds["bytes"] / 1e6, rebuildable=kinds["rebuildable"].map(WORDS))
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        shown[["title", "size", "files", "rebuildable", "how", "in_use"]], hide_index=True, alt="What takes how much",
        height=min(460, 40 + 35 * len(shown)),
        column_config={
            "title": text("What", width=210), "size": number("MB", format="%,.1f", width=75),
            "files": number("Files", format="localized", width=65), "rebuildable": text("Can it go?", width=180),
            "how": text("How it comes back, and what that takes", width=345),
            "in_use": number("In use now", help="Pieces that a job uses at this moment; they stay", width=85),
        },
    )  # fmt: skip


def _cleaning(workspace: Workspace, kinds: pd.DataFrame) -> None:
    st.markdown("**Clean up**")
    there = kinds[(kinds["rebuildable"] == "yes") & (kinds["bytes"] > 0)]
    if there.empty:
        st.caption("There is nothing to clean: no cache, no leftover.")
        return
    names = {row.kind: f"{row.title} ({words_of(row.bytes)})" for row in there.itertuples()}
    usual = [kind for kind in names if kind in wf.QUICK]
    chosen = st.multiselect("What", list(names), usual, format_func=names.__getitem__, key="disk_kinds")
    age = str(st.selectbox("Unchanged for", list(DAYS), key="disk_age"))
    if not chosen:
        st.caption("Choose what to clean.")
        return
    would = wf.to_clean(workspace, chosen, DAYS[age])
    with st.popover(f"Clean {words_of(would.bytes)}", icon=":material/mop:", disabled=would.pieces.empty):
        st.markdown(
            f"To go: {_pieces(len(would.pieces))}, {words_of(would.bytes)}. Each is made again when it is needed:"
        )
        for title, how in would.pieces[["title", "how"]].drop_duplicates().itertuples(index=False):
            st.caption(f"• {title}: {how[0].lower()}{how[1:]}")
        if st.button("Clean now", type="primary", key="disk_clean"):
            with feedback.errors():
                _clean(workspace, chosen, DAYS[age])
    for line in would.kept:
        st.caption(f"Stays: {line}.")


def _clean(workspace: Workspace, kinds: list[str], days: float) -> None:
    done = wf.clean(workspace, kinds, days)
    stays = f" {len(done.kept)} stayed, because they are in use." if done.kept else ""
    st.session_state["disk_said"] = f"Cleaned {_pieces(len(done.pieces))}, {words_of(done.bytes)}.{stays}"
    st.rerun()


def _pieces(number: int) -> str:
    return f"{number:,} piece" if number == 1 else f"{number:,} pieces"


def _deleting(workspace: Workspace) -> None:
    st.markdown("**Delete a dataset**")
    names = state.dataset_names()
    if not names:
        st.caption("There is no dataset.")
        return
    name = str(st.selectbox("Dataset", names, key="disk_dataset"))
    with feedback.errors():
        st.caption(GONE.format(name=name, size=words_of(int(wf.belongings(workspace, name)["bytes"].sum()))))
        typed = st.text_input("Type its name to delete it", key="disk_typed", placeholder=name)
        sure = typed.strip() == name
        if st.button("Delete for good", icon=":material/delete_forever:", disabled=not sure, key="disk_delete"):
            taken = wf.delete_dataset(workspace, name)
            st.session_state["disk_said"] = f"Deleted {name} and what belonged to it, {words_of(taken)}."
            if state.param("dataset") == name:
                state.set_params(dataset=None, gene=None, genes=None, sample=None, run=None)
            st.rerun()
