import pandas as pd
import pytest

from core.figures import augmentation as charts
from core.models.augmentation import ARM_WORDS


def summary():
    rows = [
        ("2", 2.0, "class-weights", 0.3, 0.2, 0.4),
        ("2", 2.0, "wgan-gp", None, None, None),
        ("5", 5.0, "class-weights", 0.6, 0.5, 0.7),
        ("5", 5.0, "wgan-gp", 0.7, 0.65, 0.8),
        ("all", 11.5, "class-weights", 0.9, None, None),
        ("all", 11.5, "wgan-gp", 0.8, 0.7, 0.9),
    ]
    columns = ["size", "n", "arm", *(f"average_precision{end}" for end in ("", "_low", "_high"))]
    return pd.DataFrame(rows, columns=columns).assign(seeds=20)


def test_every_arm_has_a_look_of_its_own():
    assert list(charts.ARMS) == list(ARM_WORDS)
    assert len(set(charts.ARMS.values())) == len(charts.ARMS)


def test_a_line_an_arm_over_the_sizes_it_has():
    figure = charts.by_size(summary(), "average_precision")
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}
    assert list(lines) == ["class weights", "GAN"]
    assert list(lines["class weights"].x) == [2, 5, 11.5]
    assert list(lines["GAN"].x) == [5, 11.5]  # too few is no point, and no 0
    assert list(lines["GAN"].y) == [0.7, 0.8]
    assert list(figure.layout.xaxis.ticktext) == ["2", "5", "all (12)"]
    assert list(figure.layout.xaxis.tickvals) == pytest.approx([2, 5, 11.5])


def test_bands_are_the_intervals():
    figure = charts.by_size(summary(), "average_precision")
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert [list(band.y) for band in bands] == [[0.4, 0.7, 0.5, 0.2], [0.8, 0.9, 0.7, 0.65]]
    assert all(band.fillcolor.startswith("rgba(") for band in bands)


def test_nothing_to_draw_is_an_empty_figure():
    empty = summary().assign(average_precision=None)
    assert len(charts.by_size(empty, "average_precision").data) == 0
