"""Gene-level agreement against loops and hand-made cases."""

import numpy as np
import pytest

from core.models.evaluation.genes import correlation_score, gene_agreement, variable_genes


def test_correlation_score_agrees_with_loops():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 6)).astype(np.float32), rng.normal(size=(9, 6)).astype(np.float32)
    b[:, :3] += a[:9, :1]
    first, second = [], []
    for i in range(6):
        for j in range(i + 1, 6):
            first.append(1 - np.corrcoef(a[:, i], a[:, j])[0, 1])
            second.append(1 - np.corrcoef(b[:, i], b[:, j])[0, 1])
    assert correlation_score(a, b) == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-5)
    assert correlation_score(a, a) == pytest.approx(1.0, abs=1e-6)


def test_correlation_score_leaves_out_constant_genes():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(12, 6)).astype(np.float32), rng.normal(size=(9, 6)).astype(np.float32)
    with_constant = (np.column_stack([m, np.full(len(m), 3, np.float32)]) for m in (a, b))
    assert correlation_score(*with_constant) == pytest.approx(correlation_score(a, b))
    assert correlation_score(np.ones((4, 6), np.float32), b) == 0.0


def test_gene_agreement_by_hand():
    a = np.array([[0.0, 2.0], [1.0, 4.0]], np.float32)  # means 0.5, 3; sd 0.707, 1.414; zeros 1/2, 0
    b = np.array([[0.0, 3.0], [0.0, 5.0]], np.float32)  # means 0, 4; sd 0, 1.414; zeros 1, 0
    found = gene_agreement(a, b)
    assert found["gene_mean_error"] == pytest.approx(0.75)
    assert found["gene_mean_r2"] == pytest.approx(1 - (0.25 + 1) / 8)
    assert found["gene_sd_error"] == pytest.approx(np.sqrt(0.5) / 2)
    assert found["gene_sd_r2"] == pytest.approx(1 - 0.5 / 1.0)
    assert found["zero_share_error"] == pytest.approx(0.25)
    assert found["zero_share"] == pytest.approx(0.25)


def test_variable_genes_are_those_of_largest_variance():
    values = np.array([[0, 0, 1, 5], [0, 2, 1, 9], [0, 4, 1, 1]], np.float32)
    assert variable_genes(values, 1).tolist() == [3]
    assert variable_genes(values).tolist() == [1, 3]
