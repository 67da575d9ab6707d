"""Neighbourhood: which biosamples give a gene its signal, how alike they are, and what lies near one of them."""

import streamlit as st

from pages.ui import cached, feedback, gene_picking, neighbours, projections, reports, state, trail, widgets

HELP = r"""
Biosamples are ordered by the expression $Y$ of the gene. With $r = \lfloor 0.95 (n + 1) \rfloor$, the neighbourhood is
the $k$ biosamples at positions $r - k/2$ to $r + k/2 - 1$ ($k = 100$, fewer in a small dataset).

**Mean cosine** is the mean over the $k(k-1)/2$ pairs of the cosine between whole normalised profiles,
$\frac{\lVert\sum u\rVert^2 - k}{k(k-1)}$ for unit vectors $u$. Compare it with sets drawn at random: profiles of any
two biosamples are alike to a degree. Biosamples of one series resemble each other for technical reasons too, so a large
share of pairs from one series weakens a finding; the mean over pairs of different series does without them.

**Labels and series** of the members are held against the whole dataset by the hypergeometric test, adjusted for the
false discovery rate. **Most similar biosamples** lead from a member to its own likes, on to theirs, and back.
"""


dataset = state.dataset()
purpose = "The biosamples around a gene's 95th percentile: who they are, and how alike."
widgets.title("Neighbourhood", purpose, HELP, dataset)
members: list[str] = []
with feedback.errors():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        gene = gene_picking.gene_picker(dataset)
        target = state.link(gene=gene)
        st.page_link(
            "pages/rankings.py", label="Back to its ranking", icon=":material/leaderboard:", query_params=target
        )
        reports.button("gene", dataset, gene)
    view = cached.neighbourhood(dataset, gene)
    members = view.members["sample_id"].tolist()
    neighbours.summary(view)
    neighbours.members(dataset, view, gene)
    neighbours.compositions(dataset, view, gene)
    neighbours.baselines(dataset, view, gene)
    projections.section(dataset, view, gene)
with feedback.errors():
    trail.similar(dataset, state.param("gene") or "the gene", members)
