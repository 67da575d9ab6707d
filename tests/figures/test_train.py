"""Charts of the Train page."""

import numpy as np
import pandas as pd
import pytest

from core.figures import train


def test_only_curves_with_values_get_a_panel() -> None:
    steps = pd.DataFrame({"step": [1, 2, 3], "critic_loss": [3.0, 2.0, 1.0], "generator_loss": [np.nan] * 3})
    figure = train.loss_curves({"run": steps})
    assert train.curve_columns(steps) == ["critic_loss"]
    assert len(figure.data) == 1
    assert list(figure.data[0].y) == [3.0, 2.0, 1.0]
    assert figure.layout.yaxis.title.text == "Critic loss"
    assert figure.layout.showlegend is False


def test_curves_of_two_runs_share_panels_and_skip_gaps() -> None:
    one = pd.DataFrame({"step": [1, 2, 3], "critic_loss": [3.0, np.nan, 1.0], "wasserstein": [1.0, 2.0, 3.0]})
    two = pd.DataFrame({"step": [1, 2], "critic_loss": [5.0, 4.0]})
    figure = train.loss_curves({"a": one, "b": two})
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [("a", [1, 3]), ("a", [1, 2, 3]), ("b", [1, 2])]
    assert [trace.showlegend for trace in figure.data] == [True, False, True]
    assert figure.data[0].line.color != figure.data[2].line.color


def test_a_job_under_way_is_drawn_over_its_share_done() -> None:
    figure = train.loss_curves({"run": pd.DataFrame({"fraction": [0.1, 0.2], "critic_loss": [3.0, 2.0]})})
    assert list(figure.data[0].x) == [0.1, 0.2]
    assert figure.layout.xaxis.title.text == "Share of the job done"


def test_no_curve_yet_is_an_empty_chart() -> None:
    assert len(train.loss_curves({"run": pd.DataFrame({"step": []})}).data) == 0


@pytest.mark.parametrize(("n", "most", "kept"), [(5, 10, 5), (10, 10, 10), (1001, 101, 101)])
def test_thinning_keeps_first_and_last(n: int, most: int, kept: int) -> None:
    chosen = train.thin(pd.RangeIndex(n), most)
    assert len(chosen) == kept
    assert (chosen[0], chosen[-1]) == (0, n - 1)


def test_tree_progress_counts_from_the_first_tree() -> None:
    steps = pd.DataFrame({"time": [100.0, 101.0, 103.0], "trees": [np.nan, 10, 20]})
    line = train.tree_progress(steps).data[0]
    assert list(line.x) == [0.0, 2.0]
    assert list(line.y) == [10, 20]


def test_tree_progress_adds_up_over_forests() -> None:
    steps = pd.DataFrame({"time": [0.0, 1.0, 2.0, 3.0, 4.0], "trees": [0, 5, 10, 0, 5]})
    assert list(train.tree_progress(steps).data[0].y) == [0, 5, 10, 10, 15]


def test_tree_progress_before_the_first_tree() -> None:
    assert len(train.tree_progress(pd.DataFrame({"time": [1.0]})).data[0].x) == 0


def test_per_label_f1_orders_labels_by_the_first_table() -> None:
    one = pd.DataFrame({"label": ["brain", "liver"], "f1": [0.9, 0.4], "support": [10, 20]})
    two = pd.DataFrame({"label": ["liver", "skin"], "f1": [0.5, 0.7], "support": [20, 5]})
    figure = train.per_label_f1({"random": one, "series": two})
    assert list(figure.layout.yaxis.categoryarray) == ["skin", "liver", "brain"]
    assert [trace.name for trace in figure.data] == ["random", "series"]


def test_headline_sets_every_split_beside_the_majority_baseline() -> None:
    scores = pd.DataFrame(
        {"name": ["r1", "r1", "r2"], "split": ["random", "series", "random"], "f1": [0.95, 0.8, 0.9],
         "baseline": [0.1, 0.12, 0.1]}
    )  # fmt: skip
    figure = train.headline(scores)
    random, series, majority = figure.data
    assert (list(random.y), list(series.y)) == ([0.95, 0.9], [0.8])
    assert dict(zip(majority.x, majority.y, strict=True)) == {"r1": 0.12, "r2": 0.1}


def test_runs_named_like_numbers_stay_names() -> None:
    scores = pd.DataFrame({"name": ["6e34", "ab12"], "split": "random", "f1": [0.9, 0.8], "baseline": 0.1})
    assert train.headline(scores).layout.xaxis.type == "category"
