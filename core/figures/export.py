"""A chart as a file that stands by itself: interactive, with its title, what it shows and where it comes from."""

from collections.abc import Mapping

import plotly.graph_objects as go

from core.figures.report import Drawing, Section, page


def to_html(figure: go.Figure, title: str, caption: str, provenance: Mapping[str, str], name: str = "figure") -> bytes:
    """One HTML file (UTF-8) with plotly.js inside, which asks no other machine for anything.

    The reader can save the chart as SVG or PNG from it, under ``name``. Text is escaped.
    """
    shown = Section("Figure", [Drawing(figure, caption, name)])
    return page(title, "", [shown], provenance, contents=False)
