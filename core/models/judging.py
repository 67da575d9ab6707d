"""Votes on training biosamples by voters that have not seen them: what calibration and thresholds are fitted on."""

import numpy as np

from core.models.augmented import Synthetic
from core.models.forest import Forest
from core.models.linear import held_out_votes
from core.models.selection import Model, Settings
from core.models.splits import spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix

ROWS = 20_000  # biosamples that a linear model is held out from, at most


def unseen_votes(
    model: Model, x: FloatMatrix, bits: BoolArray, settings: Settings, seed: int, made: Synthetic | None = None
) -> tuple[DoubleArray, BoolArray]:
    """Votes (n x L) on real biosamples, x (n x g) with labels (n x L), and which of them (n) are judged.

    Of a forest they are out-of-bag, of a linear model those of thirds held out. ``made``: the synthetic rows that the
    model was fitted on after the real ones; they are not judged, nor is what they were made from.
    """
    if isinstance(model, Forest):
        found, judges = model.out_of_bag(len(bits) + (0 if made is None else len(made.x)))
        votes, judged = found[: len(bits)], judges[: len(bits)]
    else:
        chosen = spread_over_groups(bits.argmax(axis=1), ROWS, seed)
        part = x[chosen, : settings.genes]
        votes, judged = np.zeros(bits.shape), np.zeros(len(bits), dtype=bool)
        votes[chosen] = held_out_votes(part, bits[chosen], settings.penalty, settings.balanced, seed)
        judged[chosen] = True
    return votes, judged if made is None else judged & made.judges(bits)
