"""Principal axes against numpy's SVD."""

import numpy as np
import pytest

from core.models.pca import fit_axes, seeded_rows


def test_axes_agree_with_svd():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(20, 5)) @ rng.normal(size=(5, 300)) + 0.1 * rng.normal(size=(20, 300)) + 4).astype("f4")
    found = fit_axes(values, 5)
    _, singular, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    assert found.sd == pytest.approx(singular[:5] / np.sqrt(19), rel=1e-4)
    assert np.abs(np.sum(found.axes * axes[:5], axis=1)) == pytest.approx(np.ones(5), abs=1e-4)
    assert found.scores(values).mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-3)


def test_all_axes_give_the_profiles_back():
    values = np.random.default_rng(1).normal(size=(8, 40)).astype(np.float32)
    axes = fit_axes(values, 100)
    assert len(axes.axes) == 7
    assert axes.profiles(axes.scores(values)) == pytest.approx(values, abs=1e-4)


def test_constant_directions_are_left_out():
    values = np.outer(np.arange(6.0), np.ones(10)).astype(np.float32)
    assert len(fit_axes(values, 4).axes) == 1


def test_seeded_rows_keep_what_is_asked_for():
    rows = seeded_rows(100, 10, seed=1, keep=np.array([3, 50]))
    assert len(set(rows.tolist())) == 10 and {3, 50} <= set(rows.tolist())
    assert seeded_rows(100, 10, seed=1, keep=np.array([3, 50])).tolist() == rows.tolist()
    assert seeded_rows(5, 10, seed=1).tolist() == [0, 1, 2, 3, 4]
