"""Rankings: which genes carry signal, and whether the biosamples that give it resemble each other."""

import pandas as pd
import streamlit as st

from core.figures import rankings as figures
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from pages.ui import cached, feedback, filters, gene, state, widgets

HELP = r"""
Every gene with a length, over all biosamples. $Y$ is $\log_2(1 + \text{count})$, quantile-normalised and divided by
the length of the gene's longest transcript.

**Signal** says how far the upper biosamples stand above the mean: $\frac{1 + p_{95}}{1 + \bar Y}$.
**Mean cosine** is the mean cosine similarity over all pairs of the (up to) 100 biosamples around the gene's 95th
percentile: high where the biosamples that give the signal are one kind of biosample. **Co-rank** is high in both.

Draw around points in the chart to keep those genes alone; choose a row to open its gene below.
"""


def choose_gene(symbol: str) -> None:
    """Keeps the chosen gene in the address."""
    state.set_params(gene=symbol)


def from_chart() -> None:
    """A lasso or box filters the table; a click on one point opens that gene."""
    event = st.session_state["signal-cosine"]
    found = widgets.chosen_ids(event)
    if len(found) == 1 and not (event["selection"].get("box") or event["selection"].get("lasso")):
        choose_gene(found[0])
    else:
        filters.select(state.dataset(), found)


def show_table(dataset: StoredDataset, query: RankingQuery, chosen: str) -> None:
    """The genes that pass, a page of rows at a time; all of them to download."""
    passing = cached.rankings(dataset, query)
    start = filters.page_of(query, len(passing)).offset
    page = passing.iloc[start : start + filters.PAGE]
    page = page.assign(id=page["position"].map(widgets.gene_ids(dataset)))
    widgets.id_table(
        page, "id", "genes", chosen, choose_gene, filters.sort_by, height=425, alt="Rankings of genes",
        column_order=filters.order(passing), column_config=filters.columns(dataset, query),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(passing) > filters.PAGE:
            st.pagination(-(-len(passing) // filters.PAGE), key="page", bind="query-params", max_visible_pages=5)
        widgets.downloads(passing.drop(columns="position"), f"{dataset.name}-rankings")


def show_scatter(dataset: StoredDataset, everything: pd.DataFrame, query: RankingQuery, chosen: str) -> None:
    """All genes; what is drawn around filters the table."""
    points = everything.assign(id=everything["position"].map(widgets.gene_ids(dataset)))
    figure = figures.scatter(points, filters.passing_ids(dataset, query, len(everything)), chosen)
    widgets.chart(figure, "signal-cosine", "Signal against mean cosine of all genes", from_chart, filters.DRAWN)
    filters.offer_reset(dataset, query)
    below = figures.outside_view(everything)
    if below:
        st.caption(f"{below:,} genes lie far below this view: choose Autoscale in the chart's menu to see them.")


dataset = state.dataset()
widgets.title("Rankings", "Which genes stand out, and are the biosamples behind it alike?", HELP, dataset)
query, symbol, chosen = filters.choose(dataset), state.param("gene"), ""
with feedback.errors():
    chosen = widgets.gene_id(dataset, symbol) if symbol else ""
everything = cached.rankings(dataset, RankingQuery(sort="symbol"))
left, right = st.columns([11, 9], gap="medium")
with left:
    filters.count(len(everything), cached.count_rankings(dataset, query), query)
    show_table(dataset, query, chosen)
with right:
    show_scatter(dataset, everything, query, chosen)
if chosen:
    gene.show(dataset, chosen)
else:
    feedback.empty("Choose a row of the table, or a point of the chart, to see that gene over all biosamples.")
