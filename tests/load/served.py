"""The app in a process of its own, on a data folder of its own; the memory and processor time that it took."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from core import jobs, workflows
from core.store.workspace import Workspace
from tests.serving import running

ARENAS = "2"  # of the C library's memory: with one for each thread, what sessions gave back stays in pieces
FORGOTTEN = 5  # seconds after which the app may forget a session that was closed


@dataclass(frozen=True)
class Served:
    """A running app."""

    address: str
    process: psutil.Process
    log: Path
    root: Path

    def memory(self) -> float:
        """Resident memory of the app's process alone, MB (its jobs are other processes)."""
        return float(self.process.memory_info().rss) / 1e6

    def cpu(self) -> float:
        """Processor time of the app's process so far, seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def tracebacks(self) -> int:
        """How many there are in its log."""
        return self.log.read_text(errors="replace").count("Traceback")


@contextlib.contextmanager
def served(root: Path, log: Path, more: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Runs the app on a data folder until the block ends, then ends it with every job that it left running."""
    settings = {"MALLOC_ARENA_MAX": ARENAS, **(more or {})}
    try:
        with running(root, log, "--server.disconnectedSessionTTL", str(FORGOTTEN), settings=settings) as (
            port,
            process,
        ):
            yield Served(f"http://127.0.0.1:{port}", psutil.Process(process.pid), log, root)
    finally:
        for run in jobs.active_runs(Workspace(root)):
            jobs.cancel(run)


def copy_of(root: Path, target: Path) -> Path:
    """A data folder of the test's own: datasets are linked, not copied; the results database is made anew."""
    target.mkdir(parents=True, exist_ok=True)
    for part in root.iterdir():
        if part.name == "datasets":
            shutil.copytree(part, target / part.name, copy_function=_link)
        elif part.is_dir() and part.name not in ("slots", "bench"):
            shutil.copytree(part, target / part.name)
    return target


def small_demo(root: Path, second: bool = True) -> Path:
    """Makes a small simulated dataset with a classifier and a generator, and a second one of the same counts."""
    workspace = Workspace(root)
    workflows.create_demo(workspace, n_biosamples=320, n_genes=1000)
    if second:
        files = workspace.root / "demo"
        request = workflows.BuildRequest(
            files / "demo.h5", "trial", files / "demo_labels.tsv", files / "demo_lengths.tsv", length_unit="bp"
        )
        workflows.build(workspace, request)
    for name in [dataset.name for dataset in workspace.datasets()]:
        train(workspace, name, "classifier", trees=30, genes=300)
        train(workspace, name, "generator", label="brain", steps=60)
    return root


def train(workspace: Workspace, name: str, kind: str, **parameters: object) -> None:
    """A run trained in this process."""
    run = workspace.runs.create(kind, name, parameters, workspace.dataset(name).fingerprint)
    workflows.perform(workspace, run, lambda *_, **__: None)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
