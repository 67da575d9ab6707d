"""Charts of the Rankings page hold the numbers that they were given."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

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
    assert [trace.type for trace in figure.data] == ["scatter"]
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


@pytest.fixture
def crowd() -> pd.DataFrame:
    n, rng = 67_186, np.random.default_rng(1)
    signal, cosine = rng.lognormal(0.2, 0.3, n), rng.normal(0.85, 0.03, n)
    cosine[:40] = 0.0  # far below all others
    return pd.DataFrame({"id": [f"ENSG{i:011d}" for i in range(n)], "signal": signal, "mean_cosine": cosine})


def opacity(image: object) -> np.ndarray:
    """Of each cell (up x across), as another reader of PNG files has it."""
    data = base64.b64decode(image.source.partition(",")[2])  # type: ignore[attr-defined]
    return np.asarray(Image.open(io.BytesIO(data)))[::-1, :, 3]


def counted(genes: pd.DataFrame, image: object) -> np.ndarray:
    """Genes of each cell (up x across) of an image."""
    across = np.linspace(image.x, image.x + image.sizex, rankings.CELLS[0] + 1)  # type: ignore[attr-defined]
    up = np.linspace(image.y - image.sizey, image.y, rankings.CELLS[1] + 1)  # type: ignore[attr-defined]
    return np.histogram2d(genes["mean_cosine"], np.log10(genes["signal"]), bins=[up, across])[0]


def test_shades_of_every_human_gene_are_deeper_where_there_are_more(crowd: pd.DataFrame) -> None:
    passing = np.random.default_rng(2).random(len(crowd)) < 0.5
    figure = rankings.scatter(crowd, passing)
    out, below, inside, _ = figure.layout.images
    for image, some in ((out, ~passing), (inside, passing)):
        expected, found = counted(crowd[some], image), opacity(image)
        assert expected.sum() > 30_000
        np.testing.assert_array_equal(found > 0, expected > 0)
        depth = [found[expected == number] for number in np.unique(expected)]
        assert all(np.ptp(cells) == 0 for cells in depth)
        assert np.all(np.diff([int(cells[0]) for cells in depth]) >= 0)
    assert (below.y, below.y - below.sizey) == (pytest.approx(out.y - out.sizey), 0.0)
    assert (opacity(below) > 0).sum() > 5
    assert [trace.type for trace in figure.data] == ["scatter", "scatter"]
    assert len(figure.to_json()) < 0.2e6


def test_zooming_out_shows_the_whole_of_a_crowd(crowd: pd.DataFrame) -> None:
    corners = rankings.scatter(crowd).data[-1]
    assert min(corners.x) < crowd["signal"].min()
    assert max(corners.x) > crowd["signal"].max()
    assert min(corners.y) == 0.0


def test_of_a_crowd_those_that_stand_alone_are_points_with_their_names(crowd: pd.DataFrame) -> None:
    figure = rankings.scatter(crowd)
    alone, shade = figure.data[0], figure.layout.images[0]
    company = counted(crowd, shade)
    row = crowd.set_index("id").loc[list(alone.customdata)]
    row = row[row["mean_cosine"] > shade.y - shade.sizey]
    across = np.linspace(shade.x, shade.x + shade.sizex, rankings.CELLS[0] + 1)
    up = np.linspace(shade.y - shade.sizey, shade.y, rankings.CELLS[1] + 1)
    places = np.searchsorted(up, row["mean_cosine"]) - 1, np.searchsorted(across, np.log10(row["signal"])) - 1
    assert len(alone.customdata) == rankings.ALONE
    assert company[places].max() <= np.sort(company[company > 0])[: rankings.ALONE].max()


def test_few_that_pass_among_a_crowd_are_all_points(crowd: pd.DataFrame) -> None:
    passing = np.arange(len(crowd)) % 1000 == 7
    points = rankings.scatter(crowd, passing, chosen="ENSG00000000007").data[0]
    assert list(points.customdata) == crowd["id"][passing].tolist()


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
