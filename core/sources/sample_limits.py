"""How much of an upload is read at once, and how its samples are called."""

import re
from collections.abc import Sequence
from pathlib import Path

from core.errors import SampleFileError

MAX_SAMPLES = 5_000
MAX_VALUES = 500_000_000  # of four bytes


def check_size(n_samples: int, n_rows: int, name: str) -> None:
    """Raises SampleFileError for more samples, or more values in all, than are read at once."""
    if n_samples > MAX_SAMPLES:
        raise SampleFileError(
            f"{name}: {n_samples:,} samples, but at most {MAX_SAMPLES:,} are read at once. Split the file; genes must "
            "be its rows and samples its columns."
        )
    if n_samples * n_rows > MAX_VALUES:
        raise SampleFileError(
            f"{name}: {n_rows:,} rows of {n_samples:,} samples are more than fit into memory. Split the file into "
            f"files of at most {max(1, MAX_VALUES // n_rows):,} samples."
        )


def distinct(names: list[str], name: str) -> list[str]:
    """The names of samples (m) as they are. Raises SampleFileError where one is blank or repeated."""
    if "" in names:
        raise SampleFileError(f"{name}: sample column {names.index('') + 1} has no name in the header. Name it.")
    repeated = [n for i, n in enumerate(names) if n in names[:i]] if len(set(names)) < len(names) else []
    if repeated:
        raise SampleFileError(f"{name}: the sample names {few(repeated)} are repeated in the header. Rename them.")
    return names


def stem(name: str) -> str:
    """A file's name without folder and ending, for the sample that it holds."""
    ending = r"(\.(csv|tsv|txt|tab|h5|hdf5|h5ad|loom|zip|tar|tgz))?(\.gz)?$"
    return re.sub(ending, "", Path(name).name, flags=re.IGNORECASE) or name


def few(values: Sequence[str], count: int = 3) -> str:
    return ", ".join(values[:count]) + (", ..." if len(values) > count else "")
