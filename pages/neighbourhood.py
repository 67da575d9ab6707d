"""Neighbourhood: which biosamples give a gene its signal, how alike they are, and what lies near one of them."""

import streamlit as st

from core.figures import neighbourhood as figures
from core.store.datasets import StoredDataset
from core.types import NeighbourhoodView
from pages.ui import cached, feedback, neighbours, samples, state, widgets

HELP = r"""
Biosamples are ordered by the expression $Y$ of the gene. With $r = \lfloor 0.95 (n + 1) \rfloor$, the neighbourhood is
the $k$ biosamples at positions $r - k/2$ to $r + k/2 - 1$ ($k = 100$, fewer in a small dataset).

**Mean cosine** is the mean over the $k(k-1)/2$ pairs of the cosine between whole normalised profiles,
$\frac{\lVert\sum u\rVert^2 - k}{k(k-1)}$ for unit vectors $u$. Compare it with sets drawn at random: profiles of any
two biosamples are alike to a degree. Biosamples of one series resemble each other for technical reasons too, so a large
share of pairs from one series weakens a finding.
"""


def from_projection() -> None:
    """A click on a point chooses that biosample."""
    ids = widgets.chosen_ids(st.session_state["projection"])
    if ids:
        samples.choose(ids[0])


def show_members(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """Who the members are, and how alike each pair of them is."""
    left, right = st.columns([11, 9], gap="large")
    with left:
        st.subheader("Biosamples", anchor=False)
        samples.table(view.members, "members", state.param("sample"), dataset.unit, height=520)
        widgets.downloads(view.members, f"{dataset.name}-{gene}-neighbourhood")
    with right:
        st.subheader("Cosine similarity, clustered", anchor=False)
        widgets.chart(figures.heatmap(view), f"heatmap-{gene}", neighbours.heatmap_alt(view))


def show_map(dataset: StoredDataset, view: NeighbourhoodView) -> None:
    """All biosamples on a plane beside the random baseline."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All biosamples", anchor=False)
        points = cached.projection(dataset)
        figure = figures.projection(points, view.members["sample_id"].tolist(), state.param("sample"))
        widgets.chart(figure, "projection", "Biosamples on two principal components", on_select=from_projection)
        st.caption("Rings mark the neighbourhood. Click a biosample to see what is most like it.")
    with right:
        st.subheader("Against random biosamples", anchor=False)
        widgets.chart(figures.random_baseline(view), f"random-{view.row['symbol']}", neighbours.baseline_alt(view))


dataset = state.dataset()
purpose = "The biosamples around a gene's 95th percentile: who they are, and how alike."
widgets.title("Neighbourhood", purpose, HELP, dataset)
with feedback.errors():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        gene = widgets.gene_picker(dataset)
        target = state.link(gene=gene)
        st.page_link(
            "pages/rankings.py", label="Back to its ranking", icon=":material/leaderboard:", query_params=target
        )
    view = cached.neighbourhood(dataset, gene)
    neighbours.summary(view)
    show_members(dataset, view, gene)
    neighbours.compositions(dataset, view, gene)
    show_map(dataset, view)
with feedback.errors():
    samples.similar(dataset, state.param("sample"))
