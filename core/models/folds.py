"""The folds of an evaluation: which biosamples train and which test, and what one fold gives.

A fold knows nothing of the others, so that folds may run one after another or on several machines: the same fold gives
the same numbers anywhere. Counts come by a function, because a fold needs its training part once and its test part in
blocks, wherever they lie. Where a recipe adds synthetic samples, a fold fits the same model without them, too: the same
target, genes and settings, so that the rows that are added are all that differs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from core import settings
from core.errors import RecipeError
from core.models import scores
from core.models.augmented import Reader
from core.models.classifier import TissueClassifier, kept_labels
from core.models.forest import Forest
from core.models.generators.base import MIN_SAMPLES
from core.models.recipe import ClassifierRecipe
from core.models.splits import random_split, series_folds
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray, Progress, silent

BLOCK = 500
PUBLISHED_TREES = 10
PUBLISHED_VALUES = 2**28


@dataclass(frozen=True)
class Fold:
    """Positions of the biosamples that train and that test; ``number`` counts from 1 within ``split``."""

    split: str  # "random" | "series"
    number: int
    train: IndexArray
    test: IndexArray


@dataclass(frozen=True)
class FoldPlan:
    """What an evaluation will do: labels that are kept (n x L) and their names (L), series (n), and all folds.

    ``series_split_missing``: why there are no folds of whole series, where there are none.
    """

    recipe: ClassifierRecipe
    label_names: list[str]
    dropped_labels: dict[str, int]
    label_minimum: int
    labels: BoolArray
    series: list[str]
    folds: list[Fold]
    series_split_missing: str | None

    @property
    def used(self) -> IndexArray:
        """Positions of the biosamples that have a kept label."""
        return np.flatnonzero(self.labels.any(axis=1))


@dataclass(frozen=True)
class FoldScores:
    """What one fold gave for its t test biosamples: of each model, probabilities and calls (t x L).

    ``votes`` (t x L) and ``distance`` and ``novelty`` (t) are those of the model; ``settings`` what it chose.
    ``plain`` and ``plain_votes`` are of the same model without the synthetic samples that were ``added`` (see
    ``synthetic_rows``); None where the recipe adds none.
    """

    model: tuple[DoubleArray, BoolArray]
    majority: tuple[DoubleArray, BoolArray]
    published: tuple[DoubleArray, BoolArray]
    votes: DoubleArray
    distance: DoubleArray
    novelty: DoubleArray
    settings: dict[str, Any]
    plain: tuple[DoubleArray, BoolArray] | None = None
    plain_votes: DoubleArray | None = None
    added: list[dict[str, Any]] = field(default_factory=list)


def plan_folds(
    labels: BoolArray, label_names: Sequence[str], series: Sequence[str], recipe: ClassifierRecipe | None = None
) -> FoldPlan:
    """One random split and folds of whole series, from labels (n x L), their names, and series (n) alone.

    Labels under the recipe's minimum are dropped first, and with them the biosamples that have no other. The same
    input gives the same folds. Raises RecipeError where fewer than two labels are left, and where a label to be filled
    up with synthetic samples is not among them or has too few biosamples.
    """
    recipe = (recipe or ClassifierRecipe()).validated()
    kept = kept_labels(labels, recipe)
    if kept.sum() < 2:
        raise RecipeError(f"{kept.sum()} labels have enough biosamples, but a classifier needs two: add labels.")
    check_augmented(labels, label_names, recipe)
    bits = labels[:, kept]
    folds, reason = _folds(bits, series, recipe)
    return FoldPlan(
        recipe=recipe,
        label_names=[name for name, keep in zip(label_names, kept, strict=True) if keep],
        dropped_labels={name: int(labels[:, i].sum()) for i, name in enumerate(label_names) if not kept[i]},
        label_minimum=recipe.label_minimum(int(labels.any(axis=1).sum())),
        labels=bits,
        series=list(series),
        folds=folds,
        series_split_missing=reason,
    )


def check_augmented(labels: BoolArray, label_names: Sequence[str], recipe: ClassifierRecipe) -> None:
    """Raises RecipeError where the recipe fills up a label that labels (n x L) do not have, or have too few of."""
    least = max(MIN_SAMPLES, recipe.label_minimum(int(labels.any(axis=1).sum())))
    sizes = dict(zip(label_names, labels.sum(axis=0).tolist(), strict=True))
    for label in recipe.augment:
        if sizes.get(label, 0) < least:
            known = ", ".join(name for name, size in sizes.items() if size >= least) or "none"
            raise RecipeError(
                f"Label {label!r} cannot be filled up with synthetic samples: it has {sizes.get(label, 0)} biosamples, "
                f"and {least} are needed. Choose of {known}."
            )


def _folds(bits: BoolArray, series: Sequence[str], recipe: ClassifierRecipe) -> tuple[list[Fold], str | None]:
    used = np.flatnonzero(bits.any(axis=1))
    train, test = random_split(len(used), seed=recipe.seed)
    folds, reason = [Fold("random", 1, used[train], used[test])], None
    try:
        splits = series_folds([series[int(row)] for row in used], bits[used], recipe.n_folds, recipe.seed)
    except RecipeError as error:
        splits, reason = [], str(error)
    folds += [Fold("series", number, used[train], used[test]) for number, (train, test) in enumerate(splits, 1)]
    return folds, reason


def score_here(plan: FoldPlan, read: Reader, progress: Progress = silent) -> Iterator[FoldScores]:
    """Every fold, one after another; each forest takes all threads. Progress goes from 0 to 1 over all folds."""
    for done, fold in enumerate(plan.folds):
        yield score_fold(plan, fold, read, _within(progress, done, len(plan.folds), fold))


def _within(progress: Progress, before: int, folds: int, fold: Fold) -> Progress:
    def report(stage: str, done: float, total: float, **values: float | str) -> None:
        progress(stage, before + min(1.0, done / total), folds, split=fold.split, fold=fold.number, **values)

    return report


def score_fold(plan: FoldPlan, fold: Fold, read: Reader, progress: Progress = silent) -> FoldScores:
    """A fold fitted on its training part alone, target included, and tested on its test part."""
    # A label that lives on in few training biosamples is still learned: the minimum was for the whole dataset.
    recipe = replace(plan.recipe, min_label_count=1)
    bits, n_labels = plan.labels[fold.train], plan.labels.shape[1]
    series = [plan.series[int(row)] for row in fold.train]
    augments = bool(recipe.augment)

    def read_train(rows: IndexArray) -> CountMatrix:
        return read(fold.train[rows])

    plain = TissueClassifier().fit(
        read_train, bits, plan.label_names, replace(recipe, augment=()), _part(progress, 0.0, 0.5 if augments else 1.0),
        series,
    )  # fmt: skip
    model = plain.augmented(read_train, bits, recipe, _part(progress, 0.5, 1.0)) if augments else plain
    published = _published_forest(read, fold.train, bits, model, recipe.seed)
    # Threads add up the votes of trees as they finish; in one thread the sum has one order, and one last digit.
    published.set_params(n_jobs=1)
    for each in (plain, model):
        if isinstance(each.model, Forest):
            each.model.trees.set_params(n_jobs=1)
    tested = _Said(len(fold.test), plan.label_names, model)
    without = _Said(len(fold.test), plan.label_names, plain) if augments else None
    by_published = np.zeros((len(fold.test), n_labels))
    called_by_published = np.zeros((len(fold.test), n_labels), dtype=bool)
    distance = np.zeros(len(fold.test))
    for start in range(0, len(fold.test), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(fold.test)))
        q = model.normalise(read(fold.test[block]))
        tested.block(block, q)
        if without is not None:
            without.block(block, q)
        distance[block] = model.distance(q)
        by_published[block], called_by_published[block] = _published_predictions(published, q, n_labels)
    majority = scores.majority_baseline(bits)
    assert model.novelty is not None  # the fold has series
    return FoldScores(
        model=(tested.probabilities, tested.calls),
        majority=(majority.probabilities(len(fold.test)), majority.decide(len(fold.test))),
        published=(by_published, called_by_published),
        votes=tested.votes,
        distance=distance,
        novelty=model.novelty.of_distance(distance),
        settings=asdict(model.settings),
        plain=None if without is None else (without.probabilities, without.calls),
        plain_votes=None if without is None else without.votes,
        added=list(model.added),
    )


class _Said:
    """What a model says of t test biosamples: votes, calibrated probabilities and calls (t x L); 0 for labels that it
    does not know."""

    def __init__(self, n: int, label_names: list[str], model: TissueClassifier) -> None:
        self.model = model
        self.known = np.array([label_names.index(name) for name in model.label_names], dtype=np.intp)
        self.votes, self.probabilities = np.zeros((2, n, len(label_names)))
        self.calls = np.zeros((n, len(label_names)), dtype=bool)

    def block(self, rows: IndexArray, q: DoubleArray) -> None:
        at = np.ix_(rows, self.known)
        self.votes[at] = found = self.model.votes(q)
        calibrated = self.model.calibration.apply(found)
        self.probabilities[at], self.calls[at] = calibrated, self.model.decide(calibrated)


def _part(progress: Progress, low: float, high: float) -> Progress:
    """Progress of a part of the work, as a share of the whole."""
    if (low, high) == (0.0, 1.0):
        return progress

    def report(stage: str, done: float, total: float, **values: float | str) -> None:
        progress(stage, low + (high - low) * min(1.0, done / total), 1.0, **values)

    return report


def _published_forest(
    read: Reader, rows: IndexArray, bits: BoolArray, model: TissueClassifier, seed: int
) -> RandomForestClassifier:
    """The forest of the published work on Q of all genes (its division by gene length changes nothing for trees).

    Of more than 2^29 values, as many training biosamples as fit are drawn.
    """
    n_genes = len(model.target)
    limit = max(2, PUBLISHED_VALUES // n_genes)
    drawn = np.arange(len(rows))
    if len(rows) > limit:
        drawn = np.sort(np.random.default_rng(seed).choice(len(rows), limit, replace=False))
    q: FloatMatrix = np.empty((len(drawn), n_genes), dtype=np.float32)
    for start in range(0, len(drawn), BLOCK):
        q[start : start + BLOCK] = model.normalise(read(rows[drawn[start : start + BLOCK]]))
    forest = RandomForestClassifier(PUBLISHED_TREES, random_state=seed, n_jobs=settings.n_threads())
    return forest.fit(q, bits[drawn])


def _published_predictions(
    forest: RandomForestClassifier, q: DoubleArray, n_labels: int
) -> tuple[DoubleArray, BoolArray]:
    """Probabilities (mean of the trees) and its plain predictions (m x L); a label it never saw has 0."""
    probabilities = np.zeros((len(q), n_labels))
    for i, (found, classes) in enumerate(zip(forest.predict_proba(q), forest.classes_, strict=True)):
        for column in np.flatnonzero(classes):
            probabilities[:, i] = found[:, column]
    return probabilities, probabilities > 0.5
