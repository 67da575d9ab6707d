"""The field that chooses a gene. A browser gets a few hundred of the names; what is typed is looked up among all."""

import streamlit as st

from core.errors import NotFoundError
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from pages.ui import cached, state

OFFERED = 300  # genes in the list: all 67,000 of a full dataset would hold the browser up for half a second
SUGGESTED = 12
HELP = "Type any symbol or Ensembl id and press Enter; the list holds only the genes that rank best."
UNKNOWN = "gene_unknown"  # in the session: a dataset's name, and what was typed there and is no gene of it


def gene_picker(dataset: StoredDataset) -> str:
    """Chooses a gene by symbol or Ensembl id and keeps it in the address; the best co-ranked one to begin with.

    What was typed and is no gene is answered with genes whose name has it as a part. Raises NotFoundError for a gene
    in the address that the dataset does not have; the picker is there all the same.
    """
    names = cached.best_genes(dataset, OFFERED)
    asked = state.param("gene") or names[0]
    try:
        current = cached.gene_id(dataset, asked)
        state.set_params(gene=current)
    except NotFoundError:
        current = None
    st.session_state["gene_picker"] = current
    offered = names if current is None or current in names else [current, *names]
    st.selectbox(
        "Gene", offered, key="gene_picker", on_change=_picked, args=(dataset,), filter_mode="prefix", width=320,
        accept_new_options=True, help=HELP, placeholder="Symbol or Ensembl id",
    )  # fmt: skip
    _suggest(dataset)
    return current or cached.gene_id(dataset, asked)


def _picked(dataset: StoredDataset) -> None:
    typed = (st.session_state["gene_picker"] or "").strip()
    st.session_state.pop(UNKNOWN, None)
    try:
        state.set_params(gene=cached.gene_id(dataset, typed))
    except NotFoundError:
        st.session_state[UNKNOWN] = (dataset.name, typed)


def _suggest(dataset: StoredDataset) -> None:
    """What to choose in place of a name that no gene has."""
    of, typed = st.session_state.get(UNKNOWN) or ("", "")
    if of != dataset.name or not typed:
        return
    query = RankingQuery(search=typed, sort="symbol", limit=SUGGESTED)
    rows = cached.rankings(dataset, query)
    found = cached.gene_ids(dataset).iloc[rows["position"]].tolist()
    said = f"No gene of {dataset.name} is called “{typed}”" + (": did you mean" if found else ".")
    st.pills(said, found, key="gene_suggested", on_change=_suggested)


def _suggested() -> None:
    chosen = st.session_state["gene_suggested"]
    st.session_state.pop(UNKNOWN, None)
    if chosen:
        state.set_params(gene=chosen)
