"""Jobs that ended a short while ago, what they said on their way, and taking them off the list for every tab.

A job is dismissed by a file in its folder, so every tab, and the app after a restart, shows the same list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.store.disk import on_disk
from core.store.runs import Run
from core.store.workspace import Workspace

LIVE = ("queued", "running")
DISMISSED = "dismissed"
MANY = LOOKED_AT = 40  # of the newest runs: a folder of thousands must not be read at every look


@dataclass(frozen=True)
class LogLine:
    """One stage of a job: when it began (UTC), its name, the job's share (0..1) at its last line, its seconds."""

    begun: datetime
    stage: str
    fraction: float
    seconds: float


def recent(workspace: Workspace, within: timedelta = timedelta(days=1), most: int = 5) -> list[Run]:
    """Jobs that ended lately and that nobody dismissed, newest first.

    One that failed or was cancelled is left out once a newer job of its kind and dataset has begun.
    """
    found: list[Run] = []
    overtaken: set[tuple[str, str]] = set()
    for run in workspace.runs.all()[:LOOKED_AT]:
        about = (run.kind, run.dataset)
        status = run.status
        made_up_for = status in ("failed", "cancelled") and about in overtaken
        overtaken.add(about)
        if status in LIVE or made_up_for or (run.path / DISMISSED).exists():
            continue
        if datetime.now(UTC) - ended(run) <= within:
            found.append(run)
    return found[:most]


def dismiss(runs: Sequence[Run]) -> None:
    """Takes ended jobs off the list of recent ones, in every tab; what they made stays."""
    for run in runs:
        if run.path.is_dir() and run.status not in LIVE:
            with on_disk(run.path):
                (run.path / DISMISSED).touch()


def shown_again(run: Run) -> None:
    """Puts a job that goes on back on the list."""
    (run.path / DISMISSED).unlink(missing_ok=True)


def ended(run: Run) -> datetime:
    """When a job ended, as far as its folder says: its result, else its last step, else when it was asked for."""
    result = run.result
    if result is not None:
        return datetime.fromisoformat(result["finished"])
    steps = run.steps()
    return datetime.fromtimestamp(steps[-1].time, UTC) if steps else datetime.fromisoformat(run.recipe["created"])


def seconds_taken(run: Run) -> float | None:
    """Seconds from the first step at work to the end; None where there was no step."""
    steps = [step for step in run.steps() if step.stage != "queued"]
    return max(0.0, ended(run).timestamp() - steps[0].time) if steps else None


def log_lines(run: Run) -> list[LogLine]:
    """A job's stages in order, each once however many lines it wrote; a stage lasts until the next one begins."""
    steps = run.steps()
    starts = [n for n in range(len(steps)) if n == 0 or steps[n].stage != steps[n - 1].stage]
    ends = [*starts[1:], len(steps)][: len(starts)]
    lines = []
    for start, end in zip(starts, ends, strict=True):
        until = steps[end].time if end < len(steps) else steps[-1].time
        begun = datetime.fromtimestamp(steps[start].time, UTC)
        lines.append(LogLine(begun, steps[start].stage, steps[end - 1].fraction, until - steps[start].time))
    return lines
