"""Chart of a classifier with and without synthetic samples: differences and their intervals."""

import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

ROW = 32  # pixels of a measure
APART = 0.3  # rows between the splits of one measure


def differences(table: pd.DataFrame) -> go.Figure:
    """With minus without, and its 95 % interval: a row for each label and measure, a colour for each split.

    ``table``: split, label, measure, with, without, difference, low and high (None where there is no interval, then
    the point is hollow); rows without a difference are left out.
    """
    rows = table[table["difference"].notna()]
    names = [f"{label}: {measure}" for label, measure in zip(rows["label"], rows["measure"], strict=True)]
    order = list(dict.fromkeys(names))
    rows = rows.assign(name=names, place=[float(order.index(name)) for name in names])
    chart = Chart()
    splits = list(rows["split"].unique())
    for number, (split, color) in enumerate(zip(splits, palette.series_colors(len(splits)), strict=True)):
        own = rows[rows["split"] == split]
        value, low, high = (own[name].astype(float) for name in ("difference", "low", "high"))
        chart.add(
            "scatter", x=value, y=own["place"] + APART * (number - (len(splits) - 1) / 2), name=split, mode="markers",
            marker={"color": color, "size": 9, "symbol": low.notna().map({True: "circle", False: "circle-open"})},
            error_x={"type": "data", "array": (high - value).fillna(0.0), "arrayminus": (value - low).fillna(0.0),
                     "color": color, "thickness": 1.5},
            customdata=own[["name", "with", "without", "low", "high"]].astype(object),
            hovertemplate="%{customdata[0]}<br>%{customdata[1]:.3f} with, %{customdata[2]:.3f} without: %{x:+.3f} "
            "(%{customdata[3]:+.3f} to %{customdata[4]:+.3f})<extra>" + split + "</extra>",
        )  # fmt: skip
    chart.vertical(0, line={"color": style.GREY, "dash": "dash"})
    chart.x_axes(title="Difference in score", zeroline=False)
    chart.y_axes(
        title="Label and score", tickvals=list(range(len(order))), ticktext=order, range=[len(order) - 0.5, -0.5],
        tickfont={"size": 12}, zeroline=False,
    )  # fmt: skip
    style.legend_on_top(chart)
    return style.finish(chart, height=170 + ROW * len(order))
