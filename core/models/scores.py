"""Scores of multi-label classification, each defined for rows and labels that have nothing to count.

Truth and prediction are bool (n x L), probabilities float (n x L). Means over labels ("macro") take the labels that
have a positive among the tested biosamples: a label that nothing tests has no score, and None says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from core.types import BoolArray, DoubleArray


@dataclass(frozen=True)
class MajorityBaseline:
    """Predicts for everything the label (or the tied labels) most frequent in the training part."""

    prior: DoubleArray

    def probabilities(self, n: int) -> DoubleArray:
        """Prevalence in the training part (n x L), the same for every biosample."""
        return np.tile(self.prior, (n, 1))

    def decide(self, n: int) -> BoolArray:
        """The most frequent label(s) (n x L)."""
        return np.tile(self.prior == self.prior.max(), (n, 1))


def majority_baseline(train_labels: BoolArray) -> MajorityBaseline:
    """Baseline from the labels of the training part (n x L)."""
    return MajorityBaseline(train_labels.mean(axis=0, dtype=np.float64))


def _f1(hits: DoubleArray, predicted: DoubleArray, true: DoubleArray) -> DoubleArray:
    """F1 = 2 hits / (predicted + true), 0 where there is nothing of either."""
    total = predicted + true
    return np.divide(2.0 * hits, total, out=np.zeros_like(total), where=total > 0)


def _counts(truth: BoolArray, predicted: BoolArray, axis: int) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    parts = (truth & predicted, predicted, truth)
    hits, called, true = (np.asarray(part.sum(axis=axis), dtype=np.float64) for part in parts)
    return hits, called, true


def samples_f1(truth: BoolArray, predicted: BoolArray) -> float:
    """Mean over biosamples of the F1 between predicted and true labels (the published work's score)."""
    return float(_f1(*_counts(truth, predicted, axis=1)).mean()) if len(truth) else 0.0


def macro_f1(truth: BoolArray, predicted: BoolArray) -> float:
    """Mean F1 over the labels with at least one tested positive; 0 where there is none."""
    tested = truth.any(axis=0)
    return float(_f1(*_counts(truth, predicted, axis=0))[tested].mean()) if tested.any() else 0.0


def micro_f1(truth: BoolArray, predicted: BoolArray) -> float:
    """F1 over all pairs of biosample and label."""
    hits, called, true = _counts(truth.reshape(-1, 1), predicted.reshape(-1, 1), axis=0)
    return float(_f1(hits, called, true)[0])


def auprc(truth: BoolArray, probabilities: DoubleArray) -> DoubleArray:
    """Area under the precision-recall curve (average precision) of each label (L), NaN where nothing tests it."""
    result = np.full(truth.shape[1], np.nan)
    for label in np.flatnonzero(truth.any(axis=0)):
        result[label] = average_precision_score(truth[:, label], probabilities[:, label])
    return result


def calibration_curve(confidence: DoubleArray, correct: BoolArray, bins: int = 10) -> list[dict[str, float]]:
    """Equal-width bins of confidence that hold anything: low, high, predicted (mean), observed (share), count."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    curve = []
    for index in np.unique(bin_of):
        inside = bin_of == index
        curve.append(
            {
                "low": float(edges[index]),
                "high": float(edges[index + 1]),
                "predicted": float(confidence[inside].mean()),
                "observed": float(correct[inside].mean()),
                "count": int(inside.sum()),
            }
        )
    return curve


def expected_calibration_error(confidence: DoubleArray, correct: BoolArray, bins: int = 10) -> float:
    """ECE = sum over bins of (n_bin / n) |accuracy - mean confidence| (Guo et al. 2017, equation 5)."""
    curve = calibration_curve(confidence, correct, bins)
    total = sum(part["count"] * abs(part["observed"] - part["predicted"]) for part in curve)
    return total / len(confidence) if len(confidence) else 0.0


def per_label(
    truth: BoolArray, predicted: BoolArray, probabilities: DoubleArray, names: list[str]
) -> list[dict[str, Any]]:
    """A row for each label: support, precision, recall, f1, prior, auprc and log2(auprc / prior).

    Precision is None where the label was never predicted; recall, AUPRC and its gain are None where nothing tests it.
    """
    hits, called, true = _counts(truth, predicted, axis=0)
    f1 = _f1(hits, called, true)
    area = auprc(truth, probabilities)
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        prior = float(true[i] / max(len(truth), 1))
        rows.append(
            {
                "label": name,
                "support": int(true[i]),
                "predicted": int(called[i]),
                "precision": float(hits[i] / called[i]) if called[i] else None,
                "recall": float(hits[i] / true[i]) if true[i] else None,
                "f1": float(f1[i]) if true[i] or called[i] else None,
                "prior": prior,
                "auprc": float(area[i]) if true[i] else None,
                "log2_auprc_over_prior": float(np.log2(area[i] / prior)) if true[i] else None,
            }
        )
    return rows


def summarise(truth: BoolArray, predicted: BoolArray, probabilities: DoubleArray, names: list[str]) -> dict[str, Any]:
    """All scores of one set of predictions, ready for JSON. ``ece`` is that of every pair of biosample and label."""
    rows = per_label(truth, predicted, probabilities, names)
    tested = [row for row in rows if row["support"]]
    gain = [row["log2_auprc_over_prior"] for row in tested]
    return {
        "samples_f1": samples_f1(truth, predicted),
        "macro_f1": macro_f1(truth, predicted),
        "micro_f1": micro_f1(truth, predicted),
        "macro_auprc": float(np.mean([row["auprc"] for row in tested])) if tested else None,
        "macro_log2_auprc_over_prior": float(np.mean(gain)) if gain else None,
        "ece": expected_calibration_error(probabilities.ravel(), truth.ravel()),
        "no_label": float(np.mean(~predicted.any(axis=1))) if len(truth) else 0.0,
        "per_label": rows,
    }
