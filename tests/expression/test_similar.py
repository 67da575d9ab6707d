import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from core.expression import similar


def to_all(profiles, matrix, step=7, present=None):
    starts = range(0, matrix.shape[1], step)
    pieces = [(slice(a, a + step), np.ascontiguousarray(matrix.T[a : a + step])) for a in starts]
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
    return similar.cosine_to_block(similar.unit_profiles(profiles, present), pieces, norms, present)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_cosines_are_sklearns_whatever_the_tile(rng, step):
    matrix = rng.random((50, 20)).astype(np.float32)
    matrix[7] = 0
    expected = cosine_similarity(matrix[2:4].astype(np.float64), matrix.astype(np.float64))
    np.testing.assert_allclose(to_all(matrix[2:4], matrix, step), expected, atol=1e-6)
    np.testing.assert_allclose(similar.cosine_between(matrix[2:4], matrix), expected, atol=1e-12)


def test_cosines_over_the_genes_that_are_present(rng):
    matrix = rng.random((30, 20)).astype(np.float32)
    present = rng.random(20) < 0.6
    profiles = np.where(present, matrix[:3], np.nan)
    expected = cosine_similarity(matrix[:3][:, present].astype(np.float64), matrix[:, present].astype(np.float64))
    np.testing.assert_allclose(to_all(profiles, matrix, present=present), expected, atol=1e-6)


def test_an_empty_profile_is_like_nobody(rng):
    assert not to_all(np.zeros((1, 4)), rng.random((3, 4))).any()
    assert not similar.cosine_between(np.zeros((1, 4)), rng.random((3, 4))).any()


def test_nearest_leaves_itself_out_and_keeps_ties_in_order():
    cosines = np.array([0.5, 1.0, 0.9, 0.9, 0.1])
    assert similar.nearest(cosines, 3).tolist() == [1, 2, 3]
    assert similar.nearest(cosines, 3, leave_out=1).tolist() == [2, 3, 0]


def test_variable_genes(rng):
    matrix = rng.normal(0, [1, 5, 0.1, 3], (200, 4))
    assert similar.variable_genes(matrix, 2).tolist() == [1, 3]


def test_components_put_new_rows_into_the_same_space(rng):
    matrix, new = rng.random((40, 9)), rng.random((5, 9))
    scores, project = similar.fit_components(matrix, 3)
    reference = PCA(3, svd_solver="full").fit(matrix)
    np.testing.assert_allclose(np.abs(scores), np.abs(reference.transform(matrix)), atol=1e-8)
    np.testing.assert_allclose(np.abs(project(new)), np.abs(reference.transform(new)), atol=1e-8)
    again, share = similar.principal_components(matrix, 3)
    np.testing.assert_allclose(again, scores)
    np.testing.assert_allclose(share, reference.explained_variance_ratio_)
