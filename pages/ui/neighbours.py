"""A neighbourhood in figures and words: a summary with warnings, who the members are, what they are compared with."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import neighbourhood as figures
from core.store.datasets import StoredDataset
from core.types import NeighbourhoodView
from pages.ui import cached, drawn, feedback, samples, state, trail, widgets

ONE_SERIES = 0.5  # share of pairs from one study above which the page warns
SURPRISING = 0.05  # adjusted p-value of a label that is worth a word
TESTED = """
**q** is the hypergeometric probability of as many members or more, drawn without replacement, adjusted by Benjamini and
Hochberg over all {what} of the dataset; ✱ marks q < 0.05. The test takes biosamples as independent. Those of one series
are not, so it is too sure of itself{then}
"""
BASELINES = {"random": "Drawn at random", "labels": "Same labels", "series": "One biosample a series"}
BASELINE_HELP = """
**Drawn at random**: any two profiles are alike to a degree. **Same labels**: sets with as many biosamples of each label
(or combination of labels) as the neighbourhood: is it more than the tissue? **One biosample a series**: what is left
without the likeness of a study to itself; compare it with the gene's pairs of different series.
"""


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
            _same_series(view),
            ("Signal", f"{row['signal']:.3f}", f"(1 + p95) / (1 + mean), with p95 = {row['p95']:.3f}: {view.unit}."),
        ]
    )
    for text in _warnings(view):
        st.warning(text, icon=":material/warning:")


def _same_series(view: NeighbourhoodView) -> tuple[str, ...]:
    told = "Share of the pairs that come from one study."
    tile = ("Same series", f"{view.row['same_series_share']:.0%}")
    if not _known(view.apart):
        return (*tile, told)
    more = f"{told} Below: the mean cosine over the other {view.pairs_apart:,} pairs alone."
    return (*tile, more, f"{view.apart:.3f} without")


def members(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """Who the members are, and how alike each pair of them is."""
    left, right = st.columns([11, 9], gap="large")
    with left:
        st.header("Biosamples", anchor=False)
        samples.table(view.members, "members", state.param("sample"), dataset.unit, trail.start, height=480)
        samples.actions(dataset, view.members, f"{dataset.name}-{gene}-neighbourhood", "members")
    with right:
        st.header("Cosine similarity, clustered", anchor=False)
        figure = drawn.once(dataset, "heatmap", lambda: figures.heatmap(view), gene)
        widgets.chart(figure, f"heatmap-{gene}", heatmap_alt(view))


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
    one = view.labels[(view.labels["q"] < SURPRISING) & (view.labels["n_series"] == 1) & (view.labels["members"] > 1)]
    if len(one) and row["same_series_share"] < ONE_SERIES:
        names = ", ".join(f"{name} ({n})" for name, n in zip(one["name"], one["members"], strict=True))
        found.append(f"Enriched, but from a single series each: {names}.")
    return found


def compositions(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """Labels and series of the members against those of the whole dataset, side by side."""
    columns = st.columns(2, gap="large")
    for column, table, what in zip(columns, (view.labels, view.series), ("label", "series"), strict=True):
        with column:
            st.header("Labels" if what == "label" else "Series", anchor=False)
            if table.empty:
                feedback.empty(f"No member has a {what}.")
                continue
            make = partial(figures.composition, table, what, len(view.members))
            widgets.chart(drawn.once(dataset, what, make, gene), f"{what}-{gene}", composition_alt(table))
            with st.expander("The test in figures", icon=":material/table:"):
                _tested(table, what)
                widgets.downloads(table, f"{dataset.name}-{gene}-{what}")


def _tested(table: pd.DataFrame, what: str) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    known: dict[str, Any] = {
        "name": text(what.capitalize(), width=130),
        "members": number("Members", width=75),
        "expected": number("Expected", format="%.2f", help="Members that chance would give", width=80),
        "fold": number("Fold", format="%.2f", help="Share here over share in the dataset", width=65),
        "odds": number("Odds ratio", format="%.2f", width=85),
        "q": number("q", format="scientific", help="Adjusted p-value", width=75),
        "p": number("p", format="scientific", width=75),
        "n_series": number("Series", help="Series that these members come from", width=65),
        "largest_series_share": number(
            "Largest series", format="percent", help="Share of these members that its largest series has", width=105
        ),
        "dataset": number("In dataset", format="localized", width=85),
    }
    st.dataframe(
        table, hide_index=True, column_order=[name for name in known if name in table], column_config=known,
        height=min(320, 38 + 35 * len(table)), alt=f"Enrichment by {what}",
    )  # fmt: skip
    label = what == "label"
    then = ": look at how many series the members of a label come from." if label else ", most of all for series."
    st.caption(TESTED.format(what="labels" if label else "series", then=then))


def baselines(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """The gene's mean cosine beside that of other sets of biosamples. Raises NotFoundError."""
    st.header("Against other sets of biosamples", anchor=False, help=BASELINE_HELP)
    found = cached.baselines(dataset, gene)
    left, right = st.columns([9, 11], gap="large")
    with left:
        make = partial(figures.baselines, found.sets, found.summary, str(view.row["symbol"]))
        figure = drawn.once(dataset, "baselines", make, gene)
        widgets.chart(figure, f"baselines-{gene}", baseline_alt(found.summary))
    with right:
        _summary(found.summary)
        how = "whole profiles" if found.exact else "whole profiles on the principal axes of the search index"
        st.caption(
            f"z = (gene - mean) / sd; percentile = share of the sets that lie below. Cosines of {how}, of the gene and "
            f"of the sets alike; drawn with seed {found.seed}."
        )
        widgets.downloads(found.sets, f"{dataset.name}-{gene}-baselines")


def _summary(summary: pd.DataFrame) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    shown = summary.assign(
        baseline=summary["baseline"].map(BASELINES),
        pairs=summary["pairs"].map({"all": "all", "different series": "across"}),
        sets=[f"{m:.3f} ± {sd:.3f}" for m, sd in zip(summary["mean"], summary["sd"], strict=True)],
    )
    known: dict[str, Any] = {
        "baseline": text("Sets", width=172),
        "pairs": text("Pairs", help="All pairs of a set, or those across series alone", width=75),
        "sets": text("Mean ± sd", help="Mean cosine of the sets", width=112),
        "value": number("Gene", format="%.3f", help="The same of the neighbourhood", width=55),
        "z": number("z", format="%+.1f", width=58),
        "percentile": number("Percentile", format="%.0f", width=75),
    }
    st.dataframe(
        shown, hide_index=True, column_order=list(known), column_config=known, alt="Other sets", height="content"
    )


def heatmap_alt(view: NeighbourhoodView) -> str:
    """The heatmap in a sentence, for those who cannot see it."""
    return f"Cosine similarity of {len(view.members)} biosamples, {view.cosine.min():.2f} to {view.cosine.max():.2f}"


def composition_alt(table: pd.DataFrame) -> str:
    """A composition in a sentence."""
    first = table.iloc[0]
    return (
        f"Most frequent: {first['name']}, {first['share']:.0%} here against {first['dataset_share']:.0%} in the dataset"
    )


def baseline_alt(summary: pd.DataFrame) -> str:
    """The comparison with other sets in a sentence."""
    parts = [
        f"{BASELINES[row.baseline].lower()} ({row.pairs} pairs) {row.mean:.3f}, this gene {row.value:.3f}"
        for row in summary.itertuples()
    ]
    return f"Mean cosine of sets: {'; '.join(parts)}"


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))
