"""How well scores rank a rare label above all the rest."""

import numpy as np
from sklearn.metrics import average_precision_score

from core.types import BoolArray, DoubleArray

PRECISION = 0.95


def recall_at_precision(truth: BoolArray, scores: DoubleArray, precision: float = PRECISION) -> float:
    """The largest recall (share of true biosamples found) at any threshold where precision is at least ``precision``.

    ``truth`` and ``scores`` (m), at least one true. A threshold calls every score at or above it, so biosamples of one
    score are called together. 0 where no threshold is that precise.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_score = np.append(ranked[1:] != ranked[:-1], True)
    hits = np.cumsum(truth[order])[last_of_score]
    called = np.flatnonzero(last_of_score) + 1
    precise = hits >= precision * called - 1e-9
    return float(hits[precise].max(initial=0) / truth.sum())


def measure(truth: BoolArray, scores: DoubleArray) -> dict[str, float]:
    """Average precision of the label against all the rest, and recall at 95 % precision."""
    return {
        "average_precision": float(average_precision_score(truth, scores)),
        "recall_at_95": recall_at_precision(truth, scores),
    }
