"""Unusually high genes."""

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from core.expression.outliers import MAD_FLOOR, Reference, high_genes


def test_robust_z_against_scipy() -> None:
    rng = np.random.default_rng(0)
    reference, values = rng.normal(5.0, 2.0, (40, 30)), rng.normal(5.0, 4.0, (3, 30))
    spread = median_abs_deviation(reference, axis=0)
    assert spread.min() > MAD_FLOOR
    np.testing.assert_allclose(
        Reference.of(reference).z(values), (values - np.median(reference, axis=0)) / (1.4826 * spread)
    )


def test_the_floor_bounds_genes_that_hardly_vary() -> None:
    reference = np.zeros((9, 1))
    assert Reference.of(reference).z(np.array([[0.6]]))[0, 0] == pytest.approx(0.6 / (1.4826 * 0.2))
    assert Reference.of(reference, mad_floor=1.0).z(np.array([[0.6]]))[0, 0] == pytest.approx(0.6 / 1.4826)


def test_missing_values_stay_missing_and_are_left_out_of_the_reference() -> None:
    reference = np.array([[1.0, 1.0], [2.0, np.nan], [3.0, np.nan], [np.nan, 4.0]])
    z = Reference.of(reference).z(np.array([[5.0, 5.0], [np.nan, 5.0]]))
    assert z[0, 0] == pytest.approx((5.0 - 2.0) / 1.4826)  # median 2, MAD 1 of the three that are there
    assert np.isnan(z[1, 0])
    assert np.isnan(z[:, 1]).all()  # two values are no reference


def test_high_genes_are_high_against_both_references() -> None:
    rng = np.random.default_rng(1)
    everyone = rng.normal(3.0, 1.0, (60, 20))
    everyone[:20, 0] += 10.0  # a marker of the tissue: high against all, usual for the tissue
    tissue = everyone[:20]
    sample = np.full(20, 3.0)
    sample[0], sample[7], sample[3], sample[11] = 13.0, 12.0, 9.0, np.nan
    found = high_genes(sample, Reference.of(everyone), Reference.of(tissue), top=2)
    assert found.index.tolist() == [7, 3]
    np.testing.assert_allclose(found.z_all, Reference.of(everyone).z(sample)[[7, 3]])
    np.testing.assert_allclose(found.z_label, Reference.of(tissue).z(sample)[[7, 3]])
    assert 11 not in high_genes(sample, Reference.of(everyone), Reference.of(tissue), top=20).index


def test_a_label_with_too_few_biosamples_leaves_the_score_against_all() -> None:
    everyone = np.random.default_rng(2).normal(3.0, 1.0, (30, 5))
    found = high_genes(np.array([3.0, 20.0, 3.0, 9.0, -5.0]), Reference.of(everyone), Reference.of(everyone[:2]))
    assert found.index[:2].tolist() == [1, 3]
    assert np.isnan(found.z_label).all()
    assert 4 not in found.index
