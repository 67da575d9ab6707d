import numpy as np
import pytest
import qnorm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.errors import InputError
from core.expression.normalise import (
    divide_by_length,
    fit_target,
    log2p1,
    profiles_by_gene,
    target_of,
    target_steps,
    to_partial_target,
    to_target,
    to_target_at,
    to_target_rounded,
)

COUNTS = arrays(np.uint32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 9))


def plain_quantile_normalise(counts):
    """Loops over the definition: t = mean of sorted L; tied values share the mean of t over their ranks."""
    logs = [[np.log2(1 + int(value)) for value in row] for row in counts]
    target = [sum(column) / len(logs) for column in zip(*[sorted(row) for row in logs], strict=True)]
    result = []
    for row in logs:
        ordered = sorted(row)
        ranks = {value: [i for i, other in enumerate(ordered) if other == value] for value in set(row)}
        result.append([sum(target[i] for i in ranks[value]) / len(ranks[value]) for value in row])
    return np.array(result)


@given(COUNTS)
def test_agrees_with_plain_loops(counts):
    q = to_target(counts, fit_target([counts]))
    np.testing.assert_allclose(q, plain_quantile_normalise(counts), rtol=1e-10, atol=1e-10)


def test_agrees_with_qnorm_on_many_ties(rng):
    counts = rng.negative_binomial(1, 0.02, (40, 800)).astype(np.uint32) * (rng.random((40, 800)) > 0.4)
    q = to_target(counts, fit_target([counts[:13], counts[13:]]))
    expected = qnorm.quantile_normalize(np.log2(1.0 + counts.T)).T
    np.testing.assert_allclose(q, expected, rtol=1e-9, atol=1e-12)


@given(COUNTS, st.integers(1, 12))
def test_target_does_not_depend_on_blocks(counts, step):
    blocks = [counts[i : i + step] for i in range(0, len(counts), step)]
    np.testing.assert_array_equal(fit_target(blocks), fit_target([counts]))
    np.testing.assert_array_equal(fit_target([counts[::-1]]), fit_target([counts]))


@given(COUNTS)
def test_any_increasing_transform_maps_to_the_same_values(counts):
    target = fit_target([counts])
    np.testing.assert_array_equal(to_target(counts, target), to_target(np.sqrt(counts) * 7.5, target))


@given(arrays(np.uint32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 2**32 - 1)))
def test_large_counts_agree_with_plain_loops(counts):
    target = fit_target([counts])
    np.testing.assert_allclose(target, np.sort(np.log2(1.0 + counts), axis=1).mean(axis=0), rtol=1e-11)
    np.testing.assert_allclose(to_target(counts, target), plain_quantile_normalise(counts), rtol=1e-10)


@given(COUNTS, st.randoms())
def test_permuting_genes_or_biosamples_permutes_the_result(counts, random):
    rows, genes = (random.sample(range(length), length) for length in counts.shape)
    target = fit_target([counts])
    q = to_target(counts, target)
    moved = to_target(counts[np.ix_(rows, genes)], fit_target([counts[rows]]))
    np.testing.assert_array_equal(moved, q[np.ix_(rows, genes)])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0, 0.5, 2.0**32])
def test_a_target_is_fitted_on_counts(wrong):
    with pytest.raises(InputError, match="whole numbers"):
        fit_target([np.array([[1.0, wrong]])])
    np.testing.assert_array_equal(fit_target([np.array([[3.0, 1.0]])]), [1.0, 2.0])


def test_largest_uint32_does_not_wrap():
    counts = np.array([[0, 4294967295]], dtype=np.uint32)
    np.testing.assert_array_equal(log2p1(counts), [[0.0, 32.0]])
    np.testing.assert_array_equal(target_of(target_steps(counts), 1), [0.0, 32.0])
    np.testing.assert_array_equal(to_target(counts, np.array([0.5, 7.0])), [[0.5, 7.0]])


def test_constant_biosample_gets_the_mean_of_the_target():
    counts = np.array([[3, 3, 3], [0, 1, 7]], dtype=np.uint32)
    target = fit_target([counts])
    np.testing.assert_allclose(to_target(counts, target)[0], target.mean())


def test_no_biosamples_is_an_error():
    with pytest.raises(InputError, match="at least one biosample"):
        fit_target([])


def test_partial_target_with_every_gene_is_the_whole_target(rng):
    counts = rng.poisson(20, (30, 200)).astype(np.uint32)
    target = fit_target([counts])
    q = to_target(counts, target)
    everything = np.ones(200, dtype=bool)
    np.testing.assert_allclose(to_partial_target(counts.astype(float), everything, q), q, atol=0.05)


def test_a_sample_that_loses_genes_keeps_its_other_values(rng):
    means = rng.lognormal(3, 2, 500)
    counts = rng.poisson(means, (60, 500)).astype(np.uint32)
    target = fit_target([counts])
    q = to_target(counts, target)
    matched = rng.random(500) > 0.3
    values = counts[:5].astype(float)
    values[:, ~matched] = np.nan
    partial = to_partial_target(values, matched, q[5:])
    assert np.isnan(partial[:, ~matched]).all()
    np.testing.assert_allclose(partial[:, matched], q[:5][:, matched], atol=0.6)
    assert np.corrcoef(partial[:, matched].ravel(), q[:5][:, matched].ravel())[0, 1] > 0.999


def test_rounded_is_the_same_in_float32(rng):
    counts = rng.negative_binomial(1, 0.001, (7, 60)).astype(np.uint32) * np.uint32(30)
    target = fit_target([counts])
    for values in (counts, counts / 7.0):
        expected = to_target(values, target).astype(np.float32)
        np.testing.assert_array_equal(to_target_rounded(values, target), expected)
        assert to_target_rounded(values, target).dtype == np.float32


def test_divides_each_gene_by_its_length():
    np.testing.assert_array_equal(divide_by_length(np.array([[2.0, 6.0]]), np.array([0.5, 3.0])), [[4.0, 2.0]])


@pytest.mark.parametrize("m", [1, 15, 16, 40])
def test_profiles_by_gene_are_those_of_the_separate_steps(rng, m):
    counts = rng.negative_binomial(1, 0.001, (m, 70)).astype(np.uint32)
    counts[:, :5] += rng.integers(0, 2, (m, 5), dtype=np.uint32) * np.uint32(20_000)
    keep = np.sort(rng.choice(70, 50, replace=False))
    length = rng.uniform(0.2, 9, 50)
    target = fit_target([counts])
    y, norms = profiles_by_gene(counts, target, keep, length)
    expected = divide_by_length(to_target(counts, target)[:, keep], length)
    np.testing.assert_array_equal(y, expected.T.astype(np.float32))
    np.testing.assert_allclose(norms, np.linalg.norm(expected, axis=1), rtol=1e-12)
    rows, some = np.sort(rng.integers(0, m, 30)), rng.integers(0, 70, 30)
    np.testing.assert_array_equal(to_target_at(counts, rows, some, target), to_target(counts, target)[rows, some])
