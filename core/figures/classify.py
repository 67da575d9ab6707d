"""Charts of the Classify page: what a sample was taken for, and what in it is out of the ordinary."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

MAX_LABELS, FEWEST_LABELS = 12, 6
WORTH_SHOWING = 0.01
MOST_BARS, BINS = 24, 20


def probabilities(
    values: Mapping[str, float], predicted: list[str], thresholds: Mapping[str, float] | None = None
) -> go.Figure:
    """Bars of the most probable labels, highest on top; labels that were not predicted are faded.

    ``thresholds``: the probability that each label has to reach, drawn as a tick across its bar.
    """
    likely = [label for label, value in values.items() if value >= WORTH_SHOWING]
    shown = list(values)[: min(MAX_LABELS, max(FEWEST_LABELS, len(likely)))]
    shown += [label for label in predicted if label not in shown]
    heights = [values[label] for label in shown]
    chart = Chart().add(
        "bar", y=shown,
        x=heights,
        orientation="h",
        marker={"color": [palette.label_color(label) for label in shown],
                "opacity": [1.0 if label in predicted else 0.35 for label in shown]},
        text=[f"{height:.2f}" for height in heights],
        textposition="outside",
        cliponaxis=False,
        customdata=["predicted" if label in predicted else "not predicted" for label in shown],
        hovertemplate="%{y}: probability %{x:.3f}, %{customdata}<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    if thresholds:
        _add_thresholds(chart, shown, thresholds)
    chart.x_axes(title="Probability of the label", range=[0, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1])
    chart.y_axes(type="category", autorange="reversed")
    return style.finish(chart, height=style.bar_height(len(shown)))


def high_genes(genes: pd.DataFrame, label: str, top: int = 20) -> go.Figure:
    """The genes furthest above what is usual: robust z against all biosamples and against the predicted label.

    ``genes``: symbol, z_all and z_label (NaN where there is no predicted label), in order of interest.
    """
    shown = genes.head(top)
    rows = list(range(len(shown)))
    chart = Chart()
    if shown["z_label"].notna().any():
        chart.add(
            "scatter", x=_segments(shown["z_all"], shown["z_label"]), y=_gaps(rows), mode="lines",
            line={"color": style.GREY, "width": 1}, hoverinfo="skip", showlegend=False
        )  # fmt: skip
    series = [("z_all", "against all biosamples", "circle-open", style.MUTED),
              ("z_label", f"against {label or 'the label'}", "circle", palette.ACCENT)]  # fmt: skip
    for column, name, symbol, color in series:
        if shown[column].notna().any():
            chart.add(
                "scatter", x=shown[column], y=rows, mode="markers", name=name, text=shown["symbol"],
                marker={"size": 10, "symbol": symbol, "color": color},
                hovertemplate="%{text}: z = %{x:.1f} " + name + "<extra></extra>",
            )  # fmt: skip
    chart.x_axes(title="Robust z-score")
    chart.y_axes(tickvals=rows, ticktext=shown["symbol"].tolist(), autorange="reversed", showgrid=False)
    style.legend_on_top(chart)
    return style.finish(chart, height=style.bar_height(len(shown)) + 30)


def deciding_genes(genes: pd.DataFrame, label: str, unit: str, top: int = 20) -> go.Figure:
    """Bars of what single genes added to, or took from, the votes for a label; the largest on top.

    ``genes``: symbol, contribution, value and usual (log2), in order of interest. ``unit`` of the contribution.
    """
    shown = genes.head(top)
    rows = list(range(len(shown)))
    chart = Chart().add(
        "bar", x=shown["contribution"], y=rows, orientation="h", showlegend=False,
        marker={"color": [palette.ACCENT if x > 0 else style.MUTED for x in shown["contribution"]]},
        customdata=np.column_stack([shown["symbol"], shown["value"].round(2), shown["usual"].round(2)]),
        hovertemplate="%{customdata[0]}: %{x:+.4f}<br>here %{customdata[1]}, usually %{customdata[2]} (log2)"
        "<extra></extra>",
    )  # fmt: skip
    chart.vertical(0, line={"color": style.GREY, "width": 1})
    chart.x_axes(title=f"Contribution to {label or 'the label'} ({unit})")
    chart.y_axes(tickvals=rows, ticktext=shown["symbol"].tolist(), autorange="reversed", showgrid=False)
    return style.finish(chart, height=style.bar_height(len(shown)) + 30)


def samples(table: pd.DataFrame, chosen: str = "") -> go.Figure:
    """All samples of a file: probability of the first label against novelty, coloured by the label.

    ``table``: sample, predicted (labels joined by |), probability, abstained, novelty. A point's customdata is its
    sample's name, so that a selection names the sample.
    """
    first = table["predicted"].str.split("|").str[0]
    kind = first.where(~table["abstained"], "abstained")
    chart = Chart()
    for name, rows in table.groupby(kind, sort=True):
        chart.add(
            "scatter", x=rows["novelty"], y=rows["probability"], mode="markers", name=str(name),
            customdata=rows["sample"], text=rows["predicted"],
            marker={"size": [16 if sample == chosen else 11 for sample in rows["sample"]],
                    "color": style.MUTED if name == "abstained" else palette.label_color(str(name)),
                    "symbol": "x" if name == "abstained" else "circle",
                    "line": {"width": [2 if sample == chosen else 0 for sample in rows["sample"]]}},
            hovertemplate="%{customdata}<br>%{text}, probability %{y:.2f}, novelty %{x:.2f}<extra></extra>",
        )  # fmt: skip
    chart.x_axes(title="Novelty (0 = at home, 1 = unlike all)", range=[-0.05, 1.05])
    chart.y_axes(title="Probability of the first label", range=[0, 1.05])
    return style.finish(chart, height=360)


def label_counts(table: pd.DataFrame) -> go.Figure:
    """How many samples have each label first, called ones and abstained ones stacked; the rarest labels together.

    ``table``: predicted (labels joined by |), abstained.
    """
    first = table["predicted"].str.split("|").str[0]
    order = first.value_counts().index.tolist()
    if len(order) > MOST_BARS:
        rest = order[MOST_BARS - 1 :]
        first = first.where(~first.isin(rest), f"{len(rest)} other labels")
        order = [*order[: MOST_BARS - 1], f"{len(rest)} other labels"]
    chart = Chart()
    for name, among, opacity in (("called", ~table["abstained"], 1.0), ("abstained", table["abstained"], 0.4)):
        heights = first[among].value_counts().reindex(order, fill_value=0)
        colors = [style.MUTED if label.endswith(" other labels") else palette.label_color(label) for label in order]
        chart.add(
            "bar", y=order, x=heights, orientation="h", name=name, marker={"color": colors, "opacity": opacity},
            hovertemplate="%{y}: %{x:,} " + name + "<extra></extra>",
        )  # fmt: skip
    chart.update(barmode="stack")
    chart.x_axes(title="Samples (faded: abstained)")
    chart.y_axes(type="category", autorange="reversed", dtick=1)
    chart.update(showlegend=False)
    return style.finish(chart, height=style.bar_height(len(order)))


def histogram(table: pd.DataFrame, column: str) -> go.Figure:
    """How many samples lie in each twentieth of the scale from 0 to 1, called ones and abstained ones stacked.

    ``table``: ``column`` (probability or novelty), abstained.
    """
    edges = np.linspace(0, 1, BINS + 1)
    chart = Chart()
    for name, among, color in (
        ("called", ~table["abstained"], palette.ACCENT),
        ("abstained", table["abstained"], style.GREY),
    ):
        heights, _ = np.histogram(table.loc[among, column], edges)
        spans = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
        chart.add(
            "bar", x=(edges[:-1] + edges[1:]) / 2, y=heights, width=1 / BINS, name=name, marker={"color": color},
            customdata=spans, hovertemplate="%{customdata}: %{y:,} " + name + "<extra></extra>",
        )  # fmt: skip
    titles = {"probability": "Probability of the first label", "novelty": "Novelty (0 = at home, 1 = unlike all)"}
    chart.update(barmode="stack")
    chart.x_axes(title=titles[column], range=[-0.01, 1.01])
    chart.y_axes(title="Samples")
    style.legend_on_top(chart).update(legend={"traceorder": "normal"})
    return style.finish(chart, height=250)


def _add_thresholds(chart: Chart, shown: list[str], thresholds: Mapping[str, float]) -> None:
    known = [label for label in shown if label in thresholds]
    chart.add(
        "scatter", x=[thresholds[label] for label in known], y=known, mode="markers", name="needed for a prediction",
        marker={"symbol": "line-ns-open", "size": 16, "line": {"width": 2}, "color": style.MUTED},
        hovertemplate="%{y}: predicted from %{x:.2f} on<extra></extra>",
    )  # fmt: skip
    style.legend_on_top(chart)


def _segments(start: pd.Series, stop: pd.Series) -> list[float | None]:
    """x of one line from each start to its stop, with gaps between."""
    return [x for a, b in zip(start, stop, strict=True) for x in (a, b, None)]


def _gaps(rows: list[int]) -> list[int | None]:
    return [y for row in rows for y in (row, row, None)]
