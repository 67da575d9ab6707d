"""One replicate: everything fitted on its training part, a model for each arm, then the test part scored.

The training part: ``others`` and n drawn biosamples of the label; the label's other biosamples are in no part of it.
Target, marker genes and generators are fitted on it alone. Synthetic samples are added to the training part of their
arm and to nothing else.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import InputError
from core.expression.normalise import fit_target, to_target_rounded
from core.models.augmentation.measures import measure
from core.models.augmentation.parts import Parts, hold_out
from core.models.augmentation.recipe import WHOLE, AugmentationRecipe, Replicate
from core.models.generators import GeneratorRecipe, TrainingData, make_generator
from core.models.generators.base import MIN_SAMPLES
from core.models.markers import LabelMoments, choose_markers
from core.models.recipe import ClassifierRecipe
from core.models.selection import Model, Settings, fit_model
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray, Progress, silent

TOP_UP = 30  # biosamples that the label is topped up to, at least
BLOCK = 256
OK, TOO_FEW, NOTHING = "ok", "too few", "nothing to add"
_WORK = {"wgan-gp": 8.0, "flow-matching": 4.0, "pca-gaussian": 2.0}  # share of the time of an arm; 1 for the others

Reader = Callable[[IndexArray], CountMatrix]


@dataclass(frozen=True)
class Samples:
    """Labelled biosamples: ``read`` gives counts (m x G) by position (m); labels (n x L), their names, series (n)."""

    read: Reader
    labels: BoolArray
    label_names: list[str]
    series: list[str]

    def of(self, label: str) -> BoolArray:
        """Which biosamples (n) carry a label."""
        return np.asarray(self.labels[:, self.label_names.index(label)])


@dataclass
class Fitted:
    """What a training part gave: ``target`` (G), ``genes`` (g), the label's column in the models, a model an arm.

    ``models``: None where an arm cannot be (``status`` says why). ``added``: synthetic samples of every arm that has
    any. ``seconds`` an arm.
    """

    target: DoubleArray
    genes: IndexArray
    column: int
    added: int
    models: dict[str, Model | None] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def plan(samples: Samples, recipe: AugmentationRecipe) -> list[Replicate]:
    """The replicates that there are enough biosamples for, in the order in which they are run.

    "All that there are" is left out where that is one of the other sizes for every seed. Raises InputError where the
    parts cannot be made, or no size is small enough.
    """
    there = {seed: len(_parts(samples, recipe, seed).pool) for seed in {each.seed for each in recipe.replicates()}}
    listed = set(there.values()) <= set(recipe.sizes)
    found = [each for each in recipe.replicates() if each.size <= there[each.seed]]
    found = [each for each in found if each.size != WHOLE or not (listed and len(set(there.values())) == 1)]
    if not found:
        raise InputError(
            f"Label {recipe.label!r} leaves {max(there.values())} biosamples to train on, fewer than any of the sizes: "
            "give smaller sizes, or all."
        )
    return found


def run_replicate(
    samples: Samples, recipe: AugmentationRecipe, which: Replicate, progress: Progress = silent
) -> dict[str, Any]:
    """One replicate, JSON-able: seed, size, n, added, test_positive, test_negative, held_out, shared, shared_labels,
    rule, and ``arms``: status, average_precision and recall_at_95 (None without a model) and seconds of each.
    """
    has_label = samples.of(recipe.label)
    parts = _parts(samples, recipe, which.seed)
    n = len(parts.pool) if which.size == WHOLE else which.size
    fitted = fit_arms(samples, parts, n, recipe, which.seed, progress)
    arms = score_arms(fitted, samples, parts.test, has_label[parts.test])
    positive = int(has_label[parts.test].sum())
    return {
        **which._asdict(), "n": n, "added": fitted.added, "test_positive": positive,
        "test_negative": len(parts.test) - positive, "held_out": parts.held_out, "shared": parts.shared,
        "shared_labels": parts.shared_labels, "rule": parts.rule, "arms": arms,
    }  # fmt: skip


def fit_arms(
    samples: Samples, parts: Parts, n: int, recipe: AugmentationRecipe, seed: int, progress: Progress = silent
) -> Fitted:
    """A model for each arm, from ``parts.others`` and the first n of ``parts.pool``; no other biosample is read."""
    train = np.sort(np.concatenate([parts.others, parts.pool[:n]]))
    bits = samples.labels[train]
    known = np.flatnonzero(bits.any(axis=0))
    names = [samples.label_names[number] for number in known]
    bits, column = bits[:, known], names.index(recipe.label)
    progress("normalising", 0, _total(recipe))
    target = fit_target(samples.read(train[block]) for block in _blocks(len(train)))
    q = np.concatenate([to_target_rounded(samples.read(train[block]), target) for block in _blocks(len(train))])
    moments = LabelMoments.empty(len(names), q.shape[1])
    moments.update(q, bits)
    genes = choose_markers(moments, recipe.genes)
    fitted = Fitted(target, genes, column, max(0, top_up(bits, column) - n))
    made = _Maker(TrainingData(q, bits, names, target), recipe, seed, fitted)
    for arm in recipe.arms:
        made.arm(arm, progress)
    return fitted


def score_arms(fitted: Fitted, samples: Samples, test: IndexArray, truth: BoolArray) -> dict[str, dict[str, Any]]:
    """Measures of every arm on real test biosamples (m positions), ``truth`` (m): which of them carry the label."""
    blocks = (samples.read(test[block]) for block in _blocks(len(test)))
    x = np.concatenate([to_target_rounded(counts, fitted.target)[:, fitted.genes] for counts in blocks])
    nothing = {"average_precision": None, "recall_at_95": None}
    return {
        arm: {
            "status": fitted.status[arm],
            **(nothing if model is None else measure(truth, model.votes(x)[:, fitted.column])),
            "seconds": fitted.seconds[arm],
        }
        for arm, model in fitted.models.items()
    }


def top_up(bits: BoolArray, column: int) -> int:
    """How many biosamples the label is topped up to: the median number of the other labels (n x L), at least 30."""
    sizes = np.delete(bits.sum(axis=0), column)
    return max(TOP_UP, int(np.median(sizes))) if len(sizes) else TOP_UP


class _Maker:
    """Makes the model of one arm after the other on one training part."""

    def __init__(self, data: TrainingData, recipe: AugmentationRecipe, seed: int, fitted: Fitted) -> None:
        self.data, self.recipe, self.seed, self.fitted = data, recipe, seed, fitted
        self.x = np.ascontiguousarray(data.q[:, fitted.genes])
        self.own = np.flatnonzero(data.labels[:, fitted.column])
        self.classifier = ClassifierRecipe(family=recipe.family, trees=recipe.trees, seed=seed)
        self.done = 1.0

    def arm(self, name: str, progress: Progress) -> None:
        begun = time.monotonic()
        work = _WORK.get(name, 1.0)

        def inner(stage: str, done: float, total: float, **values: float | str) -> None:
            progress(name, self.done + work * (done / total if total else 0.0) * 0.9, _total(self.recipe))

        inner(name, 0, 1)
        self.fitted.status[name], more = self._rows(name, inner)
        model = None
        if self.fitted.status[name] == OK:
            x, bits = self.x, self.data.labels
            if more is not None:
                x, bits = np.concatenate([x, more[0]]), np.concatenate([bits, more[1]])
            settings = Settings(genes=x.shape[1], balanced=name == "class-weights", trees=self.recipe.trees)
            model = fit_model(x, bits, settings, self.classifier, out_of_bag=False)
        self.fitted.models[name] = model
        self.fitted.seconds[name] = round(time.monotonic() - begun, 3)
        self.done += work

    def _rows(self, name: str, progress: Progress) -> tuple[str, tuple[FloatMatrix, BoolArray] | None]:
        """The arm's status, and the rows (added x g) with their labels (added x L) that it adds to the real ones."""
        if name in ("none", "class-weights"):
            return OK, None
        if not self.fitted.added:
            return NOTHING, None
        if name == "oversampling":
            chosen = np.random.default_rng([self.seed, 2]).choice(self.own, self.fitted.added)
            return OK, (self.x[chosen], self.data.labels[chosen])
        if len(self.own) < MIN_SAMPLES:
            return TOO_FEW, None
        return OK, self._generated(name, progress)

    def _generated(self, name: str, progress: Progress) -> tuple[FloatMatrix, BoolArray]:
        """Synthetic samples with the label set that most of the label's training biosamples have."""
        steps = self.recipe.steps if name == "wgan-gp" else 0
        recipe = GeneratorRecipe(model=name, label=self.recipe.label, seed=self.seed, steps=steps)
        generator = make_generator(recipe).fit(self.data, progress)
        rows = generator.sample(self.fitted.added, self.recipe.label, self.seed)[:, self.fitted.genes]
        sets, counts = np.unique(self.data.labels[self.own], axis=0, return_counts=True)
        return rows, np.tile(sets[counts.argmax()], (len(rows), 1))


def _parts(samples: Samples, recipe: AugmentationRecipe, seed: int) -> Parts:
    return hold_out(samples.of(recipe.label), samples.labels, samples.series, recipe.sizes, recipe.most, seed)


def _total(recipe: AugmentationRecipe) -> float:
    return 1.0 + sum(_WORK.get(arm, 1.0) for arm in recipe.arms)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
