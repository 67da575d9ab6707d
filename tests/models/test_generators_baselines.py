"""The baselines: the right mean and covariance, points between neighbours, noise of the stated size."""

import numpy as np
import pytest

from core.models.generators import GeneratorRecipe, make_generator
from core.models.generators.baselines import gaussian_root, nearest_neighbours
from core.models.generators.space import fit_space
from tests.models.generator_data import training_data


@pytest.fixture(scope="module")
def data():
    return training_data()


def _raw(generator, n, seed=0):
    return generator._draw(n, "rare", np.random.default_rng(seed))


def test_gaussian_root_squares_to_the_shrunk_covariance():
    scores = np.random.default_rng(0).normal(size=(9, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    expected = np.cov(scores, rowvar=False) * np.where(np.eye(4) == 1, 1, 0.7)
    root = gaussian_root(scores, 0.3)
    assert root @ root.T == pytest.approx(expected)


def test_pca_gaussian_has_the_labels_mean_and_spread(data):
    generator = make_generator(GeneratorRecipe("pca-gaussian", "rare", n_components=5)).fit(data)
    drawn, real = _raw(generator, 6000), data.rows_of("rare")
    error = real.std(axis=0, ddof=1) / np.sqrt(6000)
    assert np.all(np.abs(drawn.mean(axis=0) - real.mean(axis=0)) < 5 * error + 1e-3)
    scores, real_scores = (generator.space.axes.scores(x) for x in (drawn, real))
    expected = np.cov(real_scores, rowvar=False)
    expected = expected * np.where(np.eye(len(expected)) == 1, 1, 0.9)
    assert np.cov(scores, rowvar=False) == pytest.approx(expected, abs=0.08 * np.abs(expected).max())
    residual = drawn - generator.space.axes.profiles(scores)
    real_residual = real - generator.space.axes.profiles(real_scores)
    ratio = residual.std(axis=0) / real_residual.std(axis=0, ddof=1)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.03)


def test_residual_keeps_gene_gene_covariance(data):
    space = fit_space(data, "rare", 3, 0.0, 1)
    drawn = space.profiles(np.zeros((8000, 3)), 1, np.random.default_rng(0))
    expected = np.cov(space.residual, rowvar=False)
    assert np.corrcoef(np.cov(drawn, rowvar=False).ravel(), expected.ravel())[0, 1] > 0.98


def test_space_standardises_and_comes_back(data):
    space = fit_space(data, "rare", 6, 0.1, 1)
    y = space.standardise(data.q, data.labels)
    assert space.scores(y, data.labels) == pytest.approx(space.axes.scores(data.q), abs=1e-6)
    assert y[data.labels[:, 1]].mean(axis=0) == pytest.approx(np.zeros(6), abs=0.02)
    none = np.zeros_like(data.labels)
    assert np.isfinite(space.standardise(data.q, none)).all()


def test_smote_points_lie_between_neighbours(data):
    generator = make_generator(GeneratorRecipe("smote", "rare", neighbours=3)).fit(data)
    real = data.rows_of("rare").astype(np.float64)
    distance = np.linalg.norm(real[:, None] - real[None], axis=2)
    for point in _raw(generator, 40).astype(np.float64):
        on_a_line = []
        for i in range(len(real)):
            for j in np.argsort(distance[i])[1:4]:
                along = real[j] - real[i]
                share = np.clip((point - real[i]) @ along / (along @ along), 0, 1)
                on_a_line.append(np.linalg.norm(real[i] + share * along - point))
        assert min(on_a_line) < 1e-3


def test_neighbours_are_the_nearest_others():
    points = np.array([[0.0], [1.0], [3.0]], np.float32)
    assert nearest_neighbours(points, 1).ravel().tolist() == [1, 0, 1]
    assert nearest_neighbours(points, 9).shape == (3, 2)


def test_bootstrap_noise_has_the_stated_size(data):
    quiet = make_generator(GeneratorRecipe("bootstrap", "rare", noise=0.0)).fit(data)
    real = data.rows_of("rare")
    assert all((real == row).all(axis=1).any() for row in _raw(quiet, 20))
    noisy = make_generator(GeneratorRecipe("bootstrap", "rare", noise=0.5)).fit(data)
    variance = _raw(noisy, 8000).var(axis=0) / real.var(axis=0, ddof=1)
    m = len(real)
    assert np.median(variance) == pytest.approx((m - 1) / m + 0.25, rel=0.03)
