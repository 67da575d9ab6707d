"""Workflow calls that pages repeat on every rerun, kept in memory within bounds.

Named as the workflows. Each takes the dataset first; its build key (with the edits of its labels, where labels are
shown) is part of the cache's key, so a dataset that is built anew or relabelled never shows an old result.
"""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from core.types import GeneView, IndexArray, NeighbourhoodView
from pages.ui import state, widgets


def rankings(dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
    """Rows of the rankings that a query asks for."""
    return _rankings(dataset.name, dataset.key, query)


def count_rankings(dataset: StoredDataset, query: RankingQuery) -> int:
    """How many genes pass a query's filters."""
    return _count_rankings(dataset.name, dataset.key, query)


def gene(dataset: StoredDataset, symbol: str) -> GeneView:
    """One gene over all biosamples. Shared: read it, don't change it. Raises NotFoundError."""
    return _gene(dataset.name, dataset.view_key, symbol)


def gene_ids(dataset: StoredDataset) -> pd.Series:
    """What each gene of the rankings is called in addresses. Shared between sessions: read it, don't change it."""
    return _gene_ids(dataset.name, dataset.key)


def gene_id(dataset: StoredDataset, gene: str) -> str:
    """The id in addresses of a gene that is named in any way. Raises NotFoundError."""
    return str(gene_ids(dataset).iloc[dataset.gene(gene)])


def best_genes(dataset: StoredDataset, n: int) -> list[str]:
    """Ids of the ``n`` genes that co-rank best. Shared between sessions: read it, don't change it."""
    return _best_genes(dataset.name, dataset.key, n)


def gene_points(dataset: StoredDataset) -> pd.DataFrame:
    """id, signal, mean_cosine of every gene. Shared between sessions: read it, don't change it."""
    return _gene_points(dataset.name, dataset.key)


def biotype_counts(dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
    """How many genes of each biotype pass the other filters of a query. Raises RecipeError."""
    return _biotype_counts(dataset.name, dataset.key, query)


def passing_genes(dataset: StoredDataset, query: RankingQuery) -> IndexArray:
    """Rows of the genes that pass the filters of a query. Raises RecipeError."""
    return _passing_genes(dataset.name, dataset.key, query)


def gene_ranks(dataset: StoredDataset, symbol: str) -> pd.DataFrame:
    """A gene among all genes, a row a metric. Raises NotFoundError."""
    return _gene_ranks(dataset.name, dataset.key, symbol)


def expression_by_label(dataset: StoredDataset, symbol: str, scale: str) -> pd.DataFrame:
    """Expression of a gene by label, a row a label. Raises NotFoundError."""
    return _expression_by_label(dataset.name, dataset.view_key, symbol, scale)


def correlated_genes(dataset: StoredDataset, symbol: str, top: int, sign: str) -> wf.CorrelatedGenes:
    """The genes whose expression goes with a gene's, or against it. Raises NotFoundError."""
    return _correlated_genes(dataset.name, dataset.key, symbol, top, sign)


def compare_genes(dataset: StoredDataset, genes: tuple[str, ...], scale: str) -> wf.GeneComparison:
    """Several genes side by side. Raises NotFoundError, RecipeError."""
    return _compare_genes(dataset.name, dataset.view_key, genes, scale)


def match_gene_list(dataset: StoredDataset, text: str) -> wf.GeneList:
    """A pasted list of genes on the genes of a dataset. Raises GeneSetsError."""
    return _match_gene_list(dataset.name, dataset.key, text)


def rank_gene_list(dataset: StoredDataset, rows: list[int], by: str) -> wf.ListRanks:
    """How a list of genes stands in a ranking. Raises GeneSetsError."""
    return _rank_gene_list(dataset.name, dataset.key, rows, by)


def enrich(
    dataset: StoredDataset, file: str, stamp: int, by: str, top: int, among: RankingQuery | None
) -> pd.DataFrame:
    """Which sets of a file stand near the top; ``stamp`` tells a changed file. Raises GeneSetsError, RecipeError."""
    return _enrich(dataset.name, dataset.key, file, stamp, by, top, among)


def neighbourhood(dataset: StoredDataset, symbol: str) -> NeighbourhoodView:
    """The biosamples around a gene's 95th percentile. Shared: read it, don't change it. Raises NotFoundError."""
    return _neighbourhood(dataset.name, dataset.view_key, symbol)


def similar_biosamples(dataset: StoredDataset, sample_id: str, top: int = 50) -> pd.DataFrame:
    """The biosamples most like one. Raises NotFoundError."""
    return _similar_biosamples(dataset.name, dataset.view_key, sample_id, top)


def projection(dataset: StoredDataset, method: str = "pca", keep: tuple[str, ...] = ()) -> pd.DataFrame:
    """All biosamples on a map; computed here where no job did. Raises RecipeError, NotFoundError.

    Shared between sessions: read it, don't change it.
    """
    return _projection(dataset.name, dataset.view_key, method, keep)


def baselines(dataset: StoredDataset, symbol: str) -> wf.Baselines:
    """Sets of biosamples to hold a neighbourhood against. Raises NotFoundError."""
    return _baselines(dataset.name, dataset.view_key, symbol)


def trail(dataset: StoredDataset, sample_ids: tuple[str, ...]) -> pd.DataFrame:
    """What each step of a walk kept. Raises NotFoundError."""
    return _trail(dataset.name, dataset.view_key, sample_ids)


def overview(dataset: StoredDataset) -> wf.Overview:
    """What the dataset is; which runs are in use is looked up anew each time."""
    return wf.overview(state.workspace(), dataset.name)


@st.cache_data(max_entries=64, show_spinner=False)
def _rankings(name: str, key: str, query: RankingQuery) -> pd.DataFrame:
    return wf.rankings(state.workspace(), name, query)


@st.cache_data(max_entries=256, show_spinner=False)
def _count_rankings(name: str, key: str, query: RankingQuery) -> int:
    return wf.count_rankings(state.workspace(), name, query)


@st.cache_resource(max_entries=64, show_spinner=False)
def _gene(name: str, key: str, symbol: str) -> GeneView:
    return wf.gene(state.workspace(), name, symbol)


@st.cache_resource(max_entries=8, show_spinner=False)
def _gene_ids(name: str, key: str) -> pd.Series:
    return widgets.gene_ids(state.workspace().dataset(name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _best_genes(name: str, key: str, n: int) -> list[str]:
    ranks = state.workspace().dataset(name).rankings["co_rank"].astype("float64").fillna(float("inf"))
    return _gene_ids(name, key).iloc[ranks.argsort(kind="stable")[:n]].tolist()


@st.cache_resource(max_entries=8, show_spinner=False)
def _gene_points(name: str, key: str) -> pd.DataFrame:
    dataset = state.workspace().dataset(name)
    return dataset.rankings[["signal", "mean_cosine"]].assign(id=_gene_ids(name, key))


@st.cache_data(max_entries=64, show_spinner=False)
def _biotype_counts(name: str, key: str, query: RankingQuery) -> pd.DataFrame:
    return wf.biotype_counts(state.workspace(), name, query)


@st.cache_data(max_entries=32, show_spinner=False)
def _passing_genes(name: str, key: str, query: RankingQuery) -> IndexArray:
    return wf.passing_genes(state.workspace(), name, query)


@st.cache_data(max_entries=64, show_spinner=False)
def _gene_ranks(name: str, key: str, symbol: str) -> pd.DataFrame:
    return wf.gene_ranks(state.workspace(), name, symbol)


@st.cache_data(max_entries=64, show_spinner=False)
def _expression_by_label(name: str, key: str, symbol: str, scale: str) -> pd.DataFrame:
    return wf.expression_by_label(state.workspace(), name, symbol, scale)


@st.cache_data(max_entries=64, show_spinner="Comparing with all genes (the first time also drawing biosamples)")
def _correlated_genes(name: str, key: str, symbol: str, top: int, sign: str) -> wf.CorrelatedGenes:
    return wf.correlated_genes(state.workspace(), name, symbol, top, sign)


@st.cache_data(max_entries=16, show_spinner=False)
def _compare_genes(name: str, key: str, genes: tuple[str, ...], scale: str) -> wf.GeneComparison:
    return wf.compare_genes(state.workspace(), name, genes, scale)


@st.cache_data(max_entries=32, show_spinner=False)
def _match_gene_list(name: str, key: str, text: str) -> wf.GeneList:
    return wf.match_gene_list(state.workspace(), name, text)


@st.cache_data(max_entries=32, show_spinner=False)
def _rank_gene_list(name: str, key: str, rows: list[int], by: str) -> wf.ListRanks:
    return wf.rank_gene_list(state.workspace(), name, rows, by)


@st.cache_data(max_entries=16, show_spinner="Ranking the gene sets")
def _enrich(name: str, key: str, file: str, stamp: int, by: str, top: int, among: RankingQuery | None) -> pd.DataFrame:
    workspace = state.workspace()
    rows = None if among is None else wf.passing_genes(workspace, name, among)
    return wf.enrich(workspace, name, wf.gene_sets(workspace, file), by, top, rows)


@st.cache_resource(max_entries=64, show_spinner="Comparing the biosamples around the 95th percentile")
def _neighbourhood(name: str, key: str, symbol: str) -> NeighbourhoodView:
    return wf.neighbourhood(state.workspace(), name, symbol)


@st.cache_data(max_entries=128, show_spinner=False)
def _similar_biosamples(name: str, key: str, sample_id: str, top: int) -> pd.DataFrame:
    return wf.similar_biosamples(state.workspace(), name, sample_id, top)


@st.cache_resource(max_entries=8, show_spinner="Projecting all biosamples (once for each dataset)")
def _projection(name: str, key: str, method: str, keep: tuple[str, ...]) -> pd.DataFrame:
    return wf.projection(state.workspace(), name, method, keep)


@st.cache_data(max_entries=128, show_spinner="Comparing with other sets of biosamples")
def _baselines(name: str, key: str, symbol: str) -> wf.Baselines:
    return wf.baselines(state.workspace(), name, symbol)


@st.cache_data(max_entries=128, show_spinner=False)
def _trail(name: str, key: str, sample_ids: tuple[str, ...]) -> pd.DataFrame:
    return wf.trail(state.workspace(), name, list(sample_ids))
