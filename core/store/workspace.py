"""One data folder: its datasets, its runs, the results database, and which runs are in use."""

import os
from pathlib import Path

from core.errors import InputError, NotFoundError, StoreError
from core.settings import data_dir
from core.sources.plain_names import is_plain
from core.store.building import recover
from core.store.datasets import StoredDataset, find_datasets
from core.store.disk import trouble
from core.store.label_edits import LabelEdits, Stamp
from core.store.promotions import BACK, FIRST, PROMOTED, Promotion, Promotions
from core.store.results import Results
from core.store.runs import MODEL_KINDS, TRAININGS, Run, RunStore, now


class Workspace:
    """Everything below one data folder.

    ``persistent`` opens the results database file (the app alone does); otherwise results live in memory.
    """

    def __init__(self, root: Path | None = None, persistent: bool = False) -> None:
        self.root = (root or data_dir()).resolve()
        self.datasets_dir = self.root / "datasets"
        self.runs_dir = self.root / "runs"
        self._make_folders()
        recover(self.datasets_dir)
        self.runs = RunStore(self.runs_dir)
        self.promotions = Promotions(self.root / "active")
        self.results = Results(self.root / "archscope.duckdb" if persistent else None)
        self._open: dict[str, tuple[int, Stamp, StoredDataset]] = {}

    def _make_folders(self) -> None:
        """Raises StoreError where there is no such folder and none can be made; one to read alone will do."""
        try:
            self.datasets_dir.mkdir(parents=True, exist_ok=True)
            self.runs_dir.mkdir(exist_ok=True)
        except OSError as error:
            if not os.access(self.root, os.R_OK | os.X_OK):
                raise trouble(error, self.root) from error

    @property
    def notices(self) -> list[str]:
        """What whoever looks at this data folder has to know of it, a line each."""
        return self.results.notices

    def dataset(self, name: str) -> StoredDataset:
        """The dataset of that name with its label edits; opened anew only where it or they changed.

        Raises NotFoundError.
        """
        if not is_plain(name):
            raise NotFoundError(f"{name[:100]!r} is not a dataset's name: see 'python -m core datasets'.")
        manifest = self.datasets_dir / name / "manifest.json"
        changed = manifest.stat().st_mtime_ns if manifest.is_file() else 0
        edits = self.label_edits(name)
        edited = edits.stamp  # before they are read: a change in between is noticed the next time
        known = self._open.get(name)
        if known is None or known[0] != changed or not changed:
            known = (changed, edited, StoredDataset(self.datasets_dir / name, edits.read()))
            self._open[name] = known
        elif known[1] != edited:
            known = (changed, edited, known[2].with_edits(edits.read()))
            self._open[name] = known
        return known[2]

    def label_edits(self, name: str) -> LabelEdits:
        """The edits of a dataset's labels."""
        return LabelEdits(self.root / "label_edits", name)

    def datasets(self) -> list[StoredDataset]:
        """Every finished dataset, by name."""
        return list(find_datasets(self.datasets_dir, self.dataset))

    def usable_runs(self, dataset: StoredDataset, kind: str) -> list[Run]:
        """Finished runs of a kind that were trained on this very content, newest first."""
        runs = self.runs.all(dataset.name, kind)
        return [run for run in runs if run.recipe["fingerprint"] == dataset.fingerprint and run.status == "done"]

    def active(self, dataset: StoredDataset, kind: str) -> Run | None:
        """The run in use: the one that was chosen, else the first that finished; None where there is none.

        So a later training changes no prediction before somebody says so.
        """
        usable = self.usable_runs(dataset, kind)
        chosen = self.promotions.chosen(dataset.name, kind)
        return next((run for run in usable if run.id == chosen), None) or min(usable, key=_finished, default=None)

    def is_active(self, run: Run) -> bool:
        """Whether a run is the one in use of its kind and dataset; a study never is."""
        if run.kind not in MODEL_KINDS:
            return False
        try:
            active = self.active(self.dataset(run.dataset), run.kind)
        except (NotFoundError, StoreError):  # without its dataset no run is of use
            return False
        return active is not None and active.id == run.id

    def activate(self, run: Run) -> Run | None:
        """Makes a finished run the one in use; the one that was in use before it.

        Raises NotFoundError for a run that has no result, InputError for one that no page could use.
        """
        if run.kind not in MODEL_KINDS:
            raise InputError(f"Run {run.id!r} is a {run.kind}: only a trained model can be put to use.")
        with self.promotions.lock(run.dataset):
            self._check_usable(run)
            before = self.active(self.dataset(run.dataset), run.kind)
            known = self.promotions.history(run.dataset, run.kind)
            top = known[-1].run if known else None
            entries = [Promotion(run.id, PROMOTED, now())] if top != run.id else []
            if before is not None and before.id not in (top, run.id):
                entries.insert(0, Promotion(before.id, FIRST, _finished(before)[0]))
            if entries:
                self.promotions.record(run.dataset, run.kind, entries)
            return before

    def way_back(self, dataset: StoredDataset, kind: str) -> Run | None:
        """The run that a rollback would put to use: the last one before, of those that are still there; else None."""
        active = self.active(dataset, kind)
        usable = {run.id: run for run in self.usable_runs(dataset, kind) if active is None or run.id != active.id}
        return next((usable[run] for run in self.promotions.before(dataset.name, kind) if run in usable), None)

    def roll_back(self, dataset: StoredDataset, kind: str) -> tuple[Run, Run | None]:
        """Puts the run to use that was in use before the present one; again, the one before that: both, in that order.

        Raises NotFoundError where there is none.
        """
        with self.promotions.lock(dataset.name):
            before = self.active(dataset, kind)
            run = self.way_back(dataset, kind)
            if run is None:
                raise NotFoundError(f"No other {kind} of {dataset.name!r} was in use before: promote one by its id.")
            self.promotions.record(dataset.name, kind, [Promotion(run.id, BACK, now())])
            return run, before

    def delete(self, run: Run) -> None:
        """Deletes a training's or a study's folder for good, with what the results database has of it.

        Raises InputError where the run is in use, or still at work, or no training; StoreError where it cannot be done.
        """
        if run.kind not in TRAININGS:
            raise InputError(f"Run {run.id!r} is a {run.kind}: only trainings and studies can be deleted.")
        with self.promotions.lock(run.dataset):
            self.runs.get(run.id)  # somebody else may have been quicker
            if run.status in ("queued", "running") or run.process() is not None:
                raise InputError(f"Run {run.id!r} is still at work: cancel it, or wait until it ends.")
            if self.is_active(run):
                raise InputError(
                    f"Run {run.id!r} is the {run.kind} in use for {run.dataset!r}: promote another or roll back first."
                )
            self.runs.delete(run)
        self.results.keep_runs(run.dataset, [left.id for left in self.runs.all(run.dataset)])

    def _check_usable(self, run: Run) -> None:
        self.runs.get(run.id)
        if run.status != "done":
            raise NotFoundError(f"Run {run.id!r} is {run.status}: only a finished run can be used.")
        if run.recipe["fingerprint"] != self.dataset(run.dataset).fingerprint:
            raise NotFoundError(
                f"Run {run.id!r} was trained on another content of {run.dataset!r} than it has now: train again."
            )


def _finished(run: Run) -> tuple[str, str]:
    return str((run.result or {}).get("finished", "")), run.id
