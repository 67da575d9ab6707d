"""The process that reads one upload's HDF5 files for ``sample_apart``; a file a line of standard input.

    in   {"path": ..., "name": ...}
    out  {"progress": [stage, done, total]} ...     then {"error": message}
         or {"shape": [m, p], "type": "uint32" | "float32", "gene_ids": [...], "sample_names": [...], ...}

The numbers go to the file whose descriptor is the only argument, C order, from its start.
"""

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ArchscopeError
from core.sources.sample_hdf5 import read_hdf5
from core.sources.sample_limits import MAX_VALUES

# Address space that it may take: libraries and the largest matrix need about 3 GB; a small file needs no such matrix.
MEMORY, MEMORY_A_BYTE, MOST_MEMORY = 2 * 2**30, 200, 8 * 2**30
LONGEST_S = 3600  # of the processor, should whoever watches it be gone


def main(number: int) -> None:
    """Answers requests until standard input ends."""
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_CPU, LONGEST_S)
    limit(resource.RLIMIT_FSIZE, 4 * MAX_VALUES)
    for line in sys.stdin:
        request = json.loads(line)
        path, name = Path(request["path"]), str(request["name"])
        limit(resource.RLIMIT_AS, min(MEMORY + MEMORY_A_BYTE * path.stat().st_size, MOST_MEMORY))
        try:
            say(_answer(path, name, number))
        except ArchscopeError as error:
            say({"error": str(error)})
        except MemoryError:
            say({"error": f"{name}: needs more memory than a file of its size should. Keep the counts alone."})


def _answer(path: Path, name: str, number: int) -> dict[str, Any]:
    samples = read_hdf5(path, name, progress)
    os.lseek(number, 0, os.SEEK_SET)
    with os.fdopen(number, "wb", closefd=False) as file:
        np.ascontiguousarray(samples.values).tofile(file)
    return {
        "shape": list(samples.values.shape), "type": samples.values.dtype.name, "gene_ids": samples.gene_ids,
        "sample_names": samples.sample_names, "kind": samples.kind, "notes": samples.notes, "counted": samples.counted,
    }  # fmt: skip


def progress(stage: str, done: float, total: float, **values: float | str) -> None:
    """Tells how far it is, which is also a sign of life."""
    say({"progress": [stage, done, total]})


def say(what: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def limit(what: int, most: int) -> None:
    """Sets a limit of this process, where the system has it."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
