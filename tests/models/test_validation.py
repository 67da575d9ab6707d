"""Evaluation on biosamples that no model saw."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from core.errors import RecipeError
from core.models import folds
from core.models.calibration import fit_thresholds
from core.models.classifier import TissueClassifier, decide
from core.models.confidence import fit_confidence
from core.models.recipe import ClassifierRecipe
from core.models.validation import Validation, evaluate_classifier, validation_of
from tests.models.small_tissues import NAMES, Tissues, simulate

RECIPE = ClassifierRecipe(trees=20, genes=60, n_folds=3)


@pytest.fixture(scope="module")
def data() -> Tissues:
    """Four tissues of many series, "skin" of one series alone, and "bone" of two biosamples."""
    plain = simulate(100, n_series=7)
    labels = np.column_stack([plain.labels, np.zeros((100, 2), dtype=bool)])
    series = list(plain.series)
    for row in range(60, 68):
        series[row] = "GSE-skin"
        labels[row] = [False] * 4 + [True, False]
    labels[90:92] = [False] * 5 + [True]
    return Tissues(plain.counts, labels, series)


ALL_NAMES = [*NAMES, "skin", "bone"]


@pytest.fixture(scope="module")
def found(data: Tissues) -> Validation:
    return evaluate_classifier(data.counts, data.labels, ALL_NAMES, data.series, RECIPE)


def test_the_summary_is_json_and_names_what_was_dropped(found: Validation) -> None:
    assert json.loads(json.dumps(found.summary)) == found.summary
    assert found.summary["dropped_labels"] == {"bone": 2}
    assert found.summary["labels"] == [*NAMES, "skin"]
    assert found.summary["n_biosamples"] == 98
    assert found.summary["headline"] == "random"


def test_every_biosample_is_tested_once_by_series_and_a_third_at_random(data: Tissues, found: Validation) -> None:
    table = found.predictions
    used = np.setdiff1d(np.arange(100), [90, 91])
    by_series = table[table["split"] == "series"]
    assert sorted(by_series["position"]) == used.tolist()
    folds_of_series: dict[str, set[int]] = {}
    for position, fold in zip(by_series["position"], by_series["fold"], strict=True):
        folds_of_series.setdefault(data.series[position], set()).add(fold)
    assert all(len(folds) == 1 for folds in folds_of_series.values())
    expected = used[train_test_split(np.arange(98), test_size=0.33, random_state=1)[1]]
    assert table.loc[table["split"] == "random", "position"].tolist() == expected.tolist()


@pytest.mark.parametrize("split", ["random", "series"])
def test_scores_follow_from_the_predictions(data: Tissues, found: Validation, split: str) -> None:
    rows = found.predictions[found.predictions["split"] == split]
    truth = data.labels[rows["position"], :5]
    called = np.array([[name in row.split("|") for name in ALL_NAMES[:5]] for row in rows["predicted"]])
    model = found.summary["splits"][split]["model"]
    assert model["samples_f1"] == pytest.approx(f1_score(truth, called, average="samples"))
    assert model["micro_f1"] == pytest.approx(f1_score(truth, called, average="micro"))
    tested = truth.any(axis=0)
    assert model["macro_f1"] == pytest.approx(f1_score(truth[:, tested], called[:, tested], average="macro"))
    assert model["no_label"] == 0.0
    correct = [first in true.split("|") for first, true in zip(rows["first"], rows["true"], strict=True)]
    assert rows["correct"].tolist() == correct
    assert found.summary["splits"][split]["first_label_accuracy"] == pytest.approx(np.mean(correct))


def test_a_label_absent_from_training_is_a_failure_with_a_name(found: Validation) -> None:
    series = found.summary["splits"]["series"]
    assert [(row["label"], row["biosamples"]) for row in series["unseen_labels"]] == [("skin", 8)]
    skin = next(row for row in series["model"]["per_label"] if row["label"] == "skin")
    assert (skin["support"], skin["recall"], skin["f1"]) == (8, 0.0, 0.0)
    assert found.summary["splits"]["random"]["unseen_labels"] == []


def test_both_forests_beat_the_majority(found: Validation) -> None:
    for split in ("random", "series"):
        parts = found.summary["splits"][split]
        for model in ("model", "published_forest"):
            assert parts[model]["samples_f1"] > parts["majority"]["samples_f1"] + 0.2
        assert parts["majority"]["macro_log2_auprc_over_prior"] == pytest.approx(0.0, abs=0.5)


def test_training_parts_alone_are_fitted(data: Tissues, found: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other counts in the test part change its predictions and nothing of the model that makes them."""
    models: list[TissueClassifier] = []
    fit = TissueClassifier.fit

    def watched(self: TissueClassifier, *args: Any, **kwargs: Any) -> TissueClassifier:
        models.append(fit(self, *args, **kwargs))
        return models[-1]

    monkeypatch.setattr(TissueClassifier, "fit", watched)
    recipe = ClassifierRecipe(trees=5, genes=60, n_folds=3)
    evaluate_classifier(data.counts, data.labels, ALL_NAMES, data.series, recipe)
    rows = found.predictions
    tested = rows.loc[(rows["split"] == "series") & (rows["fold"] == 2), "position"].to_numpy()
    changed = data.counts.copy()
    changed[tested] = np.random.default_rng(0).permuted(changed[tested], axis=1) * 3
    evaluate_classifier(changed, data.labels, ALL_NAMES, data.series, recipe)
    before, after, other_before, other_after = models[2], models[6], models[1], models[5]
    np.testing.assert_array_equal(before.target, after.target)
    np.testing.assert_array_equal(before.gene_index, after.gene_index)
    np.testing.assert_array_equal(before.thresholds, after.thresholds)
    np.testing.assert_array_equal(before.medians, after.medians)
    q = before.normalise(data.counts)
    np.testing.assert_array_equal(before.probabilities(q), after.probabilities(q))
    assert not np.array_equal(other_before.target, other_after.target)  # there they were trained on


def test_a_fold_alone_gives_what_it_gives_among_the_others(data: Tissues, found: Validation) -> None:
    """Folds in any order, each from a plan of its own, as on machines that know nothing of each other."""
    plan = folds.plan_folds(data.labels, ALL_NAMES, data.series, RECIPE)
    asked: list[int] = []

    def read(positions: np.ndarray) -> np.ndarray:
        asked.append(len(positions))
        return data.counts[positions]

    scored = {}
    for number in (2, 0, 3, 1):
        again = folds.plan_folds(data.labels, ALL_NAMES, data.series, RECIPE)
        scored[number] = folds.score_fold(again, again.folds[number], read)
    apart = validation_of(plan, [scored[number] for number in range(4)])
    assert apart.summary == found.summary
    pd.testing.assert_frame_equal(apart.predictions, found.predictions, check_exact=True)
    assert max(asked) == max(len(fold.train) for fold in plan.folds)  # never the whole matrix


def test_scores_do_not_depend_on_the_number_of_threads(
    data: Tissues, found: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_THREADS", "3")
    threaded = evaluate_classifier(data.counts, data.labels, ALL_NAMES, data.series, RECIPE)
    assert threaded.summary == found.summary
    pd.testing.assert_frame_equal(threaded.predictions, found.predictions, check_exact=True)


def test_scores_that_do_not_fit_the_plan_are_refused(data: Tissues) -> None:
    plan = folds.plan_folds(data.labels, ALL_NAMES, data.series, RECIPE)
    with pytest.raises(ValueError, match="shorter"):
        validation_of(plan, [])


def test_tables_for_the_pages(found: Validation) -> None:
    ids = np.array([f"GSM{i}" for i in range(100)])
    tables = found.tables(ids)
    assert set(tables) == {"predictions", "per_label", "confusion", "calibration"}
    rows = tables["predictions"]
    assert rows["sample_id"].tolist() == [f"GSM{i}" for i in rows["position"]]
    confusion = tables["confusion"]
    for split in ("random", "series"):
        part = rows[rows["split"] == split]
        by_hand: dict[tuple[str, str], int] = {}
        for true, called, first in zip(part["true"], part["predicted"], part["first"], strict=True):
            for label in true.split("|"):
                stands = label if label in called.split("|") else first
                by_hand[label, stands] = by_hand.get((label, stands), 0) + 1
        counted = confusion[confusion["split"] == split]
        pairs = zip(counted["true"], counted["predicted"], strict=True)
        assert dict(zip(pairs, counted["count"], strict=True)) == by_hand
    assert tables["calibration"].groupby("split")["count"].sum().to_dict() == {"random": 33, "series": 98}
    assert len(tables["per_label"]) == 10


def test_one_series_leaves_the_random_split_and_says_so(data: Tissues) -> None:
    found = evaluate_classifier(data.counts, data.labels, ALL_NAMES, ["GSE1"] * 100, RECIPE)
    assert found.summary["splits"]["series"] is None
    assert "at least 2 series" in found.summary["series_split_missing"]
    assert found.summary["abstention"]["split"] is None
    assert found.summary["abstention"]["threshold"] == 0.0
    assert found.summary["gap"] is None
    assert found.confidence is None
    assert set(found.predictions["split"]) == {"random"}
    assert set(found.tables(np.arange(100))["per_label"]["split"]) == {"random"}


def test_one_label_is_refused(data: Tissues) -> None:
    with pytest.raises(RecipeError, match="needs two"):
        evaluate_classifier(data.counts, data.labels[:, :1], ["blood"], data.series, RECIPE)


def test_progress_goes_from_nothing_to_all(data: Tissues) -> None:
    shares: list[float] = []
    recipe = ClassifierRecipe(trees=3, genes=20, n_folds=2)
    evaluate_classifier(
        data.counts, data.labels, ALL_NAMES, data.series, recipe,
        lambda stage, done, total, **_: shares.append(done / total),
    )  # fmt: skip
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_the_published_forest_takes_a_part_of_large_data(
    data: Tissues, found: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = folds.RandomForestClassifier.fit
    monkeypatch.setattr(folds, "PUBLISHED_VALUES", 40 * data.counts.shape[1])

    def watched(self: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        if self.n_estimators == 10 and x.shape[1] == data.counts.shape[1]:
            sizes.append(len(x))
        return original(self, x, y, *args, **kwargs)

    monkeypatch.setattr(folds.RandomForestClassifier, "fit", watched)
    evaluate_classifier(
        data.counts, data.labels, ALL_NAMES, data.series, ClassifierRecipe(trees=2, genes=20, n_folds=2)
    )
    assert sizes == [40, 40, 40]


def test_what_uploads_get_is_fitted_on_other_folds(data: Tissues, found: Validation) -> None:
    """By hand: confidence, thresholds and the limit of each fold from the votes on the others alone."""
    plan = folds.plan_folds(data.labels, ALL_NAMES, data.series, RECIPE)
    scored = list(folds.score_here(plan, data.counts.__getitem__))[1:]
    rows = found.predictions[found.predictions["split"] == "series"].reset_index(drop=True)
    start = 0
    for number, part in enumerate(scored):
        others = [other for i, other in enumerate(scored) if i != number]
        truth = np.concatenate([plan.labels[plan.folds[1 + i].test] for i in range(3) if i != number])
        votes, distance = (np.concatenate([getattr(o, name) for o in others]) for name in ("votes", "distance"))
        confidence = fit_confidence(votes, distance, truth)
        assert confidence is not None
        p = confidence.apply(part.votes, part.distance)
        calls = decide(p, fit_thresholds(confidence.apply(votes, distance), truth))
        first = np.where(calls, p, -1).argmax(axis=1)
        own = rows.iloc[start : start + len(p)]
        np.testing.assert_allclose(own["probability"], p[np.arange(len(p)), first])
        assert own["first"].tolist() == [ALL_NAMES[i] for i in first]
        start += len(p)
    abstention = found.summary["abstention"]
    called = rows["called"].to_numpy()
    assert abstention["coverage"] == pytest.approx(called.mean())
    assert abstention["n"] == len(rows) == sum(fold["n"] for fold in abstention["folds"])
    if called.any():
        assert abstention["precision"] == pytest.approx(rows["correct"][called].mean())
    assert found.confidence is not None and found.thresholds is not None and len(found.thresholds) == 5


def test_the_gap_and_the_published_forest_stand_beside(found: Validation) -> None:
    splits = found.summary["splits"]
    for name, gap in found.summary["gap"].items():
        assert gap == pytest.approx(splits["random"]["model"][name] - splits["series"]["model"][name])
    rows = found.tables(np.arange(100))["per_label"].set_index(["split", "label"])
    for split in ("random", "series"):
        for row in splits[split]["published_forest"]["per_label"]:
            if row["auprc"] is not None:
                assert rows.loc[(split, row["label"]), "published_auprc"] == row["auprc"]
