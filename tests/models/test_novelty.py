"""How unlike the training data a biosample is."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, StoreError
from core.models.novelty import FILE, Novelty


def profiles(n: int, centre: np.ndarray, seed: int, spread: float = 0.3) -> np.ndarray:
    return centre + np.random.default_rng(seed).normal(0.0, spread, (n, len(centre)))


@pytest.fixture
def centres() -> np.ndarray:
    return np.random.default_rng(0).normal(6.0, 3.0, (3, 50))


def slow_distance(a: np.ndarray, known: np.ndarray) -> float:
    """1 - the highest correlation, gene by gene where both are there."""
    there = ~np.isnan(a)
    return 1.0 - max(np.corrcoef(a[there], row[there])[0, 1] for row in known)


def test_distance_and_score_by_a_plain_loop(centres: np.ndarray) -> None:
    q = np.vstack([profiles(15, centres[0], 1), profiles(15, centres[1], 2)])
    series = [f"GSE{i % 3}" for i in range(30)]
    new = np.vstack([profiles(3, centres[0], 3), profiles(3, centres[2], 4)])
    new[1, 5:20] = np.nan
    novelty = Novelty().fit(q, series)
    expected = [slow_distance(row, q) for row in new]
    np.testing.assert_allclose(novelty.distance(new), expected, atol=1e-5)
    usual = [slow_distance(q[i], q[[j for j in range(30) if series[j] != series[i]]]) for i in range(30)]
    np.testing.assert_allclose(novelty.usual, np.sort(usual), atol=1e-5)
    by_hand = [np.mean([own < distance for own in usual]) for distance in expected]
    np.testing.assert_allclose(novelty.score(new), by_hand, atol=0.07)  # a curve through the steps


def test_the_score_rises_with_the_distance_and_goes_on_rising_beyond_what_is_usual(centres: np.ndarray) -> None:
    novelty = Novelty().fit(profiles(40, centres[0], 1), [f"GSE{i % 4}" for i in range(40)])
    distance = np.linspace(0.0, novelty.usual[-1] * 3, 200)
    score = novelty.of_distance(distance)
    assert (np.diff(score) > 0).all()
    assert score[0] == 0.0 and score[-1] < 1.0
    for share in (0.25, 0.5, 0.75):
        assert np.interp(np.quantile(novelty.usual, share), distance, score) == pytest.approx(share, abs=0.06)
    edge = float(np.quantile(novelty.usual, 0.95))
    around = novelty.of_distance(np.array([edge - 1e-9, edge + 1e-9]))
    assert around[0] == pytest.approx(0.95) and around[1] == pytest.approx(0.95)
    excess = max((novelty.usual[novelty.usual > edge] - edge).mean(), 0.02 * edge)
    assert novelty.of_distance(np.array([edge + excess]))[0] == pytest.approx(1 - 0.05 / 1.5**2)


def test_a_new_tissue_is_novel_and_a_training_biosample_is_not(centres: np.ndarray) -> None:
    q = np.vstack([profiles(20, centres[0], 1), profiles(20, centres[1], 2)])
    novelty = Novelty().fit(q, [f"GSE{i % 4}" for i in range(40)])
    assert novelty.score(profiles(5, centres[2], 3)).min() > 0.999
    assert novelty.score(q[:5]).max() < 1e-4


def test_one_series_compares_with_other_biosamples_of_it(centres: np.ndarray) -> None:
    q = profiles(12, centres[0], 1)
    usual = [slow_distance(q[i], np.delete(q, i, axis=0)) for i in range(12)]
    np.testing.assert_allclose(Novelty().fit(q, ["GSE1"] * 12).usual, np.sort(usual), atol=1e-5)


def test_with_labels_only_tissues_of_several_series_say_what_is_usual(centres: np.ndarray) -> None:
    q = np.vstack([profiles(24, centres[0], 1), profiles(10, centres[1], 2)])
    series = [f"GSE{i % 2}" for i in range(24)] + ["GSE9"] * 10
    labels = np.zeros((34, 2), dtype=bool)
    labels[:24, 0] = labels[24:, 1] = True
    with_labels, without = Novelty().fit(q, series, labels), Novelty().fit(q, series)
    assert len(with_labels.usual) == 24
    assert len(without.usual) == 34
    assert with_labels.usual.max() < 0.2 < without.usual.max()


def test_saved_and_loaded_it_scores_the_same(centres: np.ndarray, tmp_path: Path) -> None:
    novelty = Novelty().fit(profiles(10, centres[0], 1), list("ABCDEFGHIJ"))
    new = profiles(4, centres[1], 2)
    novelty.save(tmp_path / "new" / "folder")
    np.testing.assert_array_equal(Novelty.load(tmp_path / "new" / "folder").score(new), novelty.score(new))


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=FILE):
        Novelty.load(tmp_path)
    (tmp_path / FILE).write_bytes(b"PK not a zip")
    with pytest.raises(StoreError, match=FILE):
        Novelty.load(tmp_path)


def test_one_biosample_is_not_enough_and_one_gene_is_infinitely_far(centres: np.ndarray) -> None:
    with pytest.raises(InputError, match="two training biosamples"):
        Novelty().fit(centres[:1], ["A"])
    novelty = Novelty().fit(centres, ["A", "B", "C"])
    lonely = np.full((1, 50), np.nan)
    lonely[0, 0] = 3.0
    assert novelty.score(lonely).tolist() == [1.0]
