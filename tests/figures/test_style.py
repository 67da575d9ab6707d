"""What all charts share."""

import numpy as np

from core.figures import style
from core.figures.chart import Chart


def point() -> Chart:
    return Chart().add("scatter", x=[1], y=[2])


def test_finish_makes_room_for_titles_and_a_legend_on_top() -> None:
    plain = style.finish(point(), height=200)
    legend = style.finish(style.legend_on_top(point()), height=200)
    assert plain.layout.height == 200
    assert plain.layout.xaxis.automargin is True
    assert legend.layout.margin.t > plain.layout.margin.t
    assert legend.layout.legend.orientation == "h"


def test_what_a_chart_says_itself_holds() -> None:
    chart = point().update(margin={"t": 50}, hovermode="x unified").x_axes(title={"text": "x", "standoff": 40})
    layout = style.finish(chart).layout
    assert (layout.margin.t, layout.margin.l, layout.hovermode) == (50, 8, "x unified")
    assert (layout.xaxis.title.text, layout.xaxis.title.standoff, layout.yaxis.title.standoff) == ("x", 40, 8)


def test_bars_get_a_line_each() -> None:
    assert style.bar_height(20) - style.bar_height(10) == 240
    assert style.bar_height(0) == style.bar_height(2)


def test_thin_keeps_order_and_number_and_is_the_same_each_time() -> None:
    assert style.thin(5, 10).tolist() == [0, 1, 2, 3, 4]
    few = style.thin(1000, 50)
    assert len(few) == 50
    assert np.all(np.diff(few) > 0)
    assert np.array_equal(few, style.thin(1000, 50))


def test_mark_value_draws_a_line_with_its_name() -> None:
    figure = style.mark_value(point(), 3.0, "median 3", "#123456").figure()
    assert figure.layout.shapes[0].x0 == 3.0
    assert figure.layout.annotations[0].text == "median 3"
