"""When a classifier should rather say nothing: the confidence from which on its calls are right often enough."""

from typing import Any

import numpy as np
from scipy.stats import beta

from core.types import BoolArray, DoubleArray

PRECISION_GOAL = 0.95
ASSURANCE = 0.9
NEVER = 1.01  # a threshold that no probability reaches
NOVEL = 0.99  # further away than all but 1 % of the known biosamples are from their own nearest
CLOSE = 0.5  # a second label that is at least half as probable as the first
FEW_GENES = 0.3  # below this share of matched genes a call is not trusted


def choose_threshold(probability: DoubleArray, correct: BoolArray, goal: float = PRECISION_GOAL) -> float:
    """The lowest probability from which on at least ``goal`` of the calls are right, with 90 % assurance.

    From probabilities of first labels (n) and whether they are right. Of h right among m calls, the share is at least
    the 10 % quantile of Beta(h + 1/2, m - h + 1/2) (Jeffreys; Brown, Cai and DasGupta 2001), so that a few lucky calls
    set no threshold. 1.01 where no threshold reaches the goal.
    """
    order = np.argsort(-probability, kind="stable")
    falling, hits = probability[order], np.cumsum(correct[order])
    calls = np.arange(1, len(order) + 1)
    surely = beta.ppf(1.0 - ASSURANCE, hits + 0.5, calls - hits + 0.5)
    last_of_equal = np.append(falling[1:] != falling[:-1], True)[: len(order)]
    reached = np.flatnonzero((surely >= goal) & last_of_equal)
    return float(falling[reached[-1]]) if len(reached) else NEVER


def describe_calls(called: BoolArray, correct: BoolArray) -> dict[str, Any]:
    """Coverage (share called) and precision (share of right ones among these; None where nothing was called)."""
    return {
        "coverage": float(called.mean()) if len(called) else 0.0,
        "precision": float(correct[called].mean()) if called.any() else None,
        "calls": int(called.sum()),
        "n": len(called),
        "precision_without": float(correct.mean()) if len(correct) else None,
    }


def reasons(
    share_of_genes: float, probabilities: dict[str, float], novelty: float, limits: dict[str, Any]
) -> list[str]:
    """Why a sample is not called, in words; nothing where it is.

    ``share_of_genes`` that the sample has, ``probabilities`` of labels, the highest first, and ``limits`` as the
    evaluation left them (``threshold``, ``goal``).
    """
    found = []
    if share_of_genes < FEW_GENES:
        found.append(f"Only {share_of_genes:.0%} of the dataset's genes are in the file.")
    threshold = float(limits.get("threshold") or 0.0)
    (first, p), *others = probabilities.items()
    if p >= threshold:
        return found
    goal = float(limits.get("goal") or PRECISION_GOAL)
    level = f"below {threshold:.2f}, from which on {goal:.0%} of calls on unseen series were right"
    if threshold >= NEVER:
        level = f"and no level of it held {goal:.0%} right calls on unseen series"
    found.append(f"The probability of {first} ({p:.2f}) is {level}.")
    if novelty >= NOVEL:
        found.append(f"It is unlike everything known: further away than {novelty:.1%} of what is usual in a new study.")
    if others and others[0][1] >= CLOSE * p:
        found.append(f"Two labels are too close: {first} ({p:.2f}) and {others[0][0]} ({others[0][1]:.2f}).")
    return found
