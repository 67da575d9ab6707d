"""Workflow calls that pages repeat on every rerun, kept in memory within bounds.

Named as the workflows. Each takes the dataset first; its build key (with the edits of its labels, where labels are
shown) is part of the cache's key, so a dataset that is built anew or relabelled never shows an old result.
"""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from core.types import GeneView, NeighbourhoodView
from pages.ui import state


def rankings(dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
    """Rows of the rankings that a query asks for."""
    return _rankings(dataset.name, dataset.key, query)


def count_rankings(dataset: StoredDataset, query: RankingQuery) -> int:
    """How many genes pass a query's filters."""
    return _count_rankings(dataset.name, dataset.key, query)


def gene(dataset: StoredDataset, symbol: str) -> GeneView:
    """One gene over all biosamples. Raises NotFoundError."""
    return _gene(dataset.name, dataset.view_key, symbol)


def neighbourhood(dataset: StoredDataset, symbol: str) -> NeighbourhoodView:
    """The biosamples around a gene's 95th percentile. Raises NotFoundError."""
    return _neighbourhood(dataset.name, dataset.view_key, symbol)


def similar_biosamples(dataset: StoredDataset, sample_id: str, top: int = 50) -> pd.DataFrame:
    """The biosamples most like one. Raises NotFoundError."""
    return _similar_biosamples(dataset.name, dataset.view_key, sample_id, top)


def projection(dataset: StoredDataset) -> pd.DataFrame:
    """All biosamples on principal components."""
    return _projection(dataset.name, dataset.view_key)


def overview(dataset: StoredDataset) -> wf.Overview:
    """What the dataset is; which runs are in use is looked up anew each time."""
    return wf.overview(state.workspace(), dataset.name)


def compare_synthetic(run_id: str, n: int, seed: int) -> wf.SyntheticView:
    """Synthetic biosamples beside real ones; a finished run never changes, so its id is the key."""
    return _compare_synthetic(str(state.workspace().root), run_id, n, seed)


@st.cache_data(max_entries=64, show_spinner=False)
def _rankings(name: str, key: str, query: RankingQuery) -> pd.DataFrame:
    return wf.rankings(state.workspace(), name, query)


@st.cache_data(max_entries=256, show_spinner=False)
def _count_rankings(name: str, key: str, query: RankingQuery) -> int:
    return wf.count_rankings(state.workspace(), name, query)


@st.cache_data(max_entries=64, show_spinner=False)
def _gene(name: str, key: str, symbol: str) -> GeneView:
    return wf.gene(state.workspace(), name, symbol)


@st.cache_data(max_entries=64, show_spinner="Comparing the biosamples around the 95th percentile")
def _neighbourhood(name: str, key: str, symbol: str) -> NeighbourhoodView:
    return wf.neighbourhood(state.workspace(), name, symbol)


@st.cache_data(max_entries=128, show_spinner=False)
def _similar_biosamples(name: str, key: str, sample_id: str, top: int) -> pd.DataFrame:
    return wf.similar_biosamples(state.workspace(), name, sample_id, top)


@st.cache_data(max_entries=8, show_spinner="Projecting all biosamples (once for each dataset)")
def _projection(name: str, key: str) -> pd.DataFrame:
    return wf.projection(state.workspace(), name)


@st.cache_data(max_entries=8, show_spinner="Drawing synthetic biosamples")
def _compare_synthetic(root: str, run_id: str, n: int, seed: int) -> wf.SyntheticView:
    return wf.compare_synthetic(state.workspace(), run_id, n, seed)
