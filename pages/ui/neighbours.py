"""A neighbourhood in figures and words: its summary with warnings, its composition, its charts in a sentence."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import neighbourhood as figures
from core.store.datasets import StoredDataset
from core.types import NeighbourhoodView
from pages.ui import feedback, widgets

ONE_SERIES = 0.5  # share of pairs from one study above which the page warns


def summary(view: NeighbourhoodView) -> None:
    """The neighbourhood in figures, with a word of warning where it is weak evidence."""
    row, random, value = view.row, view.random, view.row["mean_cosine"]
    mean, spread = float(np.mean(random)), float(np.std(random))
    baseline = f"Mean ± sd of the mean cosine of {len(random)} sets of as many biosamples, drawn at random."
    if _known(value) and spread > 0:
        baseline += f" This gene lies {(value - mean) / spread:+.1f} sd from it."
    widgets.tiles(
        [
            ("Mean cosine", f"{value:.3f}" if _known(value) else "undefined", "Over all pairs of members, -1 to 1."),
            ("Random sets", f"{mean:.3f}", baseline, f"± {spread:.3f} sd"),
            ("Members", f"{len(view.members)}", "Biosamples in the neighbourhood (k)."),
            ("Tied", f"{int(row['n_tied'])}", "Members with the very value of a non-member: an arbitrary choice."),
            ("Same series", f"{row['same_series_share']:.0%}", "Share of the pairs that come from one study."),
            ("Signal", f"{row['signal']:.3f}", f"(1 + p95) / (1 + mean), with p95 = {row['p95']:.3f}: {view.unit}."),
        ]
    )
    for text in _warnings(view):
        st.warning(text, icon=":material/warning:")


def _warnings(view: NeighbourhoodView) -> list[str]:
    row, found = view.row, []
    if not _known(row["mean_cosine"]):
        found.append(f"{row['symbol']} is expressed in no biosample: its neighbourhood says nothing.")
    if row["same_series_share"] >= ONE_SERIES:
        found.append(
            f"{row['same_series_share']:.0%} of the pairs come from one series: the likeness may be technical."
        )
    if row["n_tied"] >= len(view.members) / 2:
        tied = f"{int(row['n_tied'])} of {len(view.members)} members tie with biosamples outside"
        found.append(f"{tied}: which of them are in is arbitrary.")
    return found


def compositions(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """Labels and series of the members against those of the whole dataset, side by side."""
    columns = st.columns(2, gap="large")
    for column, table, what in zip(columns, (view.labels, view.series), ("label", "series"), strict=True):
        with column:
            st.subheader("Labels" if what == "label" else "Series", anchor=False)
            if table.empty:
                feedback.empty(f"No member has a {what}.")
                continue
            widgets.chart(figures.composition(table, what, len(view.members)), f"{what}-{gene}", composition_alt(table))
            widgets.downloads(table, f"{dataset.name}-{gene}-{what}")


def heatmap_alt(view: NeighbourhoodView) -> str:
    """The heatmap in a sentence, for those who cannot see it."""
    return f"Cosine similarity of {len(view.members)} biosamples, {view.cosine.min():.2f} to {view.cosine.max():.2f}"


def composition_alt(table: pd.DataFrame) -> str:
    """A composition in a sentence."""
    first = table.iloc[0]
    return (
        f"Most frequent: {first['name']}, {first['share']:.0%} here against {first['dataset_share']:.0%} in the dataset"
    )


def baseline_alt(view: NeighbourhoodView) -> str:
    """The comparison with random sets in a sentence."""
    return f"Random sets have a mean cosine of {np.mean(view.random):.3f}, this gene {view.row['mean_cosine']}"


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))
