"""Small JSON files beside what was fetched: of which content it is; and that one process at a time fetches it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import InputError


def read_record(path: Path) -> dict[str, Any] | None:
    """What stands there; None where there is nothing, or nothing whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Written aside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(dict(content), indent=2, ensure_ascii=False), encoding="utf-8")
    aside.replace(path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds a lock beside ``path``, which the system frees when a process dies. Raises InputError where it is taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{path}: another process is fetching this very file: wait for it.") from error
        yield
        lock.unlink(missing_ok=True)
