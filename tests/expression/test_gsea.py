"""GSEA of a ranking agrees with plain loops: the score exactly, p, NES and q as far as permutations allow."""

import numpy as np
import pytest

from core.expression import enrichment, gsea

GENES, PERMUTATIONS = 300, 1000


def loop_score(scores: np.ndarray, members: np.ndarray, weight: float) -> float:
    """The enrichment score as Subramanian et al. (2005) define it, gene by gene."""
    inside = set(members.tolist())
    total = sum(abs(scores[gene]) ** weight for gene in inside)
    running, best = 0.0, 0.0
    for gene, score in enumerate(scores):
        running += abs(score) ** weight / total if gene in inside else -1 / (len(scores) - len(inside))
        best = running if abs(running) > abs(best) else best
    return best


def loop_tests(scores: np.ndarray, sets: list[np.ndarray], weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NES, p and q of sets, with random sets of our own."""
    rng = np.random.default_rng(11)
    score, p, nes, null = np.zeros(len(sets)), np.zeros(len(sets)), np.zeros(len(sets)), []
    for number, members in enumerate(sets):
        score[number] = loop_score(scores, members, weight)
        draws = [rng.choice(len(scores), len(members), replace=False) for _ in range(PERMUTATIONS)]
        random = np.array([enrichment.enrichment_score(np.sort(d), len(scores), np.abs(scores[np.sort(d)]) ** weight)[0]
                           for d in draws])  # fmt: skip
        up, down = random[random >= 0], random[random < 0]
        same = up if score[number] >= 0 else down
        p[number] = (np.abs(same) >= abs(score[number])).mean()
        nes[number] = score[number] / np.abs(same).mean()
        null += [side / np.abs(side).mean() for side in (up, down) if len(side)]
    pooled = np.concatenate(null)
    q = np.zeros(len(sets))
    for number, own in enumerate(nes):
        side, others = (pooled >= 0, nes >= 0) if own >= 0 else (pooled < 0, nes < 0)
        far = (np.abs(pooled[side]) >= abs(own)).mean()
        q[number] = min(1.0, far / (np.abs(nes[others]) >= abs(own)).mean())
    return nes, p, q


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.sort(np.round(np.random.default_rng(3).gamma(2.0, size=GENES), 1))[::-1]  # with ties


@pytest.fixture(scope="module")
def sets() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    near = [rng.choice(120, 15, replace=False), rng.choice(np.arange(180, 300), 20, replace=False), np.arange(8)]
    return [np.sort(each) for each in (*near, *(rng.choice(GENES, size, replace=False) for size in (5, 12, 30, 60)))]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_score_is_that_of_a_loop(scores: np.ndarray, sets: list[np.ndarray], weight: float) -> None:
    found = gsea.prerank(scores, sets, weight, 100)
    np.testing.assert_allclose(found.score, [loop_score(scores, each, weight) for each in sets], atol=1e-12)
    own = [enrichment.enrichment_score(each, GENES, np.abs(scores[each]) ** weight)[0] for each in sets]
    np.testing.assert_allclose(found.score, own, atol=1e-12)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_p_nes_and_q_are_those_of_random_sets_of_our_own(
    scores: np.ndarray, sets: list[np.ndarray], weight: float
) -> None:
    found = gsea.prerank(scores, sets, weight, PERMUTATIONS)
    nes, p, q = loop_tests(scores, sets, weight)
    np.testing.assert_allclose(found.normalised, nes, rtol=0.1)
    np.testing.assert_allclose(found.p, np.maximum(p, 1 / PERMUTATIONS), atol=0.09)  # 4 standard errors of 500 draws
    assert found.p[2] == found.q[2] == 1 / PERMUTATIONS  # the first eight genes: never met by chance
    np.testing.assert_allclose(found.q, np.maximum(q, 1 / PERMUTATIONS), atol=0.12)


def test_threads_do_not_change_the_result_and_the_seed_does(scores: np.ndarray, sets: list[np.ndarray]) -> None:
    one, two = (gsea.prerank(scores, sets, permutations=200, threads=threads) for threads in (1, 2))
    other = gsea.prerank(scores, sets, permutations=200, seed=2)
    np.testing.assert_array_equal(one.p, two.p)
    np.testing.assert_array_equal(one.normalised, two.normalised)
    assert (one.p != other.p).any()


def test_genes_without_any_value_give_a_sum_that_only_falls() -> None:
    scores = np.concatenate([np.linspace(3, 0.1, 60), np.zeros(60)])
    found = gsea.prerank(scores, [np.arange(70, 80), np.arange(5)], 1.0, 100)
    assert found.score[0] == pytest.approx(-70 / 110)
    own, _ = enrichment.enrichment_score(np.arange(70, 80), 120, np.zeros(10))
    assert own == pytest.approx(found.score[0])
