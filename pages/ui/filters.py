"""Filters and order of the Rankings table; every one of them lives in the page's address."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core import workflows as wf
from core.errors import RecipeError
from core.store.datasets import StoredDataset
from core.store.results import DESCENDING, RankingQuery
from core.types import BoolArray
from pages.ui import cached, exports, feedback, gene_list, projections, ranking_columns, saved, state, widgets
from pages.ui.ranking_columns import COLUMNS

PAGE = 200  # rows that the browser gets at once
ADDRESS_IDS = gene_list.ADDRESS_IDS
FACETS = 6  # biotypes whose counts are said
DRAWN = ("points", "box", "lasso")
SORTS = ["signal", *(name for name in COLUMNS if name != "signal")]
NONE = ""


def choose(dataset: StoredDataset) -> RankingQuery:
    """The filter widgets, and the query that they, the chart's selection and the gene list amount to."""
    bound: dict[str, Any] = {"bind": "query-params", "on_change": first_page}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search, regex = _search(bound)
        mean, zeros, biotypes = _limits(dataset, bound)
        sort, then = _order(bound)
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            descending, then_descending = _directions(sort, then, bound)
            hide = st.toggle("Hide mitochondrial", key="hide_mt", **bound)
            with st.popover("Columns", icon=":material/view_column:"):
                _columns()
            with st.popover("Saved filters", icon=":material/bookmark:"):
                saved.show(dataset, first_page)
    if dataset.edits_applied:
        st.caption("Labels were edited after the build: tau and the top label are those of the build.")
    query = RankingQuery(
        search=search, regex=regex, min_mean=mean, max_zero_share=zeros / 100, biotypes=biotypes,
        hide_mitochondrial=hide, genes=_genes(dataset), sort=sort, descending=descending, then=then,
        then_descending=then_descending,
    )  # fmt: skip
    return _checked(dataset, query)


def _search(bound: dict[str, Any]) -> tuple[str, bool]:
    regex = bool(st.session_state.get("regex", st.query_params.get("regex") == "true"))
    hint = "^HOX[A-D]|^ENSG000001310" if regex else "Symbol or Ensembl id"
    text = st.text_input("Search", key="q", placeholder=hint, width=225, icon=":material/search:", live=True, **bound)
    told = "Take the search for a regular expression (RE2), found anywhere in the symbol or the Ensembl id"
    return text or "", st.toggle("Regex", key="regex", help=told, **bound)


def _limits(dataset: StoredDataset, bound: dict[str, Any]) -> tuple[float, float, tuple[str, ...]]:
    least, most = "Mean expression at least", "Share of biosamples without any count, at most"
    mean = st.number_input("Mean from", 0.0, None, 0.0, 0.1, key="min_mean", width=130, help=least, **bound)
    zeros = st.number_input("Zeros to, %", 0, 100, 100, 5, key="max_zeros", width=130, help=most, **bound)
    known = cached.biotype_counts(dataset, RankingQuery())["biotype"].tolist()  # the most frequent first
    chosen: list[str] = []
    if len(known) > 1:
        chosen = st.multiselect("Biotype", known, key="biotype", width=220, placeholder="All", **bound)
    return mean or 0.0, 100 if zeros is None else zeros, tuple(chosen)


def _order(bound: dict[str, Any]) -> tuple[str, str]:
    told = "A click on a column's head does the same; a second click turns the order round."
    sort = st.selectbox(
        "Sort all genes by", SORTS, format_func=COLUMNS.__getitem__, key="sort", width=175, help=told, **bound
    )
    then = st.selectbox(
        "then by", [NONE, *SORTS], format_func=lambda name: COLUMNS.get(name, "nothing"), key="then", width=150,
        help="Orders genes that are equal in the first column: biotype, then signal, for instance.", **bound,
    )  # fmt: skip
    return sort, then


def _directions(sort: str, then: str, bound: dict[str, Any]) -> tuple[bool, bool]:
    """Whether each column falls: its natural direction, or the other one."""
    first = st.toggle("Reverse", key="reverse", **bound)
    second = st.toggle("Reverse second", key="then_reverse", **bound) if then else False
    return (sort in DESCENDING) != first, (then in DESCENDING) != second


def _columns() -> None:
    st.multiselect(
        "Columns after the symbol", ranking_columns.CHOICES, format_func=ranking_columns.title, key="columns",
        placeholder="The usual ones", bind="query-params", width=420,
        help="In the order in which they are chosen. Downloads hold every column.",
    )  # fmt: skip


def _checked(dataset: StoredDataset, query: RankingQuery) -> RankingQuery:
    """The query, or what is left of it where the search is no regular expression, which is said."""
    try:
        cached.count_rankings(dataset, query)
    except RecipeError as error:
        feedback.show_error(error)
        return replace(query, search="", regex=False)
    return query


def _genes(dataset: StoredDataset) -> tuple[str, ...] | None:
    """Ids that the table is kept to: those selected in the chart, those of the list, or what both have in common."""
    selected, listed = selection(dataset), gene_list.filtering(dataset)
    if selected is None or listed is None:
        return selected if listed is None else listed
    return tuple(sorted(set(selected) & set(listed)))


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
    first_page()


def take(dataset: StoredDataset, event: Any, open_gene: Callable[[str], None]) -> None:
    """What was drawn in the chart becomes the selection, with genes that only a shade stands for; a click opens one."""
    corners, clicked = projections.polygon(event["selection"]), widgets.chosen_ids(event)
    if corners:
        select(dataset, wf.genes_inside(cached.gene_points(dataset), corners))
    elif len(clicked) == 1:
        open_gene(clicked[0])
    else:
        select(dataset, clicked)


def offer_reset(dataset: StoredDataset) -> None:
    """A way back from a selection, and a word where it is too large for an address."""
    selected = selection(dataset)
    if selected is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Show all genes again", on_click=select, args=(dataset, []), icon=":material/filter_alt_off:")
        if len(selected) > ADDRESS_IDS:
            st.caption(f"A selection of more than {ADDRESS_IDS} genes is not kept in the address.")


def page_of(query: RankingQuery, total: int) -> RankingQuery:
    """The query for the page of rows that is chosen below the table."""
    pages = max(1, -(-total // PAGE))
    asked = str(st.session_state.get("page") or st.query_params.get("page", "1"))
    number = min(int(asked) if asked.isdigit() else 1, pages)
    return replace(query, limit=PAGE, offset=max(0, number - 1) * PAGE)


def count(dataset: StoredDataset, passing: int, query: RankingQuery) -> None:
    """How many genes pass, of how many, in which order, and of which biotypes they are."""
    chosen = selection(dataset)
    words = f" · **{len(chosen):,}** selected in the chart" if chosen is not None else ""
    words += " · of the gene list" if gene_list.filtering(dataset) is not None else ""
    way = "falling" if query.descending else "rising"
    second = ""
    if query.then and query.then != query.sort:
        second = f", then {'falling' if query.then_descending else 'rising'} {COLUMNS[query.then].lower()}"
    total = len(dataset.rankings)
    st.markdown(f"**{passing:,}** of {total:,} genes{words}, by {way} {COLUMNS[query.sort].lower()}{second}")
    kinds = cached.biotype_counts(dataset, query)
    if len(kinds) > 1:
        named = [f"{row.biotype} {row.genes:,}" for row in kinds.head(FACETS).itertuples()]
        rest = int(kinds["genes"].iloc[FACETS:].sum())
        named += [f"{len(kinds) - FACETS} others {rest:,}"] if rest else []
        st.caption("By biotype under the other filters: " + " · ".join(named))


def passing_mask(dataset: StoredDataset, query: RankingQuery, passing: int) -> BoolArray | None:
    """Whether each gene passes; None where all do."""
    total = len(dataset.rankings)
    return None if passing == total else gene_list.mask(total, cached.passing_genes(dataset, query))


def downloads(dataset: StoredDataset, query: RankingQuery, passing: int) -> None:
    """Every passing row as CSV or Parquet; the database is asked for them when a button is pressed."""
    workspace, key, address = state.workspace(), f"{dataset.name}-rankings", state.address()

    def writer(kind: str) -> Callable[[], bytes]:
        def write() -> bytes:
            rows = workspace.results.rankings(dataset, query).drop(columns="position")
            return wf.to_csv(rows) if kind == "csv" else wf.to_parquet(rows, wf.provenance(dataset, address))

        return write

    with st.container(horizontal=True):
        for kind, mime in exports.MIMES.items():
            st.download_button(
                {"csv": "CSV", "parquet": "Parquet"}[kind], writer(kind), f"{wf.file_stem(key, dataset)}.{kind}", mime,
                key=f"download-{key}-{kind}", on_click="ignore", icon=":material/download:",
                help=f"{passing:,} rows, every column",
            )  # fmt: skip
