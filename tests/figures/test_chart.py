"""Charts made as plain data are what plotly's own functions make."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from core.figures.chart import Chart


def plain(figure: go.Figure, *parts: str) -> dict[str, Any]:
    """Parts of the layout as plotly.js gets them."""
    layout = figure.to_dict()["layout"]
    return {part: layout.get(part) for part in parts}


def axes(figure: go.Figure) -> dict[str, Any]:
    """Domains and anchors of all axes, in tens of thousandths."""
    layout = figure.to_dict()["layout"]
    return {
        name: (value["anchor"], np.round(value["domain"], 4).tolist(), value.get("showticklabels", True))
        for name, value in layout.items()
        if name[1:].startswith("axis")
    }


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"rows": 2, "heights": [0.7, 0.3], "gaps": (0.0, 0.06), "shared_x": "columns"},
         {"rows": 2, "row_heights": [0.7, 0.3], "vertical_spacing": 0.06, "shared_xaxes": True}),
        ({"cols": 2, "widths": [0.74, 0.26], "gaps": (0.03, 0.0), "shared_y": "rows"},
         {"cols": 2, "column_widths": [0.74, 0.26], "horizontal_spacing": 0.03, "shared_yaxes": True}),
        ({"rows": 2, "cols": 3, "gaps": (0.02, 0.1), "shared_x": "all", "shared_y": "all"},
         {"rows": 2, "cols": 3, "horizontal_spacing": 0.02, "vertical_spacing": 0.1, "shared_xaxes": "all",
          "shared_yaxes": "all"}),
    ],
)  # fmt: skip
def test_a_grid_lies_where_plotly_lays_it(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    figure = Chart(**mine).figure()
    assert axes(figure) == axes(make_subplots(**theirs))
    layout = figure.to_dict()["layout"]
    shared = {name: value["matches"] for name, value in layout.items() if "matches" in value}
    if mine.get("shared_x") == "columns":
        assert shared == {"xaxis": "x2"}
    elif mine.get("shared_y") == "rows":
        assert shared == {"yaxis2": "y"}
    else:
        assert shared == {f"{axis}axis{panel}": axis for axis in "xy" for panel in range(2, 7)}


def test_titles_of_panels_stand_where_plotly_puts_them() -> None:
    figure = Chart(2, 2, gaps=(0.1, 0.2), titles=["a", "b", "c"]).figure()
    expected = make_subplots(2, 2, horizontal_spacing=0.1, vertical_spacing=0.2, subplot_titles=["a", "b", "c"])
    for mine, theirs in zip(figure.layout.annotations, expected.layout.annotations, strict=True):
        assert (mine.text, mine.xref, mine.yref, mine.xanchor) == (theirs.text, "paper", "paper", theirs.xanchor)
        assert (mine.x, mine.y) == (pytest.approx(theirs.x), pytest.approx(theirs.y))


def test_traces_lie_in_their_panel() -> None:
    figure = Chart(2, 2).add("bar", x=[1], y=[1]).add("bar", row=2, col=1, x=[1], y=[2]).figure()
    expected = make_subplots(2, 2).add_bar(x=[1], y=[1], row=1, col=1).add_bar(x=[1], y=[2], row=2, col=1)
    assert [(trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data] == [
        (trace.xaxis, trace.yaxis) for trace in expected.data
    ]


def test_lines_and_what_is_written_at_them_are_those_of_plotly() -> None:
    line = {"color": "#123456", "width": 2}
    mine = Chart().add("scatter", x=[1], y=[1]).vertical(3, line, text="three").horizontal(2, line, text="two")
    theirs = go.Figure(go.Scatter(x=[1], y=[1]))
    theirs.add_vline(x=3, line=line, annotation_text="three", annotation_position="top")
    theirs.add_hline(y=2, line=line, annotation_text="two")
    found, expected = plain(mine.figure(), "shapes", "annotations"), plain(theirs, "shapes", "annotations")
    axis = {"xref": "x", "yref": "y"}  # of the first panel, which is where plotly.js puts what names none
    assert found["shapes"] == expected["shapes"]
    assert [axis | note for note in found["annotations"]] == [axis | note for note in expected["annotations"]]


def test_a_line_crosses_all_panels_or_one() -> None:
    line = {"width": 1}
    everywhere = Chart(1, 2).horizontal(2, line).figure().layout.shapes
    assert [(shape.xref, shape.yref) for shape in everywhere] == [("x domain", "y"), ("x2 domain", "y2")]
    [one] = Chart(2, 1).vertical(2, line, row=2, col=1).figure().layout.shapes
    assert (one.xref, one.yref, one.x0, one.y0, one.y1) == ("x2", "y2 domain", 2, 0, 1)


def test_axes_are_set_by_row_and_column_and_a_title_may_be_a_text() -> None:
    chart = Chart(2, 2).x_axes(title="below", row=2).x_axes(title={"standoff": 5}).y_axes(range=[0, 1], col=2)
    layout = chart.figure().layout
    assert [layout[f"xaxis{n}"].title.text for n in ("", 2, 3, 4)] == [None, None, "below", "below"]
    assert {layout[f"xaxis{n}"].title.standoff for n in ("", 2, 3, 4)} == {5}
    assert [layout[f"yaxis{n}"].range for n in ("", 2, 3, 4)] == [None, (0, 1), None, (0, 1)]


def test_columns_of_tables_become_arrays_and_nothing_is_set_to_none() -> None:
    values = pd.Series([1.5, np.nan], dtype=np.float32)
    chart = Chart().add("scatter", x=values, y=pd.Index(["a", "b"]), text=None, marker={"color": values, "size": None})
    [trace] = chart.figure().to_dict()["data"]
    assert set(trace) == {"type", "x", "y", "marker"}
    assert trace["x"]["dtype"] == trace["marker"]["color"]["dtype"] == "f4"
    assert list(trace["y"]) == ["a", "b"]
    assert set(trace["marker"]) == {"color"}


def test_a_property_that_plotly_does_not_know_fails_in_tests() -> None:
    with pytest.raises(ValueError, match="colour"):
        Chart().add("scatter", x=[1], y=[1], marker={"colour": "red"}).figure()
