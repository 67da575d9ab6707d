"""The lower part of the Train page: one run in detail, or several side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import train as charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import evaluation, feedback, generated, registry, resuming, state, widgets
from pages.ui.evaluation import MEASURES, MODELS, split_scores

NUMBER = st.column_config.NumberColumn(format="%.3f")


def show_run(dataset: StoredDataset, history: pd.DataFrame, run_id: str, kind: str) -> None:
    """A run that has ended: whether it is in use, its card, how good it is, and why."""
    row = next(row for row in history.itertuples() if row.id == run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        words = wf.describe(row.parameters)
        st.header(f"Run {run_id[-4:]} · {words}", anchor=False, width="content")
        st.space("stretch")
        registry.actions(row, kind)
    registry.show_card(run_id)
    if row.status != "done":
        st.info(f"This training {_how_it_ended(row)}: it has no scores.", icon=feedback.ICONS[row.status])
        resuming.button(state.workspace().runs.get(run_id))
        return
    view = wf.run_view(state.workspace(), run_id)
    {"classifier": evaluation.show, "generator": _show_generator}[kind](dataset, view)


def compare(history: pd.DataFrame, chosen: list[str], kind: str) -> None:
    """Runs side by side: their headline scores, the numbers that all share, and their curves."""
    st.header("Side by side", anchor=False, divider="gray")
    rows = {row.id: row for row in history.itertuples()}
    for column, run_id in zip(st.columns(len(chosen)), chosen, strict=True):
        row = rows[run_id]
        with column, st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{run_id[-4:]}**  \n{wf.describe(row.parameters)}", width="content")
                st.space("stretch")
                registry.actions(row, kind)
            widgets.tiles(registry.headline_tiles(kind, row.metrics))
            if row.status != "done":
                st.caption(f"This training {_how_it_ended(row)}.")
    finished = [run_id for run_id in chosen if rows[run_id].status == "done"]
    views = {run_id[-4:]: wf.run_view(state.workspace(), run_id) for run_id in finished}
    if len(views) > 1 and kind == "classifier":
        _compare_classifiers(views)
    elif len(views) > 1:
        _compare_generators(views)


def _how_it_ended(row: Any) -> str:
    return f"failed ({row.error.rstrip('.')})" if row.status == "failed" else "was cancelled"


def _show_generator(dataset: StoredDataset, view: RunView) -> None:
    st.page_link(
        "pages/synthetic.py", label="See its synthetic samples beside the real ones", icon=":material/auto_awesome:",
        query_params=state.link(generator=view.run.id),
    )  # fmt: skip
    card, history = view.tables.get("scorecard"), view.tables.get("history", view.steps)
    if card is not None:
        for warning in generated.warnings(card):
            st.warning(warning, icon=":material/warning:")
    st.markdown("**Training curves**")
    if charts.curve_columns(history):
        widgets.chart(charts.loss_curves({"this run": history}), key="losses", alt="Losses over training steps")
    else:
        st.caption("This model is fitted in one step: it has no curve.")
    if card is not None:
        generated.show_scorecard(card)


def _compare_classifiers(views: Mapping[str, RunView]) -> None:
    frames = [split_scores(view.metrics).assign(run=name) for name, view in views.items()]
    table = pd.concat(frames, ignore_index=True)
    mine = table[table["model"] == MODELS["model"]]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Scores**")
        numbers = dict.fromkeys(MEASURES.values(), NUMBER)
        st.dataframe(mine[["run", "split", *numbers]], hide_index=True, column_config=numbers, alt="Scores of the runs")
        widgets.downloads(table, f"comparison-{'-'.join(views)}")
        widgets.chart(charts.headline(headline_scores(views)), key="headline", alt="F1 of the runs on both splits")
    with right:
        st.markdown("**F1 of each label**")
        split = _choose_split("random", "compare_split")
        labels = {name: view.tables["per_label"] for name, view in views.items()}
        tables = {name: table[table["split"] == split] for name, table in labels.items()}
        if all(len(rows) for rows in tables.values()):
            widgets.chart(charts.per_label_f1(tables), key="compare_f1", alt="F1 of each label of the runs")


def headline_scores(views: Mapping[str, RunView]) -> pd.DataFrame:
    """name, split, f1 and baseline (majority) of every run and split."""
    rows = [
        {"name": name, "split": split, "f1": found["model"]["samples_f1"], "baseline": found["majority"]["samples_f1"]}
        for name, view in views.items() for split, found in view.metrics["splits"].items() if found
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _compare_generators(views: Mapping[str, RunView]) -> None:
    cards = {name: view.tables["scorecard"] for name, view in views.items() if "scorecard" in view.tables}
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Scorecard**")
        if cards:
            table = card_table(cards)
            numbers = dict.fromkeys(["real_real", "pca_gaussian", *cards], NUMBER)
            st.dataframe(table, hide_index=True, column_config=numbers, alt="Scorecards of the runs")
            widgets.downloads(table, f"comparison-{'-'.join(views)}")
    with right:
        st.markdown("**Training curves**")
        histories = {name: view.tables.get("history", view.steps) for name, view in views.items()}
        drawn = {name: history for name, history in histories.items() if charts.curve_columns(history)}
        if drawn:
            widgets.chart(charts.loss_curves(drawn), key="compare_losses", alt="Losses of the runs")


def card_table(cards: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a measure: direction, the references of the first run, and the value of every run."""
    reference = next(iter(cards.values())).set_index("title")[["direction", "real_real", "pca_gaussian"]]
    values = pd.DataFrame({name: card.set_index("title")["synthetic"] for name, card in cards.items()})
    return reference.join(values).rename_axis("measure").reset_index()


def _choose_split(default: str, key: str) -> str:
    return str(st.segmented_control(
        "Split", list(charts.SPLITS), default=default, format_func=charts.SPLITS.get, required=True, key=key,
        label_visibility="collapsed",
    ))  # fmt: skip
