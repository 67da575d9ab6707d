"""Files that were uploaded for a build: in a folder of their own for each job, gone once the job has ended.

    uploads/<dataset>/job-<8 hex digits>/<what>/<file>

A dataset does not need them any more: it has its own copy of the counts, and an addition reads only its own file.
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import StoreError
from core.store.disk import on_disk
from core.store.runs import Run, RunStore
from core.store.workspace import Workspace

FOLDER = "uploads"
LIVE = ("queued", "running")
GRACE = 3600.0  # seconds for an upload to be written, before its job is there


@contextlib.contextmanager
def folder_for(root: Path, dataset: str) -> Iterator[Path]:
    """A new folder for the uploads of one job; taken away again where the block fails, so that no job was started."""
    folder = root / FOLDER / dataset / f"job-{secrets.token_hex(4)}"
    try:
        with on_disk(root):
            yield folder
    except BaseException:
        _remove(folder)
        raise


def release(run: Run) -> None:
    """Removes what was uploaded for a run that has ended, unless another job needs it."""
    root = run.path.parent.parent
    mine = _folders_of(run, root)
    if mine:
        _remove_all(mine - _needed(RunStore(root / "runs"), but=run.id))


def sweep(workspace: Workspace) -> None:
    """Removes what was uploaded for jobs that ended while nobody looked (a machine that stopped)."""
    there = {path for path in (workspace.root / FOLDER).glob("*/job-*") if _age(path) > GRACE}
    if there:
        _remove_all(there - _needed(workspace.runs))


def size_of(run: Run) -> int:
    """Bytes of what was uploaded for a run and is still there."""
    return sum(folder_size(folder) for folder in _folders_of(run, run.path.parent.parent))


def folder_size(folder: Path) -> int:
    """Bytes of the files below a folder; what vanishes meanwhile is passed over."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size if path.is_file() and not path.is_symlink() else 0
    return total


def _needed(runs: RunStore, but: str = "") -> set[Path]:
    live = (run for run in runs.all() if run.id != but and run.status in LIVE)
    return {folder for run in live for folder in _folders_of(run, runs.folder.parent)}


def _folders_of(run: Run, root: Path) -> set[Path]:
    """Folders of uploads that a run's parameters name."""
    uploads = root / FOLDER
    try:
        values = [value for value in run.recipe["parameters"].values() if isinstance(value, str)]
    except StoreError:  # deleted meanwhile
        return set()
    inside = [Path(value).relative_to(uploads).parts for value in values if Path(value).is_relative_to(uploads)]
    return {uploads / parts[0] / parts[1] for parts in inside if len(parts) > 2 and parts[1].startswith("job-")}


def _remove_all(folders: set[Path]) -> None:
    for folder in folders:
        _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()  # of the dataset, where nothing else is left


def _age(folder: Path) -> float:
    """Seconds since anything in a folder changed."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            times.append(path.lstat().st_mtime)
    return time.time() - max(times)
