"""One data folder: its datasets, its runs, the results database, and which runs are in use."""

from pathlib import Path

from core.errors import NotFoundError
from core.settings import data_dir
from core.store.datasets import StoredDataset, find_datasets
from core.store.files import read_json, write_json
from core.store.results import Results
from core.store.runs import Run, RunStore


class Workspace:
    """Everything below one data folder.

    ``persistent`` opens the results database file (the app alone does); otherwise results live in memory.
    """

    def __init__(self, root: Path | None = None, persistent: bool = False) -> None:
        self.root = (root or data_dir()).resolve()
        self.datasets_dir = self.root / "datasets"
        self.runs_dir = self.root / "runs"
        self.datasets_dir.mkdir(parents=True, exist_ok=True)
        self.runs_dir.mkdir(exist_ok=True)
        self.runs = RunStore(self.runs_dir)
        self.results = Results(self.root / "archscope.duckdb" if persistent else None)
        self._open: dict[str, tuple[int, StoredDataset]] = {}

    def dataset(self, name: str) -> StoredDataset:
        """The dataset of that name; opened anew only where it was built anew. Raises NotFoundError."""
        if not name or Path(name).name != name or name.startswith("."):
            raise NotFoundError(f"{name!r} is not a dataset's name: see 'python -m core datasets'.")
        manifest = self.datasets_dir / name / "manifest.json"
        changed = manifest.stat().st_mtime_ns if manifest.is_file() else 0
        known = self._open.get(name)
        if known is None or known[0] != changed or not changed:
            known = (changed, StoredDataset(self.datasets_dir / name))
            self._open[name] = known
        return known[1]

    def datasets(self) -> list[StoredDataset]:
        """Every finished dataset, by name."""
        return [self.dataset(found.name) for found in find_datasets(self.datasets_dir)]

    def usable_runs(self, dataset: StoredDataset, kind: str) -> list[Run]:
        """Finished runs of a kind that were trained on this very content, newest first."""
        runs = self.runs.all(dataset.name, kind)
        return [run for run in runs if run.recipe["fingerprint"] == dataset.fingerprint and run.status == "done"]

    def active(self, dataset: StoredDataset, kind: str) -> Run | None:
        """The run in use: the one that was chosen, else the first that finished; None where there is none.

        So a later training changes no prediction before somebody says so.
        """
        usable = self.usable_runs(dataset, kind)
        chosen = self._choices(dataset.name).get(kind)
        return next((run for run in usable if run.id == chosen), usable[-1] if usable else None)

    def activate(self, run: Run) -> None:
        """Makes a finished run the one in use. Raises NotFoundError for a run that has no result."""
        if run.status != "done":
            raise NotFoundError(f"Run {run.id!r} is {run.status}: only a finished run can be used.")
        path = self.root / "active" / f"{run.dataset}.json"
        path.parent.mkdir(exist_ok=True)
        write_json(path, {**self._choices(run.dataset), run.kind: run.id})

    def _choices(self, dataset: str) -> dict[str, str]:
        path = self.root / "active" / f"{dataset}.json"
        return dict(read_json(path)) if path.is_file() else {}
