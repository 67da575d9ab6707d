"""When nothing is said: the threshold by brute force, and the reasons in words."""

import numpy as np
import pytest
from scipy.stats import beta

from core.models.abstention import NEVER, choose_threshold, describe_calls, reasons


def slow_threshold(p: np.ndarray, correct: np.ndarray) -> float:
    """The lowest of the probabilities at which the calls are surely right often enough."""
    good = []
    for threshold in p:
        right, wrong = (correct & (p >= threshold)).sum(), (~correct & (p >= threshold)).sum()
        if 1.0 - beta.cdf(0.95, right + 0.5, wrong + 0.5) >= 0.9:
            good.append(threshold)
    return min(good, default=NEVER)


@pytest.mark.parametrize("seed", range(6))
def test_the_threshold_is_the_lowest_that_is_surely_precise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(400), 2)
    correct = rng.random(400) < np.clip(0.4 + 0.9 * p, 0, 1)
    assert choose_threshold(p, correct) == slow_threshold(p, correct)


def test_a_few_lucky_calls_set_no_threshold() -> None:
    assert choose_threshold(np.linspace(0.5, 0.9, 12), np.ones(12, dtype=bool)) == NEVER
    assert choose_threshold(np.linspace(0.5, 0.9, 60), np.ones(60, dtype=bool)) == 0.5
    assert choose_threshold(np.empty(0), np.empty(0, dtype=bool)) == NEVER


def test_coverage_and_precision_count_the_calls() -> None:
    found = describe_calls(np.array([True, True, False, True]), np.array([True, False, True, True]))
    assert (found["coverage"], found["precision"], found["calls"], found["n"]) == (0.75, pytest.approx(2 / 3), 3, 4)
    assert describe_calls(np.zeros(3, dtype=bool), np.ones(3, dtype=bool))["precision"] is None


def test_each_reason_is_given_where_it_holds() -> None:
    limits = {"threshold": 0.8, "goal": 0.95}
    sure, unsure = {"brain": 0.9, "liver": 0.05}, {"colon": 0.4, "rectum": 0.35}
    assert reasons(1.0, sure, 0.5, limits) == []
    assert "20%" in reasons(0.2, sure, 0.5, limits)[0]
    low, close = reasons(1.0, unsure, 0.5, limits)
    assert "colon (0.40) is below 0.80" in low
    assert "colon (0.40) and rectum (0.35)" in close
    assert any("unlike everything known" in text for text in reasons(1.0, {"brain": 0.5, "liver": 0.1}, 0.999, limits))
    assert "no level" in reasons(1.0, sure, 0.5, {"threshold": NEVER})[0]
    assert reasons(1.0, unsure, 0.999, {"threshold": 0.0}) == []
