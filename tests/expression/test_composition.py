"""Enrichment of labels and series, against scipy and plain counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.expression import composition


@given(st.data())
def test_the_tail_is_that_of_scipys_hypergeometric_distribution(data):
    n = data.draw(st.integers(2, 100_000))
    k = data.draw(st.integers(1, min(n, 100)))
    everywhere = data.draw(st.integers(1, n))
    members = data.draw(st.integers(max(0, k - (n - everywhere)), min(k, everywhere)))
    found = composition.upper_tail(np.array([members]), np.array([everywhere]), k, n)
    assert found[0] == pytest.approx(stats.hypergeom.sf(members - 1, n, everywhere, k), rel=1e-6, abs=1e-300)


def test_enrichment_against_scipy_and_the_two_by_two_table():
    k, n = 100, 5000
    members, everywhere = np.array([40, 3, 1, 60]), np.array([200, 150, 50, 4000])
    found = composition.enrichment(members, everywhere, k, n, tests=7)
    for at in range(4):
        inside, outside = members[at], everywhere[at] - members[at]
        table = [[inside, k - inside], [outside, n - k - outside]]
        exact = stats.fisher_exact(table, alternative="greater")
        assert found.p[at] == pytest.approx(exact.pvalue, rel=1e-8)
        assert found.odds[at] == pytest.approx(exact.statistic)
        assert found.expected[at] == pytest.approx(stats.hypergeom.mean(n, everywhere[at], k))
        assert found.fold[at] == pytest.approx((inside / k) / (everywhere[at] / n))
    everything = np.concatenate([found.p, np.ones(3)])  # the labels without a member
    np.testing.assert_allclose(found.q, stats.false_discovery_control(everything)[:4], rtol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 20))
def test_adjustment_is_that_of_benjamini_and_hochberg(p, others):
    found = composition.adjusted(np.array(p), len(p) + others)
    expected = stats.false_discovery_control([*p, *[1.0] * others])[: len(p)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_category_that_is_nowhere_else_has_infinite_odds():
    found = composition.enrichment(np.array([4]), np.array([4]), 10, 40, 1)
    assert np.isinf(found.odds[0])
    assert found.p[0] == pytest.approx(stats.hypergeom.sf(3, 40, 4, 10))


def test_nothing_to_test_gives_nothing():
    found = composition.enrichment(np.empty(0, dtype=int), np.empty(0, dtype=int), 5, 50, 0)
    assert len(found.p) == len(found.q) == 0


def test_series_of_a_label_are_counted_once_each_and_unknown_ones_apart():
    carried = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [1, 1], [0, 0]], dtype=bool)
    series = np.array([7, 7, 2, -1, -1, 7])
    number, largest = composition.series_of_labels(carried, series)
    assert number.tolist() == [3, 3]  # 7, 2, one unknown; 2 and two unknown ones
    assert largest.tolist() == [2 / 4, 1 / 3]
    assert composition.series_of_labels(np.zeros((3, 1), dtype=bool), np.array([1, 1, 2]))[0].tolist() == [0]
