"""The whole evaluation: fair references, honest verdicts, and a collapsed generator that must fail."""

import json

import numpy as np
import pytest

from core.errors import InputError
from core.models.evaluation import evaluate_synthetic, fidelity, scorecard, verdict
from core.models.evaluation.copying import medoid
from core.models.evaluation.scorecard import TARGETS


@pytest.fixture(scope="module", autouse=True)
def _few_draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, "N_DRAWS", 3)
        patch.setattr(fidelity, "_SLOW_DRAWS", 1)
        yield


def _tissue(n, seed):
    """Correlated log counts: 200 genes driven by 6 programmes, a tenth of the genes near zero."""
    programmes = np.random.default_rng(0).normal(size=(6, 200))
    mean = np.random.default_rng(1).gamma(4, 1.5, size=200)
    mean[:20] = 0.1
    rng = np.random.default_rng(seed)
    values = mean + rng.normal(size=(n, 6)) @ programmes + 0.3 * rng.normal(size=(n, 200))
    return np.maximum(values, 0).astype(np.float32)


@pytest.fixture(scope="module")
def real():
    return _tissue(80, 10), _tissue(40, 11)


def _rows(synthetic, real):
    return {row["metric"]: row for row in scorecard(evaluate_synthetic(synthetic, *real))}


def test_fresh_real_samples_pass(real):
    rows = _rows(_tissue(80, 12), real)
    assert [name for name, row in rows.items() if row["verdict"] == "fail"] == []


def test_collapsed_generator_fails(real):
    """Always the representative sample: best by the published histogram, worst by the scorecard."""
    train, _ = real
    collapsed = np.repeat(train[[medoid(train)]], 80, axis=0)
    rows = _rows(collapsed, real)
    for name in ("recall", "coverage", "correlation_score", "adversarial_accuracy", "frechet_distance",
                 "gene_sd_r2", "discriminative_f1", "closest_train_ratio"):  # fmt: skip
        assert rows[name]["verdict"] == "fail", name
    assert "Recall" in verdict(list(rows.values()))


def test_copies_fail_by_the_closest_training_sample(real):
    train, _ = real
    rows = _rows(train.copy(), real)
    assert rows["closest_train_ratio"]["synthetic"] == pytest.approx(0, abs=1e-3)
    assert rows["closest_train_ratio"]["verdict"] == "fail"


def test_independent_genes_fail_the_correlation_score(real):
    train, _ = real
    rng = np.random.default_rng(3)
    shuffled = np.column_stack([rng.permutation(column) for column in train.T]).astype(np.float32)
    assert _rows(shuffled, real)["correlation_score"]["verdict"] == "fail"


def test_reference_and_synthetic_are_measured_alike(real):
    """With the training samples as the synthetic ones, and every draw a whole set, both columns are equal."""
    train, test = real[0][:40], real[1]
    found = evaluate_synthetic(train, train, test, others=_tissue(40, 16) + 1, seed=3)["metrics"]
    assert {target.metric for target in TARGETS} <= set(found)
    for name in set(found) - {"discriminative_f1"}:  # its folds depend on the order of the rows
        assert found[name]["synthetic"]["mean"] == pytest.approx(found[name]["real_real"]["mean"], rel=1e-5), name


def test_result_is_json_seeded_and_states_its_settings(real):
    synthetic = _tissue(30, 14)
    found = evaluate_synthetic(synthetic, *real, seed=5)
    assert json.dumps(found) == json.dumps(evaluate_synthetic(synthetic, *real, seed=5))
    assert found["settings"]["size"] == 30 and found["settings"]["k"] == 5
    assert found["settings"]["components"] == 50


def test_use_is_measured_where_there_are_other_samples(real):
    assert "utility" not in _rows(_tissue(80, 12), real)
    other = _tissue(60, 17)
    other[:, 100:110] -= 3
    rows = {
        row["metric"]: row for row in scorecard(evaluate_synthetic(_tissue(80, 12), *real, others=np.maximum(other, 0)))
    }
    assert rows["utility"]["verdict"] == "pass" and rows["markers_kept"]["verdict"] == "pass"
    useless = scorecard(evaluate_synthetic(np.maximum(other, 0)[:40], *real, others=np.maximum(other, 0)))
    lost = {row["metric"]: row["verdict"] for row in useless}
    assert lost["utility"] == "fail" and lost["markers_kept"] == "fail"


def test_copies_give_their_training_samples_away(real):
    train, _ = real
    rows = _rows(train + np.float32(1e-3), real)
    assert rows["membership_auc"]["synthetic"] == 1 and rows["membership_auc"]["verdict"] == "fail"


def test_background_sets_the_space(real):
    other = np.concatenate([real[0], _tissue(30, 15) + 2])
    found = evaluate_synthetic(_tissue(30, 14), *real, background=other)
    assert found["settings"]["space_rows"] == 110
    assert found["settings"]["space_fitted_on"] == "all training samples"


def test_tiny_sets_reduce_k_and_too_tiny_ones_are_refused(real):
    train, test = real
    assert evaluate_synthetic(train[:6], train[6:12], test[:5])["settings"]["k"] == 2
    with pytest.raises(InputError, match=r"real_test.*3"):
        evaluate_synthetic(train, train, test[:3])


def test_verdict_compares_with_the_baseline(real):
    good = evaluate_synthetic(_tissue(80, 12), *real)
    bad = evaluate_synthetic(_tissue(80, 12) + 3, *real)
    rows = scorecard(good, bad)
    compared = {row["metric"]: row["beats_baseline"] for row in rows}
    assert compared["gene_mean_error"] and compared["frechet_distance"] and compared["adversarial_accuracy"]
    assert "at least as good as the PCA-Gaussian" in verdict(rows)
    assert all(row["pca_gaussian"] is None and row["beats_baseline"] is None for row in scorecard(good))
