"""How much room the ticks, titles and legend of a chart need.

Plotly can find out by itself (automargin), but draws a chart twice for it, which takes twice as long. Text is taken to
be as wide as it may be in the app's font, so that nothing is cut; axes whose texts plotly may turn (categories below a
chart), and names so long that a phone has no room for them, are left to it.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.figures.chart import Chart

CHARACTER, SMALL = 7.0, 6.3  # pixels of a character of a tick, and of a legend in small type
LINE = 18  # pixels of a line of a title
NUMBER = 44  # pixels of a number beside an axis
TICK, BAR = 22, 8  # pixels of a line of ticks below a chart; between ticks and a title
KEY = 42  # pixels of a legend's symbols
LONGEST = 200  # pixels of names beside an axis; for longer ones plotly finds out how much of a chart they may take
_TAG = re.compile(r"<[^>]+>")


def margins(chart: Chart) -> dict[str, int]:
    """Margins in pixels on the left (of the axes of the first column), right and bottom (of the last row)."""
    left = [_beside(chart, axis) for axis in _edge(chart, "y")]
    below = [_below(chart.layout[axis]) for axis in _edge(chart, "x")]
    return {"l": max(left, default=8), "r": 12 + _legend(chart), "b": max(below, default=8)}


def is_left_to_plotly(chart: Chart, axis: str) -> bool:
    """Whether plotly must find out itself how much room an axis needs."""
    texts = _texts(chart, axis) if _told(chart.layout[axis]) else []
    return bool(texts) and (axis.startswith("x") or _wide(texts) > LONGEST)


def _edge(chart: Chart, which: str) -> list[str]:
    """Names in the layout of the y axes of the first column, or of the x axes of the last row."""
    rows, cols = chart.rows, chart.cols
    numbers = range(0, rows * cols, cols) if which == "y" else range((rows - 1) * cols, rows * cols)
    return [f"{which}axis{number + 1 if number else ''}" for number in numbers]


def _beside(chart: Chart, name: str) -> int:
    axis = chart.layout[name]
    lines = _lines(axis)
    ticks = 0.0
    if _told(axis) and not is_left_to_plotly(chart, name):
        texts = _texts(chart, name)
        ticks = _wide(texts) if texts else NUMBER
    title = lines * LINE + _gap(axis) if lines else 0
    return round(ticks + title + 6)


def _below(axis: dict[str, Any]) -> int:
    lines = _lines(axis)
    return (TICK if _told(axis) else 0) + (lines * LINE + _gap(axis) if lines else 0) + 6


def _legend(chart: Chart) -> int:
    """Of a legend on the right."""
    layout = chart.layout
    if not layout.get("showlegend") or layout.get("legend", {}).get("orientation") == "h":
        return 0
    names = [str(trace["name"]) for trace in chart.data if trace.get("name") and trace.get("showlegend") is not False]
    return round(KEY + SMALL * _widest(names)) if names else 0


def _told(axis: dict[str, Any]) -> bool:
    return axis.get("showticklabels") is not False and axis.get("visible") is not False


def _gap(axis: dict[str, Any]) -> int:
    title = axis.get("title") or {}
    return int(title.get("standoff", BAR))


def _lines(axis: dict[str, Any]) -> int:
    text = (axis.get("title") or {}).get("text") or ""
    return text.count("<br>") + 1 if text else 0


def _texts(chart: Chart, name: str) -> list[str]:
    """What is written beside the ticks of an axis, where that is text."""
    axis = chart.layout[name]
    if axis.get("ticktext") is not None:
        return [str(text) for text in axis["ticktext"]]
    return list(_categories(chart, name))


def _categories(chart: Chart, name: str) -> Iterator[str]:
    which, reference = name[0], name.replace("axis", "")
    for trace in chart.data:
        values = trace.get(which)
        if trace.get(f"{which}axis", which) == reference and values is not None:
            yield from (value for value in values if isinstance(value, str))


def _wide(texts: list[str]) -> float:
    return CHARACTER * _widest(texts) + 6


def _widest(texts: list[str]) -> int:
    lines = [line for text in texts for line in _TAG.sub("", text.replace("<br>", "\n")).split("\n")]
    return max(map(len, lines), default=0)
