"""Biosamples on a page: tables with GEO links, and what is most like one biosample."""

from typing import Any

import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from pages.ui import cached, feedback, state, widgets


def choose(sample_id: str) -> None:
    """Keeps the chosen biosample in the address."""
    state.set_params(sample=sample_id)


def table(frame: pd.DataFrame, key: str, chosen: str, unit: str = "", **more: Any) -> None:
    """Biosamples with their metadata and GEO links; choosing a row chooses that biosample."""
    shown = widgets.with_geo(frame)
    columns = widgets.sample_columns(unit)
    order = [name for name in columns if name in shown]
    widgets.id_table(shown, "sample_id", key, chosen, choose, column_order=order, column_config=columns, **more)


def similar(dataset: StoredDataset, sample: str) -> None:
    """What is most like one biosample; each row leads on to that biosample's own likes. Raises NotFoundError."""
    st.subheader("Most similar biosamples", anchor=False)
    ids = dataset.biosamples["sample_id"].tolist()
    st.session_state["sample_picker"] = sample if sample in ids else None
    st.selectbox(
        "Biosample", ids, key="sample_picker", filter_mode="contains", on_change=_picked, width=420,
        placeholder="Choose one here, in the table or in the projection",
    )  # fmt: skip
    if not sample:
        feedback.empty("Choose a biosample to see which others are most like it.")
        return
    row = dataset.biosamples.iloc[dataset.biosample(sample)]
    told = (sample, row["title"] or "no title", row["labels"] or "no label", f"series {row['series_id'] or 'unknown'}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{told[0]}** · {' · '.join(told[1:])}", width="content")
        address = widgets.geo_link(sample)
        if address:
            st.link_button("GEO record", address, icon=":material/open_in_new:", type="tertiary")
    found = cached.similar_biosamples(dataset, sample)
    table(found, "similar", "", height=420)
    widgets.downloads(found, f"{dataset.name}-like-{sample}")


def _picked() -> None:
    state.set_params(sample=st.session_state["sample_picker"])
