"""Finding biosamples: words, a regular expression, facets that count under each other's choice, a page of rows.

All of it is in the page's address. Facets are kept there as repeated parameters, ``f=label:brain``.
"""

from typing import Any

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.biosample_search import SORTABLE, BiosampleSearch, FoundSamples, SampleQuery
from core.store.datasets import StoredDataset
from core.workflows import carts
from pages.ui import cart, feedback, samples, state, widgets

PAGE = 200  # rows that the browser gets at once
MOST_VALUES = 300  # of a facet that are offered; any other can be typed
FIRST_FACETS = ("label", "series", "depth", "single_cell")
FEW = 7  # values of a facet that are shown as buttons
BOUND: dict[str, Any] = {"bind": "query-params"}
WORDS_HELP = (
    "Every word has to be somewhere in the id, series, title, source name, characteristics or labels; upper and lower "
    "case are the same."
)
PATTERN_HELP = (
    "A regular expression (RE2 syntax) that one of the same fields has to match, in upper or lower case: "
    "`^GSM11\\d+$`, `brain|cortex`, `age: [67]\\d`. ^ and $ are the ends of a field. It is searched beside the words."
)
EDIT_HELP = "The label editor of the Data page, with the same words and labels; other facets are not taken along."


def section(dataset: StoredDataset) -> None:
    """The whole search: fields, facets, the rows found, what to do with them."""
    _forget_other(dataset)
    search = _search(dataset.view_key, dataset.name)
    words, pattern = _fields()
    left, right = st.columns([3, 10], gap="medium")
    chosen = _chosen(search)
    query = SampleQuery(words, pattern, chosen, *_order())
    found = FoundSamples(pd.Index([]).to_numpy(int))
    with right, feedback.errors():
        found = _find(dataset.view_key, query, search)
    with left:
        _facets(search, found, dict(chosen))
    with right:
        _results(dataset, search, query, found)


@st.cache_resource(max_entries=4, show_spinner="Preparing the search (once for each dataset)")
def _search(key: str, name: str) -> BiosampleSearch:
    return wf.biosample_search(state.workspace(), name)


@st.cache_data(max_entries=32, show_spinner=False)
def _find(key: str, query: SampleQuery, _search: BiosampleSearch) -> FoundSamples:
    return _search.find(query)


def _forget_other(dataset: StoredDataset) -> None:
    """Another dataset begins without the search of the one before."""
    before = st.session_state.get("samples_of")
    st.session_state["samples_of"] = dataset.name
    if before not in (None, dataset.name):
        _clear()


def _clear() -> None:
    for name in ("words", "pattern"):  # a bound widget's parameter changes with its value
        st.session_state[name] = ""
    for name in ("by", "falling", "f"):
        st.query_params.pop(name, None)
    _first_page()


def _fields() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Words", key="words", placeholder="Id, series, title, source, characteristics or label", width=420,
            icon=":material/search:", help=WORDS_HELP, on_change=_first_page, live=True, **BOUND,
        )  # fmt: skip
        pattern = st.text_input(
            "Regular expression", key="pattern", placeholder="brain|cortex", width=260,
            icon=":material/regular_expression:", help=PATTERN_HELP, on_change=_first_page, **BOUND,
        )  # fmt: skip
        st.button("Clear search", key="search_clear", icon=":material/filter_alt_off:", on_click=_clear)
    return (words or "").strip(), (pattern or "").strip()


def _first_page() -> None:
    if "rows" in st.session_state:
        st.session_state["rows"] = 1


def _order() -> tuple[str, bool]:
    """The sorted column and whether it falls, from the address; "" where that names none."""
    by = state.param("by")
    return (by, state.param("falling") == "true") if by in SORTABLE else ("", False)


def _sort_by(column: str) -> None:
    """A click on a column's head: rising, then falling, then the order of the dataset again."""
    if column not in SORTABLE:
        return
    by, falling = _order()
    if by != column:
        state.set_params(by=column, falling=None)
    elif not falling:
        state.set_params(falling="true")
    else:
        state.set_params(by=None, falling=None)
    _first_page()


def _chosen(search: BiosampleSearch) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The choice of each facet, from the address; facets that this dataset does not have are left out."""
    found: dict[str, list[str]] = {}
    for text in st.query_params.get_all("f"):
        name, _, value = text.partition(":")
        if name in search.names and value and value not in found.get(name, []):
            found.setdefault(name, []).append(value)
    return tuple((name, tuple(values)) for name, values in found.items())


def _choose(name: str, key: str) -> None:
    others = [text for text in st.query_params.get_all("f") if not text.startswith(f"{name}:")]
    st.query_params["f"] = [*others, *(f"{name}:{value}" for value in st.session_state[key])]
    _first_page()


def _facets(search: BiosampleSearch, found: FoundSamples, chosen: dict[str, tuple[str, ...]]) -> None:
    first = [name for name in search.names if name in FIRST_FACETS]
    more = [name for name in search.names if name not in FIRST_FACETS]
    for name in first:
        _facet(name, search.names[name], found, chosen.get(name, ()))
    if more:
        with st.expander(f"More facets ({len(more)})", expanded=any(name in chosen for name in more)):
            for name in more:
                _facet(name, search.names[name], found, chosen.get(name, ()))


def _facet(name: str, title: str, found: FoundSamples, chosen: tuple[str, ...]) -> None:
    """One facet: few values as buttons, many in a list; each with its count under the other filters."""
    table = found.facets.get(name)
    counts = dict(zip(table["value"], table["biosamples"], strict=True)) if table is not None else {}
    offered = list(counts)[:MOST_VALUES]
    offered += [value for value in chosen if value not in offered]
    key = f"facet_{name}"
    st.session_state[key] = list(chosen)
    shared: dict[str, Any] = {
        "key": key, "format_func": lambda value: f"{value} · {counts.get(value, 0):,}", "on_change": _choose,
        "args": (name, key), "help": "Counts are of the biosamples that pass all other filters.",
    }  # fmt: skip
    if len(offered) <= FEW:
        st.pills(title, offered, selection_mode="multi", wrap=True, **shared)
        return
    st.multiselect(f"{title} ({len(counts):,})", offered, placeholder="All", accept_new_options=True, **shared)
    if not chosen:
        st.caption(" · ".join(f"{value} {n:,}" for value, n in list(counts.items())[:4]))


def _results(dataset: StoredDataset, search: BiosampleSearch, query: SampleQuery, found: FoundSamples) -> None:
    n = len(found.rows)
    rows = found.rows[slice(*_window(n))]
    arrow = f", by {'falling' if query.descending else 'rising'} {_titles()[query.sort].lower()}" if query.sort else ""
    st.markdown(f"**{n:,}** of {search.n:,} biosample{'s' * (search.n != 1)}{arrow}")
    if not n:
        feedback.empty("No biosample matches. Take a filter away, or clear the search.", ":material/search_off:")
        return
    table = wf.described(dataset, rows)
    chosen = _table(dataset, table, query)
    with st.container(horizontal=True, vertical_alignment="center"):
        cart.buttons(dataset, chosen, "ticked", "Ticked to {cart} ({n})")
        if n <= carts.MOST_IDS:
            ids = dataset.biosamples["sample_id"]
            cart.buttons(dataset, ids.iloc[found.rows].tolist(), "found", "All found to {cart} ({n})")
        else:
            st.caption(f"A cart holds at most {carts.MOST_IDS:,}: narrow the search to add all found.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if n > PAGE:
            st.pagination(-(-n // PAGE), key="rows", bind="query-params", max_visible_pages=5)
        widgets.downloads(wf.described(dataset, found.rows), f"{dataset.name}-biosamples")
        target = state.link() | {"label_q": query.search, "label_of": list(dict(query.chosen).get("label", ()))}
        st.page_link(
            "pages/data.py", label="Edit labels of these", icon=":material/label:", help=EDIT_HELP,
            query_params={name: value for name, value in target.items() if value},
        )  # fmt: skip


def _window(n: int) -> tuple[int, int]:
    """First and last row of the page that is chosen below the table."""
    asked = str(st.session_state.get("rows") or st.query_params.get("rows", "1"))
    number = min(int(asked) if asked.isdigit() else 1, max(1, -(-n // PAGE)))
    start = max(0, number - 1) * PAGE
    return start, start + PAGE


def _table(dataset: StoredDataset, table: pd.DataFrame, query: SampleQuery) -> list[str]:
    """The rows of this page, several to be ticked; the ticked ids. The one ticked last is the page's biosample.

    Another page or order begins with those ticked before that are still shown: nothing unseen is ever added.
    """
    ids = table["sample_id"].tolist()
    mine = st.session_state.setdefault("found-mine", {"of": None, "ticked": [], "turn": 0})
    of = (dataset.view_key, query, tuple(ids))
    if mine["of"] != of:
        kept = set(ids)
        mine.update(of=of, ticked=[one for one in mine["ticked"] if one in kept], turn=mine["turn"] + 1)
    widget = f"found-{mine['turn']}"

    def selected() -> None:
        selection = st.session_state[widget]["selection"]
        if selection.get("columns"):
            mine["turn"] += 1
            _sort_by(selection["columns"][0])
            return
        now = [ids[row] for row in selection.get("rows", [])]
        new = [one for one in now if one not in mine["ticked"]]
        mine["ticked"] = now
        if new:
            state.set_params(sample=new[-1], show="biosample")

    shown = widgets.with_geo(table)
    ticked = [row for row, one in enumerate(ids) if one in set(mine["ticked"])]
    st.dataframe(
        shown, key=widget, hide_index=True, height=430, on_select=selected,
        selection_mode=["multi-row", "single-column"], selection_default={"selection": {"rows": ticked}},
        column_order=_shown(shown), column_config=_columns(query), alt="Biosamples found",
    )  # fmt: skip
    return list(mine["ticked"])


def _shown(table: pd.DataFrame) -> list[str]:
    depth = "alignedreads" if "alignedreads" in table else "depth"
    order = ("sample_id", "labels", "title", "series_id", "source_name_ch1", depth, "singlecellprobability",
             "characteristics_ch1", "geo")  # fmt: skip
    return [name for name in order if name in table]


def _titles() -> dict[str, str]:
    return {
        "sample_id": "Biosample", "labels": "Labels", "title": "Title", "series_id": "Series",
        "source_name_ch1": "Source", "characteristics_ch1": "Characteristics", "alignedreads": "Aligned reads",
        "depth": "Depth", "singlecellprobability": "Single cell", "zero_share": "Genes at 0",
    }  # fmt: skip


def _columns(query: SampleQuery) -> dict[str, Any]:
    """The columns of other biosample tables; the sorted one carries an arrow."""
    known = samples.columns("")
    if query.sort in known:
        arrow = "▼" if query.descending else "▲"
        known[query.sort] = {**known[query.sort], "label": f"{_titles()[query.sort]} {arrow}"}
    return known
