"""With and without synthetic samples: figures and intervals against scikit-learn on repeated biosamples."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from core.models import augmented_scores
from core.models.augmentation.measures import recall_at_precision
from core.models.augmented_scores import compare, verdict_of

NAMES = ["common", "rare", "absent"]


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmented_scores, "DRAWS", 60)


def said(truth: np.ndarray, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (rounded, so that some are equal) and calls."""
    rng = np.random.default_rng(seed)
    p = np.clip(0.3 + 0.4 * truth + noise * rng.normal(size=truth.shape), 0, 1).round(1)
    return p, p >= 0.5


@pytest.fixture
def truth() -> np.ndarray:
    rng = np.random.default_rng(1)
    rare = rng.random(90) < 0.15
    return np.column_stack([~rare, rare, np.zeros(90, dtype=bool)])


def test_figures_and_intervals_are_those_of_repeated_biosamples(truth: np.ndarray) -> None:
    """By hand: the rows of each drawn series are repeated, and scikit-learn scores them."""
    one, other = said(truth, 0.2, 2), said(truth, 0.4, 3)
    units = np.arange(90) // 6
    found = compare(truth, one, other, units, [1], NAMES, seed=5)
    [row] = found["labels"]

    def by_hand(rows: np.ndarray, model: tuple[np.ndarray, np.ndarray]) -> list[float]:
        t, p, calls = truth[rows, 1], model[0][rows, 1], model[1][rows, 1]
        return [float(average_precision_score(t, p)), recall_at_precision(t, p), float(f1_score(t, calls))]

    every = np.arange(90)
    rng = np.random.default_rng(5)
    draws = [rng.integers(15, size=15) for _ in range(60)]
    repeated = [np.concatenate([np.flatnonzero(units == unit) for unit in chosen]) for chosen in draws]
    pairs = [np.subtract(by_hand(rows, one), by_hand(rows, other)) for rows in repeated if truth[rows, 1].any()]
    low, high = np.percentile(pairs, (2.5, 97.5), axis=0)
    for i, name in enumerate(("average_precision", "recall_at_95", "f1")):
        figures = row[name]
        assert figures["with"] == pytest.approx(by_hand(every, one)[i])
        assert figures["without"] == pytest.approx(by_hand(every, other)[i])
        assert figures["difference"] == pytest.approx(figures["with"] - figures["without"])
        assert (figures["low"], figures["high"]) == (pytest.approx(low[i]), pytest.approx(high[i]))
    assert (row["support"], row["units"]) == (int(truth[:, 1].sum()), len(np.unique(units[truth[:, 1]])))
    assert (found["n"], found["units"]) == (90, 15)


def test_all_labels_are_scored_as_samples_f1(truth: np.ndarray) -> None:
    one, other = said(truth, 0.2, 2), said(truth, 0.4, 3)
    found = compare(truth, one, other, np.arange(90), [1], NAMES)["samples_f1"]
    expected = [f1_score(truth, calls, average="samples", zero_division=0) for _, calls in (one, other)]
    assert [found["with"], found["without"]] == [pytest.approx(value) for value in expected]
    assert found["low"] <= found["difference"] <= found["high"]


def test_the_same_model_twice_makes_no_difference(truth: np.ndarray) -> None:
    one = said(truth, 0.3, 2)
    found = compare(truth, one, one, np.arange(90), [1], NAMES)
    assert found["labels"][0]["verdict"] == "nothing"
    assert {found["labels"][0][name][end] for name in augmented_scores.MEASURES for end in ("low", "high")} == {0.0}
    assert json.loads(json.dumps(found)) == found


def test_a_model_that_finds_a_label_helps_and_one_that_loses_it_harms(truth: np.ndarray) -> None:
    good, bad = said(truth, 0.0, 2), (np.full(truth.shape, 0.5), np.ones(truth.shape, dtype=bool))
    units = np.arange(90)
    assert compare(truth, good, bad, units, [1], NAMES)["labels"][0]["verdict"] == "helps"
    assert compare(truth, bad, good, units, [1], NAMES)["labels"][0]["verdict"] == "harms"


def test_one_series_or_no_biosample_of_a_label_has_no_interval(truth: np.ndarray) -> None:
    one, other = said(truth, 0.2, 2), said(truth, 0.4, 3)
    units = np.where(truth[:, 1], 0, np.arange(90) + 1)
    found = compare(truth, one, other, units, [1, 2], NAMES)["labels"]
    assert [row["verdict"] for row in found] == ["few", "few"]
    assert found[0]["average_precision"]["low"] is None and found[0]["average_precision"]["with"] is not None
    assert found[1]["average_precision"]["with"] is None and found[1]["support"] == 0


@pytest.mark.parametrize(
    ("low", "high", "support", "verdict"),
    [
        (0.03, 0.2, 9, "helps"), (-0.2, -0.03, 9, "harms"), (-0.1, 0.1, 9, "open"), (-0.01, 0.02, 9, "nothing"),
        (0.001, 0.019, 9, "nothing"), (0.03, 0.2, 4, "few"), (None, None, 9, "few"),
    ],
)  # fmt: skip
def test_a_verdict_is_read_from_the_interval(low: float | None, high: float | None, support: int, verdict: str) -> None:
    assert verdict_of({"low": low, "high": high}, support) == verdict
