import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from core.expression import neighbourhood as hood


@pytest.fixture
def y(rng):
    values = rng.gamma(1.0, 2.0, (150, 40)).astype(np.float32)
    values[rng.random(values.shape) < 0.4] = 0.0
    return values


def plain_members(row, n):
    """The definition in plain Python: stable order, r = int(0.95 (n + 1)), k the largest even number that fits."""
    order = sorted(range(n), key=lambda i: (row[i], i))
    r = int(0.95 * (n + 1))
    k = 100
    while r + k // 2 > n:
        k -= 2
    return order[r - k // 2 : r + k // 2]


@given(st.integers(1, 5000))
def test_window_is_the_largest_even_one_that_fits(n):
    start, k = hood.window(n)
    r = int(0.95 * (n + 1))
    assert k % 2 == 0
    assert start == r - k // 2 >= 0
    assert start + k <= n
    assert k == 100 or r + (k + 2) // 2 > n


def test_members_and_ties_by_the_definition(y):
    tile = np.round(y.T, 1)
    members, ordered, tied = hood.members(tile)
    for gene, row in enumerate(tile):
        expected = plain_members(row.tolist(), len(row))
        assert members[gene].tolist() == expected
        outside = [value for i, value in enumerate(row) if i not in expected]
        assert tied[gene] == sum(row[i] in outside for i in expected)
    np.testing.assert_array_equal(ordered, np.sort(tile, axis=1))


@pytest.mark.parametrize("limit", [0, 10_000])
def test_mean_cosine_is_sklearns_over_distinct_pairs(y, limit):
    by_gene = np.ascontiguousarray(y.T)
    members, _, _ = hood.members(by_gene)
    found = hood.Cosines(by_gene, gram_limit=limit).mean_of(members)
    similarity = cosine_similarity(y.astype(np.float64))
    for gene, inside in enumerate(members):
        pairs = [similarity[a, b] for i, a in enumerate(inside) for b in inside[i + 1 :]]
        assert found[gene] == pytest.approx(np.mean(pairs), abs=1e-12)


@pytest.mark.parametrize("limit", [0, 10_000])
def test_an_empty_profile_counts_as_unlike_all(limit):
    y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    sets = np.array([[0, 1, 2, 3]], dtype=np.int32)
    found = hood.Cosines(np.ascontiguousarray(y.T), gram_limit=limit).mean_of(sets)
    similarity = cosine_similarity(y)
    assert found[0] == pytest.approx(similarity[np.triu_indices(4, 1)].mean())


def test_fewer_than_two_members_have_no_mean_cosine():
    by_gene = np.ones((3, 1), dtype=np.float32)
    members, _, _ = hood.members(by_gene)
    assert members.shape == (3, 0)
    for limit in (0, 10):
        assert np.isnan(hood.Cosines(by_gene, gram_limit=limit).mean_of(members)).all()
    assert np.isnan(hood.same_series_share(members, np.array([0]))).all()


def test_definition_for_genes_expressed_nowhere_or_once():
    found = hood.apply_definition(np.array([0.5, 0.6, 0.7]), np.array([0, 1, 2]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [0.0, 0.7]


def test_same_series_share_by_pairs(rng):
    series = rng.integers(-1, 4, 30)
    members = np.array([rng.choice(30, 8, replace=False) for _ in range(20)], dtype=np.int32)
    found = hood.same_series_share(members, series)
    for row, share in zip(members, found, strict=True):
        pairs = [(series[a], series[b]) for i, a in enumerate(row) for b in row[i + 1 :]]
        assert share == pytest.approx(np.mean([a == b and a >= 0 for a, b in pairs]))


def test_permuting_biosamples_permutes_members(rng):
    tile = rng.random((12, 80))
    order = rng.permutation(80)
    members, _, _ = hood.members(tile)
    permuted, _, _ = hood.members(tile[:, order])
    np.testing.assert_array_equal(order[permuted], members)


def test_random_sets_are_distinct_and_seeded():
    sets = hood.random_sets(300, draws=7, seed=3)
    assert sets.shape == (7, 100)
    assert all(len(set(row)) == 100 for row in sets.tolist())
    np.testing.assert_array_equal(sets, hood.random_sets(300, draws=7, seed=3))
    assert hood.random_sets(5, draws=2).shape == (2, 5)


def test_gram_needs_something_to_compare():
    with pytest.raises(ValueError, match="at least one tile"):
        hood.gram([])
