"""The parts of the Gene page: figures with ranks, expression by label, neighbourhood in brief, correlated genes."""

import numpy as np
import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import genes as figures
from core.store.datasets import StoredDataset
from core.types import GeneView
from pages.ui import cached, drawn, state, widgets
from pages.ui.ranking_columns import COLUMNS

SCALES = {"length": "As ranked", "log2": "log2, before length", "counts": "Linear counts"}
SHOWN = 25  # correlated genes in the chart
LISTED = 100  # and in the table
FORMS = {"mean": ".3f", "p95": ".3f", "variance": ".3f", "tau": ".3f", "gini": ".3f", "zero_share": ".1%"}
MEANS = {
    "signal": "(1 + p95) / (1 + mean): how far the top biosamples stand out",
    "mean_cosine": "Mean cosine similarity over the pairs of neighbourhood biosamples",
    "co_rank": "High in signal and in mean cosine: 1 = best",
    "zero_share": "Share of biosamples without any count; rank 1 = most zeros",
    "tau": "Tissue specificity (Yanai 2005): 0 = everywhere, 1 = one label only",
    "gini": "Gini coefficient over biosamples: 0 = even, 1 = in a single one",
}


def facts(dataset: StoredDataset, view: GeneView) -> None:
    """Biotype, length and where it is highest, in one line."""
    row = view.row
    length = row["length_bp"]
    parts = [
        row["biotype"] or "biotype unknown",
        "length unknown" if pd.isna(length) else f"longest transcript {length:,.0f} bp",
        f"highest mean in **{row['top_label']}**" if row["top_label"] else "",
        f"{len(view.biosamples):,} biosamples",
    ]
    st.markdown(" · ".join(part for part in parts if part))


def metrics(dataset: StoredDataset, gene: str) -> None:
    """Every metric with its rank and percentile among all genes."""
    table = cached.gene_ranks(dataset, gene)
    shown = pd.DataFrame({
        "metric": [COLUMNS[name] for name in table["metric"]],
        "value": [_number(*pair) for pair in zip(table["metric"], table["value"], strict=True)],
        "rank": table["rank"],
        "percentile": table["percentile"],
        "meaning": [MEANS.get(name, f"Over all biosamples: {dataset.unit}") for name in table["metric"]],
    })  # fmt: skip
    st.markdown(f"**Among {len(dataset.rankings):,} genes**")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    bar = st.column_config.ProgressColumn(
        "Percentile", min_value=0, max_value=100, format="%.1f", width=110, color="primary",
        help="100 = the first rank, 0 = the last",
    )  # fmt: skip
    st.dataframe(
        shown, hide_index=True, alt=f"Metrics of {gene} with their ranks", height=35 * (len(shown) + 1) + 3,
        column_config={
            "metric": text("Metric", width=115, pinned=True), "value": text("Value", width=80, alignment="right"),
            "rank": number("Rank", format="localized", width=75, help="1 = highest (co-rank: best)"),
            "percentile": bar, "meaning": text("Meaning", width=330),
        },
    )  # fmt: skip


def _number(metric: str, value: float) -> str:
    if np.isnan(value):
        return "undefined"
    return f"{value:,.0f}" if metric == "co_rank" else format(value, FORMS.get(metric, ".4f"))


def by_label(dataset: StoredDataset, gene: str) -> None:
    """Expression by label as boxes or violins on one of three scales, and the same as a table."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Draw", list(figures.KINDS), key="kind", default="box", required=True, format_func=str.capitalize,
            bind="query-params",
        )  # fmt: skip
        scale = st.segmented_control(
            "Scale", list(SCALES), key="scale", default="length", required=True, format_func=SCALES.__getitem__,
            bind="query-params", help="As ranked: what signal and the other metrics are made of. Linear: 2^Q - 1, the "
            "counts after quantile normalisation; the axis is logarithmic, of 1 + count.",
        )  # fmt: skip
    table = cached.expression_by_label(dataset, gene, scale)
    unit = wf.unit_of(dataset, scale)
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown("**By label**, highest median on top")
        figure = drawn.once(
            dataset, "labels", lambda: figures.by_label(_groups(dataset, gene, scale), unit, kind, scale == "counts"),
            gene, scale, kind,
        )  # fmt: skip
        told = f"Expression of {gene} by label; highest median: {table['label'].iloc[0]}, {table['median'].iloc[0]:.2f}"
        widgets.chart(figure, f"labels-{gene}", told)
    with right:
        st.markdown(f"**By label**: {unit}")
        height = min(560, max(240, int(figure.layout.height) - 40))
        st.dataframe(table, hide_index=True, height=height, column_config=_label_columns(unit), alt=told)
        widgets.downloads(table, f"{dataset.name}-{gene}-labels")


def _groups(dataset: StoredDataset, gene: str, scale: str) -> list[figures.Group]:
    values = wf.values_of(dataset, [dataset.gene(gene)], scale)[0]
    ids = dataset.biosamples["sample_id"].to_numpy()
    return [figures.Group(label, values[rows], ids[rows]) for label, rows in wf.label_members(dataset)]


def _label_columns(unit: str) -> dict[str, object]:
    number = st.column_config.NumberColumn
    found: dict[str, object] = {
        name: number(head, format="%.3f", help=unit, width=75)
        for name, head in {
            "mean": "Mean", "sd": "SD", "p5": "5 %", "q1": "25 %", "median": "Median", "q3": "75 %", "p95": "95 %",
        }.items()
    }  # fmt: skip
    bar = st.column_config.ProgressColumn(
        "With a count", min_value=0, max_value=1, format="percent", width=110, help="Biosamples with a count"
    )
    return found | {
        "label": st.column_config.TextColumn("Label", pinned=True, width=130),
        "biosamples": number("Biosamples", format="localized", width=95),
        "share_expressed": bar,
    }


def neighbourhood(dataset: StoredDataset, view: GeneView, gene: str) -> None:
    """The biosamples around the 95th percentile in a few words, and the way to their page."""
    row, inside = view.row, view.biosamples[view.biosamples["neighbour"]]
    random = float(np.mean(dataset.manifest["random_cosine"]))
    labels = inside["labels"].replace("", figures.NO_LABEL).str.split("|").explode().value_counts()
    named = ", ".join(f"{label} {count / len(inside):.0%}" for label, count in labels.head(4).items())
    cosine = "undefined" if pd.isna(row["mean_cosine"]) else f"{row['mean_cosine']:.3f}"
    st.markdown(f"**Neighbourhood**: {len(inside)} biosamples around the 95th percentile, mostly {named}.")
    st.markdown(
        f"Mean cosine **{cosine}** against {random:.3f} of random biosamples · {inside['series_id'].nunique():,} "
        f"series · {row['same_series_share']:.0%} of pairs from one study · {row['n_tied']:,} tied members"
    )
    target = state.link(gene=gene)
    st.page_link("pages/neighbourhood.py", label="Neighbourhood", icon=":material/hub:", query_params=target)


def correlated(dataset: StoredDataset, gene: str) -> None:
    """Genes whose expression goes with this one's, or against it; a click on one goes to it."""
    st.markdown("**Correlated genes**")
    sign = st.segmented_control(
        "Direction", ["+", "-"], key="direction", default="+", required=True, bind="query-params",
        format_func={"+": "Goes with it", "-": "Goes against it"}.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    found = cached.correlated_genes(dataset, gene, LISTED, sign)
    table = found.table.assign(id=cached.gene_ids(dataset).iloc[found.table["position"]].to_numpy())
    left, right = st.columns([1, 1], gap="large")
    with left:
        first = table.iloc[0] if len(table) else None
        told = "No gene to compare with" if first is None else f"Strongest: {first['id']}, r = {first['r']:.2f}"
        widgets.chart(
            figures.correlated(table.head(SHOWN)), f"correlated-{gene}", told, _from_chart(f"correlated-{gene}")
        )
    with right:
        widgets.id_table(
            table, "id", "correlated", "", go_to, height=560, alt=f"Genes correlated with {gene}",
            column_order=["symbol", "r", "low", "high", "mean", "zero_share", "signal_rank", "biotype",
                          "ensembl_gene_id"],
            column_config=_correlation_columns(dataset.unit),
        )  # fmt: skip
        widgets.downloads(table.drop(columns="position"), f"{dataset.name}-{gene}-correlated")
    st.caption(f"{found.text} Biosamples of one series are alike, so the true limits are wider.")


def go_to(gene: str) -> None:
    """Another gene on this page."""
    if gene:
        state.set_params(gene=gene)


def _from_chart(key: str) -> object:
    def chosen() -> None:
        ids = widgets.chosen_ids(st.session_state[key])
        if ids:
            go_to(ids[0])

    return chosen


def _correlation_columns(unit: str) -> dict[str, object]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "symbol": text("Symbol", pinned=True, width=105),
        "r": number("r", help="Pearson's r", format="%.3f", width=70),
        "low": number("from", help="95 % limit", format="%.3f", width=70),
        "high": number("to", help="95 % limit", format="%.3f", width=70),
        "mean": number("Mean", help=f"Mean expression: {unit}", format="%.3f", width=80),
        "zero_share": number("Zeros", help="Share of biosamples without any count", format="percent", width=75),
        "signal_rank": number("Signal rank", format="localized", width=100),
        "biotype": text("Biotype", width=120),
        "ensembl_gene_id": text("Ensembl id", width=150),
    }
