"""How good a classifier is on biosamples that it never saw: a random split and folds of whole series, always both.

Each split fits everything on its training part alone, target included, and is set beside the majority baseline and the
forest of the published work (10 trees, scikit-learn's defaults, all genes, predictions that may hold no label).

Probabilities of the random split are calibrated on out-of-bag votes of its training part. Those of the series split are
what an upload gets: for each fold, confidence, thresholds and the limit of abstention are fitted on the predictions for
the other folds, whose series they have not seen. What the model that is kept uses is fitted on those of all folds.

Where a recipe adds synthetic samples to training parts, the same model without them is tested beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.models import augmented_scores, scores
from core.models.abstention import PRECISION_GOAL, choose_threshold, describe_calls
from core.models.calibration import fit_thresholds
from core.models.classifier import decide
from core.models.confidence import Confidence, fit_confidence
from core.models.folds import Fold, FoldPlan, FoldScores, plan_folds, score_here
from core.models.recipe import ClassifierRecipe
from core.models.splits import series_groups
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray, Progress, silent


@dataclass(frozen=True)
class Validation:
    """``summary``: JSON-able. ``predictions``: a row for each tested biosample and split, by position in the input.

    Columns of ``predictions``: position, split (random | series), fold, true, predicted (labels joined by |), first
    (the first predicted label), probability (of the first), correct (whether the first is true), novelty, called
    (whether it would not have been abstained from; in the random split always true).
    ``confidence`` and ``thresholds`` (L) are for the model that is kept; None where there are no folds of series.
    """

    summary: dict[str, Any]
    predictions: pd.DataFrame
    confidence: Confidence | None = None
    thresholds: DoubleArray | None = None

    def tables(self, sample_ids: npt.NDArray[Any]) -> dict[str, pd.DataFrame]:
        """Tables with a ``split`` column each: predictions (with sample_id), per_label, confusion, calibration.

        ``confusion``: see ``confusion_table``.
        """
        predictions = self.predictions.copy()
        predictions.insert(0, "sample_id", sample_ids[predictions["position"].to_numpy()])
        done = {name: split for name, split in self.summary["splits"].items() if split is not None}
        per_label = [{"split": name, **row} for name, split in done.items() for row in _beside_published(split)]
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
    votes: DoubleArray
    distance: DoubleArray
    novelty: DoubleArray
    called: BoolArray


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
    tables, abstention, compared = [], _no_abstention(), {}
    kept: tuple[Confidence | None, DoubleArray | None] = (None, None)
    for name in dict.fromkeys(fold.split for fold in plan.folds):
        of_split = [(fold, found) for fold, found in parts if fold.split == name]
        tested = _join(plan, of_split)
        plain = _plain(tested, [found for _, found in of_split]) if plan.recipe.augment else None
        if name == "series":
            tested, kept, abstention = _as_for_uploads(tested, plan.recipe.seed)
            plain = None if plain is None else _as_for_uploads(plain, plan.recipe.seed)[0]
        tables.append(_table(tested, plan.label_names, name))
        summaries[name] = _summary(plan, tested, tables[-1], [fold for fold, _ in of_split])
        summaries[name]["settings"] = [found.settings for _, found in of_split]
        if plain is not None:
            summaries[name]["without_augmentation"] = _scores_of(plain, plan.label_names)
            compared[name] = _compared(plan, tested, plain, name) | {"added": _added(of_split)}
    summary: dict[str, Any] = {
        "n_biosamples": len(plan.used),
        "labels": plan.label_names,
        "dropped_labels": plan.dropped_labels,
        "label_minimum": plan.label_minimum,
        "headline": plan.recipe.split if summaries[plan.recipe.split] else "random",
        "splits": summaries,
        "series_split_missing": plan.series_split_missing,
        "gap": _gap(summaries),
        "abstention": abstention,
    }
    if plan.recipe.augment:
        summary["augmentation"] = plan.recipe.augmentation() | {"splits": compared}
    return Validation(summary, pd.concat(tables, ignore_index=True), *kept)


def _plain(tested: _Tested, found: Sequence[FoldScores]) -> _Tested:
    """The same test biosamples as the models without synthetic samples saw them."""
    pairs = [each.plain for each in found if each.plain is not None]
    votes = [each.plain_votes for each in found if each.plain_votes is not None]
    model = np.concatenate([p for p, _ in pairs]), np.concatenate([calls for _, calls in pairs])
    return replace(tested, model=model, votes=np.concatenate(votes))


def _compared(plan: FoldPlan, tested: _Tested, plain: _Tested, split: str) -> dict[str, Any]:
    """With and without synthetic samples; whole series are drawn where they are kept together."""
    series = [plan.series[int(row)] for row in tested.rows]
    units = series_groups(series) if split == "series" else np.arange(len(series), dtype=np.intp)
    columns = [plan.label_names.index(label) for label in plan.recipe.augment]
    args = (tested.truth, tested.model, plain.model, units, columns, plan.label_names, plan.recipe.seed)
    return {"unit": "series" if split == "series" else "biosamples", **augmented_scores.compare(*args)}


def _added(parts: list[tuple[Fold, FoldScores]]) -> list[dict[str, Any]]:
    return [{"fold": fold.number, **row} for fold, found in parts for row in found.added]


def _scores_of(tested: _Tested, names: list[str]) -> dict[str, Any]:
    return scores.summarise(tested.truth, tested.model[1], tested.model[0], names)


def _as_for_uploads(
    tested: _Tested, seed: int
) -> tuple[_Tested, tuple[Confidence | None, DoubleArray | None], dict[str, Any]]:
    """Probabilities, calls and abstention of each fold by what the other folds say; and what all of them say."""
    probabilities, calls = tested.model[0].copy(), tested.model[1].copy()
    called, folds = np.zeros(len(tested.rows), dtype=bool), []
    for number in np.unique(tested.fold):
        own = tested.fold == number
        confidence, thresholds, limit = _fit_trust(tested, ~own, seed)
        if confidence is not None and thresholds is not None:
            probabilities[own] = confidence.apply(tested.votes[own], tested.distance[own])
            calls[own] = decide(probabilities[own], thresholds)
        p, right = _first(probabilities[own], calls[own], tested.truth[own])
        called[own] = p >= limit
        folds.append({"fold": int(number), "threshold": limit, **describe_calls(called[own], right)})
    confidence, thresholds, limit = _fit_trust(tested, np.ones(len(called), dtype=bool), seed)
    _, right = _first(probabilities, calls, tested.truth)
    report = {"split": "series", "goal": PRECISION_GOAL, "threshold": limit, **describe_calls(called, right)}
    report["folds"] = folds
    return replace(tested, model=(probabilities, calls), called=called), (confidence, thresholds), report


def _fit_trust(tested: _Tested, rows: BoolArray, seed: int) -> tuple[Confidence | None, DoubleArray | None, float]:
    """Confidence, thresholds (L) and the limit of abstention, from some of the tested biosamples."""
    votes, distance, truth = tested.votes[rows], tested.distance[rows], tested.truth[rows]
    confidence = fit_confidence(votes, distance, truth, seed)
    if confidence is None:
        p, right = _first(tested.model[0][rows], tested.model[1][rows], truth)
        return None, None, choose_threshold(p, right)
    probabilities = confidence.apply(votes, distance)
    thresholds = fit_thresholds(probabilities, truth)
    p, right = _first(probabilities, decide(probabilities, thresholds), truth)
    return confidence, thresholds, choose_threshold(p, right)


def _first(probabilities: DoubleArray, calls: BoolArray, truth: BoolArray) -> tuple[DoubleArray, BoolArray]:
    """Probability (t) of the first predicted label, and whether it is true (t)."""
    each, first = np.arange(len(truth)), _first_label(probabilities, calls)
    return probabilities[each, first], truth[each, first]


def _first_label(probabilities: DoubleArray, calls: BoolArray) -> IndexArray:
    first: IndexArray = np.where(calls, probabilities, -1.0).argmax(axis=1)
    return first


def _no_abstention() -> dict[str, Any]:
    """Without unseen series there is no saying which calls to trust there: none is held back."""
    return {"split": None, "goal": PRECISION_GOAL, "threshold": 0.0, "coverage": None, "precision": None, "folds": []}


def _gap(splits: dict[str, Any]) -> dict[str, float] | None:
    """What the random split promises more than new studies will see; None where there is one split."""
    random, series = splits["random"], splits["series"]
    if series is None:
        return None
    names = ("samples_f1", "macro_f1", "micro_f1", "macro_auprc")
    return {name: random["model"][name] - series["model"][name] for name in names}


def _beside_published(split: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows by label, each with the scores of the published forest."""
    pairs = zip(split["model"]["per_label"], split["published_forest"]["per_label"], strict=True)
    return [{**row, "published_f1": other["f1"], "published_auprc": other["auprc"]} for row, other in pairs]


def confusion_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Counts by split, true label and predicted one; a biosample counts once for each of its true labels.

    What stands against a true label is that label itself where it was predicted, else the first predicted label: a
    cerebellum that is called brain and cerebellum is right twice.
    """
    pairs = predictions[["split", "true", "predicted", "first"]].assign(true=predictions["true"].str.split("|"))
    pairs = pairs.explode("true")
    columns = zip(pairs["true"], pairs["predicted"], pairs["first"], strict=True)
    pairs["predicted"] = [true if true in called.split("|") else first for true, called, first in columns]
    return pairs[["split", "true", "predicted"]].value_counts(sort=False).rename("count").reset_index()


def _join(plan: FoldPlan, parts: list[tuple[Fold, FoldScores]]) -> _Tested:
    def both(model: str) -> tuple[DoubleArray, BoolArray]:
        pairs = [getattr(found, model) for _, found in parts]
        return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])

    rows = np.concatenate([fold.test for fold, _ in parts])
    number = np.repeat([fold.number for fold, _ in parts], [len(fold.test) for fold, _ in parts])
    votes, distance, novelty = (
        np.concatenate([getattr(found, name) for _, found in parts]) for name in ("votes", "distance", "novelty")
    )
    models = both("model"), both("majority"), both("published")
    everything = np.ones(len(rows), dtype=bool)
    return _Tested(rows, number, plan.labels[rows], *models, votes, distance, novelty, everything)


def _table(tested: _Tested, names: list[str], split: str) -> pd.DataFrame:
    probabilities, calls = tested.model
    first = _first_label(probabilities, calls)
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
            "called": tested.called,
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
        "model": _scores_of(tested, names),
        "majority": scores.summarise(tested.truth, tested.majority[1], tested.majority[0], names),
        "published_forest": scores.summarise(tested.truth, tested.published[1], tested.published[0], names),
        "unseen_labels": [row for fold in folds for row in _unseen(plan, fold)],
        "first_label_accuracy": float(correct.mean()),
        "first_label_ece": scores.expected_calibration_error(confidence, correct),
        "calibration": scores.calibration_curve(confidence, correct),
    }
