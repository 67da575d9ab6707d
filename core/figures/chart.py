"""A chart under construction, as the plain data that plotly.js reads.

plotly's graph objects check each property as it is set, which took more than half of the time of a page. Here a chart
is dictionaries until it is whole, and is made a figure once, unchecked: the tests check every chart that they draw.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import pandas as pd
import plotly.graph_objects as go

Place = Mapping[str, Any]
Shared = Literal["", "columns", "rows", "all"]


class Chart:
    """Traces over one panel or a grid of them (row 1 on top), and the layout around them.

    ``heights`` and ``widths``: shares of the rows and columns; ``gaps``: share of the width between columns, of the
    height between rows. ``shared_x``: panels of a column, or "all", have the same x, told by the lowest of a column;
    ``shared_y``: those of a row, or "all", have the same y, told by the first of a row. ``titles``: one a panel.
    """

    def __init__(
        self,
        rows: int = 1,
        cols: int = 1,
        heights: Sequence[float] = (),
        widths: Sequence[float] = (),
        gaps: tuple[float, float] = (0.0, 0.0),
        shared_x: Shared = "",
        shared_y: Shared = "",
        titles: Sequence[str] = (),
    ) -> None:
        self.rows, self.cols = rows, cols
        self.data: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {"shapes": [], "annotations": []}
        across = _spans(widths or [1.0] * cols, gaps[0])
        down = _spans((heights or [1.0] * rows)[::-1], gaps[1])[::-1]
        for number, (row, col) in enumerate(self._panels()):
            x, y = _ids(number)
            first_x = _ids(0 if shared_x == "all" else (rows - 1) * cols + col - 1)[0]
            first_y = _ids(0 if shared_y == "all" else (row - 1) * cols)[1]
            x_same = _like(x, first_x, told=row == rows) if shared_x else {}
            y_same = _like(y, first_y, told=col == 1) if shared_y else {}
            self.layout[_axis(x)] = {"anchor": y, "domain": across[col - 1], **x_same}
            self.layout[_axis(y)] = {"anchor": x, "domain": down[row - 1], **y_same}
            if number < len(titles):
                self.annotate(x=sum(across[col - 1]) / 2, y=down[row - 1][1], text=titles[number], xref="paper",
                              yref="paper", xanchor="center", yanchor="bottom", font={"size": 16})  # fmt: skip

    def add(self, kind: str, row: int = 1, col: int = 1, **properties: Any) -> Self:
        """A trace of this type ("scatter", "bar" ...) in a panel; a property that is None is left out."""
        x, y = _ids((row - 1) * self.cols + col - 1)
        place = {} if x == "x" else {"xaxis": x, "yaxis": y}
        self.data.append({"type": kind, **_plain(properties), **place})
        return self

    def update(self, **layout: Any) -> Self:
        """Sets parts of the layout; what is inside of them and not named stays."""
        _merge(self.layout, _plain(layout))
        return self

    def x_axes(self, row: int = 0, col: int = 0, **properties: Any) -> Self:
        """Sets properties of the x axes of a row, a column, a panel or (by default) all; ``title`` may be a text."""
        return self._axes("x", row, col, properties)

    def y_axes(self, row: int = 0, col: int = 0, **properties: Any) -> Self:
        """Sets properties of y axes, as ``x_axes`` does."""
        return self._axes("y", row, col, properties)

    def annotate(self, **properties: Any) -> Self:
        """A text in the first panel, or where ``xref`` and ``yref`` say; without an arrow."""
        self.layout["annotations"].append({"showarrow": False, **_plain(properties)})
        return self

    def shape(self, row: int = 0, col: int = 0, **properties: Any) -> Self:
        """A shape in every panel, or in those of a row, a column; coordinates that are left out span the panel."""
        for x, y in self._chosen(row, col):
            shape = {"type": "rect", "xref": x, "yref": y, **_plain(properties)}
            for axis, of in (("x", x), ("y", y)):
                if f"{axis}0" not in shape:
                    shape |= {f"{axis}0": 0, f"{axis}1": 1, f"{axis}ref": f"{of} domain"}
            self.layout["shapes"].append(shape)
        return self

    def vertical(self, x: float, line: Place, row: int = 0, col: int = 0, text: str = "", **note: Any) -> Self:
        """A line at ``x`` over the height of its panels, with a text above it; ``note``: how that looks."""
        self.shape(row, col, type="line", x0=float(x), x1=float(x), line=line)
        if text:
            self.annotate(x=float(x), y=1, yref="y domain", text=text, xanchor="center", yanchor="bottom", **note)
        return self

    def horizontal(self, y: float, line: Place, row: int = 0, col: int = 0, text: str = "", **note: Any) -> Self:
        """A line at ``y`` over the width of its panels, with a text above its right end; ``note``: how that looks."""
        self.shape(row, col, type="line", y0=float(y), y1=float(y), line=line)
        if text:
            self.annotate(y=float(y), x=1, xref="x domain", text=text, xanchor="right", yanchor="bottom", **note)
        return self

    def default(self, layout: Place, axes: Place) -> Self:
        """Fills in what the layout, and each axis, does not say yet."""
        self.layout = _merge(_copy(layout), self.layout)
        for number in range(self.rows * self.cols):
            for axis in map(_axis, _ids(number)):
                self.layout[axis] = _merge(_copy(axes), self.layout[axis])
        return self

    def figure(self) -> go.Figure:
        """The chart for plotly, as it is."""
        return go.Figure({"data": self.data, "layout": self.layout}, _validate=False)

    def _panels(self) -> list[tuple[int, int]]:
        return [(row, col) for row in range(1, self.rows + 1) for col in range(1, self.cols + 1)]

    def _chosen(self, row: int, col: int) -> list[tuple[str, str]]:
        return [_ids(number) for number, (r, c) in enumerate(self._panels()) if row in (0, r) and col in (0, c)]

    def _axes(self, which: str, row: int, col: int, properties: dict[str, Any]) -> Self:
        given = _plain(properties)
        if isinstance(given.get("title"), str):
            given["title"] = {"text": given["title"]}
        for x, y in self._chosen(row, col):
            _merge(self.layout[_axis(x if which == "x" else y)], given)
        return self


def _ids(number: int) -> tuple[str, str]:
    """What traces call the axes of a panel, counted from 0."""
    return ("x", "y") if number == 0 else (f"x{number + 1}", f"y{number + 1}")


def _like(own: str, first: str, told: bool) -> dict[str, Any]:
    """What makes an axis the same as another, and keeps its numbers to itself where they are told elsewhere."""
    return ({} if own == first else {"matches": first}) | ({} if told else {"showticklabels": False})


def _axis(name: str) -> str:
    return f"{name[0]}axis{name[1:]}"


def _spans(shares: Sequence[float], gap: float) -> list[list[float]]:
    """Start and end of each of some stretches from 0 to 1 with gaps between."""
    room, at, spans = (1 - gap * (len(shares) - 1)) / sum(shares), 0.0, []
    for share in shares:
        spans.append([at, min(1.0, at + share * room)])
        at += share * room + gap
    return spans


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is None, and with arrays in place of columns of tables."""
    found: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, Mapping):
            found[name] = _plain(value)
        elif isinstance(value, pd.Series | pd.Index | pd.DataFrame):
            found[name] = value.to_numpy()
        elif value is not None:
            found[name] = value
    return found


def _copy(tree: Place) -> dict[str, Any]:
    return {name: _copy(value) if isinstance(value, Mapping) else value for name, value in tree.items()}


def _merge(into: dict[str, Any], more: Place) -> dict[str, Any]:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
    return into
