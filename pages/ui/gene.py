"""One gene in a few lines, as other pages show it: its name with links, its figures, its distribution, top labels."""

from typing import Any
from urllib.parse import quote

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.figures import genes as figures
from core.figures import rankings
from core.sources.organisms import organism_named, organism_of
from core.store.datasets import StoredDataset
from core.types import GeneView
from pages.ui import cached, drawn, reports, state, widgets

PANEL_LABELS = 10  # labels in the panel; the gene's page shows all of them


def panel(dataset: StoredDataset, gene: str) -> None:
    """The gene that was chosen in a table, with the way to its page. Raises NotFoundError."""
    view = cached.gene(dataset, gene)
    with st.container(horizontal=True, vertical_alignment="center"):
        heading(view.row)
        target = state.link(gene=gene)
        st.page_link("pages/gene.py", label="Gene page", icon=":material/genetics:", query_params=target)
        st.page_link("pages/neighbourhood.py", label="Neighbourhood", icon=":material/hub:", query_params=target)
        reports.button("gene", dataset, gene)
        links(dataset, view.row)
    left, right = st.columns([3, 2], gap="large")
    chart, shown, labels = drawn.once(dataset, "panel", lambda: _by_label(view), gene)
    with left:
        distribution(dataset, view, gene, max(380, chart.layout.height))
    with right:
        of = f"the first {shown} of {labels}, " if labels > shown else ""
        st.markdown(f"**By label**, {of}highest median on top")
        told = f"Expression of {gene} by label; highest mean: {view.row['top_label']}"
        widgets.chart(chart, f"labels-{gene}", told)
    widgets.downloads(view.biosamples, f"{dataset.name}-{gene}")


def _by_label(view: GeneView) -> tuple[go.Figure, int, int]:
    """Expression by the labels with the highest medians, how many they are, and of how many."""
    groups = figures.groups_of(view)
    best = sorted(groups, key=lambda group: -float(np.median(group.values)))[:PANEL_LABELS]
    return figures.by_label(best, view.unit), len(best), len(groups)


def heading(row: Any) -> None:
    """Symbol and Ensembl id."""
    known = row["ensembl_gene_id"] or "no Ensembl id"
    st.header(f"{row['symbol'] or known} :small[:gray[{known}]]", anchor=False, width="content")


def distribution(dataset: StoredDataset, view: GeneView, gene: str, height: int = 380) -> None:
    """A gene over all biosamples."""
    st.markdown("**Over all biosamples**, in ascending order")
    row = view.row
    told = f"{gene} over {len(view.biosamples)} biosamples: 95th percentile {row['p95']:.2f}, mean {row['mean']:.2f}"
    figure = drawn.once(dataset, "distribution", lambda: rankings.distribution(view, height), gene, height)
    widgets.chart(figure, f"distribution-{gene}", told)


def organism(dataset: StoredDataset) -> str:
    """The organism of a dataset in plain words; human where nothing tells."""
    named = organism_named(dataset.manifest.get("organism"))
    first = dataset.rankings[["ensembl_gene_id", "symbol"]].head(2000).fillna("")
    return named or organism_of(first["ensembl_gene_id"], first["symbol"]) or "human"


def addresses(organism: str, symbol: str, ensembl: str) -> dict[str, str]:
    """Where a gene is described elsewhere: name of the site, address. Only sites that have genes of the organism."""
    symbol, ensembl = quote(symbol), quote(ensembl.split(".")[0])
    human, mouse = organism == "human", organism == "mouse"
    species = {"human": "Homo_sapiens", "mouse": "Mus_musculus"}.get(organism, "Multi")
    found = {
        "Ensembl": f"https://www.ensembl.org/{species}/Gene/Summary?g={ensembl}" if ensembl else "",
        "GeneCards": f"https://www.genecards.org/cgi-bin/carddisp.pl?gene={symbol}" if human and symbol else "",
        "Human Protein Atlas": f"https://www.proteinatlas.org/{ensembl}" if human and ensembl else "",
        "GTEx": f"https://gtexportal.org/home/gene/{ensembl or symbol}" if human else "",
        "ARCHS4": f"https://maayanlab.cloud/archs4/gene/{symbol}" if human and symbol else "",
        "MGI": f"https://www.informatics.jax.org/searchtool/Search.do?query={ensembl or symbol}" if mouse else "",
        "NCBI Gene": f"https://www.ncbi.nlm.nih.gov/gene/?term={symbol}%5Bsym%5D+AND+mouse%5Borgn%5D"
        if mouse and symbol
        else "",
    }
    return {name: url for name, url in found.items() if url}


def links(dataset: StoredDataset, row: Any) -> None:
    """Buttons to a gene's pages elsewhere; nothing is requested until one is pressed."""
    with st.container(horizontal=True, gap="small", width="content"):
        for name, url in addresses(organism(dataset), row["symbol"] or "", row["ensembl_gene_id"] or "").items():
            st.link_button(name, url, icon=":material/open_in_new:", type="tertiary")
