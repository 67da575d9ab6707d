"""Sets that a neighbourhood is compared with, and where a value lies among them."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.pairwise import cosine_similarity

from core.expression import baselines
from core.expression.neighbourhood import pair_cosines


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_pair_cosines_are_sklearns_and_an_empty_profile_has_none(rng):
    profiles = rng.random((6, 40)).astype(np.float32)
    profiles[2] = 0
    expected = cosine_similarity(profiles.astype(np.float64))
    np.testing.assert_allclose(pair_cosines(profiles), expected, atol=1e-12)


def test_matched_sets_have_as_many_of_each_stratum_and_nobody_twice(rng):
    strata = rng.integers(0, 6, 500)
    members = rng.choice(500, 40, replace=False)
    wanted = Counter(strata[members].tolist())
    found = baselines.matched_sets(strata, members, draws=25)
    assert len(found) == 25
    for drawn in found:
        assert Counter(strata[drawn].tolist()) == wanted
        assert len(set(drawn.tolist())) == 40
    assert len({tuple(sorted(drawn)) for drawn in found}) == 25
    again = baselines.matched_sets(strata, members, draws=25)
    assert all((a == b).all() for a, b in zip(found, again, strict=True))


def test_matched_sets_reach_everybody_of_a_stratum_equally_often():
    strata = np.zeros(20, dtype=np.intp)
    drawn = np.concatenate(baselines.matched_sets(strata, np.arange(5), draws=4000))
    observed = np.bincount(drawn, minlength=20)
    assert stats.chisquare(observed).pvalue > 1e-4


def test_a_stratum_that_the_members_exhaust_comes_whole():
    strata = np.array([0, 0, 0, 1, 1, 1, 1])
    for drawn in baselines.matched_sets(strata, np.array([0, 1, 2, 3]), draws=5):
        assert set(drawn.tolist()) >= {0, 1, 2}


def test_one_a_series_takes_no_series_twice_and_no_unknown_one(rng):
    series = rng.integers(-1, 30, 400)
    for drawn in baselines.one_a_series(series, 12, draws=20):
        assert len(set(series[drawn].tolist())) == len(drawn) == 12
        assert (series[drawn] >= 0).all()
    assert {len(drawn) for drawn in baselines.one_a_series(series, 100)} == {30}
    assert baselines.one_a_series(np.array([4, 4, -1, 4]), 3) == []


def test_every_series_and_each_of_its_biosamples_is_as_likely():
    series = np.array([0] * 1 + [1] * 3 + [2] * 6)
    drawn = np.concatenate(baselines.one_a_series(series, 2, draws=6000))
    assert stats.chisquare(np.bincount(series[drawn])).pvalue > 1e-4
    assert stats.chisquare(np.bincount(drawn)[4:]).pvalue > 1e-4


def test_pair_means_over_all_pairs_and_over_those_of_different_series(rng):
    units = rng.random((7, 5))
    cosine = cosine_similarity(units)
    series = np.array([0, 0, 1, -1, -1, 1, 2])
    everything, apart = [], []
    for i in range(7):
        for j in range(i):
            everything.append(cosine[i, j])
            if series[i] != series[j] or series[i] < 0:
                apart.append(cosine[i, j])
    found = baselines.pair_means(cosine, series)
    assert found == (pytest.approx(np.mean(everything)), pytest.approx(np.mean(apart)), len(apart))
    assert np.isnan(baselines.pair_means(np.ones((1, 1)), np.array([0]))[0])
    assert np.isnan(baselines.pair_means(np.ones((2, 2)), np.array([3, 3]))[1])


def test_both_ways_to_mean_cosines_agree_where_the_axes_hold_everything(rng):
    profiles = rng.random((20, 8))
    units = profiles / np.linalg.norm(profiles, axis=1, keepdims=True)
    rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    lower = np.tril(cosine_similarity(profiles)).astype(np.float32)
    ways = baselines.from_points((units @ rotation).astype(np.float32)), baselines.from_all(lower)
    for series in ([4, 0, 4, 7], [-1, 2, 2, -1], [0, 1, 2, 3], [5, 5, 5, 5], [-1, -1, -1, -1]):
        rows = rng.choice(20, 4, replace=False)
        expected = baselines.pair_means(cosine_similarity(profiles[rows]), np.array(series))
        for means in ways:
            found = means(rows, np.array(series))
            assert found[:2] == pytest.approx(expected[:2], abs=1e-6, nan_ok=True)
            assert found[2] == expected[2]


def test_standing_is_scipys_z_and_percentile(rng):
    sets = rng.normal(size=50).round(1)
    found = baselines.standing(0.3, sets)
    assert found.z == pytest.approx((0.3 - sets.mean()) / sets.std(ddof=1))
    assert found.percentile == pytest.approx(stats.percentileofscore(sets, 0.3, kind="mean"))
    assert baselines.standing(0.3, np.append(sets, np.nan)) == found


def test_standing_without_a_spread_or_a_value_is_unknown():
    assert np.isnan(baselines.standing(1.0, np.ones(5)).z)
    assert np.isnan(baselines.standing(float("nan"), np.arange(5.0)).percentile)
    assert baselines.standing(1.0, np.empty(0)).sets == 0
