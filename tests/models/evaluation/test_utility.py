"""A classifier learns from samples that are like the real ones, and from no others; markers by a plain loop."""

import numpy as np
import pytest

from core.models.evaluation.utility import Others, detection, marker_genes, markers_kept


def _samples(n, seed, shift=0.0):
    values = np.random.default_rng(seed).gamma(4, 1.5, size=(n, 60)).astype(np.float32)
    values[:, :10] += shift
    return values


@pytest.fixture(scope="module")
def others():
    found = Others.split(_samples(101, 0), seed=1)
    assert found is not None
    return found


def test_no_sample_is_both_learnt_from_and_tested_on(others):
    assert len(others.train) == 50 and len(others.test) == 51
    both = {tuple(row) for row in others.train.tolist()} & {tuple(row) for row in others.test.tolist()}
    assert not both
    assert Others.split(_samples(7, 0), seed=1) is None


def test_detection_tells_good_samples_from_bad_ones(others):
    test = _samples(20, 3, shift=5.0)
    assert detection(_samples(20, 4, shift=5.0), test, others, seed=1) > 0.95
    assert detection(_samples(20, 4, shift=-5.0), test, others, seed=1) < 0.5
    assert detection(_samples(20, 4, shift=5.0), test, others, 1) == detection(
        _samples(20, 4, shift=5.0), test, others, 1
    )


def test_markers_by_a_plain_loop(others):
    label = _samples(20, 5, shift=3.0)
    effect = []
    for gene in range(60):
        a, b = label[:, gene].astype(float), others.train[:, gene].astype(float)
        within = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
        effect.append((a.mean() - b.mean()) / np.sqrt(within / (len(a) + len(b) - 2) + 0.3))
    known = marker_genes(label, others.train, 8)
    assert known.tolist() == np.argsort(-np.array(effect), kind="stable")[:8].tolist()
    assert markers_kept(label, known, others.train) == 1
    other = np.array([gene for gene in range(60) if gene not in known][:4])
    assert markers_kept(label, np.concatenate([known[:4], other]), others.train) == pytest.approx(0.5, abs=0.26)
