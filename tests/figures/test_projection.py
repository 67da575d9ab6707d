"""The map of all biosamples: every point once, in the colours of what was asked for, members ringed."""

import json

import numpy as np
import pandas as pd
import pytest

from core.figures import palette, projection


@pytest.fixture
def points() -> pd.DataFrame:
    return pd.DataFrame({
        "sample_id": [f"S{i}" for i in range(9)], "series_id": ["A"] * 4 + ["B"] * 4 + [""],
        "labels": ["liver"] * 4 + ["brain|cerebellum"] * 4 + [""],
        "x": np.arange(9.0), "y": np.arange(9.0)[::-1], "share1": 0.2, "share2": 0.1,
    })  # fmt: skip


def sizes(figure) -> dict[str, int]:
    return {trace.name: len(trace.x) for trace in figure.data}


def test_labels_have_their_own_colours_and_names_and_members_are_ringed(points: pd.DataFrame) -> None:
    figure = projection.projection(points, ["S1", "S2"], "S8")
    assert sizes(figure) == {"no label (1)": 1, "liver (4)": 4, "brain (4)": 4, "neighbourhood (2)": 2, "S8": 1}
    traces = {trace.name: trace for trace in figure.data}
    assert traces["liver (4)"].marker.color == palette.label_color("liver")
    assert list(traces["neighbourhood (2)"].customdata) == ["S1", "S2"]
    assert traces["S8"].marker.symbol == "star"
    assert {note.text for note in figure.layout.annotations} == {"liver", "brain"}
    assert figure.layout.showlegend
    assert "20% of variance" in figure.layout.xaxis.title.text
    assert {trace.type for trace in figure.data} == {"scatter"}


def test_by_value_each_point_has_its_own_gene_expression(points: pd.DataFrame) -> None:
    values = pd.Series(np.arange(9.0)[::-1] ** 2, index=points["sample_id"][::-1].to_numpy())
    trace = projection.projection(points, [], by="value", method="umap", values=values, unit="log2").data[0]
    shown = dict(zip(trace.customdata, trace.marker.color, strict=True))
    assert shown == {name: pytest.approx(value) for name, value in values.items()}
    assert list(trace.marker.color) == sorted(trace.marker.color)  # the highest are drawn last


def test_by_series_those_of_the_members_stand_out(points: pd.DataFrame) -> None:
    figure = projection.projection(points, ["S0", "S1", "S8"], by="series")
    assert sizes(figure) == {"other series (5)": 5, "A (4)": 4, "neighbourhood (3)": 3}


def test_the_legend_counts_the_biosamples_that_are_not_drawn_too(points: pd.DataFrame) -> None:
    figure = projection.projection(points.iloc[[0, 4, 5]], [], whole=points)
    assert sizes(figure) == {"liver (4)": 1, "brain (4)": 2}


def test_by_cart_a_biosample_in_both_is_of_the_first(points: pd.DataFrame) -> None:
    figure = projection.projection(points, [], by="cart", carts={"A": ["S0"], "B": ["S0", "S5"]})
    assert sizes(figure) == {"in neither (7)": 7, "cart B (1)": 1, "cart A (1)": 1}


def test_labels_of_one_colour_differ_by_their_symbol() -> None:
    names = [f"tissue {i}" for i in range(40)]
    table = pd.DataFrame({"sample_id": names, "series_id": "", "labels": names, "x": range(40), "y": range(40)})
    traces = projection.projection(table, []).data
    looks = {(trace.marker.color, trace.marker.symbol) for trace in traces}
    assert len(traces) == len(looks) == 40
    assert len({trace.marker.color for trace in traces}) < 40


def test_names_that_would_cover_each_other_are_left_out() -> None:
    table = pd.DataFrame({
        "sample_id": [f"S{i}" for i in range(12)], "series_id": "", "labels": ["a"] * 5 + ["b"] * 4 + ["c"] * 3,
        "x": [0.0] * 9 + [9.0] * 3, "y": [0.0] * 9 + [9.0] * 3,
    })  # fmt: skip
    assert {note.text for note in projection.projection(table, []).layout.annotations} == {"a", "c"}


def test_twenty_thousand_points_are_a_light_chart() -> None:
    n, rng = 20_000, np.random.default_rng(1)
    table = pd.DataFrame({
        "sample_id": [f"GSM{i + 1_000_000}" for i in range(n)], "series_id": "GSE1",
        "labels": [f"tissue {i % 30}" for i in range(n)], "x": rng.random(n), "y": rng.random(n),
    })  # fmt: skip
    figure = projection.projection(table, table["sample_id"][:100].tolist())
    assert len(json.dumps(json.loads(figure.to_json()), separators=(",", ":"))) < 900_000
    assert {trace.type for trace in figure.data} == {"scattergl"}


def test_some_of_a_large_map_are_those_asked_for_some_of_each_label_and_others() -> None:
    n = 9_000
    labels = ["rare"] * 12 + ["common"] * 6_000 + [""] * (n - 6_012)
    table = pd.DataFrame({"sample_id": [f"S{i}" for i in range(n)], "labels": labels})
    some = projection.some_of(table, ["S8999", "S4000"], most=500)
    assert len(some) == 500
    assert {"S8999", "S4000"} <= set(some["sample_id"])
    counts = some["labels"].value_counts()
    assert counts["rare"] == 12
    assert counts["common"] >= 150  # by chance two thirds of the rest
    assert some.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(projection.some_of(table, [], most=500), projection.some_of(table, [], most=500))
    assert projection.some_of(table, [], most=n) is table
