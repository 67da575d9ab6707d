"""Adversarial accuracy by loops; a classifier that tells sets apart, or cannot."""

import numpy as np
import pytest

from core.models.evaluation.distinguish import adversarial_accuracy, discriminative_f1


def _half(own, other):
    wins = 0.0
    for i, point in enumerate(own):
        across = min(np.linalg.norm(point - q) for q in other)
        within = min(np.linalg.norm(point - q) for j, q in enumerate(own) if j != i)
        wins += 1.0 if across > within else 0.5 if across == within else 0.0
    return wins / len(own)


def test_agrees_with_loops():
    rng = np.random.default_rng(5)
    real, synthetic = rng.normal(size=(15, 4)), 0.7 * rng.normal(size=(15, 4)) + 0.3
    found = adversarial_accuracy(synthetic, real)
    assert found["truth"] == pytest.approx(_half(real, synthetic))
    assert found["synthetic"] == pytest.approx(_half(synthetic, real))
    assert found["accuracy"] == pytest.approx((found["truth"] + found["synthetic"]) / 2)


def test_copies_score_zero_and_strangers_one():
    real = np.random.default_rng(1).normal(size=(20, 3))
    assert adversarial_accuracy(real.copy(), real)["accuracy"] == 0.0
    assert adversarial_accuracy(real + 50, real) == {"accuracy": 1.0, "truth": 1.0, "synthetic": 1.0}


def test_discriminative_f1_tells_a_shift_and_not_one_distribution():
    rng = np.random.default_rng(2)
    real, same = (rng.normal(size=(40, 5)).astype(np.float32) for _ in range(2))
    assert discriminative_f1(real + 4, same, seed=1) > 0.95
    assert 0.2 < discriminative_f1(real, same, seed=1) < 0.7
