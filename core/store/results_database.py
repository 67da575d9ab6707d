"""The file of the results database: opened, and replaced where it is damaged or cannot be written.

Everything in it can be made again from datasets and runs, so a damaged file is set aside and a new one begun, and on a
full disk or in a read-only folder results live in memory. A file that another ARCHScope uses, or that a newer one
wrote, is left as it is.
"""

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import TypeVar

import duckdb

from core.errors import StoreError
from core.store.disk import room
from core.store.migrations import migrate

T = TypeVar("T")
log = logging.getLogger("archscope")

WAIT_S = 30.0  # that others may take to finish before a damaged file is replaced under them
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Trouble(Enum):
    """What is wrong with the file, by the words of DuckDB's errors (its classes do not tell)."""

    LOCKED = ("Could not set lock", "Conflicting lock")
    NEWER = ("storage version", "newer version of DuckDB", "Storage Version")
    REFUSED = (
        "No space left", "Disk quota exceeded", "File too large", "Read-only file system", "Permission denied",
        "Operation not permitted",
    )  # fmt: skip
    DAMAGED = (
        "not a valid DuckDB database", "Corrupt", "Could not read enough bytes", "checksum", "Is a directory",
        "replaying WAL", "invalidated", "INTERNAL Error", "Serialization Error", "does not exist!", "Could not read",
    )  # fmt: skip


def trouble_of(error: duckdb.Error) -> Trouble | None:
    """What an error says of the file; None where it is about something else."""
    return next((kind for kind in Trouble if any(words in str(error) for words in kind.value)), None)


class Database:
    """An open database with the schema of this version. ``notices``: what a user has to know of it, a line each."""

    def __init__(self, path: Path | None) -> None:
        """Opens ``path`` (None: in memory). Raises StoreError where another process has it or a newer version wrote it.

        A damaged file is set aside as <name>.damaged-<time>; one that cannot be written is left, for one in memory.
        """
        self.path = path
        self.notices: list[str] = []
        self._change = threading.Condition()
        self._users, self._generation = 0, 0
        self._connection = self._open()

    def run(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """``work(cursor)``, with a cursor of its own; once more on a new file where this one turns out to be unusable.

        So ``work`` has to bring along what it looks for.
        """
        with self._using() as (cursor, generation):
            try:
                return work(cursor)
            except duckdb.Error as error:
                trouble = trouble_of(error)
                if self.path is None or trouble not in (Trouble.DAMAGED, Trouble.REFUSED):
                    raise
                failure = error
        self._replace(generation, trouble, failure)
        with self._using() as (cursor, _):
            return work(cursor)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the calling thread's own."""
        return self._connection.cursor()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextlib.contextmanager
    def _using(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
        with self._change:
            self._users += 1
            cursor, generation = self._connection.cursor(), self._generation
        try:
            yield cursor, generation
        finally:
            with contextlib.suppress(duckdb.Error):
                cursor.close()
            with self._change:
                self._users -= 1
                self._change.notify_all()

    def _replace(self, generation: int, trouble: Trouble, error: duckdb.Error) -> None:
        """A new file, or one in memory, for this one; whoever comes second finds it done."""
        with self._change:
            self._change.wait_for(lambda: self._users == 0, WAIT_S)  # DuckDB keeps a file while anybody has a cursor
            if generation != self._generation:
                return
            with contextlib.suppress(duckdb.Error):
                self._connection.close()
            if trouble is Trouble.DAMAGED:
                self._connection = self._begin_anew(error)
            else:
                self._connection = self._in_memory(_first_line(error))
            self._generation += 1

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self.path is None:
            return _connect(None)
        there = self.path.exists()
        try:
            return _connect(self.path)
        except duckdb.Error as error:
            trouble = trouble_of(error)
            if not there and self.path.is_file():  # what a full disk left of a new one
                self.path.unlink()
            if trouble is Trouble.DAMAGED:
                return self._begin_anew(error)
            if trouble is Trouble.REFUSED:
                return self._in_memory(_first_line(error))
            raise StoreError(_refusal(self.path, trouble, error)) from error

    def _begin_anew(self, error: duckdb.Error) -> duckdb.DuckDBPyConnection:
        assert self.path is not None
        try:
            aside = set_aside(self.path)
            connection = _connect(self.path)
        except (OSError, duckdb.Error) as again:
            return self._in_memory(f"it is damaged and cannot be replaced: {str(again).splitlines()[0]}")
        self._say(
            f"The results database was damaged and is being rebuilt from the datasets and runs; nothing is lost. The "
            f"damaged file is kept as {aside.name} ({_first_line(error)})."
        )
        return connection

    def _in_memory(self, why: str) -> duckdb.DuckDBPyConnection:
        assert self.path is not None
        self._say(
            f"The results database {self.path} cannot be written ({why}; {room(self.path.parent)}), so results are "
            "kept in memory until ARCHScope starts again. Browsing works; nothing is lost."
        )
        self.path = None
        return _connect(None)

    def _say(self, notice: str) -> None:
        self.notices.append(notice)
        log.warning(notice)


def set_aside(path: Path) -> Path:
    """Takes a damaged database (or whatever is in its place) and its log out of the way; only the last one is kept."""
    for old in path.parent.glob(f"{path.name}.damaged-*"):
        if old.is_file():
            old.unlink()
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    path.rename(aside)
    journal = path.with_name(f"{path.name}.wal")
    if journal.exists():
        journal.rename(aside.with_name(f"{aside.name}.wal"))
    return aside


def _connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    """Open and brought up to date; closed again where that fails."""
    connection = duckdb.connect(str(path) if path else ":memory:", config=_SETTINGS)
    try:
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(path: Path, trouble: Trouble | None, error: duckdb.Error) -> str:
    if trouble is Trouble.LOCKED:
        process = re.search(r"PID (\d+)", str(error))
        who = f" (process {process[1]})" if process else ""
        return (
            f"The results database {path} is in use: another ARCHScope uses this data folder{who}. Use that one, or "
            "stop it, then load this page again."
        )
    if trouble is Trouble.NEWER:
        return f"The results database {path} was written by a newer ARCHScope: update, or move the file aside."
    return (
        f"The results database {path} cannot be opened ({_first_line(error)}). Move the file aside: it is rebuilt from "
        "the datasets and runs."
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
