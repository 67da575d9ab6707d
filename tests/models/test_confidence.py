"""Probabilities for unseen series: maximum likelihood, monotone in votes and distance."""

import numpy as np
import pytest
from scipy.optimize import minimize

from core.models import scores
from core.models.confidence import Confidence, fit_confidence


def simulated(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Votes of four labels; the more distant a sample, the less its first label is right."""
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.full(4, 0.4), n)
    distance = rng.lognormal(-2.5, 0.8, n)
    first = votes.argmax(axis=1)
    top = votes.max(axis=1)
    right = rng.random(n) < 1 / (1 + np.exp(-(1.2 * np.log(top / (1.001 - top)) - 1.5 * np.log(distance) - 4.0)))
    labels = np.zeros((n, 4), dtype=bool)
    labels[np.flatnonzero(right), first[right]] = True
    return votes, distance, labels


def test_it_is_the_weighted_maximum_of_the_likelihood() -> None:
    votes, distance, labels = simulated(400)
    fitted = fit_confidence(votes, distance, labels)
    assert fitted is not None
    squeezed = 0.005 + 0.99 * votes
    x1, x2 = np.log(squeezed / (1 - squeezed)), np.repeat(np.log(np.clip(distance, 1e-3, 2))[:, None], 4, axis=1)
    weights = np.full((400, 4), 1 / 6)
    weights[np.arange(400), votes.argmax(axis=1)] = 1.0
    sd1, sd2 = x1.std(), x2.std()

    def loss(line: np.ndarray) -> float:
        score = line[0] * x1 + line[1] * x2 + line[2]
        fit = (weights * (np.logaddexp(0, score) - labels * score)).sum()
        return float(fit + ((line[0] * sd1) ** 2 + (line[1] * sd2) ** 2) / 2)  # scikit-learn's ridge, C = 1

    best = minimize(loss, [1.0, -1.0, 0.0], tol=1e-10).x
    np.testing.assert_allclose([fitted.slope, fitted.distance_slope, fitted.intercept], best, rtol=2e-3)


def test_probabilities_of_first_labels_are_calibrated_on_new_data() -> None:
    fitted = fit_confidence(*simulated())
    votes, distance, labels = simulated(seed=1)
    assert fitted is not None
    first = votes.argmax(axis=1)
    each = np.arange(len(votes))
    p = fitted.apply(votes, distance)[each, first]
    assert scores.expected_calibration_error(p, labels[each, first]) < 0.03
    assert scores.expected_calibration_error(votes.max(axis=1), labels[each, first]) > 0.04


def test_it_rises_with_votes_and_falls_with_distance_and_keeps_the_order_of_labels() -> None:
    fitted = fit_confidence(*simulated())
    assert fitted is not None and fitted.slope > 0 > fitted.distance_slope
    p = fitted.apply(np.array([[0.7, 0.2, 0.1, 0.0]] * 3), np.array([0.01, 0.1, np.inf]))
    assert (np.diff(p, axis=1) < 0).all()
    assert (np.diff(p[:, 0]) < 0).all()
    assert np.isfinite(p).all()


def test_a_distance_that_would_add_trust_does_not_count() -> None:
    votes, distance, labels = simulated()
    fitted = fit_confidence(votes, 0.002 / distance, labels)
    assert fitted is not None and fitted.distance_slope == 0.0


@pytest.mark.parametrize("right", [True, False])
def test_where_all_or_none_is_right_there_is_nothing_to_fit(right: bool) -> None:
    votes = np.array([[0.6, 0.4], [0.7, 0.3]])
    labels = np.array([[right, not right]] * 2)
    assert fit_confidence(votes, np.array([0.1, 0.2]), labels) is None
    assert fit_confidence(np.empty((0, 2)), np.empty(0), np.empty((0, 2), dtype=bool)) is None


def test_it_is_plain_numbers() -> None:
    p = Confidence(1.0, -1.0, 0.5, 0.02).apply(np.array([[0.5, 0.25, 0.0]] * 2), np.array([0.1, 0.001]))
    first = 1 / (1 + np.exp(-(0.0 - np.log(np.array([0.1, 0.02])) + 0.5)))
    np.testing.assert_allclose(p, np.outer(first, [1.0, 0.5, 0.0]))
    assert Confidence(1.0, -1.0, 0.5, 0.02).apply(np.zeros((1, 2)), np.array([0.1])).tolist() == [[0.0, 0.0]]


def test_a_copy_of_a_known_biosample_does_not_make_every_label_likely() -> None:
    fitted = fit_confidence(*simulated())
    assert fitted is not None
    p = fitted.apply(np.array([[0.9, 0.05, 0.05, 0.0]]), np.array([0.0]))[0]
    assert p[0] > 0.8 and p[1:].max() < 0.1
