"""Charts of the Rankings page hold the numbers that they were given."""

import numpy as np
import pandas as pd
import pytest

from core.figures import palette, rankings
from core.types import GeneView


@pytest.fixture
def genes() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": ["A", "B", "C", "D"], "signal": [1.0, 2.0, 3.0, 4.0], "mean_cosine": [0.8, 0.9, 0.7, np.nan]}
    )


@pytest.fixture
def view() -> GeneView:
    values = np.arange(40) / 10
    labels = ["liver"] * 20 + ["brain|cerebellum"] * 5 + [""] * 15
    frame = pd.DataFrame({"sample_id": [f"S{i}" for i in range(40)], "labels": labels, "value": values[::-1]})
    return GeneView({"p95": 3.7}, frame.assign(neighbour=frame["value"] > 2.95), "log2 per kb")


def test_scatter_shows_every_gene_that_has_both_measures(genes: pd.DataFrame) -> None:
    figure = rankings.scatter(genes)
    assert [trace.type for trace in figure.data] == ["scattergl"]
    assert figure.data[0].customdata.tolist() == ["A", "B", "C"]
    assert figure.data[0].x.tolist() == [1.0, 2.0, 3.0]
    assert figure.layout.xaxis.type == "log"
    assert "Signal" in figure.layout.xaxis.title.text
    assert "cosine" in figure.layout.yaxis.title.text


def test_scatter_sets_filtered_genes_apart_and_rings_the_chosen(genes: pd.DataFrame) -> None:
    out, passing, ring = rankings.scatter(genes, np.array([False, True, False, True]), "C").data
    assert out.customdata.tolist() == ["A", "C"]
    assert passing.customdata.tolist() == ["B"]
    assert passing.marker.color == palette.ACCENT
    assert (ring.x[0], ring.y[0], ring.text[0]) == (3.0, 0.7, "C")


def test_scatter_marks_a_list(genes: pd.DataFrame) -> None:
    everything, listed = rankings.scatter(genes, marked=("B", "D", "nosuch")).data
    assert len(everything.x) == 3
    assert listed.customdata.tolist() == ["B"]
    assert listed.name == "gene list (1)"


def test_scatter_of_every_human_gene_is_light() -> None:
    n = 67_186
    rng = np.random.default_rng(1)
    points = pd.DataFrame(
        {"id": [f"ENSG{i:011d}" for i in range(n)], "signal": 1 + rng.random(n), "mean_cosine": rng.random(n)}
    )
    assert len(rankings.scatter(points, rng.random(n) < 0.5).to_json()) < 2.2e6


def test_a_few_genes_far_below_do_not_squeeze_the_view() -> None:
    cosine = np.concatenate([np.zeros(2), np.linspace(0.9, 0.96, 100)])
    genes = pd.DataFrame({"id": [f"G{i}" for i in range(102)], "signal": 1.5, "mean_cosine": cosine})
    low, high = rankings.scatter(genes).layout.yaxis.range
    assert 0 < low < 0.9
    assert high > 0.96
    assert rankings.outside_view(genes) == 2
    assert len(rankings.scatter(genes).data[0].x) == 102


def test_distribution_marks_p95_and_exactly_the_neighbourhood(view: GeneView) -> None:
    figure = rankings.distribution(view)
    others, inside = figure.data[0], figure.data[1]
    assert len(others.x) == 30
    assert inside.x.tolist() == list(range(30, 40))
    assert np.all(np.asarray(inside.y) > 2.95)
    band = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == (29.5, 39.5)
    assert any(shape.type == "line" and shape.y0 == 3.7 for shape in figure.layout.shapes)
    assert sum(figure.data[2].x) == 40
    assert "log2 per kb" in figure.layout.yaxis.title.text


def test_by_label_orders_by_median_and_shows_points_where_few(view: GeneView) -> None:
    figure = rankings.by_label(view)
    assert list(figure.layout.yaxis.categoryarray) == ["no label", "brain", "cerebellum", "liver"]
    kinds = {(trace.name or trace.y[0]): trace for trace in figure.data}
    assert kinds["liver"].type == "box"
    liver = view.biosamples.loc[view.biosamples["labels"] == "liver", "value"]
    assert kinds["liver"].median[0] == pytest.approx(liver.median())
    assert kinds["liver"].q1[0] == pytest.approx(liver.quantile(0.25))
    points = [trace for trace in figure.data if trace.type == "scatter"]
    assert [len(trace.x) for trace in points] == [5, 5]
    assert kinds["liver"].marker.color == palette.label_color("liver")
