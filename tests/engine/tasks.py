"""Tasks that tests give to an engine: a worker imports them from here."""

import os
import time
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from core import errors


def square(value: int, pause: float = 0.0) -> int:
    time.sleep(pause)
    return value * value


def leave_mark(folder: str, number: int, pause: float = 0.0) -> int:
    """Leaves a file for each time that it was called."""
    (Path(folder) / f"{number}-{time.time_ns()}").touch()
    time.sleep(pause)
    return number


def die_once(marker: str, value: int) -> int:
    """Kills its own process the first time: what a worker lost in the middle looks like."""
    if not Path(marker).exists():
        Path(marker).touch()
        os._exit(1)
    return value


def die() -> None:
    os._exit(1)


def fail(folder: str, kind: str) -> None:
    leave_mark(folder, 0)
    kinds: dict[str, Any] = {**vars(errors), "KeyError": KeyError}
    raise kinds[kind](f"what is wrong in {kind}, where, what to do")


def blas_threads(pause: float = 0.0) -> list[int]:
    time.sleep(pause)
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def environment(*names: str) -> list[str | None]:
    return [os.environ.get(name) for name in names]
