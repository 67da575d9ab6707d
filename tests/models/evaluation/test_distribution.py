"""Fréchet distance against a matrix square root; MMD against the double sum."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from core.models.evaluation.distribution import frechet_distance, median_distance, mmd_squared


@pytest.mark.parametrize(("m", "n", "d"), [(40, 50, 4), (200, 30, 7)])
def test_frechet_agrees_with_sqrtm(m, n, d):
    rng = np.random.default_rng(d)
    a = rng.normal(size=(m, d)) @ rng.normal(size=(d, d))
    b = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 1
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_few_points_in_many_dimensions():
    """One dimension that varies, known by hand: (2 - 0)^2 + (1 - 3)^2, embedded in 30 dimensions."""
    a, b = np.zeros((3, 30)), np.zeros((3, 30))
    a[:, 4], b[:, 4] = [-1, 0, 1], [-1, 2, 5]
    assert frechet_distance(a, b) == pytest.approx(4 + 4)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_mmd_agrees_with_the_double_sum():
    rng = np.random.default_rng(9)
    a, b, width = rng.normal(size=(6, 3)), rng.normal(size=(8, 3)) + 0.5, 1.7

    def k(x, y):
        return np.exp(-((x - y) ** 2).sum() / (2 * width**2))

    within_a = np.mean([k(a[i], a[j]) for i in range(6) for j in range(6) if i != j])
    within_b = np.mean([k(b[i], b[j]) for i in range(8) for j in range(8) if i != j])
    across = np.mean([k(x, y) for x in a for y in b])
    assert mmd_squared(a, b, width) == pytest.approx(within_a + within_b - 2 * across)


def test_mmd_scatters_about_zero_for_one_distribution():
    rng = np.random.default_rng(4)
    values = [mmd_squared(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)), 1.0) for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200) and min(values) < 0


def test_median_distance():
    assert median_distance(np.array([[0.0], [1.0], [5.0]])) == 4.0
    assert median_distance(np.zeros((4, 2))) == 1.0
