"""How good a classifier is on biosamples that it never saw: a random split and folds of whole series, always both.

Each split fits everything on its training part alone, target included, and is set beside the majority baseline and the
forest of the published work (10 trees, scikit-learn's defaults, all genes, predictions that may hold no label).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from core import settings
from core.errors import RecipeError
from core.models import scores
from core.models.abstention import choose_abstention
from core.models.classifier import ClassifierRecipe, TissueClassifier, kept_labels
from core.models.splits import Split, random_split, series_folds
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Progress, silent

BLOCK = 500
PUBLISHED_TREES = 10
PUBLISHED_VALUES = 2**29


@dataclass(frozen=True)
class Validation:
    """``summary``: JSON-able. ``predictions``: a row for each tested biosample and split, by position in the input.

    Columns of ``predictions``: position, split (random | series), fold, true, predicted (labels joined by |), first
    (the first predicted label), probability (of the first), correct (whether the first is true), novelty.
    """

    summary: dict[str, Any]
    predictions: pd.DataFrame

    def tables(self, sample_ids: npt.NDArray[Any]) -> dict[str, pd.DataFrame]:
        """Tables with a ``split`` column each: predictions (with sample_id), per_label, confusion, calibration.

        ``confusion``: true, predicted (first label), count; a biosample counts once for each of its true labels.
        """
        predictions = self.predictions.copy()
        predictions.insert(0, "sample_id", sample_ids[predictions["position"].to_numpy()])
        done = {name: split for name, split in self.summary["splits"].items() if split is not None}
        per_label = [{"split": name, **row} for name, split in done.items() for row in split["model"]["per_label"]]
        bins = [{"split": name, **row} for name, split in done.items() for row in split["calibration"]]
        return {
            "predictions": predictions,
            "per_label": pd.DataFrame(per_label),
            "confusion": confusion_table(predictions),
            "calibration": pd.DataFrame(bins),
        }


@dataclass(frozen=True)
class _Tested:
    """What one split gave, fold after fold: rows (t) of the input; of each model, probabilities and calls (t x L)."""

    rows: IndexArray
    fold: IndexArray
    truth: BoolArray
    model: tuple[DoubleArray, BoolArray]
    majority: tuple[DoubleArray, BoolArray]
    published: tuple[DoubleArray, BoolArray]
    novelty: DoubleArray
    unseen: list[dict[str, Any]]


def evaluate_classifier(
    counts: npt.NDArray[np.uint32],
    labels: BoolArray,
    label_names: Sequence[str],
    series: Sequence[str],
    recipe: ClassifierRecipe | None = None,
    progress: Progress = silent,
) -> Validation:
    """Scores of a recipe on counts (n x G), labels (n x L) and the series (n) of the biosamples.

    Labels under the recipe's minimum are dropped first, and with them the biosamples that have no other. Where the
    biosamples are of one series, the series split is None and ``series_split_missing`` says why.
    Raises RecipeError where fewer than two labels are left.
    """
    recipe = (recipe or ClassifierRecipe()).validated()
    kept = kept_labels(labels, recipe)
    names = [name for name, keep in zip(label_names, kept, strict=True) if keep]
    used = np.flatnonzero(labels[:, kept].any(axis=1))
    bits = labels[np.ix_(used, kept)]
    splits, reason = _splits([series[int(row)] for row in used], bits, recipe)
    steps = _Steps(progress, sum(len(folds) for folds in splits.values()))
    summaries: dict[str, Any] = {"random": None, "series": None}
    tables = []
    for name, folds in splits.items():
        tested = _test(counts, used, bits, names, [series[int(row)] for row in used], folds, recipe, name, steps)
        tables.append(_table(tested, names, name))
        summaries[name] = _summary(tested, names, tables[-1], folds)
    predictions = pd.concat(tables, ignore_index=True)
    summary = {
        "n_biosamples": len(used),
        "labels": names,
        "dropped_labels": {name: int(labels[:, i].sum()) for i, name in enumerate(label_names) if not kept[i]},
        "label_minimum": recipe.label_minimum(int(labels.any(axis=1).sum())),
        "headline": recipe.split if splits.get(recipe.split) else "random",
        "splits": summaries,
        "series_split_missing": reason,
        "abstention": _abstention(predictions, "series" if "series" in splits else "random"),
    }
    return Validation(summary, predictions)


def confusion_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Counts by split, true label and first predicted label; a biosample counts once for each of its true labels."""
    pairs = predictions[["split", "true", "first"]].assign(true=predictions["true"].str.split("|")).explode("true")
    return pairs.rename(columns={"first": "predicted"}).value_counts(sort=False).rename("count").reset_index()


def _splits(series: list[str], bits: BoolArray, recipe: ClassifierRecipe) -> tuple[dict[str, list[Split]], str | None]:
    if bits.shape[1] < 2:
        raise RecipeError(f"{bits.shape[1]} labels have enough biosamples, but a classifier needs two: add labels.")
    splits = {"random": [random_split(len(bits), seed=recipe.seed)]}
    try:
        splits["series"] = series_folds(series, bits, recipe.n_folds, recipe.seed)
    except RecipeError as error:
        return splits, str(error)
    return splits, None


def _abstention(predictions: pd.DataFrame, split: str) -> dict[str, Any]:
    chosen = predictions[predictions["split"] == split]
    probability, novelty = chosen["probability"].to_numpy(), chosen["novelty"].to_numpy()
    return {"split": split, **choose_abstention(probability, novelty, chosen["correct"].to_numpy())}


class _Steps:
    """One progress from 0 to 1 over all folds, whatever the fits within them report."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def fold(self, split: str, fold: int) -> Progress:
        """The progress of the next fold."""
        before = self._done
        self._done += 1

        def report(stage: str, done: float, total: float, **values: float | str) -> None:
            self._progress(stage, before + min(1.0, done / total), self._total, split=split, fold=fold + 1, **values)

        return report


def _test(
    counts: npt.NDArray[np.uint32],
    used: IndexArray,
    bits: BoolArray,
    names: list[str],
    series: list[str],
    folds: list[Split],
    recipe: ClassifierRecipe,
    split: str,
    steps: _Steps,
) -> _Tested:
    """Every fold fitted on its training part and tested on its test part."""
    parts, unseen = [], []
    for number, (train, test) in enumerate(folds):
        seen = bits[train].any(axis=0)
        unseen += [
            {"fold": number + 1, "label": names[i], "biosamples": int(bits[test, i].sum())}
            for i in np.flatnonzero(~seen & bits[test].any(axis=0))
        ]
        parts.append(_fold(counts, used, bits, series, train, test, recipe, steps.fold(split, number)))
    rows = np.concatenate([test for _, test in folds])
    fold = np.repeat(np.arange(1, len(folds) + 1), [len(test) for _, test in folds])
    joined = [np.concatenate([part[i] for part in parts]) for i in range(7)]
    return _Tested(
        used[rows], fold, bits[rows], (joined[0], joined[1]), (joined[2], joined[3]), (joined[4], joined[5]),
        joined[6], unseen,
    )  # fmt: skip


def _fold(
    counts: npt.NDArray[np.uint32],
    used: IndexArray,
    bits: BoolArray,
    series: list[str],
    train: IndexArray,
    test: IndexArray,
    recipe: ClassifierRecipe,
    progress: Progress,
) -> tuple[Any, ...]:
    """Probabilities and calls (t x L) of the model, the majority and the published forest, and novelty (t)."""
    # A label that lives on in few training biosamples is still learned: the minimum was for the whole dataset.
    recipe = replace(recipe, min_label_count=1)
    columns = [str(i) for i in range(bits.shape[1])]
    model = TissueClassifier().fit(
        counts[used[train]], bits[train], columns, recipe, progress, [series[int(row)] for row in train]
    )
    known = np.array([int(name) for name in model.label_names], dtype=np.intp)
    published = _published_forest(counts, used[train], bits[train], model, recipe.seed)
    probabilities, published_probabilities = np.zeros((2, len(test), bits.shape[1]))
    calls, published_calls = np.zeros((2, len(test), bits.shape[1]), dtype=bool)
    novelty = np.zeros(len(test))
    for start in range(0, len(test), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(test)))
        q = model.normalise(counts[used[test[block]]])
        found = model.probabilities(q)
        probabilities[np.ix_(block, known)] = found
        calls[np.ix_(block, known)] = model.decide(found)
        novelty[block] = model.novelty_score(q)
        published_probabilities[block], published_calls[block] = _published_predictions(published, q, bits.shape[1])
    majority = scores.majority_baseline(bits[train])
    return (
        probabilities, calls, majority.probabilities(len(test)), majority.decide(len(test)),
        published_probabilities, published_calls, novelty,
    )  # fmt: skip


def _published_forest(
    counts: npt.NDArray[np.uint32], rows: IndexArray, bits: BoolArray, model: TissueClassifier, seed: int
) -> RandomForestClassifier:
    """The forest of the published work on Q of all genes (its division by gene length changes nothing for trees).

    Of more than 2^29 values, as many training biosamples as fit are drawn.
    """
    limit = max(2, PUBLISHED_VALUES // counts.shape[1])
    drawn = np.arange(len(rows))
    if len(rows) > limit:
        drawn = np.sort(np.random.default_rng(seed).choice(len(rows), limit, replace=False))
    q: FloatMatrix = np.empty((len(drawn), counts.shape[1]), dtype=np.float32)
    for start in range(0, len(drawn), BLOCK):
        q[start : start + BLOCK] = model.normalise(counts[rows[drawn[start : start + BLOCK]]])
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


def _table(tested: _Tested, names: list[str], split: str) -> pd.DataFrame:
    probabilities, calls = tested.model
    first = np.where(calls, probabilities, -1.0).argmax(axis=1)
    each = np.arange(len(first))
    return pd.DataFrame(
        {
            "position": tested.rows,
            "split": split,
            "fold": tested.fold,
            "true": _joined(tested.truth, names),
            "predicted": _joined(calls, names),
            "first": [names[i] for i in first],
            "probability": probabilities[each, first],
            "correct": tested.truth[each, first],
            "novelty": tested.novelty,
        }
    )


def _joined(bits: BoolArray, names: list[str]) -> list[str]:
    return ["|".join(names[i] for i in np.flatnonzero(row)) for row in bits]


def _summary(tested: _Tested, names: list[str], table: pd.DataFrame, folds: list[Split]) -> dict[str, Any]:
    confidence, correct = table["probability"].to_numpy(), table["correct"].to_numpy()
    return {
        "n_folds": len(folds),
        "n_train": [len(train) for train, _ in folds],
        "n_test": [len(test) for _, test in folds],
        "model": scores.summarise(tested.truth, tested.model[1], tested.model[0], names),
        "majority": scores.summarise(tested.truth, tested.majority[1], tested.majority[0], names),
        "published_forest": scores.summarise(tested.truth, tested.published[1], tested.published[0], names),
        "unseen_labels": tested.unseen,
        "first_label_accuracy": float(correct.mean()),
        "first_label_ece": scores.expected_calibration_error(confidence, correct),
        "calibration": scores.calibration_curve(confidence, correct),
    }
