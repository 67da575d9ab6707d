"""Progress of a run in its folder: a line of JSON for every step, and the remaining time made from them."""

import json
import time
from dataclasses import dataclass

from core.errors import CancelledError
from core.store.disk import on_disk
from core.store.processes import uptime
from core.store.runs import Run, Step

QUIET = 0.2  # seconds between two lines of the same stage that carry no figures


class FileProgress:
    """A ``Progress`` that writes into a run's folder, and raises CancelledError once the run is cancelled.

    Times are those of the calendar when it began, and from then on of a clock that nobody sets.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last = (-1.0, "")
        self._began = time.time() - uptime()

    def __call__(self, stage: str, done: float, total: float, **values: float | str) -> None:
        if (self._run.path / "cancelled").exists():
            raise CancelledError(f"Run {self._run.id} was cancelled.")
        moment = uptime()
        if not values and stage == self._last[1] and moment - self._last[0] < QUIET and done < total:
            return
        self._last = (moment, stage)
        line = {
            "time": self._began + moment,
            "stage": stage,
            "fraction": done / total if total else 1.0,
            "values": values,
        }
        path = self._run.path / "progress.jsonl"
        with on_disk(self._run.path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@dataclass(frozen=True)
class JobProgress:
    """How far a job is: its status, stage, overall fraction (0..1), remaining seconds (None: unknown), its steps."""

    status: str
    stage: str
    fraction: float
    remaining_s: float | None
    error: str
    steps: list[Step]


def progress_of(run: Run) -> JobProgress:
    """How far a run is, read from its folder."""
    status, steps = run.status, run.steps()
    if not steps:
        return JobProgress(status, "", 1.0 if status == "done" else 0.0, None, run.error, [])
    last = steps[-1]
    remaining = remaining_seconds(steps) if status == "running" else None
    return JobProgress(status, last.stage, 1.0 if status == "done" else last.fraction, remaining, run.error, steps)


def remaining_seconds(steps: list[Step]) -> float | None:
    """Seconds left if the rest goes at the pace so far; None before there is a pace."""
    begun = next((step.time for step in steps if step.stage != "queued"), None)
    last = steps[-1]
    if begun is None or last.fraction <= 0.02 or last.time <= begun:
        return None
    return at_this_pace(last.time - begun, last.fraction)


def at_this_pace(elapsed: float, fraction: float) -> float:
    """Seconds left where ``fraction`` (over 0) took ``elapsed`` seconds."""
    return elapsed * (1 - fraction) / fraction
