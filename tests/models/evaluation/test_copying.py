"""Copies are seen; the representative histogram counts every sample."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.models.evaluation.copying import (
    closest_distances,
    closest_summary,
    medoid,
    membership_auc,
    representative_histogram,
)


def test_closest_distances_by_hand():
    assert closest_distances(np.array([[0.0], [7.0]]), np.array([[1.0], [10.0]])).tolist() == [1.0, 3.0]


def test_copies_are_seen():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(30, 3)), rng.normal(size=(15, 3))
    copies = closest_summary(train[:10], test, train)
    assert copies["ratio"] == 0.0 and copies["copied_share"] == 1.0
    assert closest_summary(test, test, train)["ratio"] == 1.0


def test_medoid_is_the_most_central():
    assert medoid(np.array([[0.0], [4.0], [5.0], [20.0]])) in (1, 2)
    assert medoid(np.array([[0.0], [4.0], [5.0], [6.0], [20.0]])) == 2


def test_histogram_counts_everyone_and_shows_collapse():
    rng = np.random.default_rng(1)
    train, test = rng.normal(size=(30, 3)), rng.normal(size=(15, 3))
    collapsed = np.repeat(train[[medoid(train)]], 12, axis=0)
    found = representative_histogram(collapsed, train, test)
    assert sum(found["synthetic"]) == found["synthetic"][0] == 12
    assert sum(found["real_train"]) == 29 and sum(found["real_test"]) == 15
    assert len(found["edges"]) == len(found["synthetic"]) + 1


def test_membership_is_the_auc_of_nearness():
    rng = np.random.default_rng(0)
    synthetic, members, others = rng.normal(size=(30, 3)), rng.normal(size=(12, 3)), rng.normal(1, 1, size=(9, 3))
    members[0] = others[0]  # a tie
    near = [-min(float(np.linalg.norm(x - s)) for s in synthetic) for x in np.concatenate([members, others])]
    assert membership_auc(synthetic, members, others) == pytest.approx(roc_auc_score([1] * 12 + [0] * 9, near))
    assert membership_auc(members, members, others + 9) == 1
