"""The embedded demo: simulated counts, built like any other dataset."""

import shutil
from typing import Any

from core.access import Role
from core.settings import DEMO_NAME
from core.sources.demo import write_demo
from core.store.building import alone
from core.store.disk import on_disk
from core.store.guard import guarded
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows.build import BuildOutcome, build
from core.workflows.plan import BuildRequest
from core.workflows.stages import Stages

FIRST_MODELS: dict[str, dict[str, Any]] = {"classifier": {}, "generator": {"label": "brain"}}


@guarded(Role.TRAINER, "demo")
def create_demo(workspace: Workspace, progress: Progress = silent, **size: int) -> BuildOutcome:
    """Writes the seeded demo files into the data folder and builds them as the dataset "demo".

    ``size`` may give n_biosamples and n_genes (tests use a small one).
    """
    stages = Stages(progress, {"simulating": 1.0, "building": 1.5})
    folder = workspace.root / "demo"
    with on_disk(workspace.root), alone(workspace.datasets_dir / DEMO_NAME):
        aside = folder.with_name(".demo.making")  # so that files that a kill cut short are never taken for whole ones
        shutil.rmtree(aside, ignore_errors=True)
        files = write_demo(aside, progress=stages.stage("simulating"), **size)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    counts, labels, lengths = (folder / path.name for path in (files.counts, files.labels, files.lengths))
    request = BuildRequest(counts, DEMO_NAME, labels, lengths)
    return build(workspace, request, stages.stage("building"))
