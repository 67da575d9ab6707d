"""Folders aside, in which something is made ready, and files that stay readable there whatever becomes of them.

.<kind>/<pid>-<token>/.lock   held while the process lives; the system frees it, so that leftovers are known
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

JOURNAL = "commit.json"  # a folder with one in it is still needed
Stamp = tuple[int, int, int, int]


@dataclass(frozen=True)
class Member:
    """A file to be archived: its name in the archive, where it is read, and what it was when it was chosen."""

    name: str
    path: Path
    stamp: Stamp

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stamp[3]


def stamp_of(found: os.stat_result) -> Stamp:
    """Tells a file from one that was put in its place, and from itself after a change."""
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def member(name: str, path: Path) -> Member:
    """A file as it is now."""
    return Member(name, path, stamp_of(path.stat()))


@contextlib.contextmanager
def staging(root: Path, kind: str) -> Iterator[Path]:
    """A new folder below ``root``/.<kind>, removed at the end; one with a ``JOURNAL`` in it stays.

    A lock in it tells the folder of a living process from what a killed one left.
    """
    folder = root / f".{kind}" / f"{os.getpid()}-{secrets.token_hex(4)}"
    for left in leftovers(folder.parent):
        if not (left / JOURNAL).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        if not (folder / JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process is at work, too
                folder.parent.rmdir()


def leftovers(parent: Path) -> list[Path]:
    """Such folders of processes that were killed."""
    return [path for path in sorted(parent.glob("*")) if path.is_dir() and not is_held(path)]


def is_held(folder: Path) -> bool:
    """Whether a living process works in such a folder."""
    try:
        with (folder / ".lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # the process makes it right after the folder
        return folder.is_dir() and time.time() - folder.stat().st_mtime < 60
    return False


def hold(name: str, source: Path, folder: Path) -> Member:
    """A file that stays readable as it is now, whatever becomes of it: a hard link to it in ``folder``.

    A list that grows by lines (.jsonl) is copied up to its last whole line. Where the disk knows no links the file
    itself is read, and its stamp tells a change. Raises FileNotFoundError.
    """
    kept = folder / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".jsonl":
        content = source.read_bytes()
        kept.write_bytes(content[: content.rfind(b"\n") + 1])
        return member(name, kept)
    try:
        os.link(source.resolve(), kept)
    except FileNotFoundError:
        raise
    except OSError:
        return member(name, source)
    return member(name, kept)
