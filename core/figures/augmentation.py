"""Charts of an augmentation study: how well a rare label is found, by how many real biosamples of it there are."""

import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

MEASURES = {"average_precision": "Average precision", "recall_at_95": "Recall at 95 % precision"}
ARMS = {
    "none": ("nothing done", style.MUTED, "dot"),
    "class-weights": ("class weights", palette.COMPARE[0], "solid"),
    "oversampling": ("oversampling", palette.COMPARE[2], "dash"),
    "smote": ("SMOTE", palette.COMPARE[3], "dashdot"),
    "pca-gaussian": ("PCA-Gaussian", palette.COMPARE[4], "longdash"),
    "wgan-gp": ("GAN", palette.SYNTHETIC, "solid"),
    "flow-matching": ("flow matching", palette.COMPARE[6], "solid"),
}


def by_size(summary: pd.DataFrame, measure: str) -> go.Figure:
    """A measure against n, a line an arm, with the interval over seeds as a band.

    ``summary``: size, n, arm, the measure and its ``_low`` and ``_high`` (None where there is none), as an augmentation
    study gives it. n is on a log axis; an arm without any figure has no line.
    """
    chart = Chart()
    for arm, (name, color, dash) in ARMS.items():
        rows = summary[(summary["arm"] == arm) & summary[measure].notna()].sort_values("n")
        if rows.empty:
            continue
        _band(chart, rows, measure, arm, color)
        chart.add(
            "scatter", x=rows["n"], y=rows[measure].astype(float), name=name, legendgroup=arm, mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2}, marker={"size": 7, "color": color},
            customdata=rows[[f"{measure}_low", f"{measure}_high", "seeds", "size"]].astype(object),
            hovertemplate="n = %{x:.0f} (%{customdata[3]}): %{y:.3f}, %{customdata[0]:.3f} to %{customdata[1]:.3f} "
            "over %{customdata[2]} seeds<extra>" + name + "</extra>",
        )  # fmt: skip
    ticks = summary.groupby("size", sort=False)["n"].mean()
    chart.x_axes(
        title="Real training biosamples of the label", type="log", tickvals=ticks.tolist(),
        ticktext=[f"all ({n:.0f})" if size == "all" else str(size) for size, n in ticks.items()],
    )  # fmt: skip
    chart.y_axes(title=MEASURES[measure], range=[-0.03, 1.03])
    style.legend_on_top(chart)
    return style.finish(chart, height=400)


def _band(chart: Chart, rows: pd.DataFrame, measure: str, arm: str, color: str) -> None:
    known = rows[rows[f"{measure}_low"].notna()]
    if known.empty:
        return
    low, high = (known[f"{measure}_{end}"].astype(float).tolist() for end in ("low", "high"))
    n = known["n"].tolist()
    chart.add(
        "scatter", x=[*n, *n[::-1]], y=[*high, *low[::-1]], fill="toself", fillcolor=_faint(color), line={"width": 0},
        mode="lines", hoverinfo="skip", showlegend=False, legendgroup=arm,
    )  # fmt: skip


def _faint(color: str) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.13)"
