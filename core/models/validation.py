"""How good a classifier is on biosamples that it never saw: a random split and folds of whole series, always both.

Each split fits everything on its training part alone, target included, and is set beside the majority baseline and the
forest of the published work (10 trees, scikit-learn's defaults, all genes, predictions that may hold no label).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.models import scores
from core.models.abstention import choose_abstention
from core.models.classifier import ClassifierRecipe
from core.models.folds import Fold, FoldPlan, FoldScores, plan_folds, score_here
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray, Progress, silent


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


def evaluate_classifier(
    counts: CountMatrix,
    labels: BoolArray,
    label_names: Sequence[str],
    series: Sequence[str],
    recipe: ClassifierRecipe | None = None,
    progress: Progress = silent,
) -> Validation:
    """Scores of a recipe on counts (n x G), labels (n x L) and the series (n) of the biosamples; folds run here.

    Labels under the recipe's minimum are dropped first, and with them the biosamples that have no other. Where the
    biosamples are of one series, the series split is None and ``series_split_missing`` says why.
    Raises RecipeError where fewer than two labels are left.
    """
    plan = plan_folds(labels, label_names, series, recipe)
    return validation_of(plan, score_here(plan, counts.__getitem__, progress))


def validation_of(plan: FoldPlan, scored: Iterable[FoldScores]) -> Validation:
    """The scores of every fold of the plan, in its order, put together; whoever ran them, and wherever."""
    parts = list(zip(plan.folds, scored, strict=True))
    summaries: dict[str, Any] = {"random": None, "series": None}
    tables = []
    for name in dict.fromkeys(fold.split for fold in plan.folds):
        of_split = [(fold, found) for fold, found in parts if fold.split == name]
        tested = _join(plan, of_split)
        tables.append(_table(tested, plan.label_names, name))
        summaries[name] = _summary(plan, tested, tables[-1], [fold for fold, _ in of_split])
    predictions = pd.concat(tables, ignore_index=True)
    summary = {
        "n_biosamples": len(plan.used),
        "labels": plan.label_names,
        "dropped_labels": plan.dropped_labels,
        "label_minimum": plan.label_minimum,
        "headline": plan.recipe.split if summaries[plan.recipe.split] else "random",
        "splits": summaries,
        "series_split_missing": plan.series_split_missing,
        "abstention": _abstention(predictions, "series" if summaries["series"] else "random"),
    }
    return Validation(summary, predictions)


def confusion_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Counts by split, true label and first predicted label; a biosample counts once for each of its true labels."""
    pairs = predictions[["split", "true", "first"]].assign(true=predictions["true"].str.split("|")).explode("true")
    return pairs.rename(columns={"first": "predicted"}).value_counts(sort=False).rename("count").reset_index()


def _abstention(predictions: pd.DataFrame, split: str) -> dict[str, Any]:
    chosen = predictions[predictions["split"] == split]
    probability, novelty = chosen["probability"].to_numpy(), chosen["novelty"].to_numpy()
    return {"split": split, **choose_abstention(probability, novelty, chosen["correct"].to_numpy())}


def _join(plan: FoldPlan, parts: list[tuple[Fold, FoldScores]]) -> _Tested:
    def both(model: str) -> tuple[DoubleArray, BoolArray]:
        pairs = [getattr(found, model) for _, found in parts]
        return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])

    rows = np.concatenate([fold.test for fold, _ in parts])
    number = np.repeat([fold.number for fold, _ in parts], [len(fold.test) for fold, _ in parts])
    novelty = np.concatenate([found.novelty for _, found in parts])
    return _Tested(rows, number, plan.labels[rows], both("model"), both("majority"), both("published"), novelty)


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


def _unseen(plan: FoldPlan, fold: Fold) -> list[dict[str, Any]]:
    """Labels that the fold tests but never trained on."""
    tested = plan.labels[fold.test]
    missing = np.flatnonzero(~plan.labels[fold.train].any(axis=0) & tested.any(axis=0))
    return [{"fold": fold.number, "label": plan.label_names[i], "biosamples": int(tested[:, i].sum())} for i in missing]


def _summary(plan: FoldPlan, tested: _Tested, table: pd.DataFrame, folds: list[Fold]) -> dict[str, Any]:
    confidence, correct = table["probability"].to_numpy(), table["correct"].to_numpy()
    names = plan.label_names
    return {
        "n_folds": len(folds),
        "n_train": [len(fold.train) for fold in folds],
        "n_test": [len(fold.test) for fold in folds],
        "model": scores.summarise(tested.truth, tested.model[1], tested.model[0], names),
        "majority": scores.summarise(tested.truth, tested.majority[1], tested.majority[0], names),
        "published_forest": scores.summarise(tested.truth, tested.published[1], tested.published[0], names),
        "unseen_labels": [row for fold in folds for row in _unseen(plan, fold)],
        "first_label_accuracy": float(correct.mean()),
        "first_label_ece": scores.expected_calibration_error(confidence, correct),
        "calibration": scores.calibration_curve(confidence, correct),
    }
