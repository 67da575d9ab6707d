"""Widgets that pages share: the head of a page, tables that select by id, charts, downloads, links."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.store.datasets import StoredDataset
from core.workflows import file_stem
from pages.ui import exports, feedback, state

GEO = "https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc="
ACCESSION = re.compile(r"GS[EM]\d+")
DOCS = "docs/method.md"  # shown by pages/method.py
LINK_HELP = "Opens this page again, with everything that is chosen on it now."


def title(name: str, purpose: str, help_text: str, dataset: StoredDataset | None = None) -> None:
    """Head of a page: name, one line of purpose, an explanation on demand, and whether the data are simulated."""
    state.through_router()
    st.session_state["page_name"] = name
    st.session_state.setdefault("seen", set()).add((dataset.name if dataset else "", name))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(name, anchor=False, width="content")
        if dataset is not None and dataset.simulated:
            st.badge(f"{dataset.name}: simulated data", icon=":material/science:", color="orange")
        st.space("stretch")
        with st.container(width="content"):
            _copy_link()
        with st.popover("What am I looking at?", icon=":material/help:"):
            st.markdown(help_text)
            st.page_link("pages/method.py", label="The whole method with its equations", icon=":material/menu_book:")
    st.caption(purpose)


@feedback.part
def _copy_link() -> None:
    """The address to pass on; a run of its own, when it is opened, so that it is what the browser has by then."""
    with st.popover("Link", icon=":material/link:", key="copy_link", on_change="rerun") as opened:
        if opened.open:
            st.caption(LINK_HELP)
            st.code(state.address(), language=None, wrap_lines=True)


def downloads(frame: pd.DataFrame, stem: str) -> None:
    """The table as CSV and Parquet, made when asked for; file names hold the dataset and its content's fingerprint.

    Parquet carries its provenance in its metadata. In CSV, text that a spreadsheet would run as a formula is defused.
    """
    dataset = state.known_dataset()
    with st.container(horizontal=True):
        for kind, mime in exports.MIMES.items():
            st.download_button(
                {"csv": "CSV", "parquet": "Parquet"}[kind], exports.table_file(frame, kind, dataset),
                f"{file_stem(stem, dataset)}.{kind}", mime, key=f"download-{stem}-{kind}", on_click="ignore",
                icon=":material/download:", help=f"{len(frame):,} rows, every column",
            )  # fmt: skip


def chart(
    figure: go.Figure, key: str, alt: str | None = None, on_select: Any = "ignore", modes: Sequence[str] = ("points",),
    export: bool = True,
) -> Any:  # fmt: skip
    """A figure at the width of its container; its own menu saves it as an image, the button below as HTML.

    Returns the selection where asked for.
    """
    config = {"displaylogo": False, "toImageButtonOptions": exports.image_options(key)}
    more = {} if on_select == "ignore" else {"selection_mode": list(modes)}
    with st.container(gap=None):
        found = st.plotly_chart(figure, key=key, config=config, on_select=on_select, alt=alt, **more)
        if export:
            exports.figure_menu(figure, key, alt or "")
    return found


def chosen_ids(event: Any) -> list[str]:
    """Ids of the points that a chart's selection holds: each point's customdata (its first entry)."""
    points = (event or {}).get("selection", {}).get("points", [])
    found = (point.get("customdata") for point in points)
    return [str(each[0] if isinstance(each, list | tuple) else each) for each in found if each is not None]


def id_table(
    frame: pd.DataFrame,
    id_column: str,
    key: str,
    chosen: str,
    on_choose: Callable[[str], None],
    on_sort: Callable[[str], None] | None = None,
    **more: Any,
) -> None:
    """A table in which choosing a row means choosing its id, whatever is sorted or filtered afterwards.

    ``on_choose`` gets the id ("" when the row is given up); ``on_sort`` gets the column whose head was clicked, so
    that the whole list is sorted and not only the rows shown. A table with other rows, or with another id chosen
    elsewhere, starts with the chosen id's row selected.
    """
    ids = frame[id_column].astype(str).tolist()
    mine = st.session_state.setdefault(f"{key}-mine", {"id": chosen, "turn": 0, "ids": ids})
    if mine["id"] != chosen or mine["ids"] != ids:
        mine.update(id=chosen, ids=ids, turn=mine["turn"] + 1)
    widget = f"{key}-{mine['turn']}"

    def selected() -> None:
        selection = st.session_state[widget]["selection"]
        columns = selection.get("columns", [])
        if columns and on_sort:
            mine["turn"] += 1
            on_sort(columns[0])
            return
        rows = selection.get("rows", [])
        mine["id"] = ids[rows[0]] if rows else ""
        on_choose(mine["id"])

    modes = ["single-row", "single-column"] if on_sort else ["single-row"]
    default = {"selection": {"rows": [ids.index(chosen)]}} if chosen in ids else None
    st.dataframe(
        frame, key=widget, hide_index=True, on_select=selected, selection_mode=modes, selection_default=default, **more
    )


def gene_ids(dataset: StoredDataset) -> pd.Series:
    """What each gene of the rankings is called in addresses: its symbol, or its Ensembl id where the symbol repeats."""
    table = dataset.rankings
    unclear = table["symbol"].eq("") | table["symbol"].isna() | table["symbol"].duplicated(keep=False)
    return table["symbol"].where(~unclear | table["ensembl_gene_id"].fillna("").eq(""), table["ensembl_gene_id"])


def geo_link(accession: str) -> str | None:
    """Address of a GEO record; None for an id that is not a GEO accession."""
    return GEO + accession if ACCESSION.fullmatch(accession) else None


def with_geo(frame: pd.DataFrame) -> pd.DataFrame:
    """A biosample table with a ``geo`` column of links after its ids, for the accessions that GEO knows."""
    links = frame["sample_id"].map(geo_link)
    return frame.assign(geo=links) if links.notna().any() else frame


def sample_columns(unit: str = "") -> dict[str, Any]:
    """How columns of biosample tables are titled, formatted and explained."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    tied = "Has the very value of a biosample outside the neighbourhood"
    rank = "Rank of its expression among all biosamples, 0 = lowest"
    leaves = "Its record in GEO (leaves this app)"
    return {
        "sample_id": text("Biosample", help="GEO accession, or the id that the file gives", width=115),
        "labels": text("Labels", width=125),
        "geo": st.column_config.LinkColumn("GEO", display_text="open", help=leaves, width=65),
        "value": number("Expression", help=unit or None, format="%.3f", width=95),
        "cosine": number("Cosine", help="Cosine similarity of whole normalised profiles", format="%.4f", width=90),
        "mean_cosine": number("Mean cosine", help="Mean cosine similarity to the others", format="%.3f", width=105),
        "title": text("Title", width=230),
        "series_id": text("Series", help="The study that it comes from", width=115),
        "position": number("Rank", help=rank, format="localized", width=75),
        "tied": st.column_config.CheckboxColumn("Tied", help=tied, width=60),
    }


def tiles(values: Sequence[tuple[str, ...]]) -> None:
    """Figures in a row that wraps: (name, value as text, explanation, and a second line where there is one)."""
    with st.container(horizontal=True, gap="small"):
        for name, value, explanation, *second in values:
            below: dict[str, Any] = {"delta": second[0], "delta_color": "off", "delta_arrow": "off"} if second else {}
            st.metric(name, value, help=explanation, border=True, width=152, height="stretch", **below)
