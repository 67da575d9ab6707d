"""Gene: one gene of the dataset: its ranks, its expression by label, its neighbourhood, the genes that go with it."""

import streamlit as st

from pages.ui import cached, feedback, gene, gene_page, gene_picking, reports, state, widgets

HELP = r"""
One gene over all biosamples. $Y$ is $\log_2(1 + \text{count})$, quantile-normalised and divided by the length of the
gene's longest transcript; every metric is that of the Rankings page, with its rank among all genes.

**By label** shows the quartiles and the 5th and 95th percentile, or the whole distribution (violin). A biosample with
several labels counts for each of them.

**Correlated genes** are those with the highest Pearson correlation over biosamples (of 2,000 of them in a large
dataset). Two genes of one tissue correlate because the tissue differs from others: it says nothing of a cause.
"""

dataset = state.dataset()
widgets.title("Gene", "Where is this gene expressed, how does it rank, and which genes go with it?", HELP, dataset)
with feedback.errors():
    chosen = gene_picking.gene_picker(dataset)
    view = cached.gene(dataset, chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        gene.heading(view.row)
        gene.links(dataset, view.row)
        st.page_link(
            "pages/rankings.py", label="In the rankings", icon=":material/leaderboard:",
            query_params=state.link(gene=chosen),
        )  # fmt: skip
        reports.button("gene", dataset, chosen)
    gene_page.facts(dataset, view)
    left, right = st.columns([3, 2], gap="large")
    with left:
        gene.distribution(dataset, view, chosen)
    with right:
        gene_page.metrics(dataset, chosen)
    gene_page.neighbourhood(dataset, view, chosen)
    widgets.downloads(view.biosamples, f"{dataset.name}-{chosen}")
    gene_page.by_label(dataset, chosen)
    gene_page.correlated(dataset, chosen)
