"""Comparison of two groups gene by gene, held against scipy."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from core.errors import InputError
from core.expression import compare as c


def drawn(seed: int, genes: int, m: int, zeros: float = 0.3, decimals: int | None = None):
    """Q (zeros of a biosample share a value that differs from biosample to biosample), detection, groups."""
    rng = np.random.default_rng(seed)
    q = rng.gamma(3.0, 2.0, (genes, m)) + 1.0
    if decimals is not None:
        q = np.round(q, decimals)
    detected = rng.random((genes, m)) >= zeros
    q = np.where(detected, q, rng.random(m) * 0.1).astype(np.float32)
    in_a = np.zeros(m, dtype=bool)
    in_a[rng.permutation(m)[: m // 3]] = True
    return q, detected, in_a


@pytest.mark.parametrize(("m", "zeros", "decimals"), [(60, 0.0, None), (75, 0.4, 1), (101, 0.9, 0), (300, 0.2, None)])
def test_large_groups_have_scipys_asymptotic_p(m: int, zeros: float, decimals: int | None) -> None:
    q, detected, in_a = drawn(m, 40, m, zeros, decimals)
    found = c.compare(q, detected, in_a)
    values = np.where(detected, q, 0.0).astype(np.float64)
    for row in range(len(q)):
        want = stats.mannwhitneyu(values[row, in_a], values[row, ~in_a], method="asymptotic")
        assert found.u[row] == want.statistic
        np.testing.assert_allclose(found.p[row], want.pvalue, rtol=1e-10)
    assert not found.exact.any()


@pytest.mark.parametrize("m", [9, 12, 30])
def test_small_groups_without_ties_have_scipys_exact_p(m: int) -> None:
    q, detected, in_a = drawn(m, 50, m, zeros=0.0)
    found = c.compare(q, detected, in_a)
    want = [stats.mannwhitneyu(row[in_a], row[~in_a], method="exact").pvalue for row in q.astype(np.float64)]
    assert found.exact.all()
    np.testing.assert_allclose(found.p, want, rtol=1e-12)


def test_small_groups_with_ties_have_the_normal_approximation() -> None:
    q, detected, in_a = drawn(3, 50, 12, zeros=0.4)
    found = c.compare(q, detected, in_a)
    tied = (~detected).sum(axis=1) > 1
    assert (found.exact == ~tied).all()
    values = np.where(detected, q, 0.0).astype(np.float64)
    want = [stats.mannwhitneyu(row[in_a], row[~in_a], method="asymptotic").pvalue for row in values[tied]]
    np.testing.assert_allclose(found.p[tied], want, rtol=1e-10)


def test_the_distribution_of_u_is_that_of_all_arrangements() -> None:
    for n_a, n_b in ((1, 4), (3, 3), (4, 5)):
        u = [sum(places) - n_a * (n_a - 1) // 2 for places in combinations(range(n_a + n_b), n_a)]
        assert c.u_distribution(n_a, n_b).tolist() == np.bincount(u, minlength=n_a * n_b + 1).tolist()


def test_effect_sizes_are_means_medians_shares_and_the_area_under_the_curve() -> None:
    q, detected, in_a = drawn(5, 20, 40)
    found = c.compare(q, detected, in_a)
    for row in range(len(q)):
        a, b = q[row, in_a].astype(float), q[row, ~in_a].astype(float)
        np.testing.assert_allclose([found.mean_a[row], found.mean_b[row]], [a.mean(), b.mean()], rtol=1e-6)
        np.testing.assert_allclose([found.median_a[row], found.median_b[row]], [np.median(a), np.median(b)], rtol=1e-6)
        assert found.expressed_a[row] == detected[row, in_a].mean()
        va, vb = np.where(detected[row], q[row], 0)[in_a], np.where(detected[row], q[row], 0)[~in_a]
        wins = (va[:, None] > vb).mean() + (va[:, None] == vb).mean() / 2
        np.testing.assert_allclose(found.auroc[row], wins)


def test_the_zeros_of_deep_and_shallow_biosamples_are_one_value_to_the_test() -> None:
    q = np.where(np.arange(12) < 6, 0.01, 0.09).astype(np.float32)[None]  # no count anywhere, but another depth
    detected = np.zeros((2, 12), dtype=bool)
    detected[1, 11] = True
    found = c.compare(np.repeat(q, 2, axis=0), detected, np.arange(12) < 6)
    assert np.isnan(found.p[0])
    assert found.auroc[0] == 0.5
    want = stats.mannwhitneyu([0] * 6, [0, 0, 0, 0, 0, 1], method="asymptotic").pvalue
    np.testing.assert_allclose(found.p[1], want)


def test_fewer_than_three_on_a_side_give_effect_sizes_alone() -> None:
    q, detected, _ = drawn(6, 10, 8)
    found = c.compare(q, detected, np.arange(8) < 2)
    assert np.isnan(found.p).all()
    assert np.isfinite(found.auroc).all()
    with pytest.raises(InputError, match="no biosample"):
        c.compare(q, detected, np.zeros(8, dtype=bool))


def test_adjusted_p_are_scipys_over_the_tested_genes() -> None:
    rng = np.random.default_rng(7)
    p = np.concatenate([rng.random(200) ** 3, [0.0, 1.0, 1.0], np.full(5, 0.02)])
    p[::17] = np.nan
    found = c.adjusted(p)
    tested = ~np.isnan(p)
    np.testing.assert_allclose(found[tested], stats.false_discovery_control(p[tested]), rtol=1e-12)
    assert np.isnan(found[~tested]).all()
    assert np.isnan(c.adjusted(np.full(3, np.nan))).all()


def test_a_minus_marks_what_has_no_count() -> None:
    q, counts = np.array([[1.5, 0.2, 0.0]], dtype=np.float32), np.array([[3, 0, 0]], dtype=np.uint32)
    marked = c.signed(q, counts)
    np.testing.assert_array_equal(np.abs(marked), q)
    np.testing.assert_array_equal(marked > 0, counts > 0)
