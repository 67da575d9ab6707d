"""What the values of an upload measure, told from the values themselves, and the way back to what ranks as counts do.

A sample is mapped onto the target by the order of its genes alone. So log2(1 + x), CPM and size factors change
nothing, and only division by the gene's length has to be undone: TPM and RPKM are multiplied by the length. Whether
values were divided is told by the order of their genes, held against that of reference biosamples (which are counts):
rank correlation as they are, and multiplied by length.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.types import BoolArray, DoubleArray, Measure

MILLION, NEAR = 1e6, 0.02
LOG_MAX = 30.0  # log2(1 + 2^30): no count is that high, and no plain profile has a maximum that low
BASES = (2.0, np.e, 10.0)
WHOLE_SHARE = 0.5  # expected counts are whole for most genes
# Multiples of one number: looked for among values up to ten times the smallest, of which there must be some.
MULTIPLES, SOME, OFF, MULTIPLE_SHARE = 10.5, 30, 0.1, 0.95
FEWEST_GENES = 50
ABSENT_LOWER = 0.85

Values = npt.NDArray[np.floating]


def is_whole(values: Values) -> BoolArray:
    """Which samples (m x p) hold whole numbers alone."""
    return np.asarray((values == np.floor(values)).all(axis=1))


def on_log_scale(values: Values) -> BoolArray:
    """Which samples (m x p) hold logarithms: fractions, and nothing above 30."""
    return np.asarray((values.max(axis=1, initial=0.0) < LOG_MAX) & ~is_whole(values))


def undo_log(values: Values, base: float) -> DoubleArray:
    """x of log(1 + x): base^value - 1, at least 0."""
    plain: DoubleArray = np.expm1(np.asarray(values, dtype=np.float64) * np.log(base))
    return plain


def log_base(values: Values) -> float:
    """The base (2, e or 10) of log(1 + x) in which one sample (p) adds up to a million; 2 where none does."""
    return next((base for base in BASES if adds_up_to_million(undo_log(values, base))), 2.0)


def adds_up_to_million(values: Values) -> bool:
    """Whether one sample (p) adds up to a million, give or take 2 %, as TPM and CPM do."""
    return bool(abs(values.sum(dtype=np.float64) - MILLION) <= NEAR * MILLION)


def is_mostly_whole(values: Values) -> bool:
    """Whether most values over 1/2 of a sample (p) are whole, as expected counts are."""
    some = values[values > 0.5]
    return len(some) > 0 and bool(np.mean(np.abs(some - np.rint(some)) < 1e-3) > WHOLE_SHARE)


def are_multiples(values: Values) -> bool:
    """Whether the values of a sample (p) are multiples of one number, as counts divided by one number are.

    The number must not be a power of ten: those are what rounding leaves of any values.
    """
    some = np.asarray(values[values > 0], dtype=np.float64)
    if len(some) == 0:
        return False
    power = np.log10(some.min())
    ratio = some[some <= MULTIPLES * some.min()] / some.min()
    if abs(power - round(power)) < 1e-3 or (ratio > 1.5).sum() < SOME:
        return False
    return bool(np.mean(np.abs(ratio - np.rint(ratio)) < OFF) > MULTIPLE_SHARE)


def recognise(values: DoubleArray) -> tuple[Measure, bool]:
    """What one sample (p values as its file has them) measures, and whether that is certain.

    Where it is not certain, the order of genes has to tell whether values were divided by length.
    """
    if bool(is_whole(values[None])[0]):
        return Measure("counts"), True
    base = log_base(values) if bool(on_log_scale(values[None])[0]) else 0.0
    plain = undo_log(values, base) if base else values
    named = _whole_words(plain, base)
    if named:
        return Measure(_logged(named, base), base), True
    if are_multiples(plain):
        return Measure(_logged("CPM" if adds_up_to_million(plain) else "scaled counts", base), base), True
    return Measure("", base), False


def name_measure(values: DoubleArray, base: float, per_length: bool) -> Measure:
    """The measure of one sample (p values as its file has them) that was found (not) to be divided by length."""
    million = adds_up_to_million(undo_log(values, base) if base else values)
    if per_length:
        return Measure(_logged("TPM" if million else "RPKM, FPKM or part of a TPM table", base), base, True)
    return Measure(_logged("CPM" if million else "scaled or expected counts", base), base)


def _whole_words(plain: DoubleArray, base: float) -> str:
    if not base:
        return "expected counts" if is_mostly_whole(plain) else ""
    # Logarithms are written with few decimals: only small counts come back whole.
    some = plain[(plain > 0.5) & (plain < 50)]
    return "counts" if len(some) >= SOME and np.mean(np.abs(some - np.rint(some)) < 0.05) > MULTIPLE_SHARE else ""


def _logged(words: str, base: float) -> str:
    names = {2.0: "log2(x + 1)", np.e: "ln(x + 1)", 10.0: "log10(x + 1)"}
    return f"{names[base]} of {words}" if base else words


def unit_ranks(values: Values) -> DoubleArray:
    """Ranks of each row (m x g), centred and of length 1: the product of two is Spearman's correlation."""
    ranks = np.asarray(_rankdata(values, axis=1), dtype=np.float64)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    units: DoubleArray = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
    return units


def length_evidence(
    values: Values, lengths: DoubleArray, references: DoubleArray, own: bool = False
) -> tuple[DoubleArray, DoubleArray]:
    """Highest rank correlation with a reference of each sample (m x g) as it is, and multiplied by ``lengths`` (g).

    ``references`` (r x g) as ``unit_ranks`` of counts; log scales must be undone first. ``own``: the samples are the
    references, and each is left out of its own comparison.
    """
    found = []
    for measured in (values, values * lengths):
        correlation = unit_ranks(measured) @ references.T
        if own:
            np.fill_diagonal(correlation, -1.0)
        found.append(correlation.max(axis=1))
    return found[0], found[1]


def length_threshold(counts: Values, lengths: DoubleArray, references: DoubleArray) -> float:
    """By how much a sample has to correlate better when it is multiplied by length to be taken as divided by it.

    Half way between what is usual for the references (r x g counts) themselves and for the same divided by length:
    counts go with length already, so the two are not at equal distances from 0.
    """
    usual = [
        np.median(np.subtract(*length_evidence(values, lengths, references, own=True)[::-1]))
        for values in (counts, counts / lengths)
    ]
    return float(np.mean(usual))


def zeros_left_out(present: BoolArray, typical: DoubleArray) -> bool:
    """Whether the genes that a sample without any zero lacks are those that are 0, and not some that nobody counted.

    ``present`` (g) are the genes that it has, ``typical`` (g) what is usual for each. Certain where a gene that is
    there is usually higher than one that is not, for at least 85 % of such pairs: real samples of which only the
    expressed genes were kept have 93 % and more, and of those that also lost a tenth of their genes at random at most
    82 %.
    """
    n_there = int(present.sum())
    n_absent = len(present) - n_there
    if n_absent < SOME or n_there < FEWEST_GENES:
        return False
    ranks = _rankdata(typical)[present].sum() - n_there * (n_there + 1) / 2
    return bool(ranks / (n_there * n_absent) >= ABSENT_LOWER)


def _rankdata(values: Any, **more: Any) -> Any:
    from scipy.stats import rankdata  # takes a quarter of a second to import

    return rankdata(values, **more)
