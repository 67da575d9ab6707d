"""Charts that are the same for everybody, drawn once: building them is what a page spends most of its time on."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.store.datasets import StoredDataset

KEPT = 128  # some tens to some hundreds of kB each
T = TypeVar("T")


def once(dataset: StoredDataset, what: str, make: Callable[[], T], *parts: str | int) -> T:
    """What ``make`` gives for this dataset with its labels, and these ``parts``, on which alone it may depend.

    Shared between sessions: read it, don't change it.
    """
    return _once(dataset.name, dataset.view_key, what, parts, make)  # type: ignore[no-any-return]


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _once(name: str, key: str, what: str, parts: tuple[str | int, ...], _make: Callable[[], T]) -> T:
    return _make()
