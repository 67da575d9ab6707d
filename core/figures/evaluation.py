"""Charts of a classifier's evaluation: confusions, calibration, abstention, unknown labels, and more data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart
from core.figures.train import SPLITS, thin
from core.types import DoubleArray

SPLIT_COLORS = dict(zip(SPLITS, palette.series_colors(len(SPLITS)), strict=True))
CURVES = {"samples_f1": "Samples-averaged F1", "macro_auprc": "Macro AUPRC"}
ROW = 20  # pixels of a label
APART = 1.5  # ratio of two numbers that are both written below a log axis
TITLE_GAP = 16  # pixels between the title of an axis and its numbers


def confusion(table: pd.DataFrame, by_row: bool = True, chosen: tuple[str, str] | None = None) -> go.Figure:
    """Heatmap of the first predicted label against the true label: shares of the row, or counts on a log scale.

    ``table``: true, predicted, count; a pair that is not there counts 0. ``chosen`` (true, predicted) is outlined. An
    invisible point in every cell carries (true, predicted, count, share), because a heatmap cannot be clicked.
    """
    names = sorted({*table["true"], *table["predicted"]})
    square = table.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    counts = square.reindex(index=names, columns=names, fill_value=0).to_numpy(dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    z, scale = (share, _share_scale()) if by_row else (np.log10(1 + counts), _count_scale(counts))
    chart = Chart().add("heatmap", z=z, x=names, y=names, colorscale=style.SEQUENTIAL, hoverinfo="skip", **scale)
    _add_cells(chart, names, counts, share)
    if chosen is not None and set(chosen) <= set(names):
        row, column = (names.index(name) for name in chosen)
        line = {"color": palette.SYNTHETIC, "width": 3}
        chart.shape(type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5, line=line)
    axis: dict[str, Any] = {"type": "category", "showgrid": False, "dtick": 1, "tickfont": {"size": 11}}
    chart.x_axes(title="First predicted label", tickangle=-90, range=[-0.5, len(names) - 0.5], **axis)
    chart.y_axes(title="True label", range=[len(names) - 0.5, -0.5], **axis)
    chart.x_axes(title={"standoff": 50})  # measured before its long, turned labels have their final font
    chart.update(hoverdistance=-1, showlegend=False)
    return style.finish(chart, height=260 + ROW * len(names))


def calibration(bins: pd.DataFrame, split: str) -> go.Figure:
    """Reliability diagram of one split, the ideal dashed, above how many calls each bin has.

    ``bins``: low and high (edges), predicted (mean probability), observed (share that is right) and count.
    """
    chart = Chart(2, heights=[0.72, 0.28], gaps=(0.0, 0.06), shared_x="columns")
    chart.add(
        "scatter", x=[0, 1], y=[0, 1], mode="lines", name="perfectly calibrated", hoverinfo="skip",
        line={"color": style.GREY, "dash": "dash"}, row=1, col=1
    )  # fmt: skip
    color = SPLIT_COLORS.get(split, palette.ACCENT)
    chart.add(
        "scatter", x=bins["predicted"], y=bins["observed"], mode="lines+markers", name=SPLITS.get(split, split),
        line={"color": color}, marker={"size": 8}, customdata=bins["count"], row=1, col=1,
        hovertemplate="said %{x:.2f}, right %{y:.2f} of %{customdata:,.0f} calls<extra></extra>",
    )  # fmt: skip
    chart.add(
        "bar", x=(bins["low"] + bins["high"]) / 2, y=bins["count"], width=0.09, marker={"color": color},
        showlegend=False,
        text=[f"{count:,}" for count in bins["count"]], textposition="outside", cliponaxis=False, row=2, col=1,
        hovertemplate="%{y:,.0f} calls of probability about %{x:.2f}<extra></extra>",
    )  # fmt: skip
    top = float(bins["count"].max()) if len(bins) else 1.0
    chart.x_axes(range=[0, 1])
    chart.x_axes(title="Probability of the first label", row=2, col=1)
    chart.y_axes(title="Share that is right", range=[0, 1.02], row=1, col=1)
    chart.y_axes(title="Calls", range=[0, 1.3 * top], nticks=3, tickformat=",", row=2, col=1)
    style.legend_on_top(chart)
    chart.y_axes(title={"standoff": TITLE_GAP})
    return style.finish(chart, height=430)


def coverage(curve: pd.DataFrame, rule: Mapping[str, Any]) -> go.Figure:
    """Precision against coverage as the limit of abstention falls, with the working point and without abstaining.

    ``curve``: threshold, coverage, precision. ``rule``: coverage, precision and goal, of which any may be missing.
    """
    shown = curve.iloc[thin(curve.index)]
    chart = Chart().add(
        "scatter", x=shown["coverage"], y=shown["precision"], mode="lines", name="every limit",
        customdata=shown["threshold"],
        line={"color": SPLIT_COLORS["series"]},
        hovertemplate="limit %{customdata:.3f}: %{x:.1%} called, %{y:.1%} of them right<extra></extra>",
    )  # fmt: skip
    goal = rule.get("goal")
    ends = [curve["precision"].min(), goal, rule.get("precision")]
    if goal is not None:
        chart.add(
            "scatter", x=[0, 1], y=[goal, goal], mode="lines", name=f"goal {goal:.0%}", hoverinfo="skip",
            line={"color": style.GREY, "dash": "dash"}
        )  # fmt: skip
    if rule.get("precision") is not None:
        chart.add(
            "scatter", x=[rule["coverage"]], y=[rule["precision"]], mode="markers", name="working point, out of fold",
            marker={"size": 14, "symbol": "diamond", "color": palette.ACCENT},
            hovertemplate="%{x:.1%} called, %{y:.1%} of them right<extra></extra>",
        )  # fmt: skip
    chart.add(
        "scatter", x=shown["coverage"].tail(1), y=shown["precision"].tail(1), mode="markers", name="without abstaining",
        marker={"size": 11, "symbol": "circle-open", "color": style.MUTED, "line": {"width": 2}},
        hovertemplate="all called, %{y:.1%} right<extra></extra>",
    )  # fmt: skip
    low = min(float(value) for value in ends if value is not None and np.isfinite(value))
    chart.x_axes(title="Coverage: share of biosamples that is called", range=[0, 1.03], tickformat=".0%")
    chart.y_axes(title="Precision: share of calls that are right", range=[max(0.0, low - 0.03), 1.005],
                 tickformat=".0%")  # fmt: skip
    style.legend_on_top(chart)
    chart.y_axes(title={"standoff": TITLE_GAP})
    return style.finish(chart, height=400)


def unknown_labels(table: pd.DataFrame) -> go.Figure:
    """AUROC of the novelty score for each label left out of training, a dot a split; means dotted, chance dashed.

    ``table``: label and any of random_auroc, series_auroc and their <split>_flagged; worst label at the bottom.
    """
    splits = [name for name in SPLITS if f"{name}_auroc" in table and table[f"{name}_auroc"].notna().any()]
    ordered = table.sort_values([f"{name}_auroc" for name in reversed(splits)]) if splits else table
    chart = Chart()
    for split in splits:
        values, flagged = ordered[f"{split}_auroc"].astype(float), ordered.get(f"{split}_flagged")
        chart.add(
            "scatter", x=values, y=ordered["label"], mode="markers", name=f"{SPLITS[split]}, mean {values.mean():.3f}",
            marker={"size": 10, "color": SPLIT_COLORS[split], "symbol": "circle" if split == "random" else "diamond"},
            customdata=None if flagged is None else flagged.astype(float),
            hovertemplate="%{y}: AUROC %{x:.3f}" + ("" if flagged is None else ", %{customdata:.0%} flagged as new")
            + f"<extra>{SPLITS[split]}</extra>",
        )  # fmt: skip
        chart.vertical(values.mean(), line={"color": SPLIT_COLORS[split], "width": 1.5, "dash": "dot"})
    chart.vertical(0.5, line={"color": style.GREY, "dash": "dash"})
    low = min([0.5, *(float(ordered[f"{split}_auroc"].min()) for split in splits)])
    chart.x_axes(title="AUROC: left-out label against known ones<br>(0.5, dashed, = chance)",
                 range=[low - 0.03, 1.03])  # fmt: skip
    chart.y_axes(type="category", categoryorder="array", categoryarray=ordered["label"].tolist(), dtick=1)
    style.legend_on_top(chart)
    return style.finish(chart, height=style.bar_height(len(ordered)) + 50)


def learning_curve(table: pd.DataFrame) -> go.Figure:
    """Two scores against the biosamples that a label may have at most, both splits, the majority label dashed.

    ``table``: split, at_most, and samples_f1 and macro_auprc with their majority_ columns.
    """
    chart = Chart(len(CURVES), gaps=(0.0, 0.07), shared_x="columns")
    for row, (name, words) in enumerate(CURVES.items(), 1):
        for split, rows in table.groupby("split", sort=False):
            for prefix, dash, of in (("", "solid", ""), ("majority_", "dash", ", majority label")):
                chart.add(
                    "scatter", x=rows["at_most"], y=rows[f"{prefix}{name}"],
                    mode="lines+markers" if not prefix else "lines",
                    name=f"{SPLITS.get(str(split), split)}{of}", legendgroup=f"{split}{prefix}", showlegend=row == 1,
                    line={"color": SPLIT_COLORS.get(str(split), palette.ACCENT), "dash": dash}, row=row, col=1,
                    hovertemplate="at most %{x:,} a label: %{y:.3f}<extra>" + str(split) + of + "</extra>",
                )  # fmt: skip
        chart.y_axes(title=words, range=[0, 1.03], row=row, col=1)
    sizes = _apart(sorted({int(size) for size in table["at_most"]}))
    ticks: dict[str, Any] = {"tickvals": sizes, "ticktext": [f"{size:,}" for size in sizes]}
    chart.x_axes(type="log", **ticks)
    chart.x_axes(title="Training biosamples a label, at most (log scale)", row=len(CURVES), col=1)
    style.legend_on_top(chart)
    chart.y_axes(title={"standoff": TITLE_GAP})
    return style.finish(chart, height=520)


def _apart(sizes: list[int]) -> list[int]:
    """The sizes that can be written below a log axis without touching, the largest always among them."""
    kept: list[int] = []
    for size in reversed(sizes):
        if not kept or kept[-1] >= APART * size:
            kept.append(size)
    return kept[::-1]


def _add_cells(chart: Chart, names: list[str], counts: DoubleArray, share: DoubleArray) -> None:
    pairs = [(row, column) for row in range(len(names)) for column in range(len(names))]
    hidden = {"marker": {"opacity": 0}}
    chart.add(
        "scatter", x=[names[column] for _, column in pairs], y=[names[row] for row, _ in pairs], mode="markers",
        customdata=[(names[r], names[c], int(counts[r, c]), float(share[r, c])) for r, c in pairs],
        marker={"opacity": 0, "size": 8, "symbol": "square"}, selected=hidden, unselected=hidden,
        hovertemplate="true %{customdata[0]}, predicted %{customdata[1]}<br>%{customdata[2]:,} biosamples, "
                      "%{customdata[3]:.0%} of the row<extra></extra>",
    )  # fmt: skip


def _share_scale() -> dict[str, Any]:
    return {"zmin": 0, "zmax": 1, "colorbar": _bar("Share of the row", tickformat=".0%")}


def _count_scale(counts: DoubleArray) -> dict[str, Any]:
    top = float(counts.max()) if counts.size else 1.0
    marks = [value for value in (0, 1, 10, 100, 1_000, 10_000, 100_000) if value <= max(1.0, top)]
    return {
        "zmin": 0, "zmax": float(np.log10(1 + max(1.0, top))),
        "colorbar": _bar("Biosamples (log scale)", tickvals=[float(np.log10(1 + value)) for value in marks],
                         ticktext=[f"{value:,}" for value in marks]),
    }  # fmt: skip


def _bar(title: str, **more: Any) -> dict[str, Any]:
    """A colour bar above the chart, where it takes no width from a phone."""
    return {
        "title": {"text": title, "side": "top"}, "orientation": "h", "thickness": 10, "len": 0.6, "x": 0,
        "xanchor": "left", "y": 1.0, "yanchor": "bottom", **more,
    }  # fmt: skip
