"""Columns of the Rankings table: their titles, number formats and units, which are shown, and bars of percentiles."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from core.store.results import RankingQuery

COLUMNS = {
    "symbol": "Symbol", "signal": "Signal", "mean_cosine": "Mean cosine", "co_rank": "Co-rank", "mean": "Mean",
    "p95": "95th percentile", "zero_share": "Zeros", "top_label": "Top label", "tau": "Tau", "gini": "Gini",
    "signal_rank": "Signal rank", "cosine_rank": "Cosine rank", "ensembl_gene_id": "Ensembl id", "biotype": "Biotype",
    "length_bp": "Length", "variance": "Variance", "n_neighbours": "Members", "n_tied": "Tied members",
    "same_series_share": "Pairs of one series",
}  # fmt: skip
# Percentile bars: the rank that each is made of, and its title. They follow their metric in the table.
BARS = {
    "signal_pct": ("signal_rank", "Signal, pct."),
    "cosine_pct": ("cosine_rank", "Cosine, pct."),
    "co_pct": ("co_rank", "Co-rank, pct."),
}
USUAL = (
    "symbol", "signal", "signal_pct", "mean_cosine", "cosine_pct", "co_rank", "co_pct",
    *(name for name in COLUMNS if name not in ("symbol", "signal", "mean_cosine", "co_rank")),
)  # fmt: skip
CHOICES = tuple(name for name in USUAL if name != "symbol")


def title(name: str) -> str:
    """What a column is called."""
    return BARS[name][1] if name in BARS else COLUMNS[name]


def order(dataset: StoredDataset, chosen: list[str]) -> list[str]:
    """Columns in the order of the table: those chosen after the symbol, or the usual ones."""
    if chosen:
        return ["symbol", *chosen]
    return [name for name in USUAL if name != "biotype" or has_biotypes(dataset)]


def has_biotypes(dataset: StoredDataset) -> bool:
    """Whether a biotype is known of any gene."""
    return bool(dataset.rankings["biotype"].fillna("").ne("").any())


def with_bars(dataset: StoredDataset, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the rankings with their percentiles: 100 for the first rank of all genes that have it, 0 for the last."""
    bars = {}
    for name, (rank, _) in BARS.items():
        of = int(dataset.rankings[rank].notna().sum())
        ranks = rows[rank].to_numpy(dtype=np.float64, na_value=np.nan)
        bars[name] = 100.0 * (of - ranks) / max(1, of - 1)
    return rows.assign(**bars)


def config(dataset: StoredDataset, query: RankingQuery) -> dict[str, Any]:
    """Titles, number formats and units of the ranking columns; the sorted ones carry an arrow."""
    unit = dataset.unit
    told: dict[str, tuple[str, str, int]] = {
        "length_bp": ("Longest transcript, bp", "localized", 105),
        "mean": (f"Mean expression: {unit}", "%.3f", 85),
        "variance": (f"Variance of expression over biosamples, square of {unit}", "%.3f", 90),
        "p95": (f"95th percentile of expression: {unit}", "%.3f", 125),
        "signal": ("(1 + p95) / (1 + mean): how far the top biosamples stand out; no unit", "%.4f", 95),
        "signal_rank": ("1 = highest signal", "localized", 110),
        "cosine_rank": ("1 = highest mean cosine", "localized", 110),
        "mean_cosine": ("Mean cosine similarity over the pairs of neighbourhood biosamples, -1 to 1", "%.4f", 115),
        "co_rank": ("1 = high in signal and in mean cosine", "localized", 90),
        "n_neighbours": ("Biosamples in the neighbourhood", "localized", 90),
        "n_tied": ("Members with the very value of a non-member: an arbitrary choice", "localized", 115),
        "tau": ("Tissue specificity (Yanai 2005): 0 = everywhere, 1 = one label only", "%.3f", 75),
        "gini": ("Gini coefficient over biosamples: 0 = even, 1 = in a single one", "%.3f", 75),
        "zero_share": ("Share of biosamples without any count", "percent", 85),
        "same_series_share": ("Share of neighbourhood pairs that come from one study", "percent", 150),
    }
    words = {
        "symbol": ("Gene symbol", 105),
        "ensembl_gene_id": ("Ensembl gene id", 150),
        "biotype": ("Kind of gene", 120),
        "top_label": ("Label with the highest mean expression", 130),
    }
    heads = {name: text + _arrow(name, query) for name, text in COLUMNS.items()}
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    found: dict[str, Any] = {
        name: number(heads[name], help=what, format=form, width=width) for name, (what, form, width) in told.items()
    }
    found |= {
        name: text(heads[name], help=what, width=width, pinned=name == "symbol")
        for name, (what, width) in words.items()
    }
    help_text = "Percentile among all genes that have this rank: 100 = the first, 0 = the last"
    return found | {
        name: st.column_config.ProgressColumn(
            head, help=help_text, min_value=0, max_value=100, format="%.1f", width=100, color="primary"
        )
        for name, (_, head) in BARS.items()
    }


def _arrow(name: str, query: RankingQuery) -> str:
    if name == query.sort:
        return " ▼" if query.descending else " ▲"
    if name == query.then:
        return " ▽" if query.then_descending else " △"
    return ""
