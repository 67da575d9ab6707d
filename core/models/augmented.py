"""Synthetic samples for the training of a classifier: rare labels filled up, from the training part alone.

A generator is fitted for each label on the real biosamples of the training part that the classifier is fitted on, anew
in every part, so nothing of a test part can reach it. What is made goes into the fit of the model and nowhere else: the
quantile target, the choice of genes and settings, novelty, calibration and every threshold come from real biosamples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.expression.normalise import to_target_rounded
from core.models.generators import GeneratorRecipe, TrainingData, make_generator
from core.models.generators.base import MIN_SAMPLES
from core.models.recipe import GANS, ClassifierRecipe
from core.models.splits import spread_over_groups
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray, Progress, silent

LEAST = 30  # biosamples that a label is filled up to at least, where the number is not given
FIT_VALUES = 2**27  # Q of the biosamples that a generator is fitted on
BLOCK_VALUES = 2**23
ADDED, ENOUGH, TOO_FEW = "added", "enough real ones", "too few real ones"

Reader = Callable[[IndexArray], CountMatrix]


@dataclass(frozen=True)
class Part:
    """A training part: ``read`` gives counts (m x G) by position (m); ``bits`` (n x L), names (L), target (G)."""

    read: Reader
    bits: BoolArray
    names: list[str]
    target: DoubleArray


@dataclass(frozen=True)
class Synthetic:
    """Synthetic rows for a model's fit: x (s x g, Q of the marker genes) and labels (s x L).

    ``labels``: columns that were filled up. ``report``: label, real, added, status, a row for each label asked for.
    """

    x: FloatMatrix
    bits: BoolArray
    labels: IndexArray
    report: list[dict[str, Any]]

    def judges(self, bits: BoolArray) -> BoolArray:
        """Which real biosamples (n) of labels (n x L) may judge a model fitted on these rows: those of no label that
        was filled up. The rows were made from the others, so even a tree that has not seen one has seen its likes."""
        return np.asarray(~bits[:, self.labels].any(axis=1))


def synthetic_rows(part: Part, genes: IndexArray, recipe: ClassifierRecipe, progress: Progress = silent) -> Synthetic:
    """What the recipe adds to a training part, at the marker genes (g positions in G).

    A label that has enough biosamples gets nothing, and so does one with fewer than four, from which nothing can be
    learned: ``report`` says which. Synthetic samples carry the label set that most real ones of the label have, and
    count for all labels in it.
    """
    bits = part.bits
    rows = [np.zeros((0, len(genes)), dtype=np.float32)]
    made = [np.zeros((0, bits.shape[1]), dtype=bool)]
    filled, report = [], []
    data: TrainingData | None = None
    for label in recipe.augment:
        column = part.names.index(label) if label in part.names else None
        real = 0 if column is None else int(bits[:, column].sum())
        wanted = 0
        if column is not None and real >= MIN_SAMPLES:
            there = real + int(np.concatenate(made)[:, column].sum())
            wanted = max(0, (recipe.augment_to or usual_size(bits, column)) - there)
        if column is not None and wanted:
            data = data or training_data(part, recipe)
            rows.append(_drawn(data, label, wanted, recipe, progress)[:, genes])
            made.append(np.tile(_usual_set(bits, column), (wanted, 1)))
            filled.append(column)
        status = TOO_FEW if real < MIN_SAMPLES else ADDED if wanted else ENOUGH
        report.append({"label": label, "real": real, "added": wanted, "status": status})
    return Synthetic(np.concatenate(rows), np.concatenate(made), np.array(filled, dtype=np.intp), report)


def usual_size(bits: BoolArray, column: int) -> int:
    """What a label is filled up to by default: the median number of the other labels (n x L), at least 30."""
    sizes = np.delete(bits.sum(axis=0), column)
    return max(LEAST, int(np.median(sizes))) if len(sizes) else LEAST


def training_data(part: Part, recipe: ClassifierRecipe) -> TrainingData:
    """Q of the real training biosamples that generators are fitted on.

    All there are, or as many as fit, spread over labels; those of the labels to fill up come first.
    """
    n_genes = len(part.target)
    most = max(MIN_SAMPLES, FIT_VALUES // n_genes)
    asked = [part.names.index(label) for label in recipe.augment if label in part.names]
    own = part.bits[:, asked].any(axis=1)
    first, others = np.flatnonzero(own), np.flatnonzero(~own)
    first = first[spread_over_groups(part.bits[first].argmax(axis=1), most, recipe.seed)]
    others = others[spread_over_groups(part.bits[others].argmax(axis=1), most - len(first), recipe.seed)]
    rows = np.sort(np.concatenate([first, others]))
    q = np.empty((len(rows), n_genes), dtype=np.float32)
    size = max(1, BLOCK_VALUES // n_genes)
    for start in range(0, len(rows), size):
        q[start : start + size] = to_target_rounded(part.read(rows[start : start + size]), part.target)
    return TrainingData(q, part.bits[rows], part.names, part.target)


def _drawn(data: TrainingData, label: str, n: int, recipe: ClassifierRecipe, progress: Progress) -> FloatMatrix:
    def within(stage: str, done: float, total: float, **values: float | str) -> None:
        progress(f"synthetic samples of {label}", done, total)

    steps = recipe.augment_steps if recipe.augment_model in GANS else 0
    wanted = GeneratorRecipe(model=recipe.augment_model, label=label, seed=recipe.seed % 2**31, steps=steps)
    return make_generator(wanted).fit(data, within).sample(n, label, recipe.seed)


def _usual_set(bits: BoolArray, column: int) -> BoolArray:
    sets, counts = np.unique(bits[bits[:, column]], axis=0, return_counts=True)
    usual: BoolArray = sets[counts.argmax()]
    return usual
