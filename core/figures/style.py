"""What all charts share: sizes, neutral colours, legends. Fonts, grids and backgrounds come from the app's theme."""

import numpy as np
import plotly.graph_objects as go

from core.figures import room
from core.figures.chart import Chart

# Greys that show on a light and on a dark background: for the text of a chart, for lines, for a crowd of points.
MUTED = "#77828f"
GREY = "#9aa4af"
FAINT = "rgba(127, 139, 153, 0.35)"
SEQUENTIAL = "Viridis"
DIVERGING = [[0.0, "#036bb9"], [0.5, "#e8e8e6"], [1.0, "#c4560b"]]


def finish(chart: Chart, height: int = 360) -> go.Figure:
    """The figure, with height, hover and the margins that its ticks, titles and legend need.

    What the chart says of these itself holds.
    """
    layout = {
        "height": height,
        "margin": {"t": 34 if _legend_on_top(chart) else 12, **room.margins(chart)},
        "hovermode": "closest",
        "bargap": 0.18,
        "hoverlabel": {"namelength": -1},
    }
    for axis in [name for name in chart.layout if name[1:5] == "axis"]:
        chart.layout[axis].setdefault("automargin", room.is_left_to_plotly(chart, axis))
    return chart.default(layout, {"title": {"standoff": room.BAR}, "zeroline": False}).figure()


def bar_height(n: int) -> int:
    """Height of a chart with ``n`` horizontal bars, so that every name has a line of its own."""
    return 90 + 24 * max(2, n)


def legend_on_top(chart: Chart) -> Chart:
    """A legend in one line above the chart, where it takes no width from a phone."""
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0}
    return chart.update(showlegend=True, legend=legend)


def mark_value(chart: Chart, x: float, text: str, color: str) -> Chart:
    """A vertical line at ``x`` with its name above it."""
    return chart.vertical(x, line={"color": color, "width": 2}, text=text, font={"color": color})


def thin(n: int, most: int, seed: int = 1) -> np.ndarray:
    """Positions of at most ``most`` of ``n`` things, drawn with a seed, in their order: keeps a chart light."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _legend_on_top(chart: Chart) -> bool:
    return bool(chart.layout.get("showlegend")) and chart.layout.get("legend", {}).get("orientation") == "h"
