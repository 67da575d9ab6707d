"""Which jobs may run: so many at once of each sort, and not more memory together than a limit.

Every job that waits or runs holds the lock of a file of its own (``slots/jobs/<run>.json``), which says what the job
needs. The system frees the lock when the process dies, however it dies, and whoever looks next takes the file away; so
nothing is ever owed to a job that is gone. Whoever looks, looks alone (``gate.lock``) and sees all the others.

The order is that of asking, turn about between people: of those who wait, first each one's first job, counting what
they already have at work. A job that has a place but no memory yet keeps those behind it waiting, so a big one
gets its turn; one that waits for a place does not hold up other sorts of jobs.
"""

import contextlib
import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

PAUSE = 0.3  # seconds between two looks for a place


@dataclass(frozen=True)
class Ticket:
    """What a job asks for. ``sort``: jobs of one sort share its places; ``order``: earlier goes first;
    ``memory``: bytes that it is expected to take.
    """

    run: str
    sort: str
    order: tuple[int, str]
    owner: str = ""
    memory: int = 0
    pid: int = 0
    running: bool = False


@dataclass(frozen=True)
class Limits:
    """Places of each sort, and bytes of memory for all jobs together."""

    places: int
    memory: int


@contextlib.contextmanager
def place(folder: Path, ticket: Ticket, limits: Limits, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds a place while the block runs; until then calls ``waiting`` at every look, with the reason in words."""
    folder.mkdir(parents=True, exist_ok=True)
    mine, path = replace(ticket, pid=os.getpid()), folder / f"{ticket.run}.json"
    with contextlib.ExitStack() as stack:
        file = None
        while True:
            with _gate(folder):
                if file is None:
                    file = stack.enter_context(_write(path, mine))
                    stack.callback(_remove, path)  # before the file is closed: the lock goes last
                others = [one for one in _held(folder) if one.run != mine.run]
                why = reason_to_wait(mine, others, limits)
                if not why:
                    _rewrite(file, replace(mine, running=True))
                    break
            waiting(why)
            time.sleep(PAUSE)
        yield


def running(folder: Path) -> list[Ticket]:
    """The jobs that hold a place now."""
    if not folder.is_dir():
        return []
    with _gate(folder):
        return [ticket for ticket in _held(folder) if ticket.running]


def reason_to_wait(mine: Ticket, others: Sequence[Ticket], limits: Limits) -> str:
    """Why a job may not run yet, in words; "" where it may. ``others``: all that wait or run beside it.

    A job that alone is over the limit of memory runs when no other does.
    """
    places = Counter(one.sort for one in others if one.running)
    used = sum(one.memory for one in others if one.running)
    at_work = any(one.running for one in others)
    for ahead, one in enumerate(in_turn([mine, *others])):
        if places[one.sort] >= limits.places:
            if one is mine:
                return f"waiting for {limits.places} other job{'s' * (limits.places != 1)} of its kind" + _behind(ahead)
            continue
        if at_work and used + one.memory > limits.memory:
            if one is mine:
                return f"waiting for memory: {in_use(used, limits.memory)}, it needs {gigabytes(mine.memory)} GB"
            return f"waiting behind a job that waits for memory ({in_use(used, limits.memory)})"
        if one is mine:
            return ""
        places[one.sort] += 1
        used += one.memory
        at_work = True
    raise ValueError(f"job {mine.run!r} is at work already")


def in_turn(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Those that wait, in the order in which they may go: turn about between owners, then as they were asked for."""
    turns = Counter(one.owner for one in tickets if one.running)
    order = []
    for one in sorted((one for one in tickets if not one.running), key=lambda one: one.order):
        order.append((turns[one.owner], one.order, one))
        turns[one.owner] += 1
    return [one for _, _, one in sorted(order, key=lambda each: each[:2])]


def in_use(used: int, limit: int) -> str:
    """Memory that is taken, of how much: "3.2 of 4 GB in use"."""
    return f"{gigabytes(used)} of {gigabytes(limit)} GB in use"


def gigabytes(size: float) -> str:
    """Bytes in GB (10^9) as people say them: "4", "3.2", "0.35"."""
    found = size / 1e9
    return f"{found:.1f}".removesuffix(".0") if found >= 1 else f"{found:.2g}"


def _behind(ahead: int) -> str:
    return f", {ahead} ahead of it" if ahead else ""


# -- files ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One process at a time."""
    with (folder / "gate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, ticket: Ticket) -> IO[str]:
    """A job's file, locked for as long as it is open."""
    file = path.open("w", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX)
    _rewrite(file, ticket)
    return file


def _rewrite(file: IO[str], ticket: Ticket) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(asdict(ticket)))
    file.flush()


def _remove(path: Path) -> None:
    with _gate(path.parent):
        path.unlink(missing_ok=True)


def _held(folder: Path) -> list[Ticket]:
    """Every job whose process lives; the files of others go. Inside the gate alone."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with path.open("r", encoding="utf-8") as file:
            if _lock(file):  # nobody holds it: its process is gone
                path.unlink(missing_ok=True)
                continue
            known = json.load(file)
        found.append(Ticket(**{**known, "order": tuple(known["order"])}))
    return found


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
