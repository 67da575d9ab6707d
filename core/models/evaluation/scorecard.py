"""The verdict: a table of metrics beside two real sets and beside the PCA-Gaussian baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Target:
    """What a metric has to reach, given its value between two real sets (and the best baseline's)."""

    metric: str
    title: str
    better: str  # higher | lower | closer (to the real-real reference)
    rule: str
    passes: Callable[[float, float, float | None], bool]


def _share_of_reference(share: float) -> Callable[[float, float, float | None], bool]:
    return lambda value, reference, baseline: value >= share * reference


def _within(tolerance: float) -> Callable[[float, float, float | None], bool]:
    return lambda value, reference, baseline: abs(value - reference) <= tolerance


def _at_most(factor: float, slack: float = 0.0) -> Callable[[float, float, float | None], bool]:
    return lambda value, reference, baseline: value <= factor * reference + slack


def _discriminative(value: float, reference: float, baseline: float | None) -> bool:
    return value <= max(0.60, baseline if baseline is not None else 0.0)


NINETY = "at least 0.9 of real-real"
TARGETS = (
    Target("correlation_score", "Gene-gene correlation score", "higher", "at least 0.97 of real-real",
           _share_of_reference(0.97)),
    Target("precision", "Precision", "higher", NINETY, _share_of_reference(0.9)),
    Target("recall", "Recall", "higher", NINETY, _share_of_reference(0.9)),
    Target("density", "Density", "higher", NINETY, _share_of_reference(0.9)),
    Target("coverage", "Coverage", "higher", NINETY, _share_of_reference(0.9)),
    Target("adversarial_accuracy", "Adversarial accuracy", "closer", "within 0.10 of real-real", _within(0.10)),
    Target("adversarial_accuracy_truth", "Adversarial accuracy, real half", "closer", "within 0.15 of real-real",
           _within(0.15)),
    Target("adversarial_accuracy_synthetic", "Adversarial accuracy, synthetic half", "closer",
           "within 0.15 of real-real", _within(0.15)),
    Target("frechet_distance", "Fréchet distance", "lower", "at most 1.25 of real-real", _at_most(1.25)),
    Target("mmd", "MMD (squared, unbiased)", "lower", "at most 0.05 above real-real", _at_most(1.0, 0.05)),
    Target("discriminative_f1", "Discriminative F1", "lower", "at most 0.60 or the baseline's", _discriminative),
    Target("gene_mean_r2", "Per-gene mean, R²", "higher", "at least 0.97 of real-real", _share_of_reference(0.97)),
    Target("gene_sd_r2", "Per-gene spread, R²", "higher", NINETY, _share_of_reference(0.9)),
    Target("gene_mean_error", "Per-gene mean, absolute error", "lower", "at most 1.25 of real-real", _at_most(1.25)),
    Target("gene_sd_error", "Per-gene spread, absolute error", "lower", "at most 1.25 of real-real", _at_most(1.25)),
    Target("zero_share_error", "Per-gene zero share, absolute error", "lower", "at most 1.25 of real-real + 0.005",
           _at_most(1.25, 0.005)),
    Target("utility", "Train on synthetic, test on real (average precision)", "higher", "at least 0.97 of real-real",
           _share_of_reference(0.97)),
    Target("markers_kept", "Marker genes kept, of the top 50", "higher", NINETY, _share_of_reference(0.9)),
)  # fmt: skip
# How near synthetic samples are to those that were trained on; the reference is what real test samples would have.
COPYING = (
    Target("closest_train_ratio", "Distance to the closest training sample, over that of real test samples", "closer",
           "0.9 to 1.25 (1 = as far as real test samples)", lambda value, reference, baseline: 0.9 <= value <= 1.25),
    Target("membership_auc", "Membership inference, AUC", "lower", "at most 0.55 (0.5 = nothing is given away)",
           lambda value, reference, baseline: value <= 0.55),
)  # fmt: skip


def scorecard(synthetic: dict[str, Any], baseline: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Rows of the scorecard from results of ``evaluate_synthetic``: of the model, and of the PCA-Gaussian.

    A row: metric, title, direction, rule, synthetic, synthetic_sd, real_real, pca_gaussian (None where not given),
    verdict (pass | fail) and beats_baseline (None where there is none to compare with).
    """
    measured, other = _measured(synthetic), {} if baseline is None else _measured(baseline)
    return [
        _row(target, *measured[target.metric], other.get(target.metric, (None,))[0])
        for target in (*TARGETS, *COPYING)
        if target.metric in measured
    ]


def mean_scorecard(cards: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One scorecard of several of a model (other seeds): means of every column, verdicts on the means.

    ``synthetic_sd`` is the standard deviation over the cards (0 of one). Raises ValueError where there is no card.
    """
    if not cards:
        raise ValueError("no scorecard to take the mean of")
    rows = []
    for target in (*TARGETS, *COPYING):
        found = [row for card in cards for row in card if row["metric"] == target.metric]
        if not found:
            continue
        columns = {name: [row[name] for row in found] for name in ("synthetic", "real_real", "pca_gaussian")}
        other = None if None in columns["pca_gaussian"] else float(np.mean(columns["pca_gaussian"]))
        values = columns["synthetic"]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        rows.append(_row(target, float(np.mean(values)), spread, float(np.mean(columns["real_real"])), other))
    return rows


def verdict(rows: list[dict[str, Any]]) -> str:
    """The scorecard in a sentence."""
    failed = [row["title"] for row in rows if row["verdict"] == "fail"]
    text = f"{len(rows) - len(failed)} of {len(rows)} measures reach their target"
    compared = [row["beats_baseline"] for row in rows if row["beats_baseline"] is not None]
    if compared:
        text += f"; at least as good as the PCA-Gaussian on {sum(compared)} of {len(compared)}"
    return text + ("" if not failed else f". Missed: {', '.join(failed)}") + "."


def _measured(result: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Metric to (synthetic, its sd over draws, real-real)."""
    found = {
        metric: (float(both["synthetic"]["mean"]), float(both["synthetic"]["sd"]), float(both["real_real"]["mean"]))
        for metric, both in result["metrics"].items()
    }
    copying = result["copying"]
    return found | {
        "closest_train_ratio": (float(copying["ratio"]), 0.0, 1.0),
        "membership_auc": (float(copying["membership_auc"]), 0.0, 0.5),
    }


def _row(target: Target, value: float, spread: float, reference: float, other: float | None) -> dict[str, Any]:
    return {
        "metric": target.metric,
        "title": target.title,
        "direction": target.better,
        "rule": target.rule,
        "synthetic": value,
        "synthetic_sd": spread,
        "real_real": reference,
        "pca_gaussian": other,
        "verdict": "pass" if target.passes(value, reference, other) else "fail",
        "beats_baseline": None if other is None else _at_least_as_good(target.better, value, other, reference),
    }


def _at_least_as_good(better: str, value: float, other: float, reference: float) -> bool:
    if better == "higher":
        return value >= other
    if better == "lower":
        return value <= other
    return abs(value - reference) <= abs(other - reference)
