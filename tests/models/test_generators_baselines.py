"""The baselines: the right mean and covariance, points between neighbours, noise of the stated size."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

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
    """With the residuals of all biosamples mixed; those of the nearest alone are closer to where a sample lies."""
    recipe = GeneratorRecipe("pca-gaussian", "rare", n_components=5, residual_neighbours=64)
    generator = make_generator(recipe).fit(data)
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
    assert np.median(ratio) == pytest.approx(np.sqrt(1 - 1 / len(real)), abs=0.03)  # all are neighbours of all


def test_residual_keeps_gene_gene_covariance(data):
    recipe = GeneratorRecipe(label="rare", n_components=3, own_components=0, shrinkage=0.0, residual_neighbours=64)
    space = fit_space(data, recipe)
    drawn = space.profiles(np.zeros((8000, 3)), 1, np.random.default_rng(0))
    expected = np.cov(space.residual, rowvar=False)
    assert np.corrcoef(np.cov(drawn, rowvar=False).ravel(), expected.ravel())[0, 1] > 0.98


def test_space_standardises_and_comes_back(data):
    space = fit_space(data, GeneratorRecipe(label="rare", n_components=6, own_components=2))
    y = space.standardise(data.q, data.labels)
    assert space.scores(y, data.labels) == pytest.approx(space.axes.scores(data.q), abs=1e-6)
    assert y[data.labels[:, 1]].mean(axis=0) == pytest.approx(np.zeros(8), abs=0.02)
    none = np.zeros_like(data.labels)
    assert np.isfinite(space.standardise(data.q, none)).all()


def test_own_axes_are_the_principal_ones_of_what_the_others_leave(data):
    shared = fit_space(data, GeneratorRecipe(label="rare", n_components=4, own_components=0)).axes
    axes = fit_space(data, GeneratorRecipe(label="rare", n_components=4, own_components=3)).axes
    assert axes.axes @ axes.axes.T == pytest.approx(np.eye(7), abs=1e-4)
    own = data.rows_of("rare").astype(np.float64)
    left = own - shared.mean
    left = left - left @ shared.axes.T @ shared.axes
    expected = PCA(3).fit(left)
    assert np.abs((axes.axes[4:] * expected.components_).sum(axis=1)) == pytest.approx(np.ones(3), abs=1e-3)
    assert axes.sd[4:] == pytest.approx(np.sqrt(expected.explained_variance_), rel=1e-3)


def test_residuals_of_the_nearest_are_mixed_with_their_mean_and_covariance(data):
    recipe = GeneratorRecipe(label="rare", n_components=3, own_components=0, shrinkage=0.0, residual_neighbours=5)
    space = fit_space(data, recipe)
    place = space.residual_scores[[2]]
    weights = space._mixing(np.repeat(place, 4000, axis=0), np.random.default_rng(0))
    scale = space.importance / space.spread[1]
    distance = [float(np.sum(((place[0] - other) * scale) ** 2)) for other in space.residual_scores]
    nearest = sorted(np.argsort(distance)[:5])
    assert np.flatnonzero(np.abs(weights).max(axis=0)).tolist() == nearest and 2 in nearest
    assert weights.sum(axis=1) == pytest.approx(np.ones(4000), abs=1e-5)
    assert (weights**2).sum(axis=1) == pytest.approx(np.ones(4000), abs=1e-5)
    drawn = space.profiles(np.repeat(place, 4000, axis=0), 1, np.random.default_rng(0))
    rows = space.residual[nearest].astype(np.float64)
    left = drawn - space.axes.profiles(place) - space.residual_mean[1]
    assert left.mean(axis=0) == pytest.approx(rows.mean(axis=0), abs=0.05)
    assert left.std(axis=0) == pytest.approx(rows.std(axis=0), abs=0.06)


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
