"""Fixtures that several packages of tests share: a small simulated dataset, built and trained once a session."""

import os
from pathlib import Path

os.environ.setdefault("ARCHSCOPE_THREADS", "1")  # tests run side by side; before anything asks for threads

import plotly.graph_objects as go
import pytest
from hypothesis import settings

from core import logs, workflows
from core.figures.chart import Chart
from core.settings import PROJECT
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent

settings.register_profile("archscope", deadline=None)  # no test measures time; the first call of a kernel compiles it
settings.load_profile("archscope")

REAL = PROJECT.parent / "shared" / "data"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are called by their argument: archives hold the time, and two processes have to name tests alike."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process sets up its log once; here a page and the command line share one, so each test begins without."""
    monkeypatch.setattr(logs.log, "handlers", [])


@pytest.fixture(autouse=True)
def _checked_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are made without plotly's checks; here plotly checks each property of each that a test draws."""
    unchecked = Chart.figure

    def checked(chart: Chart) -> go.Figure:
        found = unchecked(chart)
        go.Figure(found.to_dict())  # ValueError where plotly does not know a property, or not with such a value
        return found

    monkeypatch.setattr(Chart, "figure", checked)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real trial data beside the checkout; the test is skipped where it is absent."""
    if not (REAL / "human_tissue_counts.h5").is_file():
        pytest.skip(f"needs the real trial data in {REAL}")
    return REAL


def train(workspace: Workspace, kind: str, **parameters: object) -> Run:
    """A run trained in this process."""
    run = workspace.runs.create(kind, "demo", parameters, workspace.dataset("demo").fingerprint)
    workflows.perform(workspace, run, silent)
    return run


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small simulated dataset "demo", a classifier and a generator. Read it, don't change it."""
    root = tmp_path_factory.mktemp("demo-data")
    workspace = Workspace(root)
    workflows.create_demo(workspace, n_biosamples=320, n_genes=1000)
    train(workspace, "classifier", trees=30, genes=300)
    train(workspace, "generator", label="brain", steps=60)
    return root


@pytest.fixture
def workspace(demo_root: Path) -> Workspace:
    """The small simulated dataset and its runs, with a results database in memory."""
    return Workspace(demo_root)
