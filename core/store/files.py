"""Writing so that nobody ever reads half a file: aside first, then renamed."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import StoreError

KEPT_FILES, KEPT_SIZE = 1024, 64 << 10  # how many small files are kept, and the bytes of the largest


def write_json(path: Path, content: Any) -> None:
    """JSON, two spaces; NaN becomes null, because the standard has no NaN."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(clean(content), indent=2, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    aside.replace(path)


def read_json(path: Path) -> Any:
    """The content of a JSON file that ARCHScope wrote. Raises StoreError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({error}): build the dataset or train the run again.") from error


def read_kept(path: Path) -> Any:
    """As ``read_json``, of a file that is looked at again and again: it is read once, while it stays as it is.

    Whoever asks gets the same objects: change nothing in them. Raises StoreError.
    """
    try:
        stat = path.stat()
    except OSError:
        return read_json(path)
    if stat.st_size > KEPT_SIZE:
        return read_json(path)
    return _kept(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=KEPT_FILES)
def _kept(path: Path, as_it_is: tuple[int, int, int]) -> Any:
    """``as_it_is`` makes another state of a file another entry."""
    return read_json(path)


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """A table as Parquet, written aside and renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    frame.to_parquet(aside, index=False)
    aside.replace(path)


def clean(content: Any) -> Any:
    """The same content with only what JSON knows: numpy scalars and arrays unwrapped, NaN and infinities as null."""
    if isinstance(content, dict):
        return {str(key): clean(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [clean(value) for value in content]
    if hasattr(content, "tolist"):  # numpy arrays and scalars
        return clean(content.tolist())
    if isinstance(content, float) and (content != content or content in (float("inf"), float("-inf"))):
        return None
    return None if content is pd.NA else content
