"""Rankings: which genes carry signal, and whether the biosamples that give it resemble each other."""

import streamlit as st

from core.figures import rankings as figures
from core.store.datasets import StoredDataset
from pages.ui import cached, feedback, filters, state, widgets

HELP = r"""
Every gene with a length, over all biosamples. $Y$ is $\log_2(1 + \text{count})$, quantile-normalised and divided by the
length of the gene's longest transcript.

**Signal** says how far the upper biosamples stand above the mean: $\frac{1 + p_{95}}{1 + \bar Y}$.
**Mean cosine** is the mean cosine similarity over all pairs of the (up to) 100 biosamples around the gene's 95th
percentile: high where the biosamples that give the signal are one kind of biosample. **Co-rank** is high in both.

Draw around points in the chart to keep those genes alone; choose a row to open its gene below.
"""


def choose_gene(gene: str) -> None:
    """Keeps the chosen gene in the address."""
    state.set_params(gene=gene)


def from_chart() -> None:
    """A lasso or box filters the table; a click on one point opens that gene."""
    event = st.session_state["signal-cosine"]
    ids = widgets.chosen_ids(event)
    drawn = event["selection"].get("box") or event["selection"].get("lasso")
    if len(ids) == 1 and not drawn:
        choose_gene(ids[0])
    else:
        filters.select(dataset, ids)


def show_gene(dataset: StoredDataset, gene: str) -> None:
    """Distribution, expression by label and links of one gene."""
    view = cached.gene(dataset, gene)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            f"{view.row['symbol']}  :small[:gray[{view.row['ensembl_gene_id'] or 'no Ensembl id'}]]",
            anchor=False,
            width="content",
        )
        st.page_link(
            "pages/neighbourhood.py", label="Neighbourhood", icon=":material/hub:", query_params=state.link(gene=gene)
        )
        widgets.gene_links(view.row)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Over all biosamples**")
        widgets.chart(
            figures.distribution(view), f"distribution-{gene}", f"{gene}: 95th percentile {view.row['p95']:.2f}"
        )
    with right:
        st.markdown("**By label**, highest median on top")
        widgets.chart(
            figures.by_label(view),
            f"labels-{gene}",
            f"Expression of {gene} by label; highest mean: {view.row['top_label']}",
        )
    widgets.downloads(view.biosamples, f"{dataset.name}-{gene}")


dataset = state.dataset()
widgets.title(
    "Rankings", "Which genes stand out somewhere, and do the biosamples behind it resemble each other?", HELP, dataset
)
query = filters.choose(dataset)
gene = state.param("gene")
ids = widgets.gene_ids(dataset)
everything = cached.rankings(dataset, filters.RankingQuery(sort="symbol"))
passing = cached.rankings(dataset, query)
left, right = st.columns([11, 9], gap="medium")
with left, feedback.errors():
    st.markdown(f"**{len(passing):,}** of {len(everything):,} genes, by {filters.SORTS[query.sort].lower()}"
                + (f" · **{len(query.genes):,}** selected in the chart" if query.genes is not None else ""))  # fmt: skip
    start = filters.page_of(query, len(passing)).offset
    page = passing.iloc[start : start + filters.PAGE].assign(id=lambda frame: frame["position"].map(ids))
    chosen = ids.iloc[dataset.gene(gene)] if gene else ""
    order = [name for name in filters.COLUMNS if name != "biotype" or passing["biotype"].fillna("").ne("").any()]
    widgets.id_table(page, "id", "genes", chosen, choose_gene, filters.sort_by, column_order=order, height=425,
                     column_config=filters.columns(dataset, query), alt="Rankings of genes")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(passing) > filters.PAGE:
            st.pagination(-(-len(passing) // filters.PAGE), key="page", max_visible_pages=5)
        widgets.downloads(passing.drop(columns="position"), f"{dataset.name}-rankings")
with right:
    points = everything.assign(id=everything["position"].map(ids))
    shown = None if len(passing) == len(everything) else passing["position"].map(ids)
    widgets.chart(figures.scatter(points, shown, gene), "signal-cosine", "Signal against mean cosine of all genes",
                  on_select=from_chart, modes=("points", "box", "lasso"))  # fmt: skip
    if query.genes is not None:
        st.button("Show all genes again", on_click=filters.select, args=(dataset, []), icon=":material/filter_alt_off:")
if gene:
    with feedback.errors():
        show_gene(dataset, gene)
else:
    feedback.empty("Choose a row of the table, or a point of the chart, to see that gene over all biosamples.")
