"""Runs on disk: one folder for each build or training, with its recipe, progress, artefacts and, last, its result.

runs/<id>/recipe.json      kind, dataset, fingerprint, parameters, when it was asked for
          process.json     who works on it (see core.store.processes)
          .room            some room on the disk for the result, should it be full by then
          progress.jsonl   a line for every step
          cancelled        there when somebody asked it to stop
          dismissed        there when somebody took the ended job off the list of recent ones
          result.json      written last; without it a run whose process is gone has failed
runs/.deleted/<id>/        on its way out

Statuses and the order of runs do not depend on the calendar, which may be set while a run is at work.
A run may be deleted by another process at any moment: whoever looks at it then sees a run that failed, or none.
"""

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from core import access
from core.errors import NotFoundError, StoreError
from core.sources.plain_names import is_plain
from core.store.disk import on_disk
from core.store.files import read_kept, write_json
from core.store.processes import alive, identity, moment, seconds_since

MODEL_KINDS = ("classifier", "generator")
TRAININGS = (*MODEL_KINDS, "augmentation")  # what can be deleted, and is listed; a study leaves no model to be used
STARTING = 30.0  # seconds that a process may take to write process.json
ROOM = 16 << 10  # bytes that are kept free for the result of a run that fails on a full disk


@dataclass(frozen=True)
class Step:
    """One line of progress: overall ``fraction`` (0..1) at ``time`` (seconds since the epoch), and figures."""

    time: float
    stage: str
    fraction: float
    values: dict[str, float | str]


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """What was asked for: kind, dataset, fingerprint, parameters, created."""
        found = read_kept(self.path / "recipe.json")
        texts = ("kind", "dataset", "fingerprint", "created")
        if not isinstance(found, dict) or not isinstance(found.get("parameters"), dict):
            raise StoreError(f"{self.path / 'recipe.json'} is no recipe: delete the run's folder.")
        if wrong := [name for name in texts if not isinstance(found.get(name), str)]:
            raise StoreError(f"{self.path / 'recipe.json'} has no right {wrong[0]}: delete the run's folder.")
        try:
            datetime.fromisoformat(found["created"])
        except ValueError as error:
            raise StoreError(f"{self.path / 'recipe.json'} has no right date ({error}): delete the folder.") from error
        return found

    @property
    def kind(self) -> str:
        """ "build", "add", "demo", "classifier", "generator" or "augmentation"."""
        return str(self.recipe["kind"])

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.recipe["dataset"])

    @property
    def owner(self) -> str:
        """Id of who asked for it; "" where that is not known, as of runs before there were owners."""
        return str(self.recipe.get("owner", ""))

    @property
    def result(self) -> dict[str, Any] | None:
        """result.json, or None while there is none."""
        found = _read_if_there(self.path / "result.json")
        return None if found is None else dict(found)

    @property
    def status(self) -> str:
        """ "queued", "running", "done", "failed" or "cancelled"."""
        result = self.result
        if result is not None:
            return str(result["status"])
        if (self.path / "cancelled").exists():
            return "cancelled"
        if not self._alive():
            result = self.result  # it may have finished since the first look
            return str(result["status"]) if result else "failed"
        steps = self.steps()
        return "running" if steps and steps[-1].stage != "queued" else "queued"

    @property
    def error(self) -> str:
        """Why it failed, in words; "" where it did not."""
        if self.status != "failed":
            return ""
        result = self.result
        return str(result["error"]) if result else self._last_seen()

    def _last_seen(self) -> str:
        """What is known of a run whose process is gone without a word."""
        steps = self.steps()
        if not (self.path / "process.json").is_file():
            return "The process never began (it was killed, or the machine stopped): start it again."
        where = f" at {steps[-1].fraction:.0%}, while {steps[-1].stage}" if steps else " before its first step"
        return f"The process ended without a result{where} (killed, or the machine stopped): start it again."

    def steps(self) -> list[Step]:
        """Every progress line so far; one that is still being written, or that a full disk cut short, is left out."""
        try:
            lines = (self.path / "progress.jsonl").read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                found.append(Step(**json.loads(line)))
        return found

    def write_result(self, status: str, **content: Any) -> None:
        """Ends the run: "done" with metrics, or "failed" with an error. Raises OSError where there is no room."""
        finished = max(now(), *(_iso(step.time) for step in self.steps()[-1:]), self.recipe["created"])
        result = {"status": status, "finished": finished, **content}
        try:
            write_json(self.path / "result.json", result)
        except OSError:
            (self.path / ".room").unlink(missing_ok=True)
            write_json(self.path / "result.json", result)
        (self.path / ".room").unlink(missing_ok=True)

    def claim(self, pid: int) -> None:
        """Notes the process that works on this run, and keeps some room for its result."""
        with on_disk(self.path):
            write_json(self.path / "process.json", identity(pid))
            if not (self.path / ".room").exists():
                (self.path / ".room").write_bytes(b"\xff" * ROOM)

    def process(self) -> psutil.Process | None:
        """The process that works on this run, where it still lives; a reused pid does not count."""
        owner = _read_if_there(self.path / "process.json")
        return None if owner is None else alive(owner)

    def clear(self) -> None:
        """Removes what a killed attempt had begun to write (hidden files), before the next begins."""
        for left in self.path.rglob(".*"):
            if left.is_file() and left.name != ".room":
                left.unlink(missing_ok=True)

    def _alive(self) -> bool:
        if (self.path / "process.json").is_file():
            return self.process() is not None
        if not self.path.is_dir():  # deleted
            return False
        asked = self.recipe.get("asked")
        since = seconds_since(asked) if asked else abs(time.time() - _seconds(self.recipe["created"]))
        return since is not None and since < STARTING


class RunStore:
    """All runs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, kind: str, dataset: str, parameters: Mapping[str, Any], fingerprint: str = "") -> Run:
        """A new run's folder with its recipe; nothing works on it yet. Raises StoreError where it cannot be written."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = self.folder / f"{stamp}-{kind}-{secrets.token_hex(2)}"
        recipe: dict[str, Any] = {"kind": kind, "dataset": dataset, "fingerprint": fingerprint, "created": now()}
        number = 1 + max((_number(run) for run in self.all()), default=0)
        recipe |= {"owner": access.owner_id(), "asked": moment(), "number": number}
        with on_disk(self.folder):
            try:
                path.mkdir(parents=True)
                write_json(path / "recipe.json", {**recipe, "parameters": dict(parameters)})
            except OSError:
                shutil.rmtree(path, ignore_errors=True)
                raise
        return Run(path)

    def get(self, run_id: str) -> Run:
        """The run of that id. Raises NotFoundError."""
        path = self.folder / run_id if is_plain(run_id) else None
        if path is None or not (path / "recipe.json").is_file():
            raise NotFoundError(f"There is no run {run_id[:100]!r}: see 'python -m core runs NAME'.")
        return Run(path)

    def all(self, dataset: str | None = None, kind: str | None = None) -> list[Run]:
        """Runs, newest first, of a dataset and a kind where given."""
        found = [Run(path.parent) for path in sorted(self.folder.glob("*/recipe.json"), reverse=True)]
        there = sorted([run for run in found if _still_there(run)], key=_number, reverse=True)
        return [run for run in there if dataset in (None, run.dataset) and kind in (None, run.kind)]

    def delete(self, run: Run) -> None:
        """Takes a run's folder away at once, then removes what is in it; also what a killed process left half removed.

        Raises StoreError where the folder cannot be moved; then the run is untouched.
        """
        aside = self.folder / ".deleted"
        try:
            aside.mkdir(exist_ok=True)
            run.path.rename(aside / f"{run.id}-{secrets.token_hex(4)}")
        except OSError as error:
            raise StoreError(
                f"Run {run.id!r} cannot be deleted from {self.folder} ({error.strerror}): make the folder writable."
            ) from error
        for left in aside.iterdir():  # the folder itself stays: another process may be moving a run into it
            shutil.rmtree(left, ignore_errors=True)


def _read_if_there(path: Path) -> Any:
    """The content of a JSON file; None where there is none, or where it went while it was read."""
    try:
        return read_kept(path) if path.is_file() else None
    except StoreError:
        if path.is_file():
            raise
        return None


def _still_there(run: Run) -> bool:
    try:
        return bool(run.recipe)  # read once, and kept
    except StoreError:
        if (run.path / "recipe.json").is_file():
            raise
        return False


def _number(run: Run) -> int:
    """Which run of the folder it is, as they were asked for; 0 for those of earlier versions, which go by their ids."""
    return int(run.recipe.get("number", 0))


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
