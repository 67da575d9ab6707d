"""Charts of the Neighbourhood page hold the numbers that they were given."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from core.figures import neighbourhood, palette
from core.types import NeighbourhoodView


@pytest.fixture
def view() -> NeighbourhoodView:
    rng = np.random.default_rng(1)
    unit = rng.random((6, 4)) + 0.1
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosine = unit @ unit.T
    linkage = hierarchy.linkage(squareform(1 - cosine, checks=False), "average")
    leaves = hierarchy.leaves_list(linkage)
    members = pd.DataFrame(
        {"sample_id": [f"S{i}" for i in leaves], "labels": ["liver", "", "brain", "liver", "brain", "liver"]}
    )
    labels = pd.DataFrame(
        {
            "name": ["liver", "brain"],
            "members": [3, 2],
            "dataset": [30, 5],
            "share": [0.5, 1 / 3],
            "dataset_share": [0.6, 0.1],
            "fold": [0.83, 3.3],
        }
    )
    row = {"symbol": "ALB", "mean_cosine": 0.9}
    return NeighbourhoodView(
        row, members, cosine[np.ix_(leaves, leaves)], linkage, labels, labels, rng.random(100) / 10, "unit"
    )


def test_heatmap_has_a_tree_a_strip_and_every_pair(view: NeighbourhoodView) -> None:
    tree, strip, heat = neighbourhood.heatmap(view).data
    np.testing.assert_allclose(heat.z, view.cosine, rtol=1e-6)
    off = view.cosine[~np.eye(6, dtype=bool)]
    assert (heat.zmin, heat.zmax) == (pytest.approx(off.min()), pytest.approx(off.max()))
    assert list(strip.marker.color) == [palette.label_color(label) for label in view.members["labels"]]
    ends = [x for x, y in zip(tree.x, tree.y, strict=True) if y == 0]
    assert sorted(ends) == [0, 1, 2, 3, 4, 5]  # each leaf of the tree stands over its own column
    assert max(y for y in tree.y if y is not None) == pytest.approx(view.linkage[-1, 2])


def test_heatmap_of_a_single_biosample(view: NeighbourhoodView) -> None:
    one = NeighbourhoodView(
        view.row, view.members.head(1), np.ones((1, 1)), np.empty((0, 4)), view.labels, view.series, view.random, "unit"
    )
    assert neighbourhood.heatmap(one).data[-1].z.shape == (1, 1)


def test_composition_sets_the_share_here_beside_the_datasets(view: NeighbourhoodView) -> None:
    bars, ticks, texts = neighbourhood.composition(view.labels, "label", 6).data
    assert bars.x.tolist() == pytest.approx([0.5, 1 / 3])
    assert ticks.x.tolist() == [0.6, 0.1]
    assert [text.strip() for text in texts.text] == ["3 · 0.8×", "2 · 3.3×"]
    assert list(bars.marker.color) == [palette.label_color("liver"), palette.label_color("brain")]


def test_composition_says_how_many_it_leaves_out() -> None:
    n = neighbourhood.TOP + 5
    table = pd.DataFrame(
        {
            "name": [f"GSE{i}" for i in range(n)],
            "members": 1,
            "dataset": 2,
            "share": 0.1,
            "dataset_share": 0.2,
            "fold": 0.5,
        }
    )
    figure = neighbourhood.composition(table, "series", 10)
    assert len(figure.data[0].x) == neighbourhood.TOP
    assert f"{neighbourhood.TOP} of {n} series" in figure.layout.xaxis.title.text


def test_random_baseline_counts_every_set_and_marks_the_gene(view: NeighbourhoodView) -> None:
    figure = neighbourhood.random_baseline(view)
    assert sum(figure.data[0].y) == 100
    assert figure.layout.shapes[0].x0 == 0.9
    assert figure.layout.annotations[0].text == "ALB 0.900"


def test_random_baseline_of_a_gene_without_a_value(view: NeighbourhoodView) -> None:
    row = {**view.row, "mean_cosine": float("nan")}
    nothing = NeighbourhoodView(
        row, view.members, view.cosine, view.linkage, view.labels, view.series, view.random, "unit"
    )
    assert not neighbourhood.random_baseline(nothing).layout.shapes


def test_projection_shows_all_rings_members_and_names_labels() -> None:
    points = pd.DataFrame({
        "sample_id": [f"S{i}" for i in range(9)], "title": "t",
        "labels": ["liver"] * 4 + ["brain|cerebellum"] * 4 + [""],
        "PC1": np.arange(9.0), "PC2": np.arange(9.0)[::-1], "share1": 0.2, "share2": 0.1,
    })  # fmt: skip
    figure = neighbourhood.projection(points, ["S1", "S2"], "S8")
    traces = {trace.name: trace for trace in figure.data}
    assert {name: len(traces[name].x) for name in ("liver", "brain", "no label")} == {
        "liver": 4,
        "brain": 4,
        "no label": 1,
    }
    assert traces["liver"].marker.color == palette.label_color("liver")
    assert [row[0] for row in traces["neighbourhood (2)"].customdata] == ["S1", "S2"]
    assert traces["S8"].marker.symbol == "star"
    assert {note.text for note in figure.layout.annotations} == {"<b>liver</b>", "<b>brain</b>"}
    assert "20% of variance" in figure.layout.xaxis.title.text


def test_names_that_would_cover_each_other_are_left_out() -> None:
    points = pd.DataFrame({
        "sample_id": [f"S{i}" for i in range(12)], "title": "", "labels": ["a"] * 5 + ["b"] * 4 + ["c"] * 3,
        "PC1": [0.0] * 9 + [9.0] * 3, "PC2": [0.0] * 9 + [9.0] * 3,
    })  # fmt: skip
    names = {note.text for note in neighbourhood.projection(points, []).layout.annotations}
    assert names == {"<b>a</b>", "<b>c</b>"}
