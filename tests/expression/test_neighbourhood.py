import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
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


def exact_members(values, size=hood.SIZE):
    """Members (ascending by value) of one gene by numpy's stable sort, and how many of them tie with one outside."""
    start, k = hood.window(len(values), size)
    order = np.argsort(values, kind="stable")
    inside = values[order[start : start + k]]
    outside = [values[order[at]] for at in (start - 1, start + k) if 0 <= at < len(values)]
    return order[start : start + k], int(np.isin(inside, outside).sum())


@given(st.integers(1, 5000))
def test_window_is_the_largest_even_one_that_fits(n):
    start, k = hood.window(n)
    r = int(0.95 * (n + 1))
    assert k % 2 == 0
    assert start == r - k // 2 >= 0
    assert start + k <= n
    assert k == 100 or r + (k + 2) // 2 > n


def found_in(tile):
    ordered = np.sort(tile, axis=1)
    return hood.members(tile, ordered), ordered


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_members_and_ties_by_the_definition(y, digits):
    tile = np.ascontiguousarray(np.round(y.T, digits))
    members, ordered = found_in(tile)
    open_rows = hood.unsettled(ordered)
    for gene, row in enumerate(tile):
        expected = plain_members(row.tolist(), len(row))
        assert members[gene].tolist() == expected
        outside = [value for i, value in enumerate(row) if i not in expected]
        tied = sum(row[i] in outside for i in expected)
        exact, n_tied = exact_members(row.astype(np.float64))
        assert (exact.tolist(), n_tied) == (expected, tied)
        assert bool(open_rows[gene]) == (tied > 0)


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=60), elements=st.integers(0, 3)))
def test_members_of_any_tile(tile):
    members, ordered = found_in(tile)
    for gene, row in enumerate(tile):
        assert members[gene].tolist() == plain_members(row.tolist(), len(row))
        assert bool(hood.unsettled(ordered)[gene]) == (exact_members(row.astype(np.float64))[1] > 0)


def settled(exact):
    """Members and ties of one gene by way of float32, as a build goes about it."""
    row = exact.astype(np.float32)[None]
    members, ordered = found_in(row)
    tied = int(hood.tied_at_zero(ordered)[0])
    if hood.unsettled(ordered)[0]:
        edge = hood.edge_of(row[0], ordered[0])
        tied += hood.settle(members[0], edge, exact[edge.low], exact[edge.high])
    return members[0].tolist(), tied


@given(
    arrays(np.int8, st.integers(1, 130), elements=st.integers(0, 4)),
    arrays(np.int8, 130, elements=st.integers(0, 3)),
    st.integers(0, 3),
)
def test_float32_and_the_exact_values_on_the_edges_give_the_exact_neighbourhood(coarse, fine, zeros):
    # Steps of 1e-9 are one value in float32; the order within a neighbourhood is that of float32, so sets are compared.
    exact = np.where(coarse < zeros, 0.0, 1.0 + coarse + 1e-9 * fine[: len(coarse)])
    members, tied = settled(exact)
    expected, expected_tied = exact_members(exact)
    assert sorted(members) == sorted(expected.tolist())
    assert tied == expected_tied


def test_members_on_an_edge_are_ordered_by_their_exact_values():
    exact = np.linspace(1, 2, 60)
    exact[54:59] = 1.5 + np.array([3e-9, 0.0, 1e-9, 4e-9, 2e-9])
    assert settled(exact)[0] == plain_members(exact.tolist(), 60)


def mean_cosines(by_gene, sets):
    """By the n x n cosines and by the sums, from tiles of some genes each."""
    norms = np.linalg.norm(by_gene.astype(np.float64), axis=0)
    tiles = [by_gene[a : a + 13] for a in range(0, len(by_gene), 13)]
    cosines = hood.gram(iter(tiles[:3]), norms) + hood.gram(iter(tiles[3:]), norms)
    [squared, again] = hood.squared_sums([sets, sets[:1]], iter(tiles), norms)
    np.testing.assert_array_equal(again, squared[:1])
    return hood.mean_cosine_gram(sets, cosines), hood.mean_cosine_sums(sets, squared, norms)


def test_mean_cosine_is_sklearns_over_distinct_pairs(y):
    by_gene = np.ascontiguousarray(y.T)
    members, _ = found_in(by_gene)
    similarity = cosine_similarity(y.astype(np.float64))
    expected = [
        np.mean([similarity[a, b] for i, a in enumerate(inside) for b in inside[i + 1 :]]) for inside in members
    ]
    for found in mean_cosines(by_gene, members):
        np.testing.assert_allclose(found, expected, atol=3e-7)


def test_an_empty_profile_counts_as_unlike_all():
    y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    expected = cosine_similarity(y)[np.triu_indices(4, 1)].mean()
    for found in mean_cosines(np.ascontiguousarray(y.T), np.array([[0, 1, 2, 3]], dtype=np.int32)):
        assert found[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("k", [2, 3, 4, 7, 100])
def test_sets_of_any_size(rng, k):
    by_gene = rng.random((70, 110), dtype=np.float32)
    sets = np.array([rng.choice(110, k, replace=False) for _ in range(5)], dtype=np.int32)
    one, other = mean_cosines(by_gene, sets)
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_fewer_than_two_members_have_no_mean_cosine():
    by_gene = np.ones((3, 1), dtype=np.float32)
    members, _ = found_in(by_gene)
    assert members.shape == (3, 0)
    for found in mean_cosines(by_gene, members):
        assert np.isnan(found).all()
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
    tile = rng.random((12, 80), dtype=np.float32)
    order = rng.permutation(80)
    members, _ = found_in(tile)
    permuted, _ = found_in(np.ascontiguousarray(tile[:, order]))
    np.testing.assert_array_equal(order[permuted], members)


def test_random_sets_are_distinct_and_seeded():
    sets = hood.random_sets(300, draws=7, seed=3)
    assert sets.shape == (7, 100)
    assert all(len(set(row)) == 100 for row in sets.tolist())
    np.testing.assert_array_equal(sets, hood.random_sets(300, draws=7, seed=3))
    assert hood.random_sets(5, draws=2).shape == (2, 5)
