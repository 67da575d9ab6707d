"""Arrays that were written by numpy, read back without trust: no pickles, and one kind of error whatever is wrong."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# What numpy, zipfile and json raise for files that were damaged, or made to do harm.
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, RecursionError, OverflowError,
    NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_array(path: Path, mapped: bool = False) -> npt.NDArray[Any]:
    """The array of a .npy file, memory-mapped where asked for. Raises ValueError for anything else."""
    try:
        found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        found.close()
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from error
    raise ValueError("it is an archive, not an array")


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a .npz file by name. Raises ValueError for anything else."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from error
