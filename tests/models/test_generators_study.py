"""Train and evaluate: what is held out is never fitted on, and the result says what was done."""

import json

import numpy as np
import pytest

from core.errors import InputError, NotFoundError
from core.expression.normalise import fit_target
from core.models.evaluation import fidelity
from core.models.generators import GeneratorRecipe, study
from core.models.generators.study import critic_loss_summary, hold_out, train_and_evaluate
from tests.models.generator_data import NAMES, counts_and_labels

SMALL = {"steps": 8, "hidden": 16, "latent": 8, "batch": 16, "n_components": 6}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(fidelity, "N_DRAWS", 2)
    monkeypatch.setattr(fidelity, "_SLOW_DRAWS", 1)
    monkeypatch.setattr(study, "N_SYNTHETIC", 40)


def test_the_study_fits_on_the_training_part_alone():
    counts, labels = counts_and_labels()
    generator, result = train_and_evaluate(counts, labels, NAMES, GeneratorRecipe("wgan-gp", "rare", **SMALL))
    split = result["split"]
    assert sorted(split["train"] + split["test"]) == list(range(90)) and len(split["test"]) == 5
    assert labels[split["test"], 1].all() and set(split["train_of_label"]) < set(split["train"])
    assert generator.target == pytest.approx(fit_target([counts[split["train"]]]))
    changed = counts.copy()
    changed[split["test"]] = 7 + changed[split["test"]][:, ::-1]
    other, _ = train_and_evaluate(changed, labels, NAMES, GeneratorRecipe("wgan-gp", "rare", **SMALL))
    assert np.array_equal(generator.sample(3, "rare", 1), other.sample(3, "rare", 1))


def test_the_result_is_json_and_tells_its_stages():
    counts, labels = counts_and_labels()
    stages = []
    _, result = train_and_evaluate(
        counts, labels, NAMES, GeneratorRecipe("published", "rare", **SMALL),
        progress=lambda stage, done, total, **values: stages.append(stage),
    )  # fmt: skip
    assert json.loads(json.dumps(result)) == result
    assert list(dict.fromkeys(stages)) == ["normalising", "training", "evaluating"]
    assert result["critic_loss"].keys() == {"first", "last", "fell", "window"}
    assert {row["metric"] for row in result["scorecard"]} >= {"precision", "recall", "closest_train_ratio"}
    assert all(row["pca_gaussian"] is not None for row in result["scorecard"])


def test_the_baseline_is_not_compared_with_itself():
    counts, labels = counts_and_labels()
    _, result = train_and_evaluate(counts, labels, NAMES, GeneratorRecipe("pca-gaussian", "rare"))
    assert result["baseline"] is None and result["critic_loss"] is None
    assert all(row["beats_baseline"] is None for row in result["scorecard"])


def test_whole_series_are_held_out_where_there_are_three():
    has_label = np.repeat([True, False], [24, 36])
    series = np.array([f"GSE{i % 4}" for i in range(60)])
    split = hold_out(has_label, series, seed=1)
    assert "whole series" in split.rule
    assert not set(series[split.test]) & set(series[split.train])
    assert has_label[split.test].all() and 4 <= len(split.test) <= 12


def test_a_random_third_where_there_are_fewer_series():
    has_label = np.repeat([True, False], [30, 10])
    for series in (None, np.array(["GSE1", "GSE2"] * 20)):
        split = hold_out(has_label, series, seed=1)
        assert "random" in split.rule and len(split.test) == 10
        assert len(np.intersect1d(split.train, split.test)) == 0 and len(split.train) == 30
    assert not np.array_equal(hold_out(has_label, None, 1).test, hold_out(has_label, None, 2).test)


def test_one_series_with_nearly_everything_falls_back_to_a_random_third():
    series = np.array(["GSE1"] * 28 + ["GSE2", "GSE3"])
    assert "random" in hold_out(np.ones(30, bool), series, 1).rule


def test_rare_and_unknown_labels_are_refused():
    counts, labels = counts_and_labels(n=60)
    with pytest.raises(InputError, match="10 biosamples"):
        train_and_evaluate(counts, labels, NAMES, GeneratorRecipe("smote", "rare"))
    with pytest.raises(NotFoundError, match="spleen"):
        train_and_evaluate(counts, labels, NAMES, GeneratorRecipe("smote", "spleen"))


def test_critic_loss_summary_is_smoothed():
    history = [{"step": float(i), "critic_loss": float(20 - i)} for i in range(20)]
    assert critic_loss_summary(history) == {"first": 19.5, "last": 1.5, "fell": 1.0, "window": 2.0}
    assert critic_loss_summary([]) is None
