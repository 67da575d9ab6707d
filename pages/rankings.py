"""Rankings: which genes carry signal, and whether the biosamples that give it resemble each other."""

import streamlit as st

from core.figures import rankings as figures
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from pages.ui import cached, feedback, filters, gene_list, ranking_columns, state, tools, widgets

HELP = r"""
Every gene with a length, over all biosamples. $Y$ is $\log_2(1 + \text{count})$, quantile-normalised and divided by
the length of the gene's longest transcript.

**Signal** says how far the upper biosamples stand above the mean: $\frac{1 + p_{95}}{1 + \bar Y}$.
**Mean cosine** is the mean cosine similarity over all pairs of the (up to) 100 biosamples around the gene's 95th
percentile: high where the biosamples that give the signal are one kind of biosample. **Co-rank** is high in both.

In a large dataset shades of the chart say how many genes lie where, and those that stand alone are points. Draw around
an area to keep its genes alone (few enough become points); choose a row to open its gene below. Below the table a list
of genes can be ranked, gene sets tested, and genes compared.
"""


def choose_gene(symbol: str) -> None:
    """Keeps the chosen gene in the address."""
    state.set_params(gene=symbol)


def from_chart() -> None:
    """A lasso or box filters the table; a click on one point opens that gene."""
    filters.take(state.dataset(), st.session_state["signal-cosine"], choose_gene)


def show_table(dataset: StoredDataset, query: RankingQuery, chosen: str, passing: int) -> list[str]:
    """A page of the genes that pass, all of them to download. Returns the ids of the page."""
    rows = cached.rankings(dataset, filters.page_of(query, passing))
    page = ranking_columns.with_bars(dataset, rows)
    page = page.assign(id=cached.gene_ids(dataset).iloc[page["position"]].to_numpy())
    widgets.id_table(
        page, "id", "genes", chosen, choose_gene, filters.sort_by, height=425, alt="Rankings of genes",
        column_order=ranking_columns.order(dataset, st.session_state["columns"]),
        column_config=ranking_columns.config(dataset, query),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if passing > filters.PAGE:
            st.pagination(-(-passing // filters.PAGE), key="page", bind="query-params", max_visible_pages=5)
        filters.downloads(dataset, query, passing)
    return list(page["id"])


def show_scatter(dataset: StoredDataset, query: RankingQuery, chosen: str, passing: int) -> None:
    """All genes; what is drawn around filters the table."""
    points = cached.gene_points(dataset)
    shown = filters.passing_mask(dataset, query, passing)
    figure = figures.scatter(points, shown, chosen, gene_list.ids(dataset))
    widgets.chart(figure, "signal-cosine", "Signal against mean cosine of all genes", from_chart, filters.DRAWN)
    filters.offer_reset(dataset)
    below = figures.outside_view(points)
    if below:
        st.caption(f"{below:,} genes lie far below this view: choose Autoscale in the chart's menu to see them.")


dataset = state.dataset()
widgets.title("Rankings", "Which genes stand out, and are the biosamples behind it alike?", HELP, dataset)
query, symbol, chosen = filters.choose(dataset), state.param("gene"), ""
with feedback.errors():
    chosen = cached.gene_id(dataset, symbol) if symbol else ""
passing = cached.count_rankings(dataset, query)
left, right = st.columns([11, 9], gap="medium")
with left:
    filters.count(dataset, passing, query)
    on_page = show_table(dataset, query, chosen, passing)
with right:
    show_scatter(dataset, query, chosen, passing)
tools.show(dataset, query, chosen, on_page)
