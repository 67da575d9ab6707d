"""Filters, order and columns of the Rankings table; every one of them lives in the page's address."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from core.store.results import DESCENDING, RankingQuery
from pages.ui import cached, state, widgets

PAGE = 200  # rows that the browser gets at once
ADDRESS_IDS = 60  # genes of a selection that still fit into an address
DRAWN = ("points", "box", "lasso")
COLUMNS = {
    "symbol": "Symbol", "signal": "Signal", "mean_cosine": "Mean cosine", "co_rank": "Co-rank", "mean": "Mean",
    "p95": "95th percentile", "zero_share": "Zeros", "top_label": "Top label", "tau": "Tau", "gini": "Gini",
    "signal_rank": "Signal rank", "cosine_rank": "Cosine rank", "ensembl_gene_id": "Ensembl id", "biotype": "Biotype",
    "length_bp": "Length", "variance": "Variance", "n_neighbours": "Members", "n_tied": "Tied members",
    "same_series_share": "Pairs of one series",
}  # fmt: skip
SORTS = ["signal", *(name for name in COLUMNS if name != "signal")]


def choose(dataset: StoredDataset) -> RankingQuery:
    """The filter widgets, and the query that they and the chart's selection amount to."""
    known = sorted(dataset.rankings["biotype"].replace("", pd.NA).dropna().unique())
    bound: dict[str, Any] = {"bind": "query-params", "on_change": first_page}
    least, most = "Mean expression at least", "Share of biosamples without any count, at most"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search",
            key="q",
            placeholder="Symbol or Ensembl id",
            width=225,
            icon=":material/search:",
            live=True,
            **bound,
        )
        mean = st.number_input("Mean from", 0.0, None, 0.0, 0.1, key="min_mean", width=130, help=least, **bound)
        zeros = st.number_input("Zeros to, %", 0, 100, 100, 5, key="max_zeros", width=130, help=most, **bound)
        biotypes = []
        if len(known) > 1:
            biotypes = st.multiselect("Biotype", known, key="biotype", width=220, placeholder="All", **bound)
        sort = st.selectbox(
            "Sort all genes by", SORTS, format_func=COLUMNS.__getitem__, key="sort", width=175,
            help="A click on a column's head does the same; a second click turns the order round.", **bound,
        )  # fmt: skip
        with st.container(horizontal=True, width="content"):
            upside_down = st.toggle("Reverse", key="reverse", **bound)
            hide = st.toggle("Hide mitochondrial", key="hide_mt", **bound)
    if dataset.edits_applied:
        st.caption("Labels were edited after the build: tau and the top label are those of the build.")
    return RankingQuery(
        search=search or "", min_mean=mean or 0.0, max_zero_share=(100 if zeros is None else zeros) / 100,
        biotypes=tuple(biotypes), hide_mitochondrial=hide, genes=selection(dataset), sort=sort,
        descending=(sort in DESCENDING) != upside_down,
    )  # fmt: skip


def sort_by(column: str) -> None:
    """A click on a column's head: sorts by it, or turns the order round where it is sorted by it already."""
    if column in COLUMNS:
        again = st.session_state["sort"] == column
        st.session_state["reverse"] = not st.session_state["reverse"] if again else False
        st.session_state["sort"] = column
        first_page()


def first_page() -> None:
    """Another filter or order begins with its first rows."""
    if "page" in st.session_state:
        st.session_state["page"] = 1


def selection(dataset: StoredDataset) -> tuple[str, ...] | None:
    """Ids of the genes that were selected in the chart; None where nothing is."""
    in_address = state.param("genes")
    if in_address:
        return tuple(in_address.split(","))
    held = st.session_state.get("selected_genes")
    return tuple(held[1]) if held and held[0] == dataset.key else None


def select(dataset: StoredDataset, ids: list[str]) -> None:
    """Keeps a selection of genes; a small one goes into the address too."""
    st.session_state["selected_genes"] = (dataset.key, ids) if ids else None
    state.set_params(genes=",".join(ids) if len(ids) <= ADDRESS_IDS else None)


def offer_reset(dataset: StoredDataset, query: RankingQuery) -> None:
    """A way back from a selection, and a word where it is too large for an address."""
    if query.genes is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Show all genes again", on_click=select, args=(dataset, []), icon=":material/filter_alt_off:")
        if len(query.genes) > ADDRESS_IDS:
            st.caption(f"A selection of more than {ADDRESS_IDS} genes is not kept in the address.")


def page_of(query: RankingQuery, total: int) -> RankingQuery:
    """The query for the page of rows that is chosen below the table."""
    pages = max(1, -(-total // PAGE))
    asked = str(st.session_state.get("page") or st.query_params.get("page", "1"))
    number = min(int(asked) if asked.isdigit() else 1, pages)
    return replace(query, limit=PAGE, offset=max(0, number - 1) * PAGE)


def count(total: int, passing: int, query: RankingQuery) -> None:
    """How many genes pass, of how many, in which order."""
    chosen = f" · **{len(query.genes):,}** selected in the chart" if query.genes is not None else ""
    way = "falling" if query.descending else "rising"
    st.markdown(f"**{passing:,}** of {total:,} genes{chosen}, by {way} {COLUMNS[query.sort].lower()}")


def passing_ids(dataset: StoredDataset, query: RankingQuery, total: int) -> pd.Series | None:
    """Ids of the genes that pass; None where all do."""
    if cached.count_rankings(dataset, query) == total:
        return None
    return cached.rankings(dataset, query)["position"].map(widgets.gene_ids(dataset))


def order(rows: pd.DataFrame) -> list[str]:
    """Columns in the order of the table; the biotype only where one is known."""
    return [name for name in COLUMNS if name != "biotype" or rows["biotype"].fillna("").ne("").any()]


def columns(dataset: StoredDataset, query: RankingQuery) -> dict[str, Any]:
    """Titles, number formats and units of the ranking columns; the sorted one carries an arrow."""
    unit = dataset.unit
    told: dict[str, tuple[str, str, int]] = {
        "length_bp": ("Longest transcript, bp", "localized", 105),
        "mean": (f"Mean expression: {unit}", "%.3f", 85),
        "variance": (f"Variance of expression over biosamples, square of {unit}", "%.3f", 90),
        "p95": (f"95th percentile of expression: {unit}", "%.3f", 125),
        "signal": ("(1 + p95) / (1 + mean): how far the top biosamples stand out; no unit", "%.4f", 95),
        "signal_rank": ("1 = highest signal", "localized", 110),
        "cosine_rank": ("1 = highest mean cosine", "localized", 110),
        "mean_cosine": ("Mean cosine similarity over the pairs of neighbourhood biosamples, -1 to 1", "%.4f", 115),
        "co_rank": ("1 = high in signal and in mean cosine", "localized", 90),
        "n_neighbours": ("Biosamples in the neighbourhood", "localized", 90),
        "n_tied": ("Members with the very value of a non-member: an arbitrary choice", "localized", 115),
        "tau": ("Tissue specificity (Yanai 2005): 0 = everywhere, 1 = one label only", "%.3f", 75),
        "gini": ("Gini coefficient over biosamples: 0 = even, 1 = in a single one", "%.3f", 75),
        "zero_share": ("Share of biosamples without any count", "percent", 85),
        "same_series_share": ("Share of neighbourhood pairs that come from one study", "percent", 150),
    }
    words = {
        "symbol": ("Gene symbol", 105),
        "ensembl_gene_id": ("Ensembl gene id", 150),
        "biotype": ("Kind of gene", 120),
        "top_label": ("Label with the highest mean expression", 130),
    }
    arrow = " ▼" if query.descending else " ▲"
    title = {name: text + (arrow if name == query.sort else "") for name, text in COLUMNS.items()}
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    found: dict[str, Any] = {
        name: number(title[name], help=what, format=form, width=width) for name, (what, form, width) in told.items()
    }
    return found | {
        name: text(title[name], help=what, width=width, pinned=name == "symbol")
        for name, (what, width) in words.items()
    }
