"""All samples of a file on the Classify page: what they were called, and the one to look at."""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import classify as charts
from core.types import Prediction
from pages.ui import runs, state, widgets

FEW = 30  # samples that a point each shows; for more there are bars
COLUMNS = ["sample", "predicted", "probability", "abstained", "novelty"]


def choose(found: list[Prediction]) -> int:
    """Figures and charts of all samples, and a table to choose one from; returns its position."""
    table = wf.predictions_table(found)
    names = table["sample"].tolist()
    wanted = state.param("item", "")
    chosen = wanted if wanted in names else names[0]
    st.markdown("**All samples of the file**")
    if len(found) <= FEW:
        _few(table, names, chosen)
    else:
        _many(table, found, names, chosen)
    return names.index(chosen)


def _few(table: pd.DataFrame, names: list[str], chosen: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        widgets.chart(charts.samples(table, chosen), key="samples", alt="Probability against novelty of each sample")
    with right:
        runs.pick("Sample to look at", names, "item")
        _table(table, chosen, 290)


def _many(table: pd.DataFrame, found: list[Prediction], names: list[str], chosen: str) -> None:
    widgets.tiles(figures(table, found))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("Samples by predicted label")
        widgets.chart(charts.label_counts(table), key="label_counts", alt="Samples of each label, called or abstained")
    with right:
        st.markdown("Probability of the first label")
        widgets.chart(charts.histogram(table, "probability"), key="probability_of_all", alt="Histogram of probability")
        st.markdown("Novelty")
        widgets.chart(charts.histogram(table, "novelty"), key="novelty_of_all", alt="Histogram of novelty")
    runs.pick("Sample to look at", names, "item", help="Or choose a row of the table")
    _table(table, chosen, 360)


def figures(table: pd.DataFrame, found: list[Prediction]) -> list[tuple[str, ...]]:
    """Tiles: samples, called, abstained, novel, labels."""
    n, abstained = len(table), int(table["abstained"].sum())
    novel = sum(prediction.novel for prediction in found)
    labels = table.loc[~table["abstained"], "predicted"].str.split("|").str[0].nunique()
    return [
        ("Samples", f"{n:,}", "Samples of the file"),
        ("Called", f"{n - abstained:,}", "The model stands by their labels", f"{1 - abstained / n:.0%}"),
        ("Abstained", f"{abstained:,}", "The label is a hint at most", f"{abstained / n:.0%}"),
        ("Novel", f"{novel:,}", "Unlike everything known: novelty of 0.99 or more", f"{novel / n:.0%}"),
        ("Labels", f"{labels:,}", "Different first labels among the samples that were called"),
    ]


def _table(table: pd.DataFrame, chosen: str, height: int) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {
        "sample": text("Sample"),
        "predicted": text("Predicted", help="Labels joined by |, the most probable first"),
        "probability": number("Probability", help="Of the first label", format="%.2f"),
        "abstained": st.column_config.CheckboxColumn("Abstained", help="The label is a hint at most"),
        "novelty": number("Novelty", help="0 = at home, 1 = unlike all training biosamples", format="%.2f"),
    }
    widgets.id_table(
        table[COLUMNS], "sample", "all_samples", chosen, _choose, column_config=config, height=height,
        alt="All samples of the file",
    )  # fmt: skip


def _choose(sample: str) -> None:
    state.set_params(item=sample)
