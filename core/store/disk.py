"""Disks that are full and folders that cannot be written: told in one line, with the folder and the room left."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.errors import ArchscopeError, StoreError

FULL = (errno.ENOSPC, errno.EDQUOT)
SAID = (*FULL, errno.EFBIG, errno.EROFS)  # in the words of libraries that have errors of their own
FORBIDDEN = (errno.EACCES, errno.EPERM)
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
LEAST = 1 << 20  # bytes free, under which a write that failed without a reason failed for want of room


@contextlib.contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """Whatever the disk refuses inside is raised as StoreError: what is wrong, in which folder, and what to do."""
    try:
        yield
    except (BrokenPipeError, ConnectionError, TimeoutError):  # not of a disk
        raise
    except OSError as error:
        raise trouble(error, folder) from error
    except ArchscopeError:
        raise
    except Exception as error:
        hidden = next((number for number in SAID if os.strerror(number) in str(error)), None)
        if hidden is None:
            raise
        raise trouble(OSError(hidden, os.strerror(hidden)), folder) from error


def trouble(error: OSError, folder: Path) -> StoreError:
    """What a disk refused, as an error for the user; ``folder`` is where it was writing, unless the error names a file.

    Some libraries fail on a full disk without saying so: then the room that is left decides.
    """
    named = Path(error.filename) if isinstance(error.filename, str) else None
    inside = named is None or folder in named.parents or named == folder
    if error.errno in FULL or (error.errno is None and inside and _free(folder) < LEAST):
        return StoreError(
            f"The disk of {folder} is full ({room(folder)}): free some room, then start it again. What was finished "
            "is kept."
        )
    if error.errno == errno.EFBIG:
        return StoreError(
            f"A file in {folder} may not grow any more (a limit on file sizes; {room(folder)}): raise the limit "
            "(ulimit -f), then start it again. What was finished is kept."
        )
    if error.errno == errno.EROFS:
        return StoreError(f"{folder} is read-only ({room(folder)}): {_elsewhere()}")
    if error.errno in FORBIDDEN and inside:
        return StoreError(f"{named or folder} may not be written by this user ({room(folder)}): {_elsewhere()}")
    reason = (error.strerror or str(error)).strip().rstrip(".")
    if not inside:
        return StoreError(f"{named} cannot be opened ({reason}): check the path and its permissions.")
    return StoreError(f"{named or folder}: {reason} ({room(folder)}). Check the folder and its disk, then try again.")


def refusal(folder: Path) -> str:
    """Why a folder cannot be written, in words for the user; "" where it can. Writes and removes a small file."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"ARCHScope")
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
        return str(trouble(error, folder))
    return ""


def room(folder: Path) -> str:
    """How much is free on the disk of a folder, in words."""
    free = _free(folder)
    step, unit = next((each for each in UNITS if free >= each[0]), (1, "B"))
    return f"{free / step:.{0 if step < 1e6 else 1}f} {unit} free"


def _free(folder: Path) -> int:
    there = next((path for path in (folder, *folder.parents) if os.path.exists(path)), Path("/"))  # noqa: PTH110 - Path.exists raises in a closed folder
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return 0


def _elsewhere() -> str:
    return "make it writable, or name another data folder with ARCHSCOPE_DATA or --data-dir."
