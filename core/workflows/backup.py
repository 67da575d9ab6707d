"""Backup of a data folder while the app runs: what is taken, and what is left out and why.

What is taken is held by hard links first (moments), then written (as long as it takes): datasets never change once
they are built, and whatever is replaced or deleted meanwhile stays readable until the archive is complete. The results
database is not taken: it is made anew from datasets and runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from core import __version__, logs
from core.access import Role
from core.errors import StoreError
from core.store.backup import checked_out, is_portable, write_archive
from core.store.datasets import FORMAT as DATASET_FORMAT
from core.store.files import read_json
from core.store.guard import guarded
from core.store.runs import Run, now
from core.store.staging import Member, hold, staging, stamp_of
from core.store.workspace import Workspace
from core.types import Progress, silent

OF_DATASETS = {"label_edits": ".parquet", "active": ".json", "filters": ".json"}  # a file for each dataset
REBUILT = ("slots", "remote", "annotations", "demo", "bench")  # made again when they are needed
SOURCES = ("downloads", "uploads")  # what datasets were built from
OF_A_PROCESS = ("process.json", "dismissed")
CACHES = ("correlation",)  # in a dataset's folder
GOES_ON_FROM = {"generator": "checkpoint/*.safetensors", "augmentation": "replicates.jsonl"}
LIVE = ("queued", "running")
TRIES = 5


@dataclass(frozen=True)
class BackupOutcome:
    """What a backup holds: the file and its bytes, datasets, runs and files in it, and what was left out and why."""

    path: Path
    size: int
    datasets: list[str]
    runs: list[str]
    files: int
    left_out: list[str]


@guarded(Role.ADMIN, "back up")
def backup(
    workspace: Workspace,
    out: Path,
    names: Sequence[str] = (),
    counts: bool = True,
    progress: Progress = silent,
) -> BackupOutcome:
    """Writes datasets with their label edits, promotions and saved filters, runs, gene sets and what else was kept.

    ``names`` takes these datasets alone and what belongs to them; without ``counts`` a dataset shows its rankings, but
    has to be built again before anything that reads profiles. Raises NotFoundError for an unknown dataset, InputError
    for a place where no backup can go, StoreError.
    """
    path = checked_out(out, f"archscope-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    for name in names:
        workspace.dataset(name)
    with staging(workspace.root, "backup") as folder:
        taking = _Taking(workspace, folder, set(names), counts)
        taking.all()
        about = {"version": __version__, "created": now(), "datasets": taking.datasets, "runs": taking.runs}
        size = write_archive(path, about | {"left_out": taking.left_out}, taking.members, progress)
    progress("done", 1, 1)
    found = [str(each["name"]) for each in taking.datasets]
    runs = [str(each["id"]) for each in taking.runs]
    logs.event("backup.written", datasets=len(found), runs=len(runs), files=len(taking.members), bytes=size)
    return BackupOutcome(path, size, found, runs, len(taking.members), taking.left_out)


class _Taking:
    """Holds every file of a backup; what is in use before the runs, so that it never names a run that is not in."""

    def __init__(self, workspace: Workspace, folder: Path, names: set[str], counts: bool) -> None:
        self._workspace, self._folder, self._names, self._counts = workspace, folder, names, counts
        self._root = workspace.root
        self.members: list[Member] = []
        self.datasets: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.left_out: list[str] = []

    def all(self) -> None:
        for path in sorted(self._root.iterdir()):
            if self._is_kept(path):
                self.members += self._hold_all(path, path.name)
        for path in sorted(self._workspace.datasets_dir.glob("[!.]*/manifest.json")):
            if not self._names or path.parent.name in self._names:
                self._dataset(path.parent)
        for run in reversed(self._workspace.runs.all()):
            if not self._names or run.dataset in self._names:
                self._run(run)
        self.left_out += self._said

    def _is_kept(self, path: Path) -> bool:
        if path.name in ("datasets", "runs", *REBUILT, *SOURCES) or path.name.startswith((".", "archscope.duckdb")):
            return False
        return not self._names or path.name in (*OF_DATASETS, "gene_sets")

    @property
    def _said(self) -> Iterator[str]:
        """Folders that are left out as a whole and that somebody may miss."""
        for name in SOURCES:
            if any((self._root / name).glob("[!.]*")):
                yield f"{name}: the files that datasets were built from (copy the folder if they are nowhere else)"

    def _hold_all(self, path: Path, name: str) -> list[Member]:
        """A file, or every file of a folder, but hidden ones (half written, locks) and those of other datasets."""
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        members, folder = [], self._folder / f".{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        for each in found:
            inside = each.relative_to(path)
            full = str(Path(name) / inside) if path.is_dir() else name
            if not each.is_file() or any(part.startswith(".") for part in inside.parts) or self._other(full):
                continue
            if not is_portable(full):
                self.left_out.append(f"{full!r}: no name that an archive can carry everywhere")
                continue
            members.append(hold(full, each, folder))
        return members

    def _other(self, name: str) -> bool:
        """Whether a file belongs to a dataset that is not asked for, or is a lock."""
        folder, _, file = name.partition("/")
        if folder in OF_DATASETS:
            ending = OF_DATASETS[folder]
            return not file.endswith(ending) or bool(self._names and file.removesuffix(ending) not in self._names)
        return False

    # -- datasets ------------------------------------------------------------------------------------------------------

    def _dataset(self, path: Path) -> None:
        manifest = read_json(path / "manifest.json")
        if manifest["format"] != DATASET_FORMAT:
            self.left_out.append(f"dataset {path.name}: another version of ARCHScope wrote it")
            return
        members, manifest = self._as_one(path)
        self.members += members
        about = {key: manifest[key] for key in ("name", "fingerprint", "format", "created", "sources")}
        self.datasets.append(about | {"counts": self._counts})
        if not self._counts:
            told = "the counts: build it again from the same files, until then nothing that reads profiles works"
            self.left_out.append(f"dataset {path.name}: {told}")

    def _as_one(self, path: Path) -> tuple[list[Member], dict[str, Any]]:
        """Every file of one and the same build, however often the dataset is replaced meanwhile."""
        skipped = (*CACHES, *(() if self._counts else ("counts",)))
        for _ in range(TRIES):
            try:
                before = stamp_of((path / "manifest.json").stat())
                manifest = read_json(path / "manifest.json")
                found = self._hold_all(path, f"datasets/{path.name}")
                members = [each for each in found if each.name.split("/")[2] not in skipped]
                if stamp_of((path / "manifest.json").stat()) == before:
                    return members, manifest
            except (FileNotFoundError, StoreError):
                continue
        raise StoreError(
            f"Dataset {path.name!r} is being replaced again and again: wait for its build, then try again."
        )

    # -- runs ----------------------------------------------------------------------------------------------------------

    def _run(self, run: Run) -> None:
        for _ in range(TRIES):  # it may end or be deleted while its files are held
            try:
                status = run.status
                members = [each for each in self._hold_all(run.path, f"runs/{run.id}") if not _of_a_process(each.name)]
                if run.status == status:
                    self._keep(run, status, members)
                    return
            except (FileNotFoundError, StoreError):
                if not run.path.is_dir():
                    return
        self.left_out.append(f"run {run.id}: it changed again and again while its files were held")

    def _keep(self, run: Run, status: str, members: Sequence[Member]) -> None:
        if status in LIVE and not any(fnmatch(each.name, f"*/{GOES_ON_FROM.get(run.kind)}") for each in members):
            self.left_out.append(f"run {run.id} ({run.kind}): {status}, and nothing yet to go on from")
            return
        if status in LIVE:
            self.left_out.append(f"run {run.id} ({run.kind}): what its training does from now on")
        self.members += members
        about = {"id": run.id, "kind": run.kind, "dataset": run.dataset}
        self.runs.append(about | {"fingerprint": run.recipe["fingerprint"], "status": status})


def _of_a_process(name: str) -> bool:
    return name.rpartition("/")[2] in OF_A_PROCESS
