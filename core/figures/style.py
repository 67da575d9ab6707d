"""What all charts share: sizes, neutral colours, legends. Fonts, grids and backgrounds come from the app's theme."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

# Greys that show on a light and on a dark background: for the text of a chart, for lines, for a crowd of points.
MUTED = "#77828f"
GREY = "#9aa4af"
FAINT = "rgba(127, 139, 153, 0.35)"
SEQUENTIAL = "Viridis"
DIVERGING = [[0.0, "#036bb9"], [0.5, "#e8e8e6"], [1.0, "#c4560b"]]

MAX_ROWS_HEIGHT = 640


def finish(figure: go.Figure, height: int = 360) -> go.Figure:
    """Margins, height and hover as on every chart; titles of axes may take the room that they need."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 28 if _legend_on_top(figure) else 12, "b": 8},
        hovermode="closest",
        bargap=0.18,
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(automargin=True, title_standoff=8, zeroline=False)
    figure.update_yaxes(automargin=True, title_standoff=8, zeroline=False)
    return figure


def bar_height(n: int) -> int:
    """Height of a chart with ``n`` horizontal bars, so that every name has a line of its own."""
    return 90 + 24 * max(2, n)


def legend_on_top(figure: go.Figure) -> go.Figure:
    """A legend in one line above the chart, where it takes no width from a phone."""
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0, "title": None}
    return figure.update_layout(showlegend=True, legend=legend)


def mark_value(figure: go.Figure, x: float, text: str, color: str, position: str = "top", **more: Any) -> go.Figure:
    """A vertical line at ``x`` with its name beside it."""
    return figure.add_vline(
        x=x, line={"color": color, "width": 2}, annotation_text=text, annotation_position=position,
        annotation_font={"color": color}, **more,
    )  # fmt: skip


def thin(n: int, most: int, seed: int = 1) -> np.ndarray:
    """Positions of at most ``most`` of ``n`` things, drawn with a seed, in their order: keeps a chart light."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _legend_on_top(figure: go.Figure) -> bool:
    return bool(figure.layout.showlegend) and figure.layout.legend.orientation == "h"
