"""Values of a file on the genes of a dataset."""

from dataclasses import replace

import numpy as np
import pytest

from core.sources import matched as module
from core.sources.matched import counts_of, spans_of
from core.types import MatchedSamples, Measure

NAN = float("nan")


def _matched(values: list[list[float]], columns: list[int], n_genes: int = 4, **more: object) -> MatchedSamples:
    array = np.array(values)
    kept = array.astype(np.uint32 if (array == np.floor(array)).all() else np.float32)
    there = np.zeros(n_genes, dtype=bool)
    there[[column for column in columns if column >= 0]] = True
    names = [f"s{i}" for i in range(len(kept))]
    return MatchedSamples(kept, np.array(columns), there, names, [], "file", [], **more)  # type: ignore[arg-type]


def test_whole_counts_of_every_gene_stay_whole() -> None:
    counts = counts_of(_matched([[1, 2, 3, 4, 9]], [3, 2, 1, 0, -1]))
    assert counts.dtype == np.uint32
    assert counts.tolist() == [[4, 3, 2, 1]]


def test_a_gene_that_the_file_lacks_is_missing_or_zero() -> None:
    lacking = _matched([[1, 2, 3]], [3, 0, 1])
    np.testing.assert_array_equal(counts_of(lacking), [[2, 3, NAN, 1]])
    assert counts_of(replace(lacking, rest_is_zero=True)).tolist() == [[2, 3, 0, 1]]


def test_values_of_one_gene_are_added_after_logs_are_undone() -> None:
    logs = np.log2(1 + np.array([[7.0, 1.0, 3.0, 2.0, 5.0]]))
    found = _matched(logs.tolist(), [0, 0, 1, 2, 3], measures=(Measure("log", 2.0),))
    np.testing.assert_allclose(counts_of(found), [[8, 3, 2, 5]], rtol=1e-6)


def test_only_samples_per_length_are_multiplied_and_unknown_lengths_are_missing() -> None:
    lengths = np.array([1000.0, NAN, 10.0, 1.0])
    both = (Measure("TPM", per_length=True), Measure("CPM"))
    found = _matched([[0.5, 2, 3, 4], [0.5, 2, 3, 4]], [0, 1, 2, 3], measures=both, lengths=lengths)
    np.testing.assert_array_equal(counts_of(found), [[500, NAN, 30, 4], [0.5, 2, 3, 4]])
    np.testing.assert_array_equal(counts_of(found.part(1, 2)), [[0.5, 2, 3, 4]])
    without = replace(found, lengths=None)  # a dataset without lengths: as they are
    np.testing.assert_array_equal(counts_of(without), [[0.5, 2, 3, 4]] * 2)


@pytest.mark.parametrize("limit", [1, 8, 9, 1000])
def test_blocks_cover_every_sample_once(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(module, "BLOCK_VALUES", limit)
    found = _matched([[i, 2, 3, 4] for i in range(1, 6)], [0, 1, 2, 3])
    spans = list(spans_of(found))
    assert [i for start, stop in spans for i in range(start, stop)] == list(range(5))
    parts = np.concatenate([counts_of(found.part(*span)) for span in spans])
    np.testing.assert_array_equal(parts, counts_of(found))
