"""What the lower part of the Rankings page shows: the chosen gene, a gene list, gene sets, genes side by side."""

import streamlit as st

from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from pages.ui import comparing_genes, enrichment, feedback, gene, gene_list

TOOLS = ("Gene", "Gene list", "Gene sets", "Compare genes")


def show(dataset: StoredDataset, query: RankingQuery, chosen: str, on_page: list[str]) -> None:
    """One of the tools, as the address says. ``on_page``: ids of the genes on the table's present page."""
    tool = st.segmented_control(
        "Below the table", TOOLS, key="tool", default="Gene", required=True, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    with feedback.errors():
        if tool == "Gene list":
            gene_list.show(dataset)
        elif tool == "Gene sets":
            enrichment.show(dataset, query)
        elif tool == "Compare genes":
            comparing_genes.show(dataset, on_page)
        elif chosen:
            gene.panel(dataset, chosen)
        else:
            feedback.empty("Choose a row of the table, or a point of the chart, to see that gene over all biosamples.")
