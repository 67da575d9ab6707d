"""Preranked GSEA on the Rankings page: a job for a file of sets or the pasted list, its table, a set's running sum."""

import pandas as pd
import streamlit as st

from core import jobs
from core import workflows as wf
from core.access import Role
from core.figures import gsea as figures
from core.store.datasets import StoredDataset
from pages.ui import feedback, people, state, widgets
from pages.ui.ranking_columns import COLUMNS

WEIGHTS = {"by value": 1.0, "by rank alone": 0.0}
WEIGHT_HELP = (
    "How far the running sum rises at a gene of the set: by its share of the set's values (GSEA's own weight, 1), or "
    "by the same at each (0)."
)
NOTE = (
    "Preranked GSEA (Subramanian et al. 2005) by the package gseapy: sets of as many genes drawn at random give p, NES "
    "and the false discovery rate q. Co-expressed genes are not random ones: p and q of their sets are still too small."
)
FEWEST = 5


def settings(by: str, key: str) -> tuple[float, int]:
    """Chooses the weight and the number of permutations, both in the address."""
    weight = 0.0
    if by != "co_rank":  # a rank is no weight
        weight = WEIGHTS[st.selectbox("Weighted", list(WEIGHTS), key=f"{key}_weight", bind="query-params", width=170,
                                      help=WEIGHT_HELP)]  # fmt: skip
    permutations = st.selectbox(
        "Permutations", wf.PERMUTATIONS, format_func="{:,}".format, key=f"{key}_permutations", bind="query-params",
        help="p and q cannot be told below 1 over this number", width=170,
    )  # fmt: skip
    return weight, int(permutations)


def result(dataset: StoredDataset, request: wf.GseaRequest, key: str) -> pd.DataFrame | None:
    """The table where there is one; else the job at work, or a button that starts it. Raises GeneSetsError."""
    workspace = state.workspace()
    found = wf.gsea_result(workspace, dataset.name, request)
    if found is not None:
        return found
    run = wf.gsea_job(workspace, dataset.name, request)
    if run is not None:
        feedback.job_panel(run)
    if run is None or run.status not in feedback.LIVE:
        st.caption("It is done once for these settings, in a job, and kept.")
        if people.welcome(Role.TRAINER, "Running it") and st.button(
            "Run GSEA", key=f"{key}_run", icon=":material/play_arrow:", type="primary"
        ):
            jobs.start(workspace, "gsea", dataset.name, wf.gsea_parameters(workspace, dataset.name, request))
            st.rerun()
    return None


def show_sets(dataset: StoredDataset, request: wf.GseaRequest) -> None:
    """All sets of a file; the chosen one's running sum."""
    found = result(dataset, request, "sets")
    if found is None:
        return
    good = int((found["q"] <= 0.05).sum())
    st.markdown(f"**{len(found):,}** sets of 5 to 2,000 ranked genes, **{good:,}** with q ≤ 0.05")
    asked = state.param("set")
    chosen = asked if asked in set(found["set"]) else str(found["set"].iloc[0])
    row = found[found["set"] == chosen].iloc[0]
    curve(dataset, request, chosen, f"{chosen}: NES {row['nes']:.2f}, q {told(row['q'], request)}")
    widgets.id_table(found, "set", "gsea-sets", chosen, _choose, height=320, column_config=columns(request),
                     alt="GSEA of gene sets")  # fmt: skip
    st.caption(NOTE)
    widgets.downloads(found, f"{dataset.name}-{request.file}-{request.by}-gsea")


def show_list(dataset: StoredDataset, names: tuple[str, ...], by: str) -> None:
    """The pasted list as one set."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        weight, permutations = settings(by, "list")
    if len(names) < FEWEST:
        st.caption(f"GSEA needs a list of at least {FEWEST} genes.")
        return
    request = wf.GseaRequest(genes=names, by=by, weight=weight, permutations=permutations)
    found = result(dataset, request, "list")
    if found is None:
        return
    row = found.iloc[0]
    widgets.tiles([
        ("ES", f"{row['score']:.3f}", "Enrichment score: the largest deviation of the running sum from 0"),
        ("NES", f"{row['nes']:.2f}", "ES over the mean ES of random lists of as many genes, of the same sign"),
        ("p", told(row["p"], request), f"{request.permutations:,} random lists: as far from 0, of those of its sign"),
        ("Leading edge", f"{row['n_leading']:,}", "Genes of the list up to the largest deviation"),
    ])  # fmt: skip
    curve(dataset, request, wf.GSEA_LIST, "")
    st.caption(NOTE)
    widgets.downloads(found, f"{dataset.name}-gene-list-{by}-gsea")


def curve(dataset: StoredDataset, request: wf.GseaRequest, chosen: str, title: str) -> None:
    """The running sum of one set."""
    found = wf.set_curve(state.workspace(), dataset.name, request, chosen)
    metric = COLUMNS[request.by]
    if title:
        st.markdown(f"**{title}**")
    figure = figures.running_sum(
        found.corners, found.ranks, found.names, found.values, found.leading, found.genes, metric
    )
    m, n_leading = len(found.ranks), int(found.leading.sum())
    alt = figures.running_sum_alt(chosen, found.score, n_leading, m, found.genes, metric)
    widgets.chart(figure, "running-sum", alt)


def told(p: float, request: wf.GseaRequest) -> str:
    """A p or q in words: the smallest that can be told is an upper limit."""
    least = 1 / request.permutations
    return f"≤ {least:g}" if p <= least else f"{p:.2g}"


def columns(request: wf.GseaRequest) -> dict[str, object]:
    """How the table's columns are titled, formatted and explained."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    least = f"{1 / request.permutations:g} stands for anything below"
    return {
        "set": text("Gene set", pinned=True, width=230),
        "genes": number("Genes", help="In the file", format="localized", width=75),
        "ranked": number("Ranked", help="Of them in the dataset and in the background", format="localized", width=80),
        "score": number("ES", help="Largest deviation of the running sum from 0", format="%.3f", width=80),
        "nes": number("NES", help="ES over the mean ES of random sets of its sign", format="%.2f", width=75),
        "p": number("p", help=f"Among random sets of its sign; {least}", format="%.2g", width=85),
        "q": number("q", help=f"GSEA's false discovery rate; {least}", format="%.2g", width=85),
        "n_leading": number("Leading", help="Genes of the leading edge", format="localized", width=85),
        "leading_edge": text("Leading edge", width=320),
        "description": text("Description", width=220),
    }  # fmt: skip


def _choose(name: str) -> None:
    state.set_params(set=name)
