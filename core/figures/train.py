"""Charts of the Train page: how a training goes, how good it is, and runs beside each other."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

CURVES = {
    "critic_loss": "Critic loss",
    "wasserstein": "Wasserstein estimate",
    "generator_loss": "Generator loss",
    "flow_loss": "Flow matching loss",
    "validation": "Energy distance",
}
AXES = {"step": "Training step", "fraction": "Share of the job done"}
MAX_POINTS = 2000
SPLITS = {"random": "random split", "series": "whole series kept together"}


def curve_columns(steps: pd.DataFrame) -> list[str]:
    """Which of the known curves a table of steps has values for."""
    return [name for name in CURVES if name in steps and steps[name].notna().any()]


def loss_curves(runs: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Training curves of one or more generators, a panel for each chart.

    ``runs``: name to a table with any of ``CURVES``, over ``step`` (or ``fraction`` of the job where a table of a job
    under way has no steps); long tables are thinned to 2,000 points.
    """
    over = "step" if all("step" in steps for steps in runs.values()) else "fraction"
    names = [name for name in CURVES if any(name in curve_columns(steps) for steps in runs.values())]
    chart = Chart(max(1, len(names)), gaps=(0.0, 0.06), shared_x="columns")
    for (title, steps), color in zip(runs.items(), palette.series_colors(len(runs)), strict=True):
        for row, name in enumerate(names, 1):
            if name in steps:
                _add_line(chart, row, steps[[over, name]], title, color)
    for row, name in enumerate(names, 1):
        chart.y_axes(title=CURVES[name], row=row, col=1)
    chart.x_axes(title=AXES[over], row=max(1, len(names)), col=1)
    if len(runs) > 1:
        style.legend_on_top(chart)
    chart.update(showlegend=len(runs) > 1, hovermode="x unified")
    return style.finish(chart, height=110 + 150 * max(1, len(names)))


def tree_progress(steps: pd.DataFrame) -> go.Figure:
    """Trees grown over time, over the forests of the evaluation and the final one.

    ``steps``: time (seconds since the epoch) and trees, which starts again at 0 with every forest.
    """
    grown = steps[["time", "trees"]].dropna() if "trees" in steps else pd.DataFrame({"time": [], "trees": []})
    more = grown["trees"].diff()
    grown = grown.assign(trees=more.where(more >= 0, grown["trees"]).cumsum())
    since = grown["time"] - grown["time"].min()
    chart = Chart().add(
        "scatter", x=since, y=grown["trees"], mode="lines+markers", line={"color": palette.ACCENT, "shape": "hv"},
        hovertemplate="%{y:.0f} trees after %{x:.1f} s<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title="Time since the first tree (seconds)", rangemode="tozero")
    chart.y_axes(title="Trees grown, all forests", rangemode="tozero")
    return style.finish(chart, height=260)


def per_label_f1(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """F1 of every label, a dot for each table (a run, or a split), so that differences show as distances.

    ``tables``: name to label, f1 and support; labels are ordered by the first table's F1.
    """
    order = next(iter(tables.values())).sort_values("f1")["label"].tolist()
    order = (
        list(dict.fromkeys([label for table in tables.values() for label in table["label"] if label not in order]))
        + order
    )
    chart = Chart()
    for (name, table), color in zip(tables.items(), palette.series_colors(len(tables)), strict=True):
        chart.add(
            "scatter", x=table["f1"], y=table["label"], mode="markers", name=name, marker={"size": 10, "color": color},
            customdata=table["support"],
            hovertemplate="%{y}: F1 %{x:.3f} over %{customdata:,.0f} test biosamples<extra>" + name + "</extra>",
        )  # fmt: skip
    chart.x_axes(title="F1 on test biosamples", range=[-0.03, 1.03])
    chart.y_axes(type="category", categoryorder="array", categoryarray=order, dtick=1, automargin=True)
    style.legend_on_top(chart)
    return style.finish(chart, height=style.bar_height(len(order)) + 30)


def headline(scores: pd.DataFrame) -> go.Figure:
    """Samples-averaged F1 of runs on both splits, beside the majority baseline of the same split.

    ``scores``: name (run), split (random | series), f1, baseline.
    """
    names = scores["name"].drop_duplicates().tolist()
    chart = Chart()
    for (split, words), color in zip(SPLITS.items(), palette.series_colors(2), strict=True):
        rows = scores[scores["split"] == split]
        chart.add(
            "bar", x=rows["name"], y=rows["f1"], name=words, marker={"color": color}, offsetgroup=split,
            text=[f"{value:.3f}" for value in rows["f1"]], textposition="outside", cliponaxis=False,
            customdata=rows["baseline"],
            hovertemplate="%{x}: F1 %{y:.3f}, majority baseline %{customdata:.3f}<extra></extra>",
        )  # fmt: skip
    base = scores.groupby("name", sort=False)["baseline"].max()
    chart.add(
        "scatter", x=base.index, y=base, mode="markers", name="majority label",
        hovertemplate="%{x}: %{y:.3f}<extra></extra>",
        marker={"symbol": "line-ew-open", "size": 60, "line": {"width": 3}, "color": style.MUTED},
    )  # fmt: skip
    chart.x_axes(title="Run", type="category", categoryorder="array", categoryarray=names)
    chart.y_axes(title="Samples-averaged F1", range=[0, 1.1])
    style.legend_on_top(chart)
    return style.finish(chart, height=340)


def thin(values: Sequence[int] | pd.Index, most: int = MAX_POINTS) -> np.ndarray:
    """Positions of at most ``most`` of the values, evenly spread, the last always among them."""
    if len(values) <= most:
        return np.arange(len(values))
    return np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))


def _add_line(chart: Chart, row: int, curve: pd.DataFrame, title: str, color: str) -> None:
    """A curve (x and y of a table) of the run ``title``, which has one entry in the legend for all its panels."""
    known = curve.dropna()
    known = known.iloc[thin(known.index)]
    chart.add(
        "scattergl", row=row, x=known.iloc[:, 0], y=known.iloc[:, 1], mode="lines", name=title, legendgroup=title,
        showlegend=row == 1, line={"color": color, "width": 1.5}, hovertemplate="%{y:.3f}",
    )  # fmt: skip
