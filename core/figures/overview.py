"""Charts of the Overview page: how large the labels are, how deep the biosamples, what normalisation did."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

MOST_LABELS = 40  # bars that still fit beside the other charts
HISTOGRAM = 260  # pixels in height
HIGHEST = 99  # percentile up to which distributions are drawn: the last genes would flatten all others
QUARTILE = 75  # percentile that tells in words how far the curves lie apart
AXES = {"quantile-normalised": "quantile-normalised log2(1 + count)", "divided by length": "the same, per length"}


def label_sizes(labels: pd.DataFrame) -> go.Figure:
    """Biosamples of each label, largest on top, up to MOST_LABELS of them. ``labels``: label, biosamples."""
    shown = labels.sort_values("biosamples", ascending=False).head(MOST_LABELS)
    colors = [palette.label_color(label) for label in shown["label"]]
    chart = Chart().add(
        "bar", y=shown["label"], x=shown["biosamples"], orientation="h", text=[f"{n:,}" for n in shown["biosamples"]],
        textposition="outside", cliponaxis=False, marker={"color": colors},
        hovertemplate="%{y}: %{x:,} biosamples<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title="Biosamples", rangemode="tozero")
    chart.y_axes(autorange="reversed", type="category")
    return style.finish(chart, height=style.bar_height(len(shown)))


def labels_alt(labels: pd.DataFrame) -> str:
    """The chart of labels in a sentence."""
    ranked = labels.sort_values("biosamples", ascending=False)
    first, last = ranked.iloc[0], ranked.iloc[-1]
    return (
        f"Biosamples of {len(ranked):,} labels, from {first['label']} ({first['biosamples']:,}) "
        f"to {last['label']} ({last['biosamples']:,})"
    )


def depth(biosamples: pd.DataFrame) -> go.Figure:
    """Histogram of sequencing depth: counts that each biosample has in all, on a log scale."""
    values = biosamples.loc[biosamples["depth"] > 0, "depth"].to_numpy()
    chart = _histogram(np.log10(values), "biosamples around 10^%{x:.2f} counts")
    powers = (
        np.arange(np.floor(np.log10(values.min())), np.ceil(np.log10(values.max())) + 1)
        if len(values)
        else np.array([0.0])
    )
    ticks = [power + step for power in powers for step in (0, np.log10(3))]
    chart.x_axes(title="Counts in all (log scale)", tickvals=ticks, ticktext=[_short(10**tick) for tick in ticks])
    median = float(np.median(values))
    style.mark_value(chart, float(np.median(np.log10(values))), f"median {_short(median)}", palette.SYNTHETIC)
    return style.finish(chart, height=HISTOGRAM)


def depth_alt(biosamples: pd.DataFrame) -> str:
    """The histogram of depth in a sentence; biosamples without any count are not in it."""
    values = biosamples.loc[biosamples["depth"] > 0, "depth"]
    if values.empty:
        return "No biosample has a count"
    low, middle, high = (_short(float(values.quantile(share))) for share in (0.05, 0.5, 0.95))
    return f"Counts of a biosample: median {middle}, nine in ten between {low} and {high}"


def zero_share(biosamples: pd.DataFrame) -> go.Figure:
    """Histogram of the share of genes without any count in each biosample."""
    values = biosamples["zero_share"].to_numpy()
    chart = _histogram(values, "biosamples around %{x:.1%}")
    chart.x_axes(title="Genes with no count, share of all genes", tickformat=".0%")
    style.mark_value(chart, float(np.median(values)), f"median {np.median(values):.0%}", palette.SYNTHETIC)
    return style.finish(chart, height=HISTOGRAM)


def zeros_alt(biosamples: pd.DataFrame) -> str:
    """The histogram of genes without counts in a sentence."""
    low, middle, high = biosamples["zero_share"].quantile([0.05, 0.5, 0.95])
    return f"Genes without a count: median {middle:.0%} of all, nine in ten biosamples between {low:.0%} and {high:.0%}"


def normalisation(distributions: pd.DataFrame, stage: str) -> go.Figure:
    """Percentile curves of some biosamples at one stage: apart before, one curve once quantile-normalised.

    ``distributions``: sample_id, stage, percentile, value.
    """
    part = distributions[(distributions["stage"] == stage) & (distributions["percentile"] <= HIGHEST)]
    wide = part.pivot_table(index="percentile", columns="sample_id", values="value", sort=False)
    gap = np.full((1, wide.shape[1]), np.nan)  # after each curve: one line is drawn ten times as fast as forty
    chart = Chart().add(
        "scatter", x=np.tile([*wide.index, np.nan], wide.shape[1]).astype(np.float32),
        y=np.vstack([wide.to_numpy(), gap]).T.ravel().astype(np.float32),
        customdata=np.repeat(wide.columns.to_numpy(object), len(wide) + 1), mode="lines", connectgaps=False,
        line={"width": 1, "color": palette.ACCENT}, opacity=0.8,
        hovertemplate="%{customdata}<br>percentile %{x:.0f}: %{y:.2f}<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title=f"Percentile of genes (to {HIGHEST})")
    chart.y_axes(title=AXES.get(stage, stage))
    chart.update(showlegend=False)
    return style.finish(chart, height=300)


def normalisation_alt(distributions: pd.DataFrame, stage: str) -> str:
    """How far the upper quartiles of the biosamples lie apart at one stage, in a sentence (their medians may be 0)."""
    part = distributions[(distributions["stage"] == stage) & (distributions["percentile"] == QUARTILE)]["value"]
    low, high = part.min(), part.max()
    if high - low < 0.005 * max(abs(high), 1e-9):
        return f"All {len(part)} biosamples have the same upper quartile, {high:.2f}"
    return f"Upper quartiles of {len(part)} biosamples lie between {low:.2f} and {high:.2f}"


def _histogram(values: np.ndarray, hover: str) -> Chart:
    counts, edges = np.histogram(values, bins=30)
    chart = Chart().add(
        "bar", x=(edges[:-1] + edges[1:]) / 2, y=counts, width=np.diff(edges),
        marker={"color": palette.ACCENT, "opacity": 0.8}, hovertemplate="%{y} " + hover + "<extra></extra>",
    )  # fmt: skip
    return chart.y_axes(title="Biosamples").update(margin={"t": 28})


def _short(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"
