"""Biosamples on a page: tables with GEO links and all metadata, one in a line, and what can be done with several."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import NotFoundError
from core.settings import PROJECT
from core.store.datasets import StoredDataset
from pages.ui import cart, feedback, state, widgets

SAMPLES_PAGE = Path("pages/samples.py")
OFFERED = 300  # biosamples in a list to choose from: all 900,000 of a full dataset would be 10 MB
UNKNOWN = "sample_unknown"  # in the session: what was typed and is no biosample


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


def picker(dataset: StoredDataset, on_choose: Callable[[str], None], near: Sequence[str]) -> str:
    """Chooses a biosample by its id; the chosen one, or "" with a word on how to choose.

    Of all ids a browser gets a few (``near``): what is typed is looked up among all.
    """
    sample = state.param("sample")
    known = sample if has(dataset, sample) else None
    st.session_state["sample_picker"] = known
    offered = [*near[:OFFERED], *([known] if known and known not in near[:OFFERED] else [])]
    st.selectbox(
        "Biosample", offered, key="sample_picker", filter_mode="contains", width=420, accept_new_options=True,
        on_change=_picked, args=(dataset, on_choose), help="Type any id of the dataset and press Enter.",
        placeholder="Choose one here, in the table or on the map",
    )  # fmt: skip
    unknown = st.session_state.pop(UNKNOWN, "")
    if unknown:
        st.warning(f"No biosample of {dataset.name} has the id “{unknown}”.", icon=":material/help:")
    if not sample:
        feedback.empty("Choose a biosample to see which others are most like it.")
    return sample


def _picked(dataset: StoredDataset, on_choose: Callable[[str], None]) -> None:
    typed = (st.session_state["sample_picker"] or "").strip()
    if not typed or has(dataset, typed):
        on_choose(typed)
    else:
        st.session_state[UNKNOWN] = typed


def has(dataset: StoredDataset, sample_id: str) -> bool:
    """Whether the dataset has a biosample of this id."""
    try:
        return dataset.biosample(sample_id) >= 0
    except NotFoundError:
        return False


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
