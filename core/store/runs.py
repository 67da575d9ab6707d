"""Runs on disk: one folder for each build or training, with its recipe, progress, artefacts and, last, its result.

runs/<id>/recipe.json      kind, dataset, fingerprint, parameters, when it was asked for
          process.json     who works on it (pid and start time)
          progress.jsonl   a line for every step
          cancelled        there when somebody asked it to stop
          dismissed        there when somebody took the ended job off the list of recent ones
          result.json      written last; without it a run whose process is gone has failed
runs/.deleted/<id>/        on its way out

A run may be deleted by another process at any moment: whoever looks at it then sees a run that failed, or none.
"""

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

from core.errors import NotFoundError, StoreError
from core.store.files import read_json, write_json

MODEL_KINDS = ("classifier", "generator")
TRAININGS = (*MODEL_KINDS, "augmentation")  # what can be deleted, and is listed; a study leaves no model to be used
STARTING = 30.0  # seconds that a process may take to write process.json


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
        return dict(read_json(self.path / "recipe.json"))

    @property
    def kind(self) -> str:
        """ "build", "add", "demo", "classifier", "generator" or "augmentation"."""
        return str(self.recipe["kind"])

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.recipe["dataset"])

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
        return (
            str(result["error"]) if result else "The process ended without a result (killed, or the machine stopped)."
        )

    def steps(self) -> list[Step]:
        """Every progress line so far; a line that is still being written is left for the next look."""
        path = self.path / "progress.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        except FileNotFoundError:
            return []
        return [Step(**json.loads(line)) for line in lines]

    def write_result(self, status: str, **content: Any) -> None:
        """Ends the run: "done" with metrics, or "failed" with an error."""
        write_json(self.path / "result.json", {"status": status, "finished": now(), **content})

    def claim(self, pid: int) -> None:
        """Notes the process that works on this run."""
        write_json(self.path / "process.json", {"pid": pid, "started": psutil.Process(pid).create_time()})

    def process(self) -> psutil.Process | None:
        """The process that works on this run, where it still lives; a reused pid does not count."""
        owner = _read_if_there(self.path / "process.json")
        if owner is None:
            return None
        try:
            process = psutil.Process(owner["pid"])
            same = abs(process.create_time() - owner["started"]) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    def _alive(self) -> bool:
        if (self.path / "process.json").is_file():
            return self.process() is not None
        if not self.path.is_dir():  # deleted
            return False
        created = datetime.fromisoformat(self.recipe["created"]).timestamp()
        return abs(time.time() - created) < STARTING


class RunStore:
    """All runs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, kind: str, dataset: str, parameters: Mapping[str, Any], fingerprint: str = "") -> Run:
        """A new run's folder with its recipe; nothing works on it yet."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = self.folder / f"{stamp}-{kind}-{secrets.token_hex(2)}"
        path.mkdir(parents=True)
        recipe = {"kind": kind, "dataset": dataset, "fingerprint": fingerprint, "created": now()}
        write_json(path / "recipe.json", {**recipe, "parameters": dict(parameters)})
        return Run(path)

    def get(self, run_id: str) -> Run:
        """The run of that id. Raises NotFoundError."""
        path = self.folder / run_id
        if path.parent != self.folder or not (path / "recipe.json").is_file():
            raise NotFoundError(f"There is no run {run_id!r}: see 'python -m core runs NAME'.")
        return Run(path)

    def all(self, dataset: str | None = None, kind: str | None = None) -> list[Run]:
        """Runs, newest first, of a dataset and a kind where given."""
        found = [Run(path.parent) for path in sorted(self.folder.glob("*/recipe.json"), reverse=True)]
        there = [run for run in found if _still_there(run)]
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
        return read_json(path) if path.is_file() else None
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


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
