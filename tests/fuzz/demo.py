"""A small simulated dataset with trained models, made once for a whole run of the fuzzer."""

import os
from functools import cache
from pathlib import Path

from core.store.workspace import Workspace
from core.types import silent

VARIABLE = "ARCHSCOPE_FUZZ_DEMO"  # where it lies; whoever starts workers sets it


@cache
def demo_workspace() -> Workspace:
    """The data folder named by the environment."""
    return Workspace(Path(os.environ[VARIABLE]))


def make_demo(root: Path) -> None:
    """A dataset "demo" with a classifier and a generator, in a folder that is to be thrown away."""
    from core import workflows  # seconds, which most workers need not spend

    os.environ[VARIABLE] = str(root)
    workspace = Workspace(root)
    workflows.create_demo(workspace, n_biosamples=200, n_genes=1000)
    fingerprint = workspace.dataset("demo").fingerprint
    for kind, parameters in (
        ("classifier", {"trees": 10, "genes": 100}),
        ("generator", {"label": "brain", "steps": 20}),
    ):
        workflows.perform(workspace, workspace.runs.create(kind, "demo", parameters, fingerprint), silent)
