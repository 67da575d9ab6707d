"""What a data folder takes on the disk, piece by piece: a piece is a folder or file of one kind and one owner.

A file that has several names (hard links: a dataset that biosamples were added to shares blocks with the one before)
is counted once, for the piece that comes first: datasets, then runs, then everything else.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.errors import StoreError
from core.sources.remote_records import read_record
from core.store.disk import on_disk
from core.store.files import read_json
from core.store.runs import MODEL_KINDS, TRAININGS, Run
from core.store.staging import JOURNAL, is_held

PARTS = ("counts", "expression", "index", "correlation")  # folders of a dataset; its other files are its "tables"
ANALYSES = ("projection", "gsea")  # jobs whose results are caches
LIVE = ("queued", "running")
FOLDERS = {
    "demo": "demo", "annotations": "annotations", "label_edits": "work", "active": "work",
    "filters": "work", "gene_sets": "work",
}  # fmt: skip
DATABASE, DAMAGED = "archscope.duckdb", "archscope.duckdb.damaged-"
TRASH = ".deleted"


@dataclass(frozen=True)
class Piece:
    """Files of one ``kind`` that belong to ``name``: a dataset, a run, a file.

    ``paths``: what is taken away to remove it. ``changed``: the latest change of any of its files (seconds since the
    epoch). ``used_by``: who uses it now, in words; "" for nobody.
    """

    kind: str
    name: str
    paths: tuple[Path, ...]
    bytes: int
    files: int
    changed: float
    used_by: str = ""


class Usage:
    """All pieces of a data folder, as it is at this moment; what vanishes meanwhile is passed over."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: set[tuple[int, int]] = set()
        self.pieces = [piece for piece in self._all() if piece.files]

    def _all(self) -> Iterator[Piece]:
        yield from self._datasets()
        yield from self._runs()
        for path in sorted(_inside(self._root)):
            if path.name not in ("datasets", "runs", "slots"):  # (locks are empty)
                yield from self._beside(path)

    def _piece(self, kind: str, name: str, paths: Sequence[Path], used_by: str = "") -> Piece:
        size, files, changed = 0, 0, 0.0
        for found in (entry for path in paths for entry in _files(path)):
            key = found.st_dev, found.st_ino
            if key not in self._seen:
                self._seen.add(key)
                size += found.st_size
            files += 1
            changed = max(changed, found.st_mtime)
        return Piece(kind, name, tuple(paths), size, files, changed, used_by)

    # -- datasets and runs -------------------------------------------------------------------------------------------

    def _datasets(self) -> Iterator[Piece]:
        folder = self._root / "datasets"
        whole = sorted(path.parent for path in folder.glob("[!.]*/manifest.json"))
        for path in whole:
            used = "" if _free(self._root / "slots" / f"{path.name}.lock") else "a build"
            for part in PARTS:
                if (path / part).is_dir():
                    yield self._piece(part, path.name, [path / part], _maker(path / part) or used)
            rest = [inside for inside in _inside(path) if inside.name not in PARTS]
            yield self._piece("tables", path.name, rest, used)
        for path in sorted(set(_inside(folder)) - set(whole)):
            yield from self._unfinished(path)

    def _unfinished(self, path: Path) -> Iterator[Piece]:
        if path.name == TRASH:
            yield self._piece("leftovers", "deleted datasets", _inside(path))
            return
        name = path.name.removeprefix(".").removesuffix(".building").removesuffix(".old")
        used = "" if _free(self._root / "slots" / f"{name}.lock") else "a build"
        yield self._piece("leftovers", f"build of {name} that was stopped", [path], used)

    def _runs(self) -> Iterator[Piece]:
        for path in sorted(_inside(self._root / "runs")):
            if path.name == TRASH:
                yield self._piece("leftovers", "deleted runs", _inside(path))
            elif (path / "recipe.json").is_file():
                yield from self._run(Run(path))
            else:
                yield self._piece("other", f"runs/{path.name}", [path])

    def _run(self, run: Run) -> Iterator[Piece]:
        try:
            kind, used = run.kind, "its job" if run.status in LIVE else ""
        except StoreError:  # damaged, or deleted meanwhile
            yield self._piece("other", f"runs/{run.id}", [run.path])
            return
        if kind in ANALYSES:
            yield self._piece("analyses", run.id, [run.path], used)
            return
        if kind in TRAININGS:
            yield self._piece("checkpoints", run.id, [run.path / "checkpoint"], used)
        paths = [path for path in _inside(run.path) if path.name != "checkpoint"]
        yield self._piece("models" if kind in (*MODEL_KINDS, *TRAININGS) else "records", run.id, paths, used)

    # -- everything else -----------------------------------------------------------------------------------------------

    def _beside(self, path: Path) -> Iterator[Piece]:
        name = path.name
        if name in FOLDERS:
            yield self._piece(FOLDERS[name], name, [path])
        elif name == "uploads":
            for each in sorted(_inside(path)):
                yield self._piece("uploads", each.name, [each])
        elif name == "remote":
            for each in sorted(_inside(path)):
                yield self._piece("remote", (read_record(each / "latest.json") or {}).get("address", each.name), [each])
        elif name == "downloads":
            yield from self._downloads(path)
        elif name.startswith(DAMAGED):
            yield self._piece("damaged", name, [path])
        elif name.startswith(DATABASE):
            yield self._piece("results", name, [path])
        elif name in (".backup", ".restore"):
            yield from self._aside(path)
        elif name == TRASH:
            yield self._piece("leftovers", "what was being removed", _inside(path))
        elif name.startswith("audit"):
            yield self._piece("work", name, [path])
        else:
            yield self._piece("other", name, [path])

    def _aside(self, folder: Path) -> Iterator[Piece]:
        what = folder.name.removeprefix(".")
        for path in sorted(_inside(folder)):
            used = f"a {what}" if is_held(path) else "the next restore" if (path / JOURNAL).exists() else ""
            yield self._piece("leftovers", f"{what} that was killed", [path], used)

    def _downloads(self, folder: Path) -> Iterator[Piece]:
        """Files that were fetched have a record beside them, which says from where; others somebody put there."""
        begun = [path for path in _inside(folder) if path.suffix == ".part"]
        for path in sorted([*begun, *_inside(folder / ".parts")]):
            used = "" if _free(path.with_name(f".{path.name}.lock")) else "a download"
            paths = [path, *_there(path.with_name(f"{path.name}.json"))]
            yield self._piece(
                "leftovers", f"download of {path.name.removesuffix('.part')} that was stopped", paths, used
            )
        records = {path.with_name(path.name.removesuffix(".json")): path for path in folder.glob("*.json")}
        for path in sorted(each for each in _inside(folder) if each.suffix != ".part" and each.name != ".parts"):
            if path in records:
                yield self._piece("downloads", path.name, [path, records[path]])
            elif path not in records.values() and not path.name.startswith("."):
                yield self._piece("other", f"downloads/{path.name}", [path])


def remove(root: Path, paths: Sequence[Path]) -> None:
    """Takes files and folders away by a rename each, then removes them; a kill in between leaves them in the trash.

    Raises StoreError where the folder cannot be written; what is gone already is fine.
    """
    trash = root / TRASH
    with on_disk(root):
        trash.mkdir(exist_ok=True)
        for path in paths:
            if path.exists():
                path.rename(trash / f"{path.name.removeprefix('.')}-{secrets.token_hex(4)}")
    empty_trash(root)


def empty_trash(root: Path) -> None:
    """Removes what ``remove`` took away, and what a killed process left of it."""
    shutil.rmtree(root / TRASH, ignore_errors=True)


def build_seconds(path: Path) -> float | None:
    """How long the last build of a dataset took; None where it does not say."""
    try:
        return float(read_json(path / "manifest.json")["seconds"])
    except (StoreError, KeyError, TypeError, ValueError):
        return None


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _there(path: Path) -> list[Path]:
    return [path] if path.exists() else []


def _files(path: Path) -> Iterator[os.stat_result]:
    """Every file at or below a path, links not followed."""
    try:
        if path.is_symlink() or not path.is_dir():
            yield path.lstat()
            return
        for folder, _, names in os.walk(path):
            for name in names:
                try:
                    yield (Path(folder) / name).lstat()
                except FileNotFoundError:
                    continue
    except FileNotFoundError:
        return


def _maker(folder: Path) -> str:
    """Whoever writes a file in there at this moment: the number of its process is in the name of the file aside."""
    for path in folder.glob(".*"):
        if any(part.isdigit() and psutil.pid_exists(int(part)) for part in re.split(r"[.-]", path.name)[-3:]):
            return "whoever makes it"
    return ""


def _free(lock: Path) -> bool:
    """Whether nobody holds a lock file."""
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # never made, or not ours to open
        return True
    return True
