"""The evaluation of one classifier on the Train page: everything beside its baseline, for the split that is chosen."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import evaluation as charts
from core.figures import train as train_charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import augmenting, tested, widgets

MODELS = {
    "model": "this run",
    "without_augmentation": "without synthetic samples",
    "published_forest": "forest of the published work",
    "majority": "majority label",
}
MEASURES = {
    "samples_f1": "samples-averaged F1", "macro_f1": "macro F1", "micro_f1": "micro F1",
    "macro_auprc": "macro AUPRC", "macro_log2_auprc_over_prior": "mean log2(AUPRC / prior)", "ece": "calibration error",
}  # fmt: skip
TILES = {
    "samples_f1": ("Samples-F1", "Mean over biosamples of the F1 between predicted and true labels, 0 to 1"),
    "macro_f1": ("Macro F1", "Mean over labels of the F1, every label counts the same, 0 to 1"),
    "micro_f1": ("Micro F1", "F1 over all pairs of biosample and label, 0 to 1"),
    "macro_auprc": ("Macro AUPRC", "Mean over labels of the area under the precision-recall curve, 0 to 1"),
    "macro_log2_auprc_over_prior": (
        "log2 AUPRC/prior", "Mean over labels: how many doublings better than chance; 0 = chance"),
}  # fmt: skip
NUMBER = st.column_config.NumberColumn(format="%.3f")
UNKNOWN = "not recorded"


def show(dataset: StoredDataset, view: RunView) -> None:
    """All that a classifier's run left, for the split that the address names (series, where there is one)."""
    metrics = view.metrics
    done = {name: words for name, words in train_charts.SPLITS.items() if (metrics.get("splits") or {}).get(name)}
    if not done:
        st.info(f"The scores of this run are {UNKNOWN}.", icon=":material/help:")
        return
    split = tested.switch("Split", done, "split", "series" if "series" in done else "random")
    _tiles(metrics["splits"], split)
    st.markdown(wf.gap_words(metrics))
    _left_out(metrics)
    with st.expander("All scores of both splits", icon=":material/table:"):
        numbers = dict.fromkeys(MEASURES.values(), NUMBER)
        st.dataframe(split_scores(metrics), hide_index=True, column_config=numbers, placeholder="–", alt="Scores")
    augmenting.show(dataset, view)
    _settings(view)
    _labels(dataset, view, split)
    _pair(lambda: _calibration(view, split), lambda: _abstention(view))
    _pair(lambda: _novelty(view), lambda: _more_data(view))


def split_scores(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Both splits of a classifier: split, model, and each of ``MEASURES``; None where a run did not record it."""
    words_of = train_charts.SPLITS
    rows = [
        {"split": words_of[split], "model": name_of, **{name: found[model].get(key) for key, name in MEASURES.items()}}
        for split, found in (metrics.get("splits") or {}).items() if found
        for model, name_of in MODELS.items() if model in found
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _tiles(splits: Mapping[str, Any], split: str) -> None:
    other = "random" if split == "series" else "series"
    beside = {"majority label": (split, "majority"), "published": (split, "published_forest")}
    if splits.get(other):
        beside[f"{other} split"] = (other, "model")
    with st.container(horizontal=True, gap="small"):
        for key, (name, what) in TILES.items():
            with st.container(border=True, width=170, gap=None):
                value = _score(splits, split, "model", key, "–")
                st.metric(name, value, help=f"{what}. Split: {train_charts.SPLITS[split]}.")
                lines = (f"{words} {_score(splits, *path, key)}" for words, path in beside.items())
                st.caption("  \n".join(lines))


def _score(splits: Mapping[str, Any], split: str, model: str, key: str, missing: str = UNKNOWN) -> str:
    found = ((splits.get(split) or {}).get(model) or {}).get(key)
    return missing if found is None else f"{found:.3f}"


def _left_out(metrics: Mapping[str, Any]) -> None:
    if metrics.get("dropped_labels"):
        dropped = ", ".join(f"{name} ({count})" for name, count in metrics["dropped_labels"].items())
        st.caption(f"Left out for having fewer than {metrics['label_minimum']} biosamples: {dropped}")


def _settings(view: RunView) -> None:
    family = view.run.recipe["parameters"].get("family", "forest")
    st.markdown(wf.selection_words(view.metrics, family))
    rows = view.metrics.get("selection")
    if not rows or len(rows) == 1:
        return
    hidden = ["min_leaf", "trees"] if family == "linear" else ["penalty"]
    number, box = st.column_config.NumberColumn, st.column_config.CheckboxColumn
    columns = {
        "chosen": box("Chosen", width=70), "genes": number("Genes", format="localized", width=75),
        "min_leaf": number("Leaf", width=60, help="Biosamples in a leaf at least"),
        "trees": number("Trees", width=60, help="Compared by forests of 40 for every 300"),
        "penalty": number("Penalty", width=80, help="Ridge penalty of the logistic regression"),
        "balanced": box("Balanced", width=85, help="Every label weighs the same"),
        "macro_auprc": number("Macro AUPRC", format="%.3f", width=110, help="On series held out in the training part"),
        "gain": number("Gain", format="%+.4f", width=80, help="Over the default, the first row"),
        "noise": number("Noise", format="%.4f", width=80, help="Standard error of the gain over labels"),
    }  # fmt: skip
    table = pd.DataFrame(rows).drop(columns=hidden, errors="ignore")
    order = [name for name in columns if name in table]
    st.dataframe(table, hide_index=True, column_order=order, column_config=columns, placeholder="–", width=700,
                 alt="Settings that were compared")  # fmt: skip


def _labels(dataset: StoredDataset, view: RunView, split: str) -> None:
    per_label, confusion = view.tables.get("per_label"), view.tables.get("confusion")
    if per_label is None:
        st.caption(f"Scores of each label: {UNKNOWN}.")
        return
    rows = per_label[per_label["split"] == split].reset_index(drop=True)
    choice = tested.chosen(rows["label"].tolist())
    key = f"{view.run.id}-{split}"
    st.subheader("Labels", anchor=False)
    st.caption("Choose a cell: recall lists the missed biosamples, precision the wrongly called ones, support all.")
    tested.label_table(rows, key, choice)
    widgets.downloads(per_label, f"{dataset.name}-{view.run.id}-labels")
    if choice and choice.kind != "confused":
        tested.biosamples(dataset, view, split, choice)
    with st.expander("F1 of each label as a chart", icon=":material/scatter_plot:"):
        figure = train_charts.per_label_f1(_f1_tables(per_label, split))
        widgets.chart(figure, key="per_label_f1", alt="F1 of each label beside its baselines")
    st.subheader("Which labels are taken for which", anchor=False)
    if confusion is None:
        st.caption(f"Confusions: {UNKNOWN}.")
        return
    st.caption(
        "Choose a cell to list its biosamples. One with several labels counts in the row of each, under its most "
        "probable predicted label: a cell off the diagonal (hela, cervix) need not be an error."
    )
    tested.matrix(confusion[confusion["split"] == split], view.tables.get("predictions"), split, key, choice)
    if choice and choice.kind == "confused":
        tested.biosamples(dataset, view, split, choice)


def _f1_tables(per_label: pd.DataFrame, split: str) -> dict[str, pd.DataFrame]:
    others = [name for name in train_charts.SPLITS if name != split and (per_label["split"] == name).any()]
    of_split = {name: per_label[per_label["split"] == name].dropna(subset="f1") for name in [split, *others]}
    tables = {train_charts.SPLITS[name]: rows for name, rows in of_split.items()}
    if "published_f1" in per_label:
        mine = per_label[per_label["split"] == split].drop(columns="f1").rename(columns={"published_f1": "f1"})
        tables[f"published forest, {train_charts.SPLITS[split]}"] = mine.dropna(subset="f1")
    return tables


def _pair(one: Callable[[], None], other: Callable[[], None]) -> None:
    for column, draw in zip(st.columns(2, gap="large"), (one, other), strict=True):
        with column:
            draw()


def _calibration(view: RunView, split: str) -> None:
    st.subheader("Are the probabilities right?", anchor=False)
    error = view.metrics["splits"][split].get("first_label_ece")
    bins = view.tables.get("calibration")
    if bins is None:
        st.caption(f"Calibration: {UNKNOWN}.")
        return
    told = UNKNOWN if error is None else f"**{error:.3f}**"
    whose = "These are what an upload gets: each fold is calibrated on the others."
    if split == "random":
        whose = "These are of a random third; what an upload gets is calibrated on whole series."
    st.markdown(f"Expected calibration error of the first label: {told} (0 = perfect). {whose}")
    figure = charts.calibration(bins[bins["split"] == split], split)
    widgets.chart(figure, key="calibration", alt="Calibration of the first label's probability")


def _abstention(view: RunView) -> None:
    st.subheader("When it rather says nothing", anchor=False)
    st.markdown(wf.abstention_words(view.metrics))
    rule, predictions = view.metrics.get("abstention") or {}, view.tables.get("predictions")
    if predictions is not None and (predictions["split"] == "series").any():
        figure = charts.coverage(wf.coverage_curve(predictions), rule)
        widgets.chart(figure, key="coverage", alt="Precision of calls against coverage")
    if not rule.get("folds"):
        st.caption(f"Fold by fold: {UNKNOWN}." if "folds" not in rule else "There are no folds of whole series.")
        return
    number = st.column_config.NumberColumn
    columns = {
        "fold": number("Fold", width=55), "n": number("Biosamples", format="localized", width=90),
        "threshold": number("Limit", format="%.3f", width=75, help="From the other folds; 1.01 = nothing is called"),
        "coverage": number("Coverage", format="%.1f%%", width=85, help="Share that is called"),
        "precision": number("Precision", format="%.1f%%", width=85, help="Share of the calls that are right"),
        "precision_without": number("Without", format="%.1f%%", width=80, help="Precision without abstaining"),
    }  # fmt: skip
    table = pd.DataFrame(rule["folds"])
    shares = [name for name in ("coverage", "precision", "precision_without") if name in table]
    table[shares] = 100 * table[shares].astype(float)
    st.dataframe(table, hide_index=True, column_order=list(columns), column_config=columns,
                 placeholder="–", alt="Abstention by fold")  # fmt: skip


def _novelty(view: RunView) -> None:
    st.subheader("Does it notice a tissue that it never saw?", anchor=False)
    st.markdown(wf.novelty_words(view.metrics))
    table = view.tables.get("novelty")
    if table is not None and len(table):
        widgets.chart(charts.unknown_labels(table), key="novelty", alt="AUROC of novelty by label left out")


def _more_data(view: RunView) -> None:
    st.subheader("Would more data help?", anchor=False)
    table = view.tables.get("learning_curve")
    if table is None or table.empty:
        st.caption(f"Learning curve: {UNKNOWN}.")
        return
    st.markdown("The recipe, with default settings and a smaller forest, on so many training biosamples of each label.")
    widgets.chart(charts.learning_curve(table), key="learning_curve", alt="Scores against training biosamples")
