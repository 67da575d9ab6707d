"""From a score of a classifier to the biosamples behind it: the table of labels, the confusion matrix, and the list."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import evaluation as charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import feedback, state, widgets

KIND_OF = {"recall": "missed", "precision": "wrong", "predicted": "called"}  # every other column lists all
COLUMN_OF = {kind: column for column, kind in KIND_OF.items()} | {"all": "support"}
CELLS = {"share": "share of the row", "counts": "counts"}
MOST_PAIRS = 15
BESIDE = 24  # labels of a matrix that leaves room for a table beside it


@dataclass(frozen=True)
class Choice:
    """Which biosamples to list, as the address says it: the kind of list, the label, and the first predicted one."""

    kind: str
    label: str
    first: str = ""


def chosen(labels: list[str]) -> Choice | None:
    """The list that the address asks for; None where it asks for none, or for what this run does not know."""
    choice = Choice(state.param("show"), state.param("label"), state.param("predicted"))
    known = choice.kind in wf.LISTED and choice.label in labels
    return choice if known and (choice.kind != "confused" or choice.first in labels) else None


def choose(choice: Choice | None) -> None:
    """Writes a list into the address; None takes it out."""
    choice = choice or Choice("", "")
    state.set_params(show=choice.kind, label=choice.label, predicted=choice.first)


def label_table(rows: pd.DataFrame, key: str, choice: Choice | None) -> None:
    """Scores of every label; choosing a cell lists its biosamples. ``rows``: the labels of one split."""
    labels = rows["label"].tolist()
    mine = choice if choice is None or choice.kind != "confused" else None
    widget, held = _widget(f"labels-{key}", mine)

    def selected() -> None:
        cells = st.session_state[widget]["selection"].get("cells", [])
        row, column = cells[0] if cells else (0, "")
        held["choice"] = Choice(KIND_OF.get(str(column), "all"), labels[row]) if cells else None
        choose(held["choice"])

    default: Any = None
    if mine is not None and mine.label in labels:
        default = {"selection": {"cells": [[labels.index(mine.label), COLUMN_OF[mine.kind]]]}}
    columns = _label_columns()
    st.dataframe(
        rows, key=widget, hide_index=True, on_select=selected, selection_mode="single-cell", selection_default=default,
        column_order=[name for name in columns if name in rows], column_config=columns, placeholder="–",
        height=min(560, 38 + 35 * len(rows)), alt="Scores of each label",
    )  # fmt: skip


def matrix(table: pd.DataFrame, predictions: pd.DataFrame | None, split: str, key: str, choice: Choice | None) -> None:
    """The confusion matrix of one split and its most frequent errors; choosing one lists its biosamples."""
    mine = choice if choice is not None and choice.kind == "confused" else None
    widget, held = _widget(f"confusion-{key}", mine)

    def selected() -> None:
        points = st.session_state[widget]["selection"]["points"]
        cell = points[0].get("customdata") if points else None
        held["choice"] = Choice("confused", str(cell[0]), str(cell[1])) if cell else None
        choose(held["choice"])

    wide = table["true"].nunique() > BESIDE
    left, right = (st.container(), st.container()) if wide else st.columns([4, 3], gap="large")
    with left:
        by_row = switch("Cells", CELLS, "cells", "share") == "share"
        figure = charts.confusion(table, by_row, (mine.label, mine.first) if mine else None)
        widgets.chart(figure, widget, "First predicted against true labels", on_select=selected)
    with right:
        st.markdown("**Most frequent errors**")
        if predictions is None:
            st.caption("Not recorded for this run.")
        else:
            _errors(wf.confusions(predictions, split).head(MOST_PAIRS), key, mine)


def biosamples(dataset: StoredDataset, view: RunView, split: str, choice: Choice) -> None:
    """The list of a choice: what each biosample is, what was said of it, and ways on to it."""
    st.markdown(f"**Biosamples behind the figure:** {_in_words(choice)}")
    predictions = view.tables.get("predictions")
    if predictions is None:
        feedback.empty("Which biosamples were tested is not recorded for this run.")
        return
    found = wf.tested_biosamples(dataset, predictions, split, choice.kind, choice.label, choice.first)
    query = {"dataset": dataset.name, "classifier": view.run.id}
    links = [f"classify?{urlencode(query | {'biosample': sample})}" for sample in found["sample_id"]]
    shown = widgets.with_geo(found.assign(classify=links))
    lead = [name for name in ("sample_id", "classify", "geo") if name in shown]
    rest = [name for name in found.columns if name != "sample_id"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(found):,} of the {split} split, the surest first", width="content")
        st.button("Close the list", icon=":material/close:", type="tertiary", on_click=choose, args=(None,))
    st.dataframe(
        shown, hide_index=True, column_order=[*lead, *rest], column_config=_list_columns(), placeholder="–",
        height=min(420, 38 + 35 * max(2, len(shown))), alt="Biosamples behind the chosen figure",
    )  # fmt: skip
    missing = [name for name in ("novelty", "called") if name not in found]
    unknown = f" Not recorded for this run: {', '.join(missing)}." if missing else ""
    st.caption(
        "These calls are of models that had not seen the biosample. The model that is kept has since learned from it, "
        f"so the Classify page may say otherwise.{unknown}"
    )
    parts = (dataset.name, view.run.id, split, choice.kind, choice.label, choice.first)
    widgets.downloads(found, "-".join(part.replace(" ", "_") for part in parts if part))


def switch(label: str, options: dict[str, str], name: str, default: str) -> str:
    """A choice among a few, kept in the address under ``name``."""
    key = f"switch_{name}"
    asked = state.param(name)
    st.session_state[key] = asked if asked in options else default
    return str(st.segmented_control(
        label, list(options), format_func=options.__getitem__, required=True, key=key,
        label_visibility="collapsed", on_change=_into_address, args=(name, key),
    ))  # fmt: skip


def _into_address(name: str, key: str) -> None:
    state.set_params(**{name: st.session_state[key]})


def _widget(key: str, choice: Choice | None) -> tuple[str, dict[str, Any]]:
    """The key of a widget that is begun anew where the choice was made elsewhere, and what it holds."""
    held = st.session_state.setdefault(f"{key}-held", {"choice": choice, "turn": 0})
    if held["choice"] != choice:
        held.update(choice=choice, turn=held["turn"] + 1)
    return f"{key}-{held['turn']}", held


def _errors(wrong: pd.DataFrame, key: str, mine: Choice | None) -> None:
    if wrong.empty:
        st.caption("Every first predicted label is a true one.")
        return

    def listed(pair: str) -> None:
        choose(Choice("confused", *pair.split("|")) if pair else None)

    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    columns = {
        "true": text("True label", width=120), "predicted": text("Predicted", width=120, help="First predicted label"),
        "count": number("Count", format="localized", width=60, help="Biosamples"),
        "share": number("Of label", format="%.1f%%", width=70, help="Share of the true label's biosamples"),
    }  # fmt: skip
    shown = wrong.assign(pair=wrong["true"] + "|" + wrong["predicted"], share=100 * wrong["share"])
    widgets.id_table(shown, "pair", f"pairs-{key}", f"{mine.label}|{mine.first}" if mine else "", listed,
                     column_order=list(columns), column_config=columns, alt="Most frequent errors")  # fmt: skip


def _in_words(choice: Choice) -> str:
    if choice.kind == "confused":
        return f"have the label **{choice.label}**; the first label predicted is **{choice.first}**."
    return {
        "all": f"all that have the label **{choice.label}**.",
        "missed": f"**missed**: they have the label **{choice.label}**, but it was not predicted (recall).",
        "called": f"all that got the label **{choice.label}** predicted.",
        "wrong": f"**wrongly called**: they got the label **{choice.label}**, but do not have it (precision).",
    }[choice.kind]


def _label_columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    listed, same = "Choose the cell to list", "The same of the published 10-tree forest, on the same split"
    told = {
        "support": ("Support", f"Tested biosamples that have the label. {listed} them.", "localized", 70),
        "predicted": ("Predicted", f"Biosamples that got the label. {listed} them.", "localized", 80),
        "precision": ("Precision", f"Of those that got the label, the share that has it, 0 to 1. {listed} the wrongly "
                      "called ones.", "%.3f", 80),
        "recall": ("Recall", f"Of those that have the label, the share that got it, 0 to 1. {listed} the missed ones.",
                   "%.3f", 65),
        "f1": ("F1", "Harmonic mean of precision and recall, 0 to 1", "%.3f", 60),
        "published_f1": ("Published F1", same, "%.3f", 100),
        "prior": ("Prior", "Share of tested biosamples that have the label: the AUPRC of chance", "%.3f", 60),
        "auprc": ("AUPRC", "Area under the precision-recall curve (average precision), 0 to 1", "%.3f", 70),
        "published_auprc": ("Published AUPRC", same, "%.3f", 130),
        "log2_auprc_over_prior": ("log2(AUPRC / prior)", "Doublings over chance: 0 = chance, 1 = twice", "%.2f", 145),
    }  # fmt: skip
    columns: dict[str, Any] = {
        name: number(title, help=what, format=form, width=width) for name, (title, what, form, width) in told.items()
    }
    return {"label": st.column_config.TextColumn("Label", pinned=True, width=115)} | columns


def _list_columns() -> dict[str, Any]:
    number, text, link = (getattr(st.column_config, f"{kind}Column") for kind in ("Number", "Text", "Link"))
    more = {
        "classify": link("Classify", display_text="open", width=75, help="Opens it on the Classify page, in a new tab"),
        "true": text("True labels", width=140),
        "predicted": text("Predicted", width=140, help="All labels whose probability passes its threshold"),
        "first": text("First predicted", width=120, help="The predicted label of the highest probability"),
        "probability": number("Probability", format="%.3f", width=95, help="Of the first predicted label, 0 to 1"),
        "novelty": number("Novelty", format="%.3f", width=85, help="0 = at home among the known, 1 = unlike all"),
        "called": st.column_config.CheckboxColumn("Called", width=70, help="Not abstained from, out of fold; in the "
                                                  "random split nothing is held back"),
        "correct": st.column_config.CheckboxColumn("First right", width=85, help="The first predicted label is true"),
        "fold": number("Fold", width=60),
    }  # fmt: skip
    return widgets.sample_columns() | {"title": text("Title", width=190), "series_id": text("Series", width=100)} | more
