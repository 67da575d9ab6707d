"""Does what was added help? A classifier with and without synthetic samples, on the same real test biosamples.

The two differ by the added rows alone, so their scores are compared in pairs: the interval is that of the difference,
over bootstrap draws of whole test series where series are kept together, else of test biosamples.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from core.models.augmentation.measures import PRECISION
from core.models.augmentation.words import FEW_POSITIVES, SMALL
from core.types import BoolArray, DoubleArray, IndexArray

DRAWS = 1000
LEVEL = (2.5, 97.5)
MEASURES = ("average_precision", "recall_at_95", "f1")
Draws = Callable[[], Iterator[DoubleArray]]
Said = tuple[DoubleArray, BoolArray]  # probabilities and calls (t x L)


def compare(
    truth: BoolArray, augmented: Said, plain: Said, units: IndexArray, columns: Sequence[int], names: Sequence[str],
    seed: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Scores with and without what was added, on t test biosamples of truth (t x L); JSON-able.

    ``units`` (t): what is drawn together, a series or a biosample. ``labels``: a row for each of ``columns``: label,
    support, units (that hold it), verdict (see ``verdict_of``), and for each of ``MEASURES`` with, without, difference,
    low and high (95 %, None where fewer than two units hold the label). ``samples_f1``: the same over all labels.
    """
    draws = partial(_draws, units, seed)
    rows = []
    for column in columns:
        own = truth[:, column]
        row: dict[str, Any] = {"label": names[column], "support": int(own.sum()), "units": len(np.unique(units[own]))}
        ranked = [_Ranked(own, said[0][:, column], said[1][:, column]) for said in (augmented, plain)]
        row |= _label_figures(ranked, draws if row["units"] > 1 else None)
        rows.append(row | {"verdict": verdict_of(row["average_precision"], row["support"])})
    return {"n": len(truth), "units": len(np.unique(units)), "labels": rows,
            "samples_f1": _samples_figures(truth, augmented[1], plain[1], draws)}  # fmt: skip


def verdict_of(figures: dict[str, float | None], support: int) -> str:
    """What an interval says: "few" (fewer than 5 test biosamples, or no interval), "nothing" (within 0.02 of none),
    "helps", "harms", or "open": it holds 0 and differences that would matter."""
    low, high = figures["low"], figures["high"]
    if support < FEW_POSITIVES or low is None or high is None:
        return "few"
    if low >= -SMALL and high <= SMALL:
        return "nothing"
    return "helps" if low > 0 else "harms" if high < 0 else "open"


class _Ranked:
    """One label's truth, scores and calls (t), ready to be measured with any weights of biosamples."""

    def __init__(self, truth: BoolArray, scores: DoubleArray, calls: BoolArray) -> None:
        order = np.argsort(-scores, kind="stable")
        self.order, self.truth, self.calls = order, truth[order].astype(np.float64), calls[order].astype(np.float64)
        self.last = np.append(scores[order][1:] != scores[order][:-1], True)  # of biosamples of one score

    def measures(self, weights: DoubleArray) -> DoubleArray:
        """Average precision, recall at 95 % precision and F1, each biosample counted ``weights`` (t) times."""
        w = weights[self.order]
        true = w * self.truth
        hits, called = np.cumsum(true)[self.last], np.cumsum(w)[self.last]
        total = hits[-1]
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        area = float(np.diff(hits, prepend=0.0) @ precision) / total
        precise = hits >= PRECISION * called - 1e-9
        both = float((w * self.calls).sum()) + total
        return np.array([area, hits[precise].max(initial=0.0) / total, 2.0 * float(true @ self.calls) / both])


def _draws(units: IndexArray, seed: int) -> Iterator[DoubleArray]:
    """How often each test biosample (t) is in each draw of units; the same draws at every call."""
    known, of = np.unique(units, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        counts = np.bincount(rng.integers(len(known), size=len(known)), minlength=len(known))
        yield counts[of.ravel()].astype(np.float64)


def _label_figures(ranked: list[_Ranked], draws: Draws | None) -> dict[str, Any]:
    one, other = ranked
    if not one.truth.any():
        return dict.fromkeys(MEASURES, _figures(None, None, np.empty(0)))
    real = np.ones(len(one.order))
    with_, without = one.measures(real), other.measures(real)
    held = () if draws is None else (each for each in draws() if one.truth @ each[one.order] > 0)
    differences = np.array([one.measures(each) - other.measures(each) for each in held]).reshape(-1, len(MEASURES))
    return {name: _figures(float(with_[i]), float(without[i]), differences[:, i]) for i, name in enumerate(MEASURES)}


def _samples_figures(truth: BoolArray, augmented: BoolArray, plain: BoolArray, draws: Draws) -> dict[str, Any]:
    each = [2.0 * (truth & calls).sum(axis=1) / np.maximum(truth.sum(axis=1) + calls.sum(axis=1), 1)
            for calls in (augmented, plain)]  # fmt: skip
    gain = each[0] - each[1]
    differences = np.array([weights @ gain / weights.sum() for weights in draws()])
    return _figures(float(each[0].mean()), float(each[1].mean()), differences)


def _figures(augmented: float | None, plain: float | None, differences: DoubleArray) -> dict[str, float | None]:
    low, high = np.percentile(differences, LEVEL).tolist() if len(differences) > 1 else (None, None)
    difference = None if augmented is None or plain is None else augmented - plain
    return {"with": augmented, "without": plain, "difference": difference, "low": low, "high": high}
