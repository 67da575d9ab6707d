"""A matrix that grows in four bytes a value."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.sources.sample_store import ValueStore

VALUES = st.one_of(st.integers(0, 2**32 - 1).map(float), st.floats(0, 1e9, width=32), st.just(2.0**40))


@given(st.lists(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_goes_in_comes_out(chunks: list[list[list[float]]]) -> None:
    rows = [row for chunk in chunks for row in chunk]
    store = ValueStore()
    store.open(len(rows) + 2, 3)
    for chunk in chunks:
        store.add(np.array(chunk))
    expected, found = np.array(rows).T, store.values()
    whole = bool(((expected == np.floor(expected)) & (expected < 2**32)).all())
    assert found.dtype == (np.uint32 if whole else np.float32)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected.astype(found.dtype))


def test_a_fraction_at_the_end_keeps_what_came_before() -> None:
    store = ValueStore()
    store.open(3, 2)
    store.add(np.array([[1.0, 5.0], [7.0, 0.0]]))
    store.add(np.array([[2.5, 3.0]]))
    assert store.values().tolist() == [[1, 7, 2.5], [5, 0, 3]]
