"""How a chart looks on paper: where the app's theme is absent (a file to take away), a light one of the same kind."""

import plotly.graph_objects as go

from core.figures import palette

INK, RULE = "#17212b", "#d9e0e6"
FONT = "Inter, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', sans-serif"
_AXIS = {"gridcolor": "#e8edf1", "linecolor": RULE, "zerolinecolor": RULE, "ticks": "", "automargin": True}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff", "colorway": list(palette.COMPARE),
        "xaxis": _AXIS, "yaxis": _AXIS, "hoverlabel": {"font": {"family": FONT}},
    }
)  # fmt: skip
HEIGHT = 400  # pixels, where a chart names none


def on_paper(figure: go.Figure) -> go.Figure:
    """A copy of a chart with the light theme and room at its edges; the chart itself is left alone."""
    copy = go.Figure(figure)
    copy.update_layout(template=TEMPLATE, width=None, autosize=True, height=figure.layout.height or HEIGHT)
    return copy
