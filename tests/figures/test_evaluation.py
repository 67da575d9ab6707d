"""Charts of a classifier's evaluation."""

import numpy as np
import pandas as pd
import pytest

from core.figures import evaluation

PAIRS = pd.DataFrame({"true": ["brain", "brain"], "predicted": ["brain", "liver"], "count": [3, 1]})


def test_confusion_shows_shares_of_the_true_label() -> None:
    heatmap = evaluation.confusion(PAIRS).data[0]
    np.testing.assert_allclose(heatmap.z, [[0.75, 0.25], [0.0, 0.0]])
    assert list(heatmap.y) == ["brain", "liver"]
    assert (heatmap.zmin, heatmap.zmax) == (0, 1)


def test_every_cell_can_be_clicked_and_says_which_it_is() -> None:
    cells = evaluation.confusion(PAIRS).data[1]
    at = {(y, x): tuple(data) for x, y, data in zip(cells.x, cells.y, cells.customdata, strict=True)}
    assert at == {
        ("brain", "brain"): ("brain", "brain", 3, 0.75), ("brain", "liver"): ("brain", "liver", 1, 0.25),
        ("liver", "brain"): ("liver", "brain", 0, 0.0), ("liver", "liver"): ("liver", "liver", 0, 0.0),
    }  # fmt: skip


def test_counts_are_on_a_log_scale_with_plain_numbers_beside_it() -> None:
    table = pd.DataFrame({"true": ["a", "b"], "predicted": ["a", "b"], "count": [999, 9]})
    heatmap = evaluation.confusion(table, by_row=False).data[0]
    np.testing.assert_allclose(np.diag(heatmap.z), [3.0, 1.0])
    assert list(heatmap.colorbar.ticktext) == ["0", "1", "10", "100"]
    np.testing.assert_allclose(heatmap.colorbar.tickvals, np.log10([1, 2, 11, 101]))


def test_the_chosen_cell_is_outlined_where_it_is() -> None:
    shape = evaluation.confusion(PAIRS, chosen=("brain", "liver")).layout.shapes[0]
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (0.5, 1.5, -0.5, 0.5)  # column liver, row brain
    assert not evaluation.confusion(PAIRS, chosen=("brain", "skin")).layout.shapes


def test_sixty_labels_keep_a_line_each() -> None:
    names = [f"label {number}" for number in range(60)]
    figure = evaluation.confusion(pd.DataFrame({"true": names, "predicted": names, "count": 1}))
    assert figure.layout.height >= 60 * 20
    assert figure.layout.xaxis.dtick == figure.layout.yaxis.dtick == 1


def test_calibration_draws_the_ideal_and_how_many_calls_each_bin_has() -> None:
    bins = pd.DataFrame(
        {"low": [0.0, 0.8], "high": [0.2, 1.0], "predicted": [0.1, 0.9], "observed": [0.2, 0.8], "count": [50, 1400]}
    )
    ideal, curve, counts = evaluation.calibration(bins, "series").data
    assert list(ideal.x) == list(ideal.y) == [0, 1]
    assert (list(curve.x), list(curve.y)) == ([0.1, 0.9], [0.2, 0.8])
    np.testing.assert_allclose(counts.x, [0.1, 0.9])
    assert (list(counts.y), list(counts.text)) == ([50, 1400], ["50", "1,400"])
    assert curve.line.color == evaluation.SPLIT_COLORS["series"]


def test_coverage_marks_the_working_point_the_goal_and_no_abstaining() -> None:
    curve = pd.DataFrame({"threshold": [0.9, 0.5], "calls": [2, 4], "coverage": [0.5, 1.0], "precision": [1.0, 0.75]})
    figure = evaluation.coverage(curve, {"goal": 0.95, "coverage": 0.6, "precision": 0.9})
    by_name = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert by_name["every limit"] == ([0.5, 1.0], [1.0, 0.75])
    assert by_name["working point, out of fold"] == ([0.6], [0.9])
    assert by_name["without abstaining"] == ([1.0], [0.75])
    assert by_name["goal 95%"][1] == [0.95, 0.95]
    low, high = figure.layout.yaxis.range
    assert low < 0.75
    assert high > 1.0


@pytest.mark.parametrize("rule", [{}, {"goal": None, "coverage": 0.0, "precision": None}])
def test_coverage_without_a_working_point_is_still_drawn(rule: dict[str, float]) -> None:
    curve = pd.DataFrame({"threshold": [0.5], "calls": [4], "coverage": [1.0], "precision": [0.75]})
    assert [trace.name for trace in evaluation.coverage(curve, rule).data] == ["every limit", "without abstaining"]


def test_unknown_labels_are_sorted_by_the_series_split_and_means_are_named() -> None:
    table = pd.DataFrame(
        {"label": ["a", "b", "c"], "random_auroc": [0.9, 0.7, 1.0], "random_flagged": [0.5, 0.1, 1.0],
         "series_auroc": [0.8, 0.9, None], "series_flagged": [0.4, 0.6, None]}
    )  # fmt: skip
    figure = evaluation.unknown_labels(table)
    assert list(figure.layout.yaxis.categoryarray) == ["a", "b", "c"]  # worst first, which is at the bottom
    assert [trace.name for trace in figure.data] == [
        "random split, mean 0.867", "whole series kept together, mean 0.850"
    ]  # fmt: skip
    lines = sorted(shape.x0 for shape in figure.layout.shapes)
    np.testing.assert_allclose(lines, [0.5, 0.85, 2.6 / 3])


def test_unknown_labels_of_one_split_alone() -> None:
    table = pd.DataFrame({"label": ["a"], "random_auroc": [0.4], "random_flagged": [0.0]})
    figure = evaluation.unknown_labels(table)
    assert len(figure.data) == 1
    assert figure.layout.xaxis.range[0] < 0.4


def test_the_learning_curve_has_both_scores_and_splits_and_the_majority_dashed() -> None:
    rows = [
        {"split": split, "at_most": size, "samples_f1": 0.5 + size / 100, "macro_auprc": 0.6 + size / 100,
         "majority_samples_f1": 0.1, "majority_macro_auprc": 0.05}
        for split in ("random", "series") for size in (3, 10)
    ]  # fmt: skip
    figure = evaluation.learning_curve(pd.DataFrame(rows))
    dashed = [trace for trace in figure.data if trace.line.dash == "dash"]
    assert (len(figure.data), len(dashed)) == (8, 4)
    assert {tuple(trace.y) for trace in dashed} == {(0.1, 0.1), (0.05, 0.05)}
    assert {tuple(trace.y) for trace in figure.data} - {(0.1, 0.1), (0.05, 0.05)} == {(0.53, 0.6), (0.63, 0.7)}
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "random split", "random split, majority label", "whole series kept together",
        "whole series kept together, majority label",
    ]  # fmt: skip
    assert figure.layout.xaxis.type == "log"
    assert (figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text) == ("Samples-averaged F1", "Macro AUPRC")
    assert list(figure.layout.xaxis.tickvals) == [3, 10]


def test_sizes_that_would_touch_below_the_learning_curve_are_not_both_written() -> None:
    sizes = [3, 10, 30, 100, 104]
    rows = [{"split": "random", "at_most": size, "samples_f1": 0.5, "macro_auprc": 0.6,
             "majority_samples_f1": 0.1, "majority_macro_auprc": 0.05} for size in sizes]  # fmt: skip
    figure = evaluation.learning_curve(pd.DataFrame(rows))
    assert list(figure.layout.xaxis2.tickvals) == [3, 10, 30, 104]
    assert all(tuple(trace.x) == tuple(sizes) for trace in figure.data)
