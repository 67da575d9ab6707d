import numpy as np
import pytest

from core.models.augmentation.measures import measure, recall_at_precision


def brute_force(truth, scores, precision):
    best = 0.0
    for threshold in scores:
        called = [bool(t) for t, s in zip(truth, scores, strict=True) if s >= threshold]
        if sum(called) / len(called) >= precision:
            best = max(best, sum(called) / sum(truth))
    return best


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("precision", [0.5, 0.9, 0.95])
def test_recall_at_precision_by_brute_force(seed, precision):
    rng = np.random.default_rng(seed)
    truth = rng.random(80) < 0.3
    truth[0] = True
    scores = np.round(rng.random(80) * 0.5 + truth * rng.random() * 0.8, 2 if seed % 2 else 6)  # with and without ties
    assert recall_at_precision(truth, scores, precision) == pytest.approx(brute_force(truth, scores, precision))


def test_exactly_95_percent_counts_and_ties_are_called_together():
    truth = np.array([True] * 19 + [False, True])
    scores = np.append(np.linspace(1, 0.5, 20), 0.1)
    assert recall_at_precision(truth, scores) == pytest.approx(1.0)  # 20 of 21, then 95.2 %
    assert recall_at_precision(np.array([True, False]), np.array([0.7, 0.7])) == 0.0
    assert recall_at_precision(np.array([True, False]), np.array([0.8, 0.7])) == 1.0


def test_average_precision_by_its_definition():
    truth = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.1])
    found = measure(truth, scores)
    assert found["average_precision"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3)
    assert found["recall_at_95"] == pytest.approx(1 / 3)
