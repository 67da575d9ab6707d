"""When a classifier should rather say nothing: limits on probability and novelty that hold a precision."""

from typing import Any

import numpy as np

from core.types import BoolArray, DoubleArray

PRECISION_GOAL = 0.95
NOVELTY_LIMITS = (1.0, 0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)


def choose_abstention(
    probability: DoubleArray, novelty: DoubleArray, correct: BoolArray, goal: float = PRECISION_GOAL
) -> dict[str, Any]:
    """The limits that call the most biosamples with at least ``goal`` of the calls right.

    From out-of-fold predictions (n): probability of the first label, novelty, and whether that label is true. A call
    stands where probability >= ``threshold`` and novelty <= ``novelty_limit``; ``coverage`` is the share of such
    biosamples and ``precision`` that of right calls among them. Where no limits reach the goal, ``threshold`` is 1.01,
    nothing is called and ``precision`` is None. Of equal coverage, the higher novelty limit.
    """
    n = len(correct)
    result: dict[str, Any] = {
        "goal": goal, "n": n, "precision_without": float(correct.mean()) if n else None,
        "threshold": 1.01, "novelty_limit": 1.0, "coverage": 0.0, "precision": None,
    }  # fmt: skip
    for limit in NOVELTY_LIMITS:
        inside = novelty <= limit
        found = _lowest_threshold(probability[inside], correct[inside], goal)
        if found is not None and found[1] / n > result["coverage"]:
            threshold, called, precision = found
            result |= {"threshold": threshold, "novelty_limit": limit, "coverage": called / n, "precision": precision}
    return result


def _lowest_threshold(probability: DoubleArray, correct: BoolArray, goal: float) -> tuple[float, int, float] | None:
    """Threshold, number of calls and their precision; None where no threshold reaches the goal."""
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    precision = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    last_of_equal = np.append(falling[1:] != falling[:-1], True)[: len(order)]
    reached = np.flatnonzero((precision >= goal) & last_of_equal)
    if not len(reached):
        return None
    at = int(reached[-1])
    return float(falling[at]), at + 1, float(precision[at])
