"""Biosamples on a page: tables with GEO links, the figures of a neighbourhood, what is most like one biosample."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from core.types import NeighbourhoodView
from pages.ui import cached, feedback, state, widgets

ONE_SERIES = 0.5  # share of pairs from one study above which the page warns


def table(
    frame: pd.DataFrame, key: str, chosen: str, on_choose: Callable[[str], None], unit: str = "", **more: Any
) -> None:
    """Biosamples with their metadata and GEO links; choosing a row chooses that biosample."""
    shown = widgets.with_geo(frame)
    known = [name for name in widgets.sample_columns() if name in shown]
    widgets.id_table(shown, "sample_id", key, chosen, on_choose, column_order=known,
                     column_config=widgets.sample_columns(unit), **more)  # fmt: skip


def summary(view: NeighbourhoodView) -> None:
    """The neighbourhood in figures, with a word of warning where it is weak evidence."""
    row, random = view.row, view.random
    mean, spread = float(np.mean(random)), float(np.std(random))
    value = row["mean_cosine"]
    z = f"; this gene lies {(value - mean) / spread:+.1f} sd from it" if _known(value) and spread > 0 else ""
    widgets.tiles([
        ("Mean cosine", f"{value:.3f}" if _known(value) else "undefined", "Over all pairs of members, -1 to 1."),
        ("Random biosamples", f"{mean:.3f} ± {spread:.3f}", f"Mean and sd of {len(random)} random sets of the same size{z}."),
        ("Members", f"{len(view.members)}", "Biosamples in the neighbourhood (k)."),
        ("Tied", f"{int(row['n_tied'])}", "Members with the very value of a non-member: which of them is in is arbitrary."),
        ("Pairs of one series", f"{row['same_series_share']:.0%}", "Share of the pairs whose two biosamples come from one study."),
        ("Signal", f"{row['signal']:.3f}", f"(1 + p95) / (1 + mean); rank {row['signal_rank']:,} of the dataset."),
        ("95th percentile", f"{row['p95']:.2f}", view.unit),
    ])  # fmt: skip
    if not _known(value):
        feedback.empty(f"{row['symbol']} is expressed in no biosample: its neighbourhood says nothing.")
    if row["same_series_share"] >= ONE_SERIES:
        st.warning(f"{row['same_series_share']:.0%} of the pairs come from one series: their likeness may be technical.",
                   icon=":material/warning:")  # fmt: skip
    if row["n_tied"] >= len(view.members) / 2:
        st.warning(f"{int(row['n_tied'])} of {len(view.members)} members tie with biosamples outside: the choice among them "
                   "is arbitrary.", icon=":material/warning:")  # fmt: skip


def similar(dataset: StoredDataset, sample: str, on_choose: Callable[[str], None]) -> None:
    """What is most like one biosample; each row leads on to that biosample's own likes."""
    st.subheader("Most similar biosamples", anchor=False)
    ids = dataset.biosamples["sample_id"].tolist()
    if sample:
        dataset.biosample(sample)  # an unknown one from the address is an error to show, not to hide
    st.session_state["sample_picker"] = sample or None
    st.selectbox("Biosample", ids, key="sample_picker", filter_mode="contains", on_change=_picked, width=420,
                 placeholder="Choose one here, in the table or in the projection")  # fmt: skip
    if not sample:
        feedback.empty("No biosample is chosen yet.")
        return
    row = dataset.biosamples.iloc[dataset.biosample(sample)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{sample}** · {row['title'] or 'no title'} · {row['labels'] or 'no label'} · series {row['series_id'] or 'unknown'}",
            width="content",
        )
        address = widgets.geo_link(sample)
        if address:
            st.link_button("GEO record", address, icon=":material/open_in_new:", type="tertiary")
    found = cached.similar_biosamples(dataset, sample)
    table(found, "similar", "", on_choose, height=420)
    widgets.downloads(found, f"{dataset.name}-like-{sample}")


def _picked() -> None:
    state.set_params(sample=st.session_state["sample_picker"])


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
