"""Restore: a backup is unpacked aside and checked to the last byte, then put in place by renames.

    .restore/<pid>-<token>/new/         what the archive holds
                          commit.json   the renames that are to be done; written once everything is checked
                          old/          what stood in their place

A process that is killed before commit.json is there has changed nothing. One that is killed after it, within the
moments that renames take, is finished by the next restore (or ``python -m core clean leftovers``).
"""

import contextlib
import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import logs
from core.access import Role
from core.errors import InputError, RecipeError, StoreError
from core.store.backup import unpack
from core.store.building import alone
from core.store.datasets import FORMAT as DATASET_FORMAT
from core.store.datasets import StoredDataset
from core.store.files import read_json, write_json
from core.store.guard import guarded
from core.store.staging import JOURNAL, leftovers, staging
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows.backup import LIVE, OF_DATASETS, REBUILT, SOURCES

NAME_TAKEN = ("refuse", "skip", "replace")
NEVER = ("slots", *REBUILT, *SOURCES)  # no backup holds them
Move = tuple[str, str]  # from new/ (""; nothing), to the data folder


@dataclass(frozen=True)
class RestoreOutcome:
    """What was put in place, what was there already and stayed, and what to know."""

    datasets: list[str]
    runs: list[str]
    kept: list[str]
    notes: list[str]


@guarded(Role.ADMIN, "restore")
def restore(
    workspace: Workspace, archive: Path, name_taken: str = "refuse", progress: Progress = silent
) -> RestoreOutcome:  # fmt: skip
    """Puts everything of a backup into a data folder, or nothing.

    ``name_taken`` says what becomes of a dataset, run or file whose name the data folder has already: "refuse" the
    whole restore, "skip" it, or "replace" what is there. An audit log that is there goes on, with that of the
    backup beside it. Raises InputError for an archive that is damaged or holds what it must not, or where a name is
    taken; StoreError.
    """
    if name_taken not in NAME_TAKEN:
        raise RecipeError(f"name_taken is {name_taken!r}: give {', '.join(NAME_TAKEN)}.")
    finish_interrupted(workspace.root)
    with staging(workspace.root, "restore") as folder:
        new = folder / "new"
        new.mkdir()

        def first(about: dict[str, Any]) -> None:
            if name_taken == "refuse":
                _refuse_taken(workspace, _named(about))

        about = unpack(archive, new, first, progress)
        restoring = _Restoring(workspace, new, about, name_taken)
        with contextlib.ExitStack() as stack:
            for name in restoring.datasets:
                stack.enter_context(alone(workspace.datasets_dir / name))
            moves = restoring.moves()
            write_json(folder / JOURNAL, moves)
            _commit(workspace.root, folder)
    progress("done", 1, 1)
    logs.event("backup.restored", datasets=len(restoring.datasets), runs=len(restoring.runs))
    return RestoreOutcome(restoring.datasets, restoring.runs, restoring.kept, restoring.notes)


def finish_interrupted(root: Path) -> int:
    """Ends what killed restores had begun to put in place, and removes what they left; how many there were."""
    found = leftovers(root / ".restore")
    for folder in found:
        if (folder / JOURNAL).exists():
            _commit(root, folder)
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # another restore is at work, or there was none
        (root / ".restore").rmdir()
    return len(found)


def _commit(root: Path, folder: Path) -> None:
    """Does the renames of commit.json that are not done yet. Raises StoreError; then they are done the next time."""
    moves: list[Move] = [(new, target) for new, target in read_json(folder / JOURNAL)]
    try:
        for number, (new, target) in enumerate(moves):
            source, place = folder / "new" / new, root / target
            if new and not source.exists():
                continue  # done before
            if place.exists():
                old = folder / "old" / str(number)
                old.parent.mkdir(exist_ok=True)
                shutil.rmtree(old, ignore_errors=True)
                _put(place, old)
            if new:
                _put(source, place)
    except OSError as error:
        raise StoreError(
            f"{root} cannot be written ({error.strerror or error}): run the restore again, it goes on from here."
        ) from error
    (folder / JOURNAL).unlink()


def _put(source: Path, place: Path) -> None:
    """A rename; where ``place`` is on another disk than the data folder, a copy beside it first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = place.with_name(f".{place.name}.restored")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(source, aside) if source.is_dir() else shutil.copyfile(source, aside)
        aside.rename(place)
        shutil.rmtree(source) if source.is_dir() else source.unlink()


def _named(about: dict[str, Any]) -> list[str]:
    """Paths in the data folder of what a backup has a name for."""
    datasets = [f"datasets/{each['name']}" for each in about.get("datasets", [])]
    return datasets + [f"runs/{each['id']}" for each in about.get("runs", [])]


def _refuse_taken(workspace: Workspace, paths: Sequence[str]) -> None:
    taken = [path for path in paths if (workspace.root / path).exists()]
    if taken:
        few = ", ".join(taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
        raise InputError(
            f"{workspace.root} has {few} already: restore into another folder (--data-dir), or choose "
            "--name-taken skip or replace. Nothing was changed."
        )


class _Restoring:
    """What is to be done with an archive that was unpacked and checked."""

    def __init__(self, workspace: Workspace, new: Path, about: dict[str, Any], name_taken: str) -> None:
        self._workspace, self._new, self._mode = workspace, new, name_taken
        self._root = workspace.root
        self._made = re.sub(r"\D", "", str(about.get("created", "")))[:14] or "backup"
        self.kept: list[str] = []
        self.notes: list[str] = []
        found = sorted(path.name for path in (new / "datasets").glob("*")) if (new / "datasets").is_dir() else []
        self.datasets = [name for name in found if self._usable(name) and self._wanted(f"datasets/{name}")]
        self._skipped = set(found) - set(self.datasets)
        self.runs = [run for run in self._all_runs() if self._run_is_wanted(run)]
        without = [each["name"] for each in about.get("datasets", []) if not each.get("counts", True)]
        for name in without:
            if name in self.datasets:
                self.notes.append(f"{name} came without its counts: build it again from the same files.")

    def _usable(self, name: str) -> bool:
        """Raises StoreError where a newer version wrote it, InputError where it is not what its name says."""
        path = self._new / "datasets" / name
        if not (path / "manifest.json").is_file():
            raise InputError(f"Dataset {name!r} of this backup has no manifest: take another copy of the backup.")
        manifest = read_json(path / "manifest.json")
        if manifest["format"] < DATASET_FORMAT:
            self.notes.append(f"{name} is of an older version and was left out: build it again.")
            return False
        if StoredDataset(path).name != name:
            raise InputError(
                f"Dataset {name!r} of this backup calls itself {manifest['name']!r}: it was tampered with."
            )
        return True

    def _wanted(self, path: str) -> bool:
        """Whether to put something in place; notes what stays because its name is taken."""
        if self._mode == "replace" or not (self._root / path).exists():
            return True
        if self._mode == "refuse":
            _refuse_taken(self._workspace, [path])
        self.kept.append(path)
        return False

    def _all_runs(self) -> list[str]:
        return sorted(path.name for path in (self._new / "runs").glob("*"))

    def _run_is_wanted(self, run: str) -> bool:
        recipe = read_json(self._new / "runs" / run / "recipe.json")
        return recipe["dataset"] not in self._skipped and self._wanted(f"runs/{run}")

    def moves(self) -> list[Move]:
        """The renames; datasets come last, so that one appears with all that belongs to it. Raises InputError."""
        self._refuse_live()
        rest = [move for path in sorted(self._new.iterdir()) for move in self._rest(path)]
        runs = [f"runs/{run}" for run in self.runs]
        datasets = [f"datasets/{name}" for name in self.datasets]
        return [*((path, path) for path in runs), *rest, *self._gone(), *((path, path) for path in datasets)]

    def _refuse_live(self) -> None:
        for run in self._workspace.runs.all():
            if (run.dataset in self.datasets or run.id in self.runs) and run.status in LIVE:
                raise InputError(
                    f"Run {run.id!r} is at work on {run.dataset!r}: wait or cancel it. Nothing was changed."
                )

    def _rest(self, path: Path) -> Iterator[Move]:
        """Label edits, promotions and filters of the datasets that are restored; other files where they go."""
        if path.name in ("datasets", "runs", "archscope-backup.json"):
            return
        if path.name in NEVER or path.name.startswith("archscope.duckdb"):
            raise InputError(f"This backup holds {path.name!r}, which no backup does: it was tampered with.")
        files = [path] if path.is_file() else [each for each in sorted(path.rglob("*")) if each.is_file()]
        for file in files:
            name = str(file.relative_to(self._new))
            if self._of_skipped(name) or self._same(file, self._root / name):
                continue
            if name.endswith(".jsonl") and (self._root / name).exists():
                beside = f"{name.removesuffix('.jsonl')}-of-{self._made}.jsonl"
                self.notes.append(f"{name} goes on as it was; that of the backup is beside it, as {beside}.")
                yield name, beside
            elif self._wanted(name):
                yield name, name

    def _of_skipped(self, name: str) -> bool:
        folder, _, file = name.partition("/")
        return folder in OF_DATASETS and file.removesuffix(OF_DATASETS[folder]) in self._skipped

    def _same(self, file: Path, there: Path) -> bool:
        return there.is_file() and there.read_bytes() == file.read_bytes()

    def _gone(self) -> Iterator[Move]:
        """What a dataset that is replaced had beside it and the backup has not."""
        for name in self.datasets if self._mode == "replace" else []:
            for folder, ending in OF_DATASETS.items():
                path = f"{folder}/{name}{ending}"
                if (self._root / path).exists() and not (self._new / path).exists():
                    yield "", path
