"""Maps of all biosamples: what is alike lies together, and the same input gives the same map."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from core.errors import RecipeError
from core.expression import embedding

GROUPS = np.repeat(np.arange(4), 20)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(2)
    return rng.normal(size=(4, 10))[GROUPS] * 6 + rng.normal(size=(80, 10))


def test_principal_axes_are_sklearns():
    matrix = np.random.default_rng(1).normal(size=(30, 12)).astype(np.float32)
    found = embedding.principal_axes(matrix, 3)
    reference = PCA(n_components=3, svd_solver="full").fit(matrix.astype(np.float64))
    signs = np.sign((found.axes * reference.components_).sum(axis=1))
    np.testing.assert_allclose(found.axes * signs[:, None], reference.components_, atol=1e-6)
    np.testing.assert_allclose(found.share, reference.explained_variance_ratio_, atol=1e-8)
    np.testing.assert_allclose(found.scores(matrix[:5]) * signs, reference.transform(matrix[:5]), atol=1e-5)


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_neighbours_on_a_map_are_of_one_group(scores, method):
    if method == "umap":
        pytest.importorskip("umap")
    plane = embedding.embed(scores, method)
    assert plane.shape == (80, 2)
    nearest = KNeighborsClassifier(5).fit(plane[::2], GROUPS[::2])
    assert nearest.score(plane[1::2], GROUPS[1::2]) == 1.0
    np.testing.assert_array_equal(embedding.embed(scores, method), plane)


def test_the_map_by_pca_is_the_first_two_components(scores):
    np.testing.assert_array_equal(embedding.embed(scores, "pca"), scores[:, :2])
    assert embedding.embed(scores[:, :1], "pca").tolist() == [[value, 0.0] for value in scores[:, 0]]


def test_a_map_that_cannot_be_made_says_why(scores):
    with pytest.raises(RecipeError, match="pca, tsne, umap"):
        embedding.embed(scores, "som")
    with pytest.raises(RecipeError, match="at least 12"):
        embedding.embed(scores[:11], "tsne")


def test_without_umap_the_error_names_the_remedy(scores, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(RecipeError, match="pip install umap-learn"):
        embedding.embed(scores, "umap")


def test_further_biosamples_are_put_among_those_most_like_them(scores):
    plane = np.c_[GROUPS * 10.0, np.zeros(80)]
    put = embedding.place(scores[[3, 25, 70]] + 0.01, scores, plane)
    np.testing.assert_allclose(put, [[0, 0], [10, 0], [30, 0]], atol=0.5)
    np.testing.assert_allclose(embedding.place(scores[:1], scores, scores[:, :2]), scores[:1, :2], atol=1e-4)
    assert embedding.place(scores[:0], scores, plane).shape == (0, 2)


def test_inside_a_polygon_is_where_its_corners_go_once_around():
    rng = np.random.default_rng(5)
    points, corners = rng.random((500, 2)), rng.random((7, 2))
    star = corners[np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T))]
    towards = star[None] - points[:, None]
    angles = np.arctan2(towards[..., 1], towards[..., 0])
    turns = np.diff(np.c_[angles, angles[:, :1]], axis=1)
    around = np.abs(((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)) > np.pi
    np.testing.assert_array_equal(embedding.inside(points, star), np.flatnonzero(around))
    assert around.sum() > 10
