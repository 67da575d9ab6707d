"""A pasted list of genes on the Rankings page: matched, marked in the charts, ranked against all other genes."""

import numpy as np
import streamlit as st

from core import workflows as wf
from core.errors import ArchscopeError
from core.figures import genes as figures
from core.store.datasets import StoredDataset
from core.types import BoolArray, IndexArray
from pages.ui import cached, feedback, gsea, state, widgets
from pages.ui.ranking_columns import COLUMNS

ADDRESS_IDS = 60  # genes that still fit into an address
NAMED = 15  # names that did not match that are listed
HELP = "Symbols or Ensembl ids (with or without version), parted by blanks, commas, semicolons or new lines."
LOG = ("signal",)  # metrics drawn on a logarithmic axis


def ids(dataset: StoredDataset) -> tuple[str, ...]:
    """Ids of the genes of the list, in its order; none where there is no list."""
    in_address = state.param("list")
    if in_address:
        return tuple(in_address.split(","))
    held = st.session_state.get("gene_list")
    return tuple(held[1]) if held and held[0] == dataset.key else ()


def filtering(dataset: StoredDataset) -> tuple[str, ...] | None:
    """The list where the table is kept to it, else None."""
    found = ids(dataset)
    return found if found and state.param("in_list") else None


def mask(total: int, rows: IndexArray) -> BoolArray:
    """Rows as a mask over ``total`` genes."""
    found = np.zeros(total, dtype=np.bool_)
    found[rows] = True
    return found


def show(dataset: StoredDataset) -> None:
    """The field to paste into, what matched, and where the list stands in the ranking."""
    left, right = st.columns([2, 5], gap="large")
    with left:
        if "gene_list_text" not in st.session_state:
            st.session_state["gene_list_text"] = "\n".join(ids(dataset))
        st.text_area("Genes", key="gene_list_text", height=170, help=HELP, placeholder="GFAP, MBP, ENSG00000123560 …")
        with st.container(horizontal=True):
            st.button("Use this list", key="gene_list_use", on_click=_use, args=(dataset,), type="primary")
            if ids(dataset):
                st.button("Clear", key="gene_list_clear", on_click=_keep, args=(dataset, []))
        _say_matched()
    with right, feedback.errors():
        if ids(dataset):
            _show_ranks(dataset)
        else:
            st.caption("Paste a list of genes to see where they stand among all genes, in the charts and in the table.")


def _use(dataset: StoredDataset) -> None:
    try:
        found = cached.match_gene_list(dataset, st.session_state["gene_list_text"])
    except ArchscopeError as error:
        st.session_state["gene_list_said"] = str(error)
        return
    names = cached.gene_ids(dataset).iloc[found.rows].tolist()
    st.session_state["gene_list_said"] = found
    _keep(dataset, names)


def _keep(dataset: StoredDataset, names: list[str]) -> None:
    """A list of up to ``ADDRESS_IDS`` genes goes into the address, a longer one into the session."""
    st.session_state["gene_list"] = (dataset.key, names) if names else None
    state.set_params(list=",".join(names) if len(names) <= ADDRESS_IDS else None)
    if not names:
        state.set_params(in_list=None)
    if "page" in st.session_state:
        st.session_state["page"] = 1


def _say_matched() -> None:
    said = st.session_state.get("gene_list_said")
    if isinstance(said, str):
        st.error(said, icon=":material/error:")
    elif isinstance(said, wf.GeneList):
        repeated = f", {said.repeated:,} named again" if said.repeated else ""
        st.markdown(f"**{len(said.rows):,}** genes matched of {said.asked:,} names{repeated}.")
        _name(said.unknown, "not in this dataset")
        _name(said.without_length, "in the dataset without a length, so not ranked")
        _name(said.ambiguous, "shared by several genes: give Ensembl ids")
        if len(said.rows) > ADDRESS_IDS:
            st.caption(f"A list of more than {ADDRESS_IDS} genes is not kept in the address.")


def _name(names: list[str], why: str) -> None:
    if names:
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        st.warning(f"{len(names):,} {why}: {', '.join(names[:NAMED])}{more}.", icon=":material/help:")


def _show_ranks(dataset: StoredDataset) -> None:
    rows = _rows(dataset)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Ranked by", list(wf.RANKED_BY), format_func=COLUMNS.__getitem__, key="list_by", width=180,
            bind="query-params",
        )  # fmt: skip
        st.session_state["in_list_toggle"] = bool(state.param("in_list"))
        st.toggle("Keep the table to the list", key="in_list_toggle", on_change=_filter)
    found = cached.rank_gene_list(dataset, rows, by)
    widgets.tiles(_figures(found))
    names = cached.gene_ids(dataset).iloc[found.table["position"]].tolist()
    figure = figures.rank_plot(found.values, found.table["rank"], names, found.curve, COLUMNS[by], by in LOG)
    told = f"{len(names)} genes of the list among {found.genes} by {COLUMNS[by]}: median rank {found.median_rank:,.0f}"
    widgets.chart(figure, "list-ranks", told)
    st.caption(
        "Below: the running sum of Mootha et al. (2003), which rises at a gene of the list and falls at any other. The "
        "rank-sum test takes genes for independent, which co-expressed genes are not: a small p is too small."
        + (f" {found.missing} genes of the list have no value of this metric." if found.missing else "")
    )
    widgets.downloads(found.table.drop(columns="position"), f"{dataset.name}-gene-list-{by}")
    st.markdown("**GSEA of the list**")
    with feedback.errors():
        gsea.show_list(dataset, ids(dataset), by)


def _figures(found: wf.ListRanks) -> list[tuple[str, ...]]:
    middle = f"{(found.genes + 1) / 2:,.0f} by chance"
    rank = f"Of {found.genes:,} genes, 1 = best; equal values share a rank"
    top = "Share of the list among the first tenth of all genes; 10 % by chance"
    auc = "Chance that a gene of the list ranks above one that is not in it; 0.5 = no difference"
    test = f"Mann-Whitney test of the list against all other genes, two-sided; U = {found.u:,.0f}"
    return [
        ("Median rank", f"{found.median_rank:,.0f}", rank, middle),
        ("In the top 10 %", f"{found.top_share:.0%}", top),
        ("AUC", f"{found.auc:.3f}", auc),
        ("Rank-sum p", "< 1e-300" if found.p == 0 else f"{found.p:.2g}", test),
    ]


def _rows(dataset: StoredDataset) -> list[int]:
    """Rows of the list's genes. Raises NotFoundError for an id in the address that the dataset does not have."""
    rows = {name: row for row, name in enumerate(cached.gene_ids(dataset))}
    return list(dict.fromkeys(rows[each] if each in rows else dataset.gene(each) for each in ids(dataset)))


def _filter() -> None:
    state.set_params(in_list="1" if st.session_state["in_list_toggle"] else None)
    if "page" in st.session_state:
        st.session_state["page"] = 1
