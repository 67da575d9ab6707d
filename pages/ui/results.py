"""The lower part of the Train page: one run in detail, or several side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import train as charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import generated, runs, state, widgets

MODELS = {"model": "this run", "published_forest": "forest of the published work", "majority": "majority label"}
MEASURES = {
    "samples_f1": "samples-averaged F1", "macro_f1": "macro F1", "micro_f1": "micro F1",
    "macro_auprc": "macro AUPRC", "ece": "calibration error",
}  # fmt: skip
NUMBER = st.column_config.NumberColumn(format="%.3f")


def show_run(dataset: StoredDataset, history: pd.DataFrame, run_id: str, kind: str) -> None:
    """A finished run: whether it is in use, how good it is, and why."""
    row = next(row for row in history.itertuples() if row.id == run_id)
    view = wf.run_view(state.workspace(), run_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        words = runs.describe(row.parameters) or "default parameters"
        st.subheader(f"Run {run_id[-4:]} · {words}", anchor=False, width="content")
        use_button(row)
    {"classifier": _show_classifier, "generator": _show_generator}[kind](dataset, view)


def use_button(row: Any) -> None:
    """Makes a finished run the one that the pages use."""
    if row.active:
        st.badge("in use", icon=":material/check:", color="green")
    elif st.button("Use this run", key=f"use_{row.id}", type="primary", icon=":material/check:"):
        wf.activate(state.workspace(), row.id)
        st.rerun()


def compare(history: pd.DataFrame, chosen: list[str], kind: str) -> None:
    """Runs side by side: the numbers that all share, and their curves."""
    st.subheader("Side by side", anchor=False, divider="gray")
    rows = {row.id: row for row in history.itertuples()}
    for column, run_id in zip(st.columns(len(chosen)), chosen, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{run_id[-4:]}**  \n{runs.describe(rows[run_id].parameters)}")
            use_button(rows[run_id])
    views = {run_id[-4:]: wf.run_view(state.workspace(), run_id) for run_id in chosen}
    if kind == "classifier":
        _compare_classifiers(views)
    else:
        _compare_generators(views)


def split_scores(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Both splits of a classifier: split, model, and each of ``MEASURES``."""
    words_of = charts.SPLITS
    rows = [
        {"split": words_of[split], "model": name_of, **{name: found[model].get(key) for key, name in MEASURES.items()}}
        for split, found in (metrics.get("splits") or {}).items() if found
        for model, name_of in MODELS.items() if model in found
    ]  # fmt: skip
    return pd.DataFrame(rows)


def honest_words(metrics: Mapping[str, Any]) -> str:
    """What the two scores of a classifier mean for its user."""
    random = metrics["splits"]["random"]
    text = (
        f"Samples-averaged F1 is **{random['model']['samples_f1']:.3f}** on a random third of the biosamples (the most "
        f"frequent label for all: {random['majority']['samples_f1']:.3f}). Biosamples of one study are on both sides "
        "of that split, so it flatters."
    )
    series = metrics["splits"].get("series")
    if not series:
        return f"{text} There is no score with whole series kept together: {metrics.get('series_split_missing')}"
    return (
        f"{text} With whole series kept together, which is what a **new study** will see, it is "
        f"**{series['model']['samples_f1']:.3f}** (the most frequent label: {series['majority']['samples_f1']:.3f})."
    )


def abstention_words(rule: Mapping[str, Any]) -> str:
    """When the classifier abstains, and what that gains."""
    if rule.get("precision") is None:
        return "No threshold reaches the precision that a call needs, so it abstains on everything."
    return (
        f"It abstains below a probability of {rule['threshold']:.2f}: it then calls {rule['coverage']:.0%} of held-out "
        f"biosamples, {rule['precision']:.0%} of them rightly (without abstaining: {rule['precision_without']:.0%})."
    )


def _show_classifier(dataset: StoredDataset, view: RunView) -> None:
    metrics = view.metrics
    st.markdown(honest_words(metrics))
    if metrics.get("abstention"):
        st.markdown(abstention_words(metrics["abstention"]))
    if metrics.get("dropped_labels"):
        dropped = ", ".join(f"{name} ({count})" for name, count in metrics["dropped_labels"].items())
        st.caption(f"Left out for having fewer than {metrics['label_minimum']} biosamples: {dropped}")
    numbers = dict.fromkeys(MEASURES.values(), NUMBER)
    st.dataframe(split_scores(metrics), hide_index=True, column_config=numbers, alt="Scores of both splits")
    per_label = view.tables["per_label"]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**F1 of each label, both splits**")
        tables = {charts.SPLITS[name]: rows for name, rows in per_label.groupby("split")}
        widgets.chart(charts.per_label_f1(tables), key="per_label_f1", alt="F1 of each label on both splits")
    with right:
        st.markdown("**Confusion of labels**")
        split = _choose_split(metrics["headline"], "confusion_split")
        confusion = view.tables["confusion"]
        chosen = confusion[confusion["split"] == split]
        widgets.chart(charts.confusion(chosen), key="confusion", alt="Predicted against true labels")
        st.caption(
            "A biosample with several labels counts in the row of each, under its most probable predicted label."
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Are the probabilities right?**")
        bins = {charts.SPLITS[name]: rows for name, rows in view.tables["calibration"].groupby("split")}
        widgets.chart(charts.calibration(bins), key="calibration", alt="Calibration of the first label's probability")
    with right:
        st.markdown("**Every label in figures**")
        numbers = dict.fromkeys(per_label.select_dtypes("float").columns, NUMBER)
        st.dataframe(per_label, hide_index=True, column_config=numbers, height=330, alt="Scores of each label")
        widgets.downloads(per_label, f"{dataset.name}-{view.run.id}-labels")


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
