"""Data: the datasets there are, and building a new one from an ARCHS4 file."""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from pages.ui import adding, audit, building, disk, facts, feedback, fetching, labelling, state, widgets

HELP = r"""
A **dataset** is one counts file in an ARCHS4 layout (HDF5, any release; transcripts are added up to genes) with its
labels and gene lengths. Building reads the counts, maps every biosample onto a common distribution (quantile
normalisation of $\log_2(1 + X)$), divides by gene length, and measures each gene.

- **Labels**: a table `sample_id<TAB>label` (repeat a biosample for several labels), or the path of a folder with a
  folder of tables for each label, as ARCHS4 offers them for download; and rules that read the metadata.
  Labels of single biosamples can be corrected below; such edits are kept apart and last through a new build.
- **Lengths**: a table with `symbol`, `ensembl_gene_id`, `longest_transcript_spliced_length` and
  `longest_transcript_genomic_span`, a GENCODE GTF (plain or gzip), or a release of GENCODE, which is downloaded once.

Building the same files with the same settings again is recognised and takes no time. A failed build changes nothing.
"""


def choose(name: str) -> None:
    """Makes a dataset the current one."""
    if name:
        state.set_params(dataset=name, gene=None, genes=None, sample=None)


def show_datasets() -> None:
    """The datasets there are; choosing one makes it the dataset of every page."""
    table = wf.datasets(state.workspace())
    if table.empty:
        feedback.first_start(state.workspace(), heading=False)
        return
    st.header("Datasets", anchor=False)
    table["created"] = pd.to_datetime(table["created"])
    columns = building.dataset_columns()
    widgets.id_table(table, "name", "datasets", state.param("dataset"), choose, column_config=columns, alt="Datasets")
    widgets.downloads(table, "datasets")


def show_gene_coverage(dataset: StoredDataset) -> None:
    """Genes that are not in the rankings, or were in the file more than once, by name."""
    facts_of, table = dataset.manifest, facts.left_out(dataset.manifest)
    without, repeated = len(facts_of["without_length"]), len(facts_of["repeated_genes"])
    st.header(f"Genes of {dataset.name}", anchor=False)
    st.markdown(
        f"**{without:,}** of {facts_of['n_genes_all']:,} genes have no length and are kept out of the rankings. "
        f"**{repeated:,}** stand in the file more than once, "
        f"and **{len(facts_of['shared_symbols']):,}** symbols belong to several genes." + facts.of_transcripts(facts_of)
    )
    if len(table):
        st.dataframe(table, hide_index=True, height=min(460, 40 + 35 * len(table)), alt="Genes left out or repeated")
        widgets.downloads(table, f"{dataset.name}-genes-left-out")


widgets.title("Data", "Choose a dataset, fetch biosamples from ARCHS4, or build from a file.", HELP)
with feedback.errors():
    show_datasets()
fetching.section(state.workspace())
left, right = st.columns([3, 2], gap="large")
with left, feedback.errors():
    building.follow(state.workspace())
    building.form(state.workspace())
    if state.dataset_names():
        adding.form(state.workspace(), state.dataset())
with right, feedback.errors():
    if state.dataset_names():
        show_gene_coverage(state.dataset())
with feedback.errors():
    if state.dataset_names():
        labelling.section(state.dataset())
disk.section(state.workspace())
audit.section()
