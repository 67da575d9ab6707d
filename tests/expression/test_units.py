"""What values measure, told from the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from core.expression import units
from core.types import DoubleArray

RNG = np.random.default_rng(5)
LENGTHS = RNG.lognormal(8, 0.8, 4000)


def _profile(seed: int = 0, level: float = 4.0) -> DoubleArray:
    """Counts of 4,000 genes whose abundance does not go with their length."""
    rng = np.random.default_rng(seed)
    abundance = np.random.default_rng(7).lognormal(0, 2, len(LENGTHS)) * rng.lognormal(0, 0.3, len(LENGTHS))
    return rng.poisson(level * abundance * LENGTHS / 1000).astype(np.float64)


def _tpm(counts: DoubleArray) -> DoubleArray:
    rate = counts / LENGTHS
    return 1e6 * rate / rate.sum()


def _cpm(counts: DoubleArray) -> DoubleArray:
    return 1e6 * counts / counts.sum()


@given(arrays(np.float64, 30, elements=st.floats(0, 1e6)), st.sampled_from(units.BASES))
def test_undoing_a_log_gives_the_values_back(values: DoubleArray, base: float) -> None:
    logged = np.log1p(values) / np.log(base)
    np.testing.assert_allclose(units.undo_log(logged, base), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("base", units.BASES)
def test_the_base_of_a_log_is_told_by_the_million(base: float) -> None:
    logged = np.log1p(_tpm(_profile())) / np.log(base)
    assert units.log_base(logged) == base
    assert units.log_base(np.log2(1 + _profile())) == 2.0


@pytest.mark.parametrize(
    ("values", "words", "certain"),
    [
        (_profile(), "counts", True),
        (np.log2(1 + _profile()), "log2(x + 1) of counts", True),
        (np.log2(1 + _profile()).round(3), "log2(x + 1) of counts", True),
        (np.log1p(_cpm(_profile())), "ln(x + 1) of CPM", True),
        (_cpm(_profile()), "CPM", True),
        (_cpm(_profile()).round(4), "CPM", True),
        (_profile() / 0.83, "scaled counts", True),
        (np.where(np.arange(4000) % 4 == 0, _profile() * 0.97, _profile()), "expected counts", True),
        (_tpm(_profile()), "", False),
        (_tpm(_profile()).round(2), "", False),
        (np.log2(1 + _tpm(_profile())), "", False),
        (_profile() * RNG.uniform(0.9, 1.1, 4000), "", False),
    ],
)
def test_what_is_certain_from_one_sample_alone(values: DoubleArray, words: str, certain: bool) -> None:
    measure, sure = units.recognise(values)
    assert (measure.words, sure) == (words, certain)
    assert not measure.per_length


def test_log_scales_are_those_with_fractions_and_a_low_maximum() -> None:
    rows = np.array([[0, 1, 7, 20], [0.0, 1.5, 7, 20], [0.0, 1.5, 7, 31]])
    assert units.on_log_scale(rows).tolist() == [False, True, False]
    assert units.is_whole(rows).tolist() == [True, False, False]


def test_names_of_what_was_divided() -> None:
    tpm = _tpm(_profile())
    assert units.name_measure(tpm, 0.0, True).words == "TPM"
    assert units.name_measure(tpm * 0.4, 0.0, True).words.startswith("RPKM")
    logged = units.name_measure(np.log2(1 + tpm), 2.0, True)
    assert (logged.words, logged.per_length, logged.log_base) == ("log2(x + 1) of TPM", True, 2.0)
    assert units.name_measure(_cpm(_profile()), 0.0, False).words == "CPM"


@given(arrays(np.float64, (3, 25), elements=st.integers(0, 9).map(float)))
def test_evidence_is_spearmans_correlation(values: DoubleArray) -> None:
    values[:, 0], values[:, 1] = 0, 10  # no constant row
    references, lengths = values[::-1] ** 2, np.linspace(1, 3, 25)
    found = units.length_evidence(values, lengths, units.unit_ranks(references))
    for measured, highest in zip((values, values * lengths), found, strict=True):
        expected = [max(spearmanr(row, other).statistic for other in references) for row in measured]
        np.testing.assert_allclose(highest, expected, atol=1e-9)


def test_division_by_length_is_told_by_the_order_of_genes() -> None:
    known = np.array([_profile(seed) for seed in range(8)])
    references = units.unit_ranks(known)
    threshold = units.length_threshold(known, LENGTHS, references)
    for seed in range(20, 40):
        counts = _profile(seed)
        for values, divided in ((counts, False), (_tpm(counts), True), (_tpm(counts).round(2), True)):
            as_is, multiplied = units.length_evidence(values[None], LENGTHS, references)
            assert (multiplied[0] - as_is[0] > threshold) == divided


def test_zeros_left_out_by_the_area_under_the_curve() -> None:
    typical = np.array([_profile(seed) for seed in range(8)]).mean(axis=0)
    for seed, level in ((30, 0.02), (31, 0.1)):
        present = _profile(seed, level) > 0
        area = roc_auc_score(present, typical)
        assert units.zeros_left_out(present, typical) == (area >= units.ABSENT_LOWER)
        assert units.zeros_left_out(present, typical)
    lost = np.random.default_rng(1).random(len(typical)) > 0.3
    assert not units.zeros_left_out(lost, typical)
    assert not units.zeros_left_out(np.ones(len(typical), dtype=bool), typical)
