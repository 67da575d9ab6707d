"""Which trained model each dataset uses, and which ones it used before.

active/<dataset>.json    kind -> id of the run in use, and history: kind -> promotions, oldest first
       .<dataset>.lock   held while the file is changed or a run is deleted; the system frees it when a process dies

Files without a history, and choices that a program without one wrote beside it, are read as promotions of unknown date.
"""

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.store.files import read_json, write_json

FIRST, PROMOTED, BACK = "first", "promoted", "rolled back"


@dataclass(frozen=True)
class Promotion:
    """From ``since`` (UTC, ISO 8601; None: not recorded) on, ``run`` was in use.

    ``action``: "first" (in use without anybody's choice, as the first that finished), "promoted" or "rolled back".
    """

    run: str
    action: str
    since: str | None


class Promotions:
    """The choices of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def lock(self, dataset: str) -> Iterator[None]:
        """Waits until nobody else changes what this dataset uses, then keeps others out. Raises StoreError."""
        with self._writable():
            self.folder.mkdir(exist_ok=True)
            file = (self.folder / f".{dataset}.lock").open("w")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def chosen(self, dataset: str, kind: str) -> str | None:
        """Id of the run that was chosen last; None where nobody chose."""
        found = self._content(dataset).get(kind)
        return found if isinstance(found, str) else None

    def history(self, dataset: str, kind: str) -> list[Promotion]:
        """Every promotion, oldest first."""
        content = self._content(dataset)
        try:
            found = [Promotion(**entry) for entry in content.get("history", {}).get(kind, [])]
        except (AttributeError, TypeError) as error:
            raise StoreError(f"{self._path(dataset)} is damaged: delete it and promote a run again.") from error
        chosen = self.chosen(dataset, kind)
        if chosen and (not found or found[-1].run != chosen):
            found.append(Promotion(chosen, PROMOTED, None))
        return found

    def before(self, dataset: str, kind: str) -> list[str]:
        """Ids of the runs that a way back passes, the nearest first; the run that was chosen last is left out."""
        return _stack(self.history(dataset, kind))[-2::-1]

    def record(self, dataset: str, kind: str, promotions: Sequence[Promotion]) -> None:
        """Adds promotions, the last of which is in use from now on; only under the lock. Raises StoreError."""
        content = self._content(dataset)
        entries = [asdict(entry) for entry in [*self.history(dataset, kind), *promotions]]
        histories = {**content.get("history", {}), kind: entries}
        with self._writable():
            write_json(self._path(dataset), {**content, kind: entries[-1]["run"], "history": histories})

    def _content(self, dataset: str) -> dict[str, Any]:
        path = self._path(dataset)
        content = read_json(path) if path.is_file() else {}
        if not isinstance(content, dict):
            raise StoreError(f"{path} is damaged: delete it and promote a run again.")
        return content

    def _path(self, dataset: str) -> Path:
        return self.folder / f"{dataset}.json"

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"What is in use cannot be changed in {self.folder} ({error.strerror}): make the folder writable."
            ) from error


def _stack(history: Sequence[Promotion]) -> list[str]:
    """The way that led to the run in use: a promotion goes on from where it is, a rollback takes steps away."""
    steps: list[str] = []
    for entry in history:
        if entry.action == BACK and entry.run in steps:
            while steps[-1] != entry.run:
                steps.pop()
        elif not steps or steps[-1] != entry.run:
            steps.append(entry.run)
    return steps
