"""Filters, order and columns of the Rankings table; every one of them lives in the page's address."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from core.store.results import DESCENDING, RankingQuery
from pages.ui import state

PAGE = 200  # rows that the browser gets at once
ADDRESS_IDS = 60  # genes of a selection that still fit into an address
SORTS = {
    "signal": "Signal", "mean_cosine": "Mean cosine", "co_rank": "Co-rank", "mean": "Mean", "p95": "95th percentile",
    "tau": "Tau", "gini": "Gini", "zero_share": "Zeros", "variance": "Variance", "length_bp": "Length",
    "symbol": "Symbol", "ensembl_gene_id": "Ensembl id", "biotype": "Biotype", "top_label": "Top label",
    "signal_rank": "Signal rank", "cosine_rank": "Cosine rank", "n_neighbours": "Members", "n_tied": "Tied members",
    "same_series_share": "Pairs of one series",
}  # fmt: skip
COLUMNS = (
    "symbol", "signal", "mean_cosine", "co_rank", "mean", "p95", "zero_share", "top_label", "tau", "gini", "signal_rank",
    "cosine_rank", "ensembl_gene_id", "biotype", "length_bp", "variance", "n_neighbours", "n_tied", "same_series_share",
)  # fmt: skip


def choose(dataset: StoredDataset) -> RankingQuery:
    """The filter widgets, and the query that they and the chart's selection amount to."""
    known = sorted(dataset.rankings["biotype"].replace("", pd.NA).dropna().unique())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        search = st.text_input("Search", key="q", bind="query-params", placeholder="Symbol or Ensembl id", width=230,
                               icon=":material/search:", live=True)  # fmt: skip
        mean = st.number_input("Mean at least", 0.0, None, 0.0, 0.1, key="min_mean", bind="query-params", width=140,
                               help=dataset.unit)  # fmt: skip
        zeros = st.number_input("Zeros at most, %", 0, 100, 100, 5, key="max_zeros", bind="query-params", width=140,
                                help="Share of biosamples without any count of the gene.")  # fmt: skip
        biotypes = []
        if known:
            biotypes = st.multiselect(
                "Biotype", known, key="biotype", bind="query-params", width=260, placeholder="All"
            )
        sort = st.selectbox("Sort by", list(SORTS), format_func=SORTS.__getitem__, key="sort", bind="query-params", width=180,
                            help="Sorts all genes, as a click on a column's head does.")  # fmt: skip
        upside_down = st.toggle("Reverse", key="reverse", bind="query-params")
        hide = st.toggle("Hide mitochondrial", key="hide_mt", bind="query-params")
    return RankingQuery(
        search=search or "", min_mean=mean or 0.0, max_zero_share=(zeros if zeros is not None else 100) / 100,
        biotypes=tuple(biotypes), hide_mitochondrial=hide, genes=selection(dataset), sort=sort,
        descending=(sort in DESCENDING) != upside_down,
    )  # fmt: skip


def sort_by(column: str) -> None:
    """A click on a column's head: sorts by it, or turns the order where it is sorted by it already."""
    if column in SORTS:
        st.session_state["reverse"] = not st.session_state["reverse"] if st.session_state["sort"] == column else False
        st.session_state["sort"] = column


def selection(dataset: StoredDataset) -> tuple[str, ...] | None:
    """Ids of the genes that were selected in the chart; None where nothing is."""
    held = st.session_state.get("selected_genes")
    if held and held[0] == dataset.key:
        return tuple(held[1])
    return tuple(state.param("genes").split(",")) if state.param("genes") else None


def select(dataset: StoredDataset, ids: list[str]) -> None:
    """Keeps a selection of genes; a small one goes into the address too."""
    st.session_state["selected_genes"] = (dataset.key, ids) if ids else None
    state.set_params(genes=",".join(ids) if len(ids) <= ADDRESS_IDS else None)


def page_of(query: RankingQuery, total: int) -> RankingQuery:
    """The query for the page of rows that is chosen below the table."""
    pages = max(1, -(-total // PAGE))
    number = min(st.session_state.get("page", 1), pages)
    return replace(query, limit=PAGE, offset=(number - 1) * PAGE)


def columns(dataset: StoredDataset, query: RankingQuery) -> dict[str, Any]:
    """Titles, number formats and units of the ranking columns; the sorted one carries an arrow."""
    unit = dataset.unit
    arrow = " ▼" if query.descending else " ▲"
    share = "Share of biosamples without any count"
    told: dict[str, tuple[str, str, int]] = {
        "length_bp": ("Longest transcript, bp", "localized", 105), "mean": (f"Mean expression: {unit}", "%.3f", 85),
        "variance": (f"Variance of expression over biosamples: ({unit})²", "%.3f", 90),
        "p95": (f"95th percentile of expression: {unit}", "%.3f", 125),
        "signal": ("(1 + p95) / (1 + mean): how far the top biosamples stand out, no unit", "%.4f", 95),
        "signal_rank": ("1 = highest signal", "localized", 110), "cosine_rank": ("1 = highest mean cosine", "localized", 110),
        "mean_cosine": ("Mean cosine similarity over the pairs of neighbourhood biosamples, -1 to 1", "%.4f", 115),
        "co_rank": ("1 = high in signal and in mean cosine", "localized", 90),
        "n_neighbours": ("Biosamples in the neighbourhood", "localized", 90),
        "n_tied": ("Members with the very value of a non-member: an arbitrary choice", "localized", 115),
        "tau": ("Tissue specificity (Yanai 2005): 0 = everywhere, 1 = one label only", "%.3f", 75),
        "gini": ("Gini coefficient over biosamples: 0 = even, 1 = in a single one", "%.3f", 75),
    }  # fmt: skip
    text = {"symbol": ("Gene symbol", 100), "ensembl_gene_id": ("Ensembl gene id", 150), "biotype": ("Kind of gene", 120),
            "top_label": ("Label with the highest mean expression", 130)}  # fmt: skip
    title = {name: SORTS[name] + (arrow if name == query.sort else "") for name in COLUMNS}
    number = st.column_config.NumberColumn
    found: dict[str, Any] = {
        name: number(title[name], help=what, format=form, width=width) for name, (what, form, width) in told.items()
    }
    found |= {
        name: st.column_config.TextColumn(title[name], help=what, width=width) for name, (what, width) in text.items()
    }
    found["zero_share"] = number(title["zero_share"], help=share, format="percent", width=85)
    found["same_series_share"] = number(
        title["same_series_share"],
        help="Share of neighbourhood pairs that come from one study",
        format="percent",
        width=150,
    )
    found["symbol"] = st.column_config.TextColumn(title["symbol"], help="Gene symbol", width=100, pinned=True)
    return found
