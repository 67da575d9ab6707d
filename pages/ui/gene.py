"""One gene on a page: links to it elsewhere, its distribution over biosamples, its expression by label."""

from typing import Any
from urllib.parse import quote

import streamlit as st

from core.figures import rankings as figures
from core.store.datasets import StoredDataset
from pages.ui import cached, state, widgets


def show(dataset: StoredDataset, gene: str) -> None:
    """Distribution, expression by label and links of one gene. Raises NotFoundError."""
    view = cached.gene(dataset, gene)
    row = view.row
    with st.container(horizontal=True, vertical_alignment="center"):
        known = row["ensembl_gene_id"] or "no Ensembl id"
        st.subheader(f"{row['symbol']} :small[:gray[{known}]]", anchor=False, width="content")
        target = state.link(gene=gene)
        st.page_link("pages/neighbourhood.py", label="Neighbourhood", icon=":material/hub:", query_params=target)
        links(row)
    left, right = st.columns([3, 2], gap="large")
    labels = figures.by_label(view)
    with left:
        st.markdown("**Over all biosamples**, in ascending order")
        told = (
            f"{gene} over {len(view.biosamples)} biosamples: 95th percentile {row['p95']:.2f}, mean {row['mean']:.2f}"
        )
        widgets.chart(figures.distribution(view, labels.layout.height), f"distribution-{gene}", told)
    with right:
        st.markdown("**By label**, highest median on top")
        widgets.chart(labels, f"labels-{gene}", f"Expression of {gene} by label; highest mean: {row['top_label']}")
    widgets.downloads(view.biosamples, f"{dataset.name}-{gene}")


def links(row: Any) -> None:
    """Buttons to a gene's pages elsewhere; nothing is requested until one is pressed."""
    symbol, ensembl = quote(str(row["symbol"] or "")), quote(str(row["ensembl_gene_id"] or "").split(".")[0])
    addresses = {
        "Ensembl": f"https://www.ensembl.org/Homo_sapiens/Gene/Summary?g={ensembl}" if ensembl else None,
        "GeneCards": f"https://www.genecards.org/cgi-bin/carddisp.pl?gene={symbol}" if symbol else None,
        "Human Protein Atlas": f"https://www.proteinatlas.org/{ensembl}" if ensembl else None,
        "GTEx": f"https://gtexportal.org/home/gene/{ensembl or symbol}",
    }
    with st.container(horizontal=True, gap="small", width="content"):
        for name, url in addresses.items():
            if url:
                st.link_button(name, url, icon=":material/open_in_new:", type="tertiary")
