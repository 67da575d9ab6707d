"""Columns of uploaded HDF5 files as plain arrays: lists of text, in whatever way they were written, and counts."""

import contextlib
from collections.abc import Iterator

import h5py
import numpy as np

from core.errors import SampleFileError
from core.types import DoubleArray, SampleValues

PIECE = 4_000_000  # values read at a time
MOST_COUNT = 1e30  # sums of such values still fit into float32


@contextlib.contextmanager
def damage(name: str, key: str) -> Iterator[None]:
    """Whatever h5py says of a damaged file, in one line."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise SampleFileError(f"{name}: cannot read {key} ({reason}). Copy or download the file again.") from error


def texts(item: h5py.Dataset | h5py.Group, key: str, name: str, limit: int) -> list[str]:
    """A list of text: plain, categorical (categories and codes), or nullable (values and mask).

    Raises SampleFileError where it is none, or longer than ``limit``.
    """
    if isinstance(item, h5py.Group):
        return _grouped(item, key, name, limit)
    if not isinstance(item, h5py.Dataset) or item.ndim != 1:
        raise SampleFileError(f"{name}: {key} must be a list. Save the file again.")
    if item.shape[0] > limit:
        raise SampleFileError(f"{name}: {key} has {item.shape[0]:,} entries, but at most {limit:,} are read.")
    with damage(name, key):
        values = item[:]
    return [text_of(value) for value in values]


def _grouped(group: h5py.Group, key: str, name: str, limit: int) -> list[str]:
    if "categories" in group and "codes" in group:
        categories = [*texts(group["categories"], f"{key}/categories", name, limit), ""]
        with damage(name, key):
            codes = np.asarray(numbers(group["codes"], f"{key}/codes", name, limit), dtype=np.int64)
        if len(codes) and not (codes.min() >= -1 and codes.max() < len(categories) - 1):
            raise SampleFileError(f"{name}: {key} has codes without a category. Save the file again.")
        return [categories[code] for code in codes]
    if "values" in group:
        return texts(group["values"], f"{key}/values", name, limit)
    raise SampleFileError(f"{name}: {key} is no list of text. Save the file again.")


def numbers(item: object, key: str, name: str, limit: int) -> DoubleArray:
    """A list of numbers (as float64). Raises SampleFileError where it is none, or longer than ``limit``."""
    if not isinstance(item, h5py.Dataset) or item.ndim != 1 or item.dtype.kind not in "biuf":
        raise SampleFileError(f"{name}: {key} must be a list of numbers. Save the file again.")
    if item.shape[0] > limit:
        raise SampleFileError(f"{name}: {key} has {item.shape[0]:,} entries, but at most {limit:,} are read.")
    with damage(name, key):
        found = np.asarray(item[:], dtype=np.float64)
    if not (np.abs(found) <= 2**53).all():  # what they number is far less; NaN compares false
        raise SampleFileError(f"{name}: {key} holds what is no number. Save the file again.")
    return found


def is_list(item: object, kinds: str) -> bool:
    """Whether it is a list of numbers of one of these kinds (numpy's letters)."""
    return isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in kinds


def as_values(values: DoubleArray) -> SampleValues:
    """Counts (m x p, finite, >= 0) in four bytes each: uint32 where all are whole, else float32."""
    whole = bool(((values == np.floor(values)) & (values < 2**32)).all())
    return values.astype(np.uint32) if whole else values.astype(np.float32)


def check_counts(values: DoubleArray, where: str) -> None:
    """Raises SampleFileError unless all are finite numbers of at least 0."""
    bad = ~((values >= 0) & (values <= MOST_COUNT))
    if bad.any():
        raise SampleFileError(
            f"{where} holds {values[bad][0]}, but counts must be finite numbers of at least 0. Centred or scaled "
            "values cannot be turned back: give the raw counts."
        )


def text_of(value: object) -> str:
    """A name as one line, whatever is in it; UTF-8 whatever the file declares."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip() if text.isprintable() else " ".join(text.replace("\0", " ").split())
