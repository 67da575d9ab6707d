"""Precision, recall, density and coverage against plain loops over the definitions."""

import numpy as np
import pytest

from core.models.evaluation.manifold import manifold_metrics, neighbours_for, radii


def _distance(a, b):
    return float(np.sqrt(((a - b) ** 2).sum()))


def _radius(points, i, k):
    return sorted(_distance(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]


def _by_loops(synthetic, real, k):
    """Naeem et al. 2020, eq. 1-4, one pair at a time."""
    real_radius = [_radius(real, i, k) for i in range(len(real))]
    fake_radius = [_radius(synthetic, j, k) for j in range(len(synthetic))]
    inside = [[_distance(f, r) <= real_radius[i] for i, r in enumerate(real)] for f in synthetic]
    recalled = [any(_distance(f, r) <= fake_radius[j] for j, f in enumerate(synthetic)) for r in real]
    return {
        "precision": sum(any(row) for row in inside) / len(synthetic),
        "recall": sum(recalled) / len(real),
        "density": sum(sum(row) for row in inside) / (k * len(synthetic)),
        "coverage": sum(any(row[i] for row in inside) for i in range(len(real))) / len(real),
    }


@pytest.mark.parametrize(("shift", "k"), [(0.0, 5), (1.5, 3), (0.5, 1)])
def test_agrees_with_loops(shift, k):
    rng = np.random.default_rng(3)
    real, synthetic = rng.normal(size=(23, 3)), shift + rng.normal(size=(17, 3))
    assert manifold_metrics(synthetic, real, k) == pytest.approx(_by_loops(synthetic, real, k))


def test_far_points_score_zero_and_one_spike_covers_little():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(40, 2))
    assert set(manifold_metrics(real + 100, real, 5).values()) == {0.0}
    spike = manifold_metrics(np.repeat(real[:1], 40, axis=0), real, 5)
    assert spike["precision"] == 1.0 and spike["recall"] <= 0.05 and spike["coverage"] < 0.5


def test_radius_skips_the_point_itself():
    assert radii(np.array([[0.0], [1.0], [3.0]]), 1).tolist() == [1.0, 1.0, 2.0]


def test_k_is_reduced_for_tiny_sets():
    assert [neighbours_for(n) for n in (2, 4, 8, 11, 500)] == [1, 1, 3, 5, 5]
