"""Biosamples on a page: tables with GEO links and all metadata, one in a line, and what can be done with several."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.settings import PROJECT
from core.store.datasets import StoredDataset
from pages.ui import cart, feedback, state, widgets

SAMPLES_PAGE = Path("pages/samples.py")


def choose(sample_id: str) -> None:
    """Keeps the chosen biosample in the address."""
    state.set_params(sample=sample_id)


def columns(unit: str) -> dict[str, Any]:
    """How columns of biosample tables are titled, formatted and explained, in the order in which they are shown."""
    number, text, check = st.column_config.NumberColumn, st.column_config.TextColumn, st.column_config.CheckboxColumn
    return widgets.sample_columns(unit) | {
        "shared_labels": text("Shared labels", help="Labels that both carry", width=125),
        "same_series": check("Same series", help="From the same study: alike for technical reasons, too", width=95),
        "source_name_ch1": text("Source", help="Source name, as in GEO", width=160),
        "characteristics_ch1": text("Characteristics", width=230),
        "depth": number("Depth", help="Sum of all counts", format="compact", width=80),
        "alignedreads": number("Aligned reads", help="As the file has it", format="compact", width=105),
        "singlecellprobability": number(
            "Single cell", help="Probability that it is a single cell, as ARCHS4 estimates it", format="%.2f", width=90
        ),
        "zero_share": number("Genes at 0", help="Share of genes without a count", format="percent", width=90),
    }


def table(
    frame: pd.DataFrame, key: str, chosen: str, unit: str = "", on_choose: Callable[[str], None] = choose, **more: Any
) -> None:
    """Biosamples with their metadata and GEO links; choosing a row chooses that biosample.

    Columns without any value are left to the table's own column chooser.
    """
    shown, known = widgets.with_geo(frame), columns(unit)
    order = [name for name in known if name in shown and _says_something(shown[name])]
    widgets.id_table(shown, "sample_id", key, chosen, on_choose, column_order=order, column_config=known, **more)


def _says_something(column: pd.Series) -> bool:
    return bool(column.notna().any() and not (column == "").all())


def picker(dataset: StoredDataset, on_choose: Callable[[str], None]) -> str:
    """Chooses a biosample by its id; the chosen one, or "" with a word on how to choose."""
    sample, ids = state.param("sample"), dataset.biosamples["sample_id"].tolist()
    st.session_state["sample_picker"] = sample if sample in ids else None
    st.selectbox(
        "Biosample", ids, key="sample_picker", filter_mode="contains", width=420,
        on_change=lambda: on_choose(st.session_state["sample_picker"] or ""),
        placeholder="Choose one here, in the table or on the map",
    )  # fmt: skip
    if not sample:
        feedback.empty("Choose a biosample to see which others are most like it.")
    return sample


def facts(dataset: StoredDataset, sample: str) -> None:
    """One biosample in a line, with its GEO record. Raises NotFoundError."""
    row = dataset.biosamples.iloc[dataset.biosample(sample)]
    told = (sample, row["title"] or "no title", row["labels"] or "no label", f"series {row['series_id'] or 'unknown'}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{told[0]}** · {' · '.join(told[1:])}", width="content")
        address = widgets.geo_link(sample)
        if address:
            st.link_button("GEO record", address, icon=":material/open_in_new:", type="tertiary")


def actions(dataset: StoredDataset, frame: pd.DataFrame, stem: str, key: str) -> None:
    """What can be done with some biosamples: take the table away, put them into a cart, open them in Samples."""
    ids = frame["sample_id"].tolist()
    widgets.downloads(frame, stem)
    with st.container(horizontal=True):
        cart.buttons(dataset, ids, key)
        if (PROJECT / SAMPLES_PAGE).is_file():
            target = state.link()
            st.page_link(str(SAMPLES_PAGE), label="Open Samples", icon=":material/science:", query_params=target)
