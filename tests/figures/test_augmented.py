"""The chart of differences with and without synthetic samples."""

import pandas as pd

from core.figures.augmented import differences


def table():
    rows = [
        ("random split", "brain", "F1", 0.8, 0.7, 0.1, -0.05, 0.2),
        ("random split", "heart", "F1", *[None] * 5),
        ("whole series held back", "brain", "F1", 0.6, 0.65, -0.05, None, None),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["split", "label", "measure", "with", "without", "difference", "low", "high"])


def test_points_are_differences_and_bars_reach_the_ends_of_their_intervals():
    random, series = differences(table()).data
    assert (random.name, list(random.x)) == ("random split", [0.1])
    assert random.y[0] != series.y[0]  # one beside the other
    assert {round(float(y)) for y in (*random.y, *series.y)} == {0}
    assert random.x[0] + random.error_x.array[0] == 0.2
    assert round(random.x[0] - random.error_x.arrayminus[0], 9) == -0.05
    assert random.marker.symbol[0] == "circle"
    assert series.marker.symbol[0] == "circle-open"  # no interval
    assert (series.error_x.array[0], series.error_x.arrayminus[0]) == (0.0, 0.0)


def test_zero_is_marked_and_axes_say_what_they_are():
    figure = differences(table())
    assert [shape.x0 for shape in figure.layout.shapes] == [0]
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text
    assert list(figure.layout.yaxis.ticktext) == ["brain: F1"]


def test_nothing_to_compare_is_an_empty_chart():
    assert not differences(table().iloc[[1]]).data
