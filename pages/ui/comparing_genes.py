"""Up to eight genes side by side on the Rankings page: metrics, expression by label, correlation."""

import numpy as np
import streamlit as st

from core import workflows as wf
from core.figures import genes as figures
from core.store.datasets import StoredDataset
from pages.ui import cached, feedback, ranking_columns, state, widgets

SCALES = {"length": "as ranked", "log2": "log2, before length", "counts": "linear"}
ROWS = [
    "signal", "signal_rank", "mean_cosine", "cosine_rank", "co_rank", "mean", "p95", "variance", "zero_share", "tau",
    "gini", "top_label", "biotype", "length_bp", "ensembl_gene_id",
]  # fmt: skip


def show(dataset: StoredDataset, suggested: list[str]) -> None:
    """Chooses the genes (kept in the address) and shows them side by side. ``suggested``: ids that are offered."""
    chosen = _choose(suggested)
    if len(chosen) < 2:
        st.caption("Choose two to eight genes: from the table's present page, or by typing a symbol or Ensembl id.")
        return
    with feedback.errors():
        ids = [cached.gene_id(dataset, gene) for gene in chosen]
        scale, kind = _settings()
        found = cached.compare_genes(dataset, tuple(ids), scale)
        names = cached.gene_ids(dataset).iloc[found.rows].tolist()
        _show(dataset, found, names, kind)


def _choose(suggested: list[str]) -> list[str]:
    in_address = [gene for gene in state.param("compare").split(",") if gene]
    st.session_state["compare_pick"] = in_address
    options = list(dict.fromkeys([*in_address, *suggested]))
    st.multiselect(
        "Genes to compare", options, key="compare_pick", max_selections=wf.MOST_COMPARED, accept_new_options=True,
        on_change=_chosen, placeholder="Symbol or Ensembl id",
    )  # fmt: skip
    return in_address


def _chosen() -> None:
    state.set_params(compare=",".join(gene.strip().replace(",", "") for gene in st.session_state["compare_pick"]))


def _settings() -> tuple[str, str]:
    with st.container(horizontal=True):
        scale = st.segmented_control(
            "Scale", list(SCALES), format_func=SCALES.__getitem__, default="length", key="compare_scale", required=True
        )
        kind = st.segmented_control(
            "Draw", list(figures.KINDS), default="box", key="compare_kind", required=True, format_func=str.capitalize
        )
    return scale or "length", kind or "box"


def _show(dataset: StoredDataset, found: wf.GeneComparison, names: list[str], kind: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Metrics**")
        table = found.metrics[ROWS].set_axis(names).T.map(_text)
        table.insert(0, "Metric", [ranking_columns.COLUMNS[row] for row in ROWS])
        st.dataframe(table, hide_index=True, alt=f"Metrics of {', '.join(names)}")
    with right:
        st.markdown("**Correlation** over all biosamples, log2 scale")
        upper = found.correlation[np.triu_indices(len(names), 1)]
        told = f"Pearson's r among {', '.join(names)}: {np.nanmin(upper):.2f} to {np.nanmax(upper):.2f}"
        widgets.chart(figures.correlation(found.correlation, names), "compare-correlation", told)
    st.markdown("**Mean and share of biosamples with a count**, by label")
    best = [found.dots[found.dots["gene"] == place].nlargest(1, "mean")["label"].iloc[0] for place in range(len(names))]
    told = "; ".join(f"{name} highest in {label}" for name, label in zip(names, best, strict=True))
    widgets.chart(figures.dot_plot(found.dots, names, found.unit), "compare-dots", told)
    st.markdown("**Expression by label**, axes shared, labels by the first gene's median")
    ids = dataset.biosamples["sample_id"].to_numpy()
    panels = [
        (name, [figures.Group(label, found.values[place, rows], ids[rows]) for label, rows in found.labels])
        for place, name in enumerate(names)
    ]
    widgets.chart(figures.small_multiples(panels, found.unit, kind), "compare-labels", told)
    dots = found.dots.assign(gene=[names[place] for place in found.dots["gene"]])
    widgets.downloads(dots, f"{dataset.name}-comparison")


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:,.0f}" if value == int(value) and abs(value) >= 1 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
