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
            "expected": [3.6, 0.6],
            "q": [1.0, 0.2],
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
            "expected": 2.0,
            "q": 1.0,
        }
    )
    figure = neighbourhood.composition(table, "series", 10)
    assert len(figure.data[0].x) == neighbourhood.TOP
    assert f"{neighbourhood.TOP} of {n} series" in figure.layout.xaxis.title.text


@pytest.fixture
def sets() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    kinds = np.repeat(["random", "labels", "series"], 30)
    values = rng.random(90) / 10
    return pd.DataFrame({"baseline": kinds, "set": [*range(30)] * 3, "mean_cosine": values, "apart": values / 2})


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [(kind, pairs, 0.9, 2.0, 99.0) for kind in ("random", "labels") for pairs in ("all", "different series")]
    rows += [("series", "different series", 0.8, 1.5, 90.0)]
    return pd.DataFrame(rows, columns=["baseline", "pairs", "value", "z", "percentile"])


def test_baselines_draw_every_set_and_the_gene_over_the_same_pairs(sets: pd.DataFrame, summary: pd.DataFrame) -> None:
    figure = neighbourhood.baselines(sets, summary, "ALB")
    boxes = [trace for trace in figure.data if trace.type == "box"]
    for box, kind, column in zip(boxes, neighbourhood.SETS, ("mean_cosine", "mean_cosine", "apart"), strict=True):
        np.testing.assert_array_equal(box.x, sets.loc[sets["baseline"] == kind, column])
    genes = [trace for trace in figure.data if trace.type == "scatter"]
    assert [trace.x[0] for trace in genes] == [0.9, 0.9, 0.8]
    assert "different series" in genes[2].hovertemplate


def test_baselines_of_a_gene_without_a_value_or_of_one_series(sets: pd.DataFrame, summary: pd.DataFrame) -> None:
    some = sets[sets["baseline"] != "series"]
    figure = neighbourhood.baselines(some, summary.assign(value=np.nan), "ALB")
    assert [trace.type for trace in figure.data] == ["box", "box"]


def test_only_what_is_more_frequent_than_expected_is_starred(view: NeighbourhoodView) -> None:
    table = view.labels.assign(fold=[0.2, 3.3], q=[0.001, 0.04])
    texts = neighbourhood.composition(table, "label", 6).data[2].text
    assert ["✱" in text for text in texts] == [False, True]
