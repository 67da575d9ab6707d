"""Files that must stay as they are while they are read: a replaced one would give counts of two contents."""

from collections.abc import Iterable
from pathlib import Path

from core.errors import InputError

Stamp = tuple[int, int]  # bytes, time of change in ns


def stamp_of(path: Path) -> Stamp:
    """What tells whether a file changed; zeros where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


def stamps_of(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """The stamps of some files."""
    return {path: stamp_of(path) for path in paths}


def check_unchanged(before: dict[Path, Stamp]) -> None:
    """Raises InputError where a file is not what it was."""
    for path, stamp in before.items():
        if stamp_of(path) != stamp:
            raise InputError(
                f"{path} was replaced or changed while it was read, so nothing was built from it: wait until it is "
                "complete, then start again."
            )
