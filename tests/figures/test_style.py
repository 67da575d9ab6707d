"""What all charts share."""

import numpy as np

from core.figures import style
from core.figures.chart import Chart


def point() -> Chart:
    return Chart().add("scatter", x=[1], y=[2])


def test_finish_makes_room_for_a_legend_on_top() -> None:
    plain = style.finish(point(), height=200)
    legend = style.finish(style.legend_on_top(point()), height=200)
    assert plain.layout.height == 200
    assert legend.layout.margin.t > plain.layout.margin.t
    assert legend.layout.legend.orientation == "h"


def test_room_is_made_for_titles_and_names_and_plotly_need_not_look_for_it() -> None:
    bare, long = style.finish(point()), style.finish(Chart().add("bar", x=[1, 2], y=["a", "a long name of a tissue"]))
    titled = style.finish(point().x_axes(title="x<br><sup>unit</sup>").y_axes(title="y"))
    assert long.layout.margin.l > bare.layout.margin.l + 80
    assert titled.layout.margin.l >= bare.layout.margin.l + 18
    assert titled.layout.margin.b >= bare.layout.margin.b + 36
    assert not any(
        axis.automargin for chart in (bare, long, titled) for axis in (chart.layout.xaxis, chart.layout.yaxis)
    )


def test_names_below_a_chart_may_turn_so_plotly_makes_their_room() -> None:
    figure = style.finish(Chart().add("bar", x=["a", "b"], y=[1, 2]))
    assert (figure.layout.xaxis.automargin, figure.layout.yaxis.automargin) == (True, False)


def test_plotly_makes_the_room_of_very_long_names_too() -> None:
    short, long = (
        style.finish(Chart().add("bar", x=[1, 2], y=["a", name])).layout.yaxis.automargin
        for name in ("acute myeloid leukemia", "acute myeloid leukemia blasts of the bone marrow, relapsed")
    )
    assert (short, long) == (False, True)


def test_a_legend_on_the_right_gets_the_room_of_its_longest_name() -> None:
    short, long = (
        style.finish(Chart().add("scatter", x=[1], y=[1], name=name).update(showlegend=True))
        for name in ("a", "a much longer name")
    )
    assert long.layout.margin.r > short.layout.margin.r + 80


def test_ticks_that_are_not_shown_need_no_room() -> None:
    shown, hidden = Chart(2, 1, shared_x="columns"), Chart(2, 1, shared_x="columns")
    hidden.x_axes(showticklabels=False).y_axes(showticklabels=False)
    margins = [style.finish(chart.add("scatter", x=[1], y=[1])).layout.margin for chart in (shown, hidden)]
    assert margins[1].l < margins[0].l
    assert margins[1].b < margins[0].b


def test_what_a_chart_says_itself_holds() -> None:
    chart = point().update(margin={"t": 50}, hovermode="x unified").x_axes(title={"text": "x", "standoff": 40})
    layout = style.finish(chart).layout
    assert (layout.margin.t, layout.hovermode) == (50, "x unified")
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
