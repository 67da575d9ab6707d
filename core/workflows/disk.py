"""What the data folder takes on the disk, what of it can be made again, and taking that away.

Nothing that cannot be made again is ever cleaned: models, counts, uploads, checkpoints and what people made go only
with the run or dataset that they belong to, when somebody deletes that by name.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core import logs
from core.access import Role
from core.errors import InputError, NotFoundError, RecipeError, StoreError
from core.store.building import alone
from core.store.guard import guarded
from core.store.results import Results
from core.store.runs import Run
from core.store.usage import DATABASE, LIVE, Piece, Usage, build_seconds, empty_trash, remove
from core.store.workspace import Workspace
from core.workflows.remote_jobs import REMOTE_KINDS
from core.workflows.restoring import finish_interrupted

CACHE, SOURCE, NEVER = "yes", "from its files", "no"  # can it be made again?
DAY = 86_400.0


@dataclass(frozen=True)
class Kind:
    """A kind of piece: its name in words, whether it can be made again, and how."""

    title: str
    again: str
    how: str


KINDS = {
    "counts": Kind("Counts of datasets", SOURCE, "Build the dataset again from its files"),
    "expression": Kind("Normalised expression", SOURCE, "Build the dataset again from its files"),
    "index": Kind("Index for similar biosamples", SOURCE, "Build the dataset again from its files"),
    "tables": Kind("Tables of datasets", SOURCE, "Build the dataset again from its files"),
    "models": Kind("Trained models and studies", NEVER, "Only training again, which takes as long as it took"),
    "checkpoints": Kind("Checkpoints of stopped trainings", NEVER, "Without it a training begins anew"),
    "records": Kind("Records of other jobs", NEVER, "What builds and downloads said"),
    "uploads": Kind("Uploaded files", NEVER, "Only whoever uploaded them may have them still"),
    "work": Kind("Edits, filters, gene sets, audit log", NEVER, "People made them"),
    "downloads": Kind("Downloaded ARCHS4 files", CACHE, "Fetched again from its server: minutes to hours"),
    "remote": Kind("Lists of remote files", CACHE, "Read again from the server: seconds to minutes"),
    "results": Kind("Results database", CACHE, "Filled again from datasets and runs: seconds, maps up to minutes"),
    "correlation": Kind("Cache of gene correlations", CACHE, "Made when first asked for: seconds to a minute"),
    "analyses": Kind("Maps and enrichments", CACHE, "Made when asked for: seconds to minutes"),
    "annotations": Kind("What was read of GTF files", CACHE, "Read again at the next build: seconds"),
    "demo": Kind("Files of the simulated demo", CACHE, "Simulated again from the same seed: seconds"),
    "damaged": Kind("Damaged databases set aside", CACHE, "Not needed: the database was made anew"),
    "leftovers": Kind("Leftovers of what was stopped", CACHE, "Builds and downloads begin anew instead of going on"),
    "other": Kind("Files of unknown origin", NEVER, "ARCHScope did not make them"),
}
CLEANABLE = tuple(name for name, kind in KINDS.items() if kind.again == CACHE)
QUICK = tuple(name for name in CLEANABLE if name not in ("downloads", "results"))  # what goes where nobody says what
COLUMNS = ("kind", "title", "name", "bytes", "files", "rebuildable", "how", "used_by", "changed")


@dataclass(frozen=True)
class DiskUse:
    """``pieces``: columns ``COLUMNS``, the largest first; ``free`` and ``total`` bytes of the disk of the folder."""

    pieces: pd.DataFrame
    free: int
    total: int

    @property
    def bytes(self) -> int:
        """Of everything in the data folder."""
        return int(self.pieces["bytes"].sum())

    @property
    def kinds(self) -> pd.DataFrame:
        """One row a kind, the largest first: kind, title, bytes, files, pieces, in_use, rebuildable, how."""
        groups = self.pieces.groupby(["kind", "title", "rebuildable"], sort=False)
        table = groups.agg(bytes=("bytes", "sum"), files=("files", "sum"), pieces=("name", "size"),
                           in_use=("used_by", lambda used: int((used != "").sum()))).reset_index()  # fmt: skip
        table["how"] = table["kind"].map({name: kind.how for name, kind in KINDS.items()})
        return table.sort_values("bytes", ascending=False, kind="stable", ignore_index=True)


def disk_use(workspace: Workspace) -> DiskUse:
    """What takes how much below the data folder, and whether it can be made again."""
    rows = [_row(workspace, piece) for piece in Usage(workspace.root).pieces]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("bytes", ascending=False, kind="stable")
    disk = shutil.disk_usage(workspace.root)
    return DiskUse(frame.reset_index(drop=True), disk.free, disk.total)


def _row(workspace: Workspace, piece: Piece) -> tuple[object, ...]:
    kind = KINDS[piece.kind]
    how = kind.how
    if kind.again == SOURCE and (took := build_seconds(workspace.datasets_dir / piece.name)) is not None:
        how = f"{how}: about {_words(took)}, as the last time"
    changed = pd.Timestamp(piece.changed, unit="s", tz="UTC").floor("s")
    return (piece.kind, kind.title, piece.name, piece.bytes, piece.files, kind.again, how, piece.used_by, changed)


def _words(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{round(seconds / 60)} min"


@dataclass(frozen=True)
class Cleaned:
    """``pieces``: what went, or would go (columns ``COLUMNS``); ``kept``: what was asked for and stays, and why."""

    pieces: pd.DataFrame
    kept: list[str]

    @property
    def bytes(self) -> int:
        """Of what went, or would go."""
        return int(self.pieces["bytes"].sum())


def to_clean(workspace: Workspace, kinds: Sequence[str] = (), older_than: float = 0.0) -> Cleaned:
    """What ``clean`` would take away. Raises RecipeError for kinds that are never cleaned."""
    chosen, kept = _chosen(workspace, kinds, older_than)
    return Cleaned(pd.DataFrame([_row(workspace, piece) for piece in chosen], columns=list(COLUMNS)), kept)


@guarded(Role.ADMIN, "clean the disk")
def clean(workspace: Workspace, kinds: Sequence[str] = (), older_than: float = 0.0) -> Cleaned:
    """Takes away what can be made again: of these ``kinds`` (default: ``QUICK``), unchanged for so many days.

    What a job uses at that moment stays. Raises RecipeError for kinds that are never cleaned, StoreError.
    """
    finish_interrupted(workspace.root)
    empty_trash(workspace.root)
    chosen, kept = _chosen(workspace, kinds, older_than)
    gone = []
    for piece in chosen:
        why = _remove(workspace, piece)
        if why:
            kept.append(f"{piece.name}: {why}")
        else:
            gone.append(_row(workspace, piece))
    done = Cleaned(pd.DataFrame(gone, columns=list(COLUMNS)), kept)
    logs.event("disk.cleaned", pieces=len(gone), bytes=done.bytes)
    return done


def _chosen(workspace: Workspace, kinds: Sequence[str], older_than: float) -> tuple[list[Piece], list[str]]:
    for kind in kinds:
        if kind not in CLEANABLE:
            what = f"{KINDS[kind].title} are" if kind in KINDS else f"{kind!r} is"
            raise RecipeError(f"{what} never cleaned: choose of {', '.join(CLEANABLE)}.")
    wanted, before = kinds or QUICK, time.time() - older_than * DAY
    found = [piece for piece in Usage(workspace.root).pieces if piece.kind in wanted and piece.changed <= before]
    users = [(piece, piece.used_by or _job_of(workspace, piece)) for piece in found]
    used = [f"{piece.name}: {user} uses it" for piece, user in users if user]
    return [piece for piece, user in users if not user], used


def _job_of(workspace: Workspace, piece: Piece) -> str:
    """A job at work that reads a piece which has no lock of its own; "" where there is none."""
    if piece.kind not in ("downloads", "remote", "demo"):
        return ""
    for run in (run for run in workspace.runs.all() if run.status in LIVE):
        given = {str(value) for value in run.recipe["parameters"].values()} if piece.kind == "downloads" else set()
        kinds = {"remote": REMOTE_KINDS, "demo": ("demo",), "downloads": ("download",)}[piece.kind]
        if run.kind in kinds or any(str(path) in given for path in piece.paths):
            return f"job {run.id}"
    return ""


def _remove(workspace: Workspace, piece: Piece) -> str:
    """Removes a piece, unless somebody began to use it meanwhile; why it stays, else ""."""
    if piece.kind == "results":
        return _clear_results(workspace)
    if piece.kind == "analyses" and Run(piece.paths[0]).status in LIVE:
        return "its job uses it"
    building = next((path for path in piece.paths if path.name.endswith((".building", ".old"))), None)
    if building is None:
        remove(workspace.root, piece.paths)
        return ""
    try:
        with alone(building.with_name(building.name.removeprefix(".").rpartition(".")[0])):
            remove(workspace.root, piece.paths)
    except InputError:
        return "a build uses it"
    return ""


def _clear_results(workspace: Workspace) -> str:
    """Forgets cached analyses where this process has the database, else removes its file."""
    if workspace.results.persistent:
        workspace.results.forget_cached()
        return ""
    path = workspace.root / DATABASE
    try:
        Results(path).close()
    except StoreError:
        return "a running ARCHScope uses it: clean it on its Data page"
    remove(workspace.root, [path, *workspace.root.glob(f"{DATABASE}.wal")])
    return ""


# -- deleting a dataset ------------------------------------------------------------------------------------------------


def belongings(workspace: Workspace, name: str) -> pd.DataFrame:
    """What would go with a dataset: columns ``COLUMNS``. Raises NotFoundError where there is nothing of that name."""
    runs = {run.id for run in workspace.runs.all(name)}
    mine = [piece for piece in Usage(workspace.root).pieces if _is_of(piece, workspace.root, name, runs)]
    if not mine:
        raise NotFoundError(f"There is no dataset {name!r}: see 'python -m core datasets'.")
    return pd.DataFrame([_row(workspace, piece) for piece in mine], columns=list(COLUMNS))


def _is_of(piece: Piece, root: Path, name: str, runs: set[str]) -> bool:
    folders = (root / "datasets" / name, root / "uploads" / name)
    return piece.name in runs or any(path in folders or path.parent in folders for path in piece.paths)


@guarded(Role.ADMIN, "delete a dataset")
def delete_dataset(workspace: Workspace, name: str) -> int:
    """Deletes a dataset for good, with its runs, edits, promotions, saved filters and uploads; bytes that they took.

    The dataset goes first and at once, by one rename; a kill after that leaves runs without a dataset, which the same
    call removes. Raises NotFoundError; InputError while a job works on it; StoreError.
    """
    taken = int(belongings(workspace, name)["bytes"].sum())
    folder = workspace.datasets_dir / name
    with alone(folder), workspace.promotions.lock(name):
        runs = workspace.runs.all(name)
        for run in runs:
            if run.status in LIVE or run.process() is not None:
                raise InputError(f"Run {run.id!r} is at work on {name!r}: cancel it, or wait until it ends.")
        root = workspace.root
        edits = [root / "label_edits" / f"{name}.parquet", root / "filters" / f"{name}.json"]
        beside = [workspace.datasets_dir / f".{name}.building", root / "uploads" / name, *edits]
        remove(root, [folder])
        remove(root, [*(run.path for run in runs), *beside, root / "active" / f"{name}.json"])
    logs.event("dataset.deleted", dataset=name, bytes=taken, runs=len(runs))
    forget_missing(workspace)
    return taken


def forget_missing(workspace: Workspace) -> None:
    """Takes out of the results database what it has of datasets that are no longer there."""
    workspace.results.keep_datasets({found.name: found.fingerprint for found in workspace.datasets()})
