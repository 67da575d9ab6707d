"""Replicates summed up by arm and size: means, bootstrap intervals, and paired differences to class weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.models.augmentation.recipe import ARMS, REFERENCE, size_name
from core.types import DoubleArray

DRAWS = 2000
LEVEL = (2.5, 97.5)
MEASURES = ("average_precision", "recall_at_95")
DIFFERENCES = {"average_precision": "difference", "recall_at_95": "recall_difference"}


def bootstrap_interval(values: DoubleArray, seed: int = 1) -> tuple[float, float] | None:
    """95 % percentile interval of the mean of ``values`` (one a seed); None for fewer than two."""
    if len(values) < 2:
        return None
    chosen = np.random.default_rng(seed).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.percentile(values[chosen].mean(axis=1), LEVEL)
    return float(low), float(high)


def summarise(replicates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each arm and size, sizes ascending ("all" last).

    Columns: size, n (mean number of the label's training biosamples), arm, seeds (with a figure), status ("ok" where
    any seed has one), added (mean), then average_precision and recall_at_95 with ``_low`` and ``_high`` (over seeds),
    then ``difference`` and ``recall_difference`` to class weights of the same seed and size, with theirs. None where
    there is no figure.
    """
    sizes = sorted({found["size"] for found in replicates}, key=lambda size: size or float("inf"))
    arms = [arm for arm in ARMS if any(arm in found["arms"] for found in replicates)]
    return [_row([found for found in replicates if found["size"] == size], arm) for size in sizes for arm in arms]


def paired(replicates: Sequence[Mapping[str, Any]], arm: str, measure: str) -> DoubleArray:
    """The arm's measure minus that of class weights, for every replicate that has both, by seed."""
    both = [
        (found["arms"][arm][measure], found["arms"][REFERENCE][measure])
        for found in sorted(replicates, key=lambda each: each["seed"])
        if arm in found["arms"] and REFERENCE in found["arms"]
    ]
    return np.array([one - other for one, other in both if one is not None and other is not None], dtype=np.float64)


def _row(replicates: Sequence[Mapping[str, Any]], arm: str) -> dict[str, Any]:
    ordered = sorted((found for found in replicates if arm in found["arms"]), key=lambda each: each["seed"])
    states = [found["arms"][arm]["status"] for found in ordered]
    row: dict[str, Any] = {
        "size": size_name(ordered[0]["size"]),
        "n": float(np.mean([found["n"] for found in ordered])),
        "arm": arm,
        "seeds": sum(state == "ok" for state in states),
        "status": "ok" if "ok" in states else states[0],
        "added": float(np.mean([found["added"] for found in ordered])) if arm not in ("none", REFERENCE) else 0.0,
    }
    for measure in MEASURES:
        values = [found["arms"][arm][measure] for found in ordered]
        row |= _figures(measure, np.array([value for value in values if value is not None], dtype=np.float64))
    for measure, name in DIFFERENCES.items():
        row |= _figures(name, paired(ordered, arm, measure) if arm != REFERENCE else np.empty(0))
    return row


def _figures(name: str, values: DoubleArray) -> dict[str, float | None]:
    low, high = bootstrap_interval(values) or (None, None)
    return {name: float(values.mean()) if len(values) else None, f"{name}_low": low, f"{name}_high": high}
