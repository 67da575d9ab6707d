"""The Labels section of the Data page: finding biosamples, editing their labels, taking edits back, exporting."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from core import access
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError
from core.store.datasets import StoredDataset
from core.store.label_edits import EDITED, LONGEST_LABEL
from pages.ui import people, state, widgets

MOST_ROWS = 1000  # that the browser gets at once
SHOWS = {"All": "all", "No label": "unlabelled", "Edited": "edited"}
FIELDS = {
    "sample_id": "id", "series_id": "series", "title": "title", "source_name_ch1": "source name",
    "characteristics_ch1": "characteristics",
}  # fmt: skip
CAPTION = (
    "Labels that you add or remove here are kept apart from what the sources say, last through a new build, and can "
    "be taken back. Every page and every new training uses the labels with these edits."
)
OF_THE_BUILD = (
    "Tau and the top label of the rankings are those of the build, without edits. Models that are trained already "
    "keep the labels that they learned from: train again to use the edits."
)
SEARCH_HELP = "Every word has to be in the id, series, title, source name or labels; upper and lower case are the same."
LABEL_HELP = f"Choose a known label, or type a new one (at most {LONGEST_LABEL} characters, no '|')."


def section(dataset: StoredDataset) -> None:
    """Everything about the labels of one dataset."""
    st.header(f"Labels of {dataset.name}", anchor=False)
    st.caption(CAPTION)
    query = _search(dataset)
    found, shown = _found(dataset.view_key, query, dataset)
    _count(found, query)
    of = (dataset.name, dataset.view_key, query)
    chosen = _id_rows(shown, "sample_id", "label_rows", of, column_config=_columns(), height=380, alt="Biosamples")
    _form(dataset, _targets(found, query, chosen))
    _say()
    if chosen:
        _origins(dataset, chosen)
    _edits(dataset)
    _downloads(dataset)


def origin(bit: Mapping[Any, Any]) -> str:
    """What set a bit, in words: the file or rule, the field and its words, or the edit with its note."""
    if bit["source"] == EDITED:
        by_hand = f"edited {_day(bit['when']).split(',')[0]}".strip()
        return f"{by_hand}: {bit['note']}" if bit["note"] else by_hand
    field = FIELDS.get(bit["field"], bit["field"].replace("_", " "))
    told = f"{field} “{bit['words']}”" if bit["words"] else field
    return ", ".join(part for part in (bit["source"], told) if part)


def _search(dataset: StoredDataset) -> wf.BiosampleQuery:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bound: dict[str, Any] = {"bind": "query-params"}
        search = st.text_input(
            "Find biosamples", key="label_q", placeholder="Id, series, title, source name or label", width=320,
            icon=":material/search:", help=SEARCH_HELP, **bound,
        )  # fmt: skip
        names = st.multiselect("With label", dataset.label_names, key="label_of", placeholder="Any", width=260, **bound)
        show = st.segmented_control("Show", list(SHOWS), default="All", required=True, key="label_show", **bound)
    return wf.BiosampleQuery(search.strip(), tuple(names), SHOWS[show], MOST_ROWS)


@st.cache_resource(max_entries=6, show_spinner=False)
def _found(key: str, query: wf.BiosampleQuery, _dataset: StoredDataset) -> tuple[wf.FoundBiosamples, pd.DataFrame]:
    """What matches, and the rows to show; to be read, not changed."""
    found = wf.find_biosamples(_dataset, query)
    bits = wf.label_origins(_dataset, found.rows["sample_id"].tolist())
    told = [f"{bit['label']}: {origin(bit)}" for bit in bits.to_dict("records")]
    where = pd.Series(told, index=bits["sample_id"], dtype="str").groupby(level=0).agg("; ".join)
    return found, found.rows.assign(where=found.rows["sample_id"].map(where).astype("str").fillna(""))


def _count(found: wf.FoundBiosamples, query: wf.BiosampleQuery) -> None:
    n = len(found.ids)
    matching = "" if _is_open(query) else " match" if n != 1 else " matches"
    first = f"; the first {MOST_ROWS:,} are shown: search to see others" if n > len(found.rows) else ""
    st.markdown(f"**{n:,}** biosample{'s' * (n != 1)}{matching}{first}.")


def _is_open(query: wf.BiosampleQuery) -> bool:
    return query == wf.BiosampleQuery(limit=query.limit)


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    same = widgets.sample_columns()
    return {
        "sample_id": same["sample_id"],
        "labels": text("Labels", width=200),
        "title": same["title"],
        "source_name_ch1": text("Source name", width=150),
        "where": text("Where the labels come from", help="Of each label: the file or rule, or the edit", width=330),
        "series_id": same["series_id"],
    }


def _id_rows(frame: pd.DataFrame, id_column: str, key: str, of: Any, **more: Any) -> list[str]:
    """A table in which rows are selected; the ids of those that are. ``of``: what the table is of.

    Another ``of`` begins with those selected before that are still shown, so nothing unseen is ever selected; another
    dataset (its first part) begins with none.
    """
    ids = frame[id_column].tolist()
    mine = st.session_state.setdefault(f"{key}-mine", {"of": of, "chosen": [], "turn": 0})
    if mine["of"] != of:
        kept = set(ids) if mine["of"][0] == of[0] else set()
        mine.update(of=of, chosen=[one for one in mine["chosen"] if one in kept], turn=mine["turn"] + 1)
    widget = f"{key}-{mine['turn']}"

    def selected() -> None:
        mine["chosen"] = [ids[row] for row in st.session_state[widget]["selection"].get("rows", [])]

    rows = [row for row, one in enumerate(ids) if one in set(mine["chosen"])]
    st.dataframe(
        frame, key=widget, hide_index=True, on_select=selected, selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}}, column_order=list(more["column_config"]), **more,
    )  # fmt: skip
    return list(mine["chosen"])


def _targets(found: wf.FoundBiosamples, query: wf.BiosampleQuery, chosen: list[str]) -> list[str]:
    """The biosamples that an edit is of: the selected ones, or all that match where that is asked for."""
    if not found.ids or _is_open(query):
        return chosen
    turn = st.session_state["label_rows-mine"]["turn"]  # another search, or an edit, begins without
    n = len(found.ids)
    every = st.toggle(f"Edit all {n:,} that match, not just the selected rows", key=f"label_all-{turn}")
    return found.ids if every else chosen


def _form(dataset: StoredDataset, ids: list[str]) -> None:
    if not people.welcome(Role.TRAINER, "Editing labels"):
        return
    to = f"{len(ids):,} biosample{'s' * (len(ids) != 1)}"
    with st.form("label_form"):
        st.markdown(f"**Edit the labels of {to}**" if ids else "**Edit labels**: select rows of the table first.")
        left, right = st.columns(2)
        left.selectbox(
            "Label", dataset.label_names, None, key="label_choice", accept_new_options=True, help=LABEL_HELP,
            placeholder="Choose one or type a new one",
        )  # fmt: skip
        right.text_input("Note (optional)", key="label_note", placeholder="Why, for whoever reads it later")
        with st.container(horizontal=True):
            for action, icon in (("add", "label"), ("remove", "label_off")):
                st.form_submit_button(
                    f"{action.capitalize()} label", key=f"label_{action}", icon=f":material/{icon}:", disabled=not ids,
                    type="primary" if action == "add" else "secondary", on_click=_edit, args=(dataset, ids, action),
                )  # fmt: skip


def _edit(dataset: StoredDataset, ids: Sequence[str], action: str) -> None:
    label, note = st.session_state["label_choice"] or "", st.session_state["label_note"]

    def change() -> str:
        return wf.edit_labels(state.workspace(), dataset.name, ids, label, action, note).text

    _do(change)


def _undo(dataset: StoredDataset, ids: Sequence[str] | None) -> None:
    def change() -> str:
        undone = wf.undo_label_edits(state.workspace(), dataset.name, ids)
        return f"{undone:,} edit{'s' * (undone != 1)} undone."

    _do(change)


def _do(change: Callable[[], str]) -> None:
    """Makes a change before the page is drawn anew; what to say of it is kept until then."""
    try:
        st.session_state["label_said"] = (True, change())
    except ArchscopeError as error:
        st.session_state["label_said"] = (False, str(error))


def _say() -> None:
    done, text = st.session_state.pop("label_said", (True, ""))
    if text:
        icon = ":material/check_circle:" if done else ":material/error:"
        (st.success if done else st.error)(text, icon=icon)


def _origins(dataset: StoredDataset, chosen: list[str]) -> None:
    """Every label of the selected biosamples with what set it."""
    bits = wf.label_origins(dataset, chosen).head(MOST_ROWS)
    st.markdown(f"**Labels of the {len(chosen):,} selected, one by one**")
    if bits.empty:
        st.caption("None of them has a label.")
        return
    bits["field"] = [FIELDS.get(name, name) for name in bits["field"]]
    bits["when"] = bits["when"].map(_day)
    titles = {
        "sample_id": "Biosample", "label": "Label", "source": "Source", "field": "Field", "words": "Words",
        "when": "Edited on", "note": "Note",
    }  # fmt: skip
    told = [name for name in titles if bits[name].ne("").any()]
    height = min(300, 40 + 35 * len(bits))
    config = {name: st.column_config.TextColumn(title) for name, title in titles.items()}
    st.dataframe(bits, hide_index=True, column_order=told, column_config=config, height=height, alt="Labels one by one")


def _edits(dataset: StoredDataset) -> None:
    """The edits there are, with ways to take them back."""
    edits = wf.label_edits(state.workspace(), dataset.name)
    st.markdown(f"**Edits ({len(edits):,})**")
    if edits.empty:
        st.caption("No label was edited so far.")
        return
    idle = int((~edits["applied"]).sum())
    lost = f" {idle:,} of the edits {'are' if idle != 1 else 'is'} of biosamples that the dataset does not have now."
    st.caption(OF_THE_BUILD + (lost if idle else ""))
    shown = edits.head(MOST_ROWS).assign(when=edits["when"].map(_day))
    text = st.column_config.TextColumn
    columns = {
        "sample_id": text("Biosample"), "label": text("Label"), "action": text("Edit"), "when": text("When"),
        "note": text("Note"),
        "applied": st.column_config.CheckboxColumn("In use", help="Whether the dataset has the biosample", width=70),
    }  # fmt: skip
    height = min(300, 40 + 35 * len(shown))
    of = (dataset.name, dataset.view_key)
    chosen = _id_rows(shown, "id", "label_edits", of, column_config=columns, height=height, alt="Edits")
    if len(shown) < len(edits):
        st.caption(f"The newest {len(shown):,} are shown; the download has all.")
    if not access.may(Role.TRAINER):
        return
    last = wf.last_change(edits)
    with st.container(horizontal=True):
        _undo_button(f"Undo selected ({len(chosen):,})", "selected", dataset, chosen)
        _undo_button(f"Undo last change ({len(last):,})", "last", dataset, last)
        with st.popover("Undo all", icon=":material/delete_sweep:"):
            st.markdown(f"Take back all {len(edits):,} edits? They are then gone: download them first to keep them.")
            _undo_button("Yes, undo all", "all", dataset, edits["id"].tolist())


def _undo_button(text: str, name: str, dataset: StoredDataset, ids: list[str]) -> None:
    st.button(
        text, key=f"label_undo_{name}", icon=":material/undo:", on_click=_undo, args=(dataset, ids), disabled=not ids
    )


def _downloads(dataset: StoredDataset) -> None:
    workspace, name = state.workspace(), dataset.name
    with st.container(horizontal=True):
        _download(f"{name}-labels.tsv", "Labels (TSV)", lambda: wf.label_table(workspace, name).encode(),
                  "Two columns, sample_id and label, as a build reads them: the labels in use")  # fmt: skip
        _download(f"{name}-labels-with-sources.csv", "Labels with sources (CSV)",
                  lambda: wf.to_csv(wf.labels(workspace, name)), "What set each label, too")  # fmt: skip
        if len(dataset.edits):
            _download(f"{name}-label-edits.csv", "Edits (CSV)",
                      lambda: wf.to_csv(wf.label_edits(workspace, name)), "Newest first")  # fmt: skip


def _download(file: str, text: str, make: Callable[[], bytes], explanation: str) -> None:
    mime = "text/tab-separated-values" if file.endswith(".tsv") else "text/csv"
    st.download_button(
        text, make, file, mime, key=f"download-{file}", on_click="ignore", help=explanation,
        icon=":material/download:",
    )  # fmt: skip


def _day(when: str) -> str:
    return f"{datetime.fromisoformat(when):%d %b %Y, %H:%M UTC}" if when else ""
