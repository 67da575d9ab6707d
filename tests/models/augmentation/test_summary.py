import numpy as np
import pytest

from core.models.augmentation import bootstrap_interval, summarise
from core.models.augmentation.summary import paired


def replicate(seed, size, n, **arms):
    """A replicate with an average precision an arm (None: too few); recall is half of it."""
    figures = {
        arm.replace("_", "-"): {
            "status": "too few" if value is None else "ok",
            "average_precision": value,
            "recall_at_95": None if value is None else value / 2,
            "seconds": 0.0,
        }
        for arm, value in arms.items()
    }
    return {"seed": seed, "size": size, "n": n, "added": 25, "arms": figures}


def test_the_interval_against_numpy():
    values = np.random.default_rng(3).normal(0.8, 0.1, 20)
    rng = np.random.default_rng(1)
    chosen = rng.integers(20, size=(2000, 20))
    means = [np.mean([values[i] for i in row]) for row in chosen]
    expected = (np.percentile(means, 2.5), np.percentile(means, 97.5))
    assert bootstrap_interval(values) == pytest.approx(expected)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(20)  # the normal interval, which it comes near to
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_no_interval_from_one_value():
    assert bootstrap_interval(np.array([0.5])) is None
    assert bootstrap_interval(np.array([0.5, 0.5])) == (0.5, 0.5)


def test_rows_by_arm_and_size_with_differences_paired_by_seed():
    found = [
        replicate(2, 5, 5, class_weights=0.5, wgan_gp=0.7),
        replicate(1, 5, 5, class_weights=0.9, wgan_gp=0.8),
        replicate(1, 0, 11, class_weights=0.95, wgan_gp=0.9),
        replicate(2, 0, 12, class_weights=0.8, wgan_gp=1.0),
        replicate(1, 2, 2, class_weights=0.2, wgan_gp=None),
        replicate(2, 2, 2, class_weights=0.4, wgan_gp=None),
    ]
    rows = summarise(found)
    assert [(row["size"], row["arm"]) for row in rows] == [
        (size, arm) for size in ("2", "5", "all") for arm in ("class-weights", "wgan-gp")
    ]
    few, weights, gan, whole = rows[1], rows[2], rows[3], rows[5]
    assert few["status"] == "too few"
    assert few["seeds"] == 0
    assert [few[name] for name in ("average_precision", "average_precision_low", "difference")] == [None] * 3
    assert weights["average_precision"] == pytest.approx(0.7)
    assert weights["difference"] is None
    assert gan["difference"] == pytest.approx((0.2 - 0.1) / 2)
    assert (gan["difference_low"], gan["difference_high"]) == pytest.approx((-0.1, 0.2))
    assert gan["recall_difference"] == pytest.approx(0.025)
    assert whole["n"] == 11.5
    np.testing.assert_allclose(paired(found[:2], "wgan-gp", "average_precision"), [-0.1, 0.2])


def test_a_seed_without_a_figure_is_no_zero():
    found = [
        replicate(1, 5, 5, class_weights=0.5, smote=0.7),
        replicate(2, 5, 5, class_weights=0.1, smote=None),
        replicate(3, 5, 5, class_weights=0.5, smote=0.9),
    ]
    row = next(row for row in summarise(found) if row["arm"] == "smote")
    assert row["seeds"] == 2
    assert row["status"] == "ok"
    assert row["average_precision"] == pytest.approx(0.8)
    assert row["difference"] == pytest.approx(0.3)
