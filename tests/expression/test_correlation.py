"""Correlations agree with numpy and scipy."""

import numpy as np
import pytest
from scipy import stats

from core.expression import correlation


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(3)
    shared = rng.normal(size=300)
    rows = shared * rng.uniform(-1, 1, (40, 1)) + rng.normal(size=(40, 300))
    rows[5] = 7.25
    rows[6] = np.where(rng.random(300) < 0.9, 0.0, rows[6])
    rows[7] = 1000 + 0.01 * rows[7]
    return rows


def test_unit_rows_are_centred_and_of_length_one(values: np.ndarray) -> None:
    rows = correlation.unit_rows(values)
    np.testing.assert_allclose(np.linalg.norm(np.delete(rows, 5, axis=0), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows.sum(axis=1), 0, atol=1e-3)
    assert not rows[5].any()


@pytest.mark.parametrize("row", [0, 6, 39])
def test_one_gene_with_all_in_half_precision(values: np.ndarray, row: int) -> None:
    values = np.delete(values, 7, axis=0) if row != 39 else np.vstack([np.delete(values, 7, axis=0), values[:1] ** 3])
    units = correlation.unit_rows(values).astype(np.float16)
    r = correlation.with_all(row, [units[:7], units[7:]], units[row], correlation.moments(units))
    known = np.arange(len(values)) != 5
    np.testing.assert_allclose(r[known], np.corrcoef(values[known])[row - (row > 5)], atol=1e-4)
    assert r[5] == 0
    assert r[row] == pytest.approx(1, abs=1e-6)


def test_limits_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    found = stats.pearsonr(x, y)
    low, high = correlation.interval(np.array([found.statistic]), 50)
    wanted = found.confidence_interval(0.95)
    assert (low[0], high[0]) == pytest.approx((wanted.low, wanted.high))
    assert np.isnan(correlation.interval(np.array([0.5]), 3)[0]).all()


def test_between_is_numpys_and_unknown_where_a_gene_is_constant(values: np.ndarray) -> None:
    r = correlation.between(values)
    known = np.delete(np.arange(40), 5)
    np.testing.assert_allclose(r[np.ix_(known, known)], np.corrcoef(values[known]), atol=1e-12)
    assert np.isnan(r[5]).all()
