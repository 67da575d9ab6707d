"""At most so many jobs at once: each holds one of the slot files' locks, which the system frees when a process dies."""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

PAUSE = 0.3  # seconds between two looks for a free slot


@contextlib.contextmanager
def slot(folder: Path, slots: int, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds one of ``slots`` places; calls ``waiting`` at every look while all are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context((folder / f"slot{number}.lock").open("w")) for number in range(slots)]
        while not any(_lock(file) for file in files):
            waiting()
            time.sleep(PAUSE)
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
