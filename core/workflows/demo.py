"""The embedded demo: simulated counts, built like any other dataset."""

from typing import Any

from core.settings import DEMO_NAME
from core.sources.demo import write_demo
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows.build import BuildOutcome, build
from core.workflows.plan import BuildRequest
from core.workflows.stages import Stages

FIRST_MODELS: dict[str, dict[str, Any]] = {"classifier": {}, "generator": {"label": "brain"}}


def create_demo(workspace: Workspace, progress: Progress = silent, **size: int) -> BuildOutcome:
    """Writes the seeded demo files into the data folder and builds them as the dataset "demo".

    ``size`` may give n_biosamples and n_genes (tests use a small one).
    """
    stages = Stages(progress, {"simulating": 1.0, "building": 1.5})
    files = write_demo(workspace.root / "demo", progress=stages.stage("simulating"), **size)
    request = BuildRequest(files.counts, DEMO_NAME, files.labels, files.lengths)
    return build(workspace, request, stages.stage("building"))
