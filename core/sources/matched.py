"""Counts of uploaded samples on the genes of a dataset, a few samples at a time."""

from collections.abc import Iterator

import numpy as np

from core.expression.normalise import Counts
from core.expression.units import undo_log
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray, MatchedSamples, Measure

BLOCK_VALUES = 2**22  # values of a block: 32 MB in float64


def spans_of(matched: MatchedSamples) -> Iterator[tuple[int, int]]:
    """Blocks of samples, (start, stop), that are small enough to work on in float64."""
    size = max(1, BLOCK_VALUES // max(len(matched.matched), len(matched.columns)))
    for start in range(0, len(matched), size):
        yield start, min(start + size, len(matched))


def counts_of(matched: MatchedSamples) -> Counts:
    """What ranks as counts do (m x G): uint32 where it is whole counts of every gene, else float64.

    NaN where the file lacks the gene, or the length is not known that a value has to be multiplied by. Values that
    fall on one gene are added up.
    """
    hit = matched.columns >= 0
    columns = matched.columns[hit]
    complete = matched.rest_is_zero or bool(matched.matched.all())
    plain = not any(measure.log_base or measure.per_length for measure in matched.measures)
    if matched.values.dtype == np.uint32 and complete and plain and len(np.unique(columns)) == len(columns):
        counts: CountMatrix = np.zeros((len(matched), len(matched.matched)), dtype=np.uint32)
        counts[:, columns] = matched.values[:, hit]
        return counts
    return _in_float(matched, hit, columns, complete)


def _in_float(matched: MatchedSamples, hit: BoolArray, columns: IndexArray, complete: bool) -> DoubleArray:
    values = np.asarray(matched.values[:, hit], dtype=np.float64)
    for row, measure in zip(values, matched.measures, strict=False):
        if measure.log_base:
            row[:] = undo_log(row, measure.log_base)
    counts = _on_genes(values, columns, len(matched.matched))
    if not complete:
        counts[:, ~matched.matched] = np.nan
    _times_length(counts, matched.measures, matched.lengths)
    return counts


def _on_genes(values: DoubleArray, columns: IndexArray, n_genes: int) -> DoubleArray:
    counts = np.zeros((len(values), n_genes))
    _, first = np.unique(columns, return_index=True)
    counts[:, columns[first]] = values[:, first]
    again = np.setdiff1d(np.arange(len(columns)), first)
    np.add.at(counts.T, columns[again], values[:, again].T)
    return counts


def _times_length(counts: DoubleArray, measures: tuple[Measure, ...], lengths: DoubleArray | None) -> None:
    rows = [i for i, measure in enumerate(measures) if measure.per_length]
    if rows and lengths is not None:
        counts[rows] *= lengths
