"""The audit log: ``audit.jsonl`` in the data folder, a line for everything that somebody changed, or was refused.

Lines are only ever added, each written whole and on disk (fsync) before what it tells of is done. A machine that dies
in the middle of a line leaves one that cannot be read; it is passed over, and the next begins on a line of its own.
"""

import fcntl
import json
import os
from pathlib import Path

import pandas as pd

from core.errors import StoreError
from core.store.files import clean
from core.store.runs import now

FILE = "audit.jsonl"
COLUMNS = ("time", "person", "role", "action", "kind", "dataset", "run", "outcome", "detail")
OUTCOMES = ("allowed", "refused", "failed")
LONGEST = 300  # characters of a detail
TAIL = 2**20  # bytes that are looked at for the newest lines first


class AuditLog:
    """The audit log of one data folder."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE

    def add(self, **entry: str) -> None:
        """Adds a line with the columns ``COLUMNS`` (time is now; those left out are "").

        Raises StoreError where it cannot be written; then nothing may be done.
        """
        known = {"time": now(), **entry}
        line = {name: str(known.get(name, ""))[:LONGEST] for name in COLUMNS}
        text = json.dumps(clean(line), ensure_ascii=False) + "\n"
        try:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                _write(file, text.encode("utf-8"))
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreError(
                f"The audit log {self.path} cannot be written ({error.strerror or error}), so nothing was done: check "
                "the folder's permissions and the space on the disk."
            ) from error

    def read(self, newest: int | None = None) -> pd.DataFrame:
        """The entries, newest first (columns ``COLUMNS``, all text); at most ``newest``. Raises StoreError."""
        if not self.path.is_file():
            return pd.DataFrame(columns=list(COLUMNS), dtype="str")
        try:
            with self.path.open("rb") as file:
                lines = _lines(file.fileno(), newest)
        except OSError as error:
            raise StoreError(f"The audit log {self.path} cannot be read ({error.strerror or error}).") from error
        entries = [entry for line in reversed(lines) if (entry := _entry(line)) is not None][:newest]
        return pd.DataFrame(entries, columns=list(COLUMNS)).astype("str")


def _write(file: int, line: bytes) -> None:
    end = os.fstat(file).st_size
    if end and os.pread(file, 1, end - 1) != b"\n":  # somebody died in the middle of a line
        line = b"\n" + line
    while line:
        line = line[os.write(file, line) :]


def _lines(file: int, newest: int | None) -> list[bytes]:
    """Lines of the file, oldest first: its last part where that has enough of them, else all."""
    end = os.fstat(file).st_size
    start = 0 if newest is None else max(0, end - TAIL)
    lines = os.pread(file, end - start, start).split(b"\n")
    if start and newest is not None and len(lines) <= newest + 1:
        return _lines(file, None)
    return lines[1:] if start else lines


def _entry(line: bytes) -> dict[str, str] | None:
    try:
        found = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return {name: str(found.get(name, "")) for name in COLUMNS} if isinstance(found, dict) else None
