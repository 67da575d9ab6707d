"""Looks again and again at the app's memory and at the jobs at work, while others do something."""

import threading
from collections import Counter

from core.jobs.queue import Ticket, running
from tests.load.served import Served


class Sampler(threading.Thread):
    """Looks at memory and at jobs while the crowd is at work."""

    def __init__(self, app: Served) -> None:
        super().__init__(daemon=True)
        self.most, self._app, self._done = 0.0, app, threading.Event()
        self._seen: list[list[Ticket]] = []

    def run(self) -> None:
        """Every half second."""
        while not self._done.wait(0.5):
            self.most = max(self.most, self._app.memory())
            self._seen.append(running(self._app.root / "slots" / "jobs"))

    def __enter__(self) -> "Sampler":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    @property
    def jobs(self) -> int:
        """The most jobs of one sort that were at work at once."""
        return max((n for seen in self._seen for n in Counter(one.sort for one in seen).values()), default=0)

    @property
    def promised(self) -> int:
        """The most memory that jobs at work were given together, bytes."""
        return max((sum(one.memory for one in seen) for seen in self._seen), default=0)
