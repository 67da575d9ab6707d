"""Statistics of gene sets agree with scipy, and the running sum with a plain loop."""

import numpy as np
import pytest
from scipy import stats

from core.expression import enrichment


@pytest.fixture
def scores() -> np.ndarray:
    return np.round(np.random.default_rng(2).lognormal(size=500), 1)  # with ties


def test_rank_sum_is_scipys_for_every_set(scores: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    sets = [rng.choice(500, size, replace=False) for size in (1, 5, 40, 499)] + [np.argsort(-scores)[:30]]
    found = enrichment.rank_sum(scores, sets)
    for number, members in enumerate(sets):
        others = np.delete(scores, members)
        wanted = stats.mannwhitneyu(scores[members], others, alternative="two-sided", method="asymptotic")
        assert found.u[number] == pytest.approx(wanted.statistic)
        assert found.p[number] == pytest.approx(wanted.pvalue)
        wins = (scores[members][:, None] > others).mean() + 0.5 * (scores[members][:, None] == others).mean()
        assert found.auc[number] == pytest.approx(wins)


def test_a_set_of_nothing_or_of_everything_has_no_p(scores: np.ndarray) -> None:
    found = enrichment.rank_sum(scores, [np.array([], dtype=int), np.arange(500)])
    assert np.isnan(found.p).all()


def test_over_representation_is_fishers_exact_test() -> None:
    p = enrichment.over_representation(np.array([6]), np.array([20]), 50, 500)
    table = [[6, 14], [44, 436]]
    assert p[0] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


def test_adjusted_follows_benjamini_and_hochberg() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.5])
    order = [0, 3, 1, 4]
    steps = [p[i] * 4 / (rank + 1) for rank, i in enumerate(order)]
    wanted = [min(steps[rank:]) for rank in range(4)]
    np.testing.assert_allclose(enrichment.adjusted(p)[order], wanted)
    assert np.isnan(enrichment.adjusted(p)[2])


def loop(inside: list[bool]) -> list[float]:
    m, total, sums = sum(inside), 0.0, [0.0]
    for hit in inside:
        total += 1 / m if hit else -1 / (len(inside) - m)
        sums.append(total)
    return sums


@pytest.mark.parametrize("places", [[0, 1, 5], [17, 18, 19], [3, 8, 9, 16], [0], [19]])
def test_the_running_sum_is_that_of_a_loop(places: list[int]) -> None:
    sums = loop([place in places for place in range(20)])
    score, leading = enrichment.enrichment_score(np.array(places), 20)
    extreme = max(range(21), key=lambda i: abs(sums[i]))
    assert abs(score) == pytest.approx(abs(sums[extreme]))
    if score > 0:
        assert leading == sum(place < extreme for place in places)
    x, y = enrichment.running_sum(np.array(places), 20)
    np.testing.assert_allclose(np.interp(range(21), x, y), sums, atol=1e-12)


def test_a_set_at_the_end_has_its_last_genes_as_leading_edge() -> None:
    score, leading = enrichment.enrichment_score(np.array([2, 17, 18, 19]), 20)
    assert score == pytest.approx(0.25 - 16 / 16)
    assert leading == 3
