"""How much of the machine other processes take meanwhile: a measurement that they disturb is not worth much."""

import os
import resource
import time
from collections.abc import Callable
from typing import Any

import psutil

BUSY = 0.1  # share of the machine that others may take
AGAIN = 2  # times that a disturbed measurement is repeated
LONG = 90.0  # seconds; what takes longer is not repeated
SHORT = 0.2  # seconds; the clock of the processes is too coarse for less


class Others:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._before = _elsewhere()

    def share(self) -> float:
        """Share of all cores, 0 to 1, that processes other than this one and its children took since."""
        passed = max(1e-9, (time.perf_counter() - self._begun) * (os.cpu_count() or 1))
        return min(1.0, max(0.0, _elsewhere() - self._before) / passed)


class Bystanders:
    """CPU that processes take which are not of this one's family, from look to look.

    Where children end that nobody asks for their times, as those of a browser do, ``Others`` would count them.
    """

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self.taken: dict[int, float] = {}  # seconds of CPU by process
        self._seen: dict[tuple[int, float], float] = {}
        self.look(first=True)

    def look(self, first: bool = False) -> None:
        """Counts what was taken since the last look; a process that came and went in between is missed."""
        family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
        seen = {}
        for process in psutil.process_iter():
            try:
                key, used = (process.pid, process.create_time()), sum(process.cpu_times()[:2])
            except psutil.Error:
                continue
            if process.pid not in family:
                seen[key] = used
                more = 0.0 if first else used - self._seen.get(key, 0.0)
                self.taken[process.pid] = self.taken.get(process.pid, 0.0) + max(0.0, more)
        self._seen = seen

    def share(self) -> float:
        """Share of all cores, 0 to 1, that they took since the first look."""
        self.look()
        passed = max(1e-9, (time.perf_counter() - self._begun) * (os.cpu_count() or 1))
        return min(1.0, sum(self.taken.values()) / passed)


class Watch:
    """Patience with a busy machine, in seconds of waiting, and what was measured in spite of it."""

    def __init__(self, patience: float = 0.0) -> None:
        self.reset(patience)

    def reset(self, patience: float) -> None:
        """For another section."""
        self._patience = patience
        self.worst = 0.0

    def measure(self, function: Callable[[], Any]) -> tuple[float, float]:
        """Seconds of a call in a quiet moment, and of CPU; of the least disturbed of a few where others take over."""
        best = (float("inf"), 0.0, 0.0)
        for _ in range(1 + AGAIN):
            self.wait()
            others, used, begun = Others(), _own(), time.perf_counter()
            result = function()
            seconds = time.perf_counter() - begun
            best = min(best, (others.share() if seconds > SHORT else 0.0, seconds, _own() - used))
            del result
            if best[0] < BUSY or seconds > LONG or self._patience <= 0:
                break
        self.worst = max(self.worst, best[0])
        return best[1:]

    def wait(self) -> None:
        """Returns in a quiet moment, or when patience is at its end."""
        while self._patience > 0:
            others, begun = Others(), time.perf_counter()
            time.sleep(0.3)
            if others.share() < BUSY:
                return
            self._patience -= time.perf_counter() - begun


WATCH = Watch()


def _elsewhere() -> float:
    """CPU seconds of all processes since the machine began, less those of this one and of its children."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # these stand in user as well
    own = _own()
    for child in psutil.Process().children(recursive=True):
        try:
            own += sum(child.cpu_times()[:4])
        except psutil.Error:
            continue  # it has just ended, and counts among the children that have
    return sum(times) - idle - guests - own


def _own() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
