"""Scores of multi-label classification, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from core.models import scores


@pytest.fixture
def cases() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.random((80, 6)) < 0.25
    truth[:, 5] = False  # a label that nothing tests
    probabilities = np.clip(0.5 * truth + rng.normal(0.2, 0.25, truth.shape), 0, 1)
    return truth, probabilities > 0.45, probabilities


def test_f1_scores_are_those_of_scikit_learn(cases: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, predicted, _ = cases
    assert scores.samples_f1(truth, predicted) == pytest.approx(
        f1_score(truth, predicted, average="samples", zero_division=0)
    )
    assert scores.micro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert scores.macro_f1(truth, predicted) == pytest.approx(
        f1_score(truth[:, :5], predicted[:, :5], average="macro", zero_division=0)
    )


def test_a_hand_made_case() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    predicted = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=bool)
    assert scores.samples_f1(truth, predicted) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores.macro_f1(truth, predicted) == pytest.approx((1 + 0) / 2)  # the third label is not tested
    assert scores.micro_f1(truth, predicted) == pytest.approx(2 * 2 / (2 + 4))


def test_the_table_of_labels(cases: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, predicted, probabilities = cases
    rows = scores.per_label(truth, predicted, probabilities, list("abcdef"))
    for i, row in enumerate(rows[:5]):
        area = average_precision_score(truth[:, i], probabilities[:, i])
        assert row["support"] == truth[:, i].sum()
        assert row["precision"] == pytest.approx(precision_score(truth[:, i], predicted[:, i]))
        assert row["recall"] == pytest.approx(recall_score(truth[:, i], predicted[:, i]))
        assert row["f1"] == pytest.approx(f1_score(truth[:, i], predicted[:, i]))
        assert row["auprc"] == pytest.approx(area)
        assert row["log2_auprc_over_prior"] == pytest.approx(np.log2(area / truth[:, i].mean()))
    assert rows[5]["recall"] is None
    assert rows[5]["auprc"] is None
    summary = scores.summarise(truth, predicted, probabilities, list("abcdef"))
    assert summary["macro_auprc"] == pytest.approx(
        np.mean([average_precision_score(truth[:, i], probabilities[:, i]) for i in range(5)])
    )
    assert summary["no_label"] == pytest.approx(np.mean(predicted.sum(axis=1) == 0))


def test_a_label_never_predicted_has_no_precision() -> None:
    truth = np.array([[True], [False]])
    row = scores.per_label(truth, np.zeros((2, 1), dtype=bool), np.array([[0.2], [0.1]]), ["a"])[0]
    assert row["precision"] is None
    assert row["recall"] == 0.0
    assert row["f1"] == 0.0


def test_calibration_error_by_a_plain_loop() -> None:
    rng = np.random.default_rng(5)
    confidence = np.append(rng.random(300), [0.0, 1.0, 0.5])
    correct = np.append(rng.random(300) < 0.6, [False, True, True])
    expected = 0.0
    for i in range(10):
        low, high = i / 10, (i + 1) / 10
        inside = [(c, r) for c, r in zip(confidence, correct, strict=True) if low < c <= high or (i == 0 and c == 0)]
        if inside:
            gap = abs(sum(c for c, _ in inside) - sum(r for _, r in inside))
            expected += gap / len(confidence)
    assert scores.expected_calibration_error(confidence, correct) == pytest.approx(expected)
    curve = scores.calibration_curve(confidence, correct)
    assert sum(part["count"] for part in curve) == 303


def test_perfect_calibration_has_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 4)
    correct = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert scores.expected_calibration_error(confidence, correct, bins=4) == pytest.approx(0.0)
    assert scores.expected_calibration_error(confidence, ~correct, bins=4) == pytest.approx(0.5)


def test_the_majority_baseline_predicts_every_most_frequent_label() -> None:
    train = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 0]], dtype=bool)
    baseline = scores.majority_baseline(train)
    assert baseline.decide(2).tolist() == [[True, False, True]] * 2
    np.testing.assert_allclose(baseline.probabilities(2), [[2 / 3, 1 / 3, 2 / 3]] * 2)


def test_nothing_tested_is_no_score() -> None:
    nothing = np.zeros((0, 3), dtype=bool)
    summary = scores.summarise(nothing, nothing, np.zeros((0, 3)), list("abc"))
    assert summary["samples_f1"] == 0.0
    assert summary["macro_auprc"] is None
