"""Ends a job whose memory gets out of hand, with words, before the system ends something without any.

Every worker looks at all jobs at work. Where together they take a quarter more than jobs may, the one that is furthest
over what was expected of it goes; each worker finds the same one, and ends itself alone.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from core.jobs.memory import taken
from core.jobs.queue import Ticket, gigabytes, running
from core.store.runs import Run

EVERY = 1.0  # seconds between two looks
SLACK = 1.25  # times the limit; estimates are no better than that


def to_end(tickets: Sequence[Ticket], memory: Mapping[str, int], limit: int) -> str:
    """Id of the run that has to go, "" where none has; ``memory``: bytes that each of them takes."""
    if sum(memory.values()) <= SLACK * limit or not tickets:
        return ""
    worst = max(tickets, key=lambda one: (memory[one.run] - one.memory, one.run))
    return worst.run


@contextlib.contextmanager
def watched(run: Run, folder: Path, limit: int) -> Iterator[None]:
    """Looks after this process's memory while the block runs; ``folder``: where the queue has its files."""
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(run, folder, limit, over), daemon=True, name="memory")
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(run: Run, folder: Path, limit: int, over: threading.Event) -> None:
    while not over.wait(EVERY):
        tickets = running(folder)
        memory = {ticket.run: taken(ticket.pid) for ticket in tickets}
        if to_end(tickets, memory, limit) == run.id:
            _end(run, memory[run.id], limit)


def _end(run: Run, size: int, limit: int) -> None:
    """Ends this process and those it started, and says why."""
    if run.result is None:
        run.write_result(
            "failed",
            error=f"It took {gigabytes(size)} GB of memory, more than was expected, and jobs may take "
            f"{gigabytes(limit)} GB together: run it alone or with smaller settings, or allow more with "
            "ARCHSCOPE_JOB_MEMORY where the machine has it.",
        )
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    os._exit(1)
