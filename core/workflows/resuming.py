"""Trainings of generators that were stopped: whether one can go on, and from where.

A GAN in training leaves a checkpoint in its run's folder after every recorded step. A run that was cancelled, killed or
lost with its machine goes on from the last one and ends at the weights of a training that was never stopped.
"""

import json

from safetensors import SafetensorError, safe_open

from core.errors import NotFoundError, RecipeError
from core.models.generators import GeneratorRecipe
from core.store.guard import guarded, role_for
from core.store.runs import Run
from core.store.workspace import Workspace

CHECKPOINT = "checkpoint"  # the folder, in that of the run
STOPPED = ("cancelled", "failed")


def resumable(run: Run) -> bool:
    """Whether a generator's training was stopped and left a checkpoint to go on from."""
    return run.kind == "generator" and run.status in STOPPED and any((run.path / CHECKPOINT).glob("*.safetensors"))


def steps_done(run: Run) -> tuple[int, int]:
    """How many training steps the last checkpoint has behind it, and of how many; (0, all) without a readable one."""
    steps = GeneratorRecipe(**run.recipe["parameters"]).validated().steps
    for path in (run.path / CHECKPOINT).glob("*.safetensors"):
        try:
            with safe_open(path, framework="numpy") as file:
                return int(json.loads((file.metadata() or {})["history"])[-1]["step"]), steps
        except (OSError, KeyError, IndexError, ValueError, SafetensorError):
            continue
    return 0, steps


@guarded(role_for, "resume", recorded=False)
def reopen_training(workspace: Workspace, run_id: str, name: str | None = None) -> Run:
    """Makes a generator's training that was cancelled or that failed ready to go on.

    Without a checkpoint it starts from the beginning. Raises NotFoundError where there is no such training (of the
    dataset ``name``), RecipeError where it is done or at work, or where the dataset is another one by now.
    """
    run = workspace.runs.get(run_id)
    if run.kind != "generator" or name not in (None, run.dataset):
        raise NotFoundError(f"Run {run_id!r} is no training of a generator of {name or run.dataset!r}.")
    if run.status not in STOPPED:
        raise RecipeError(f"Training {run_id!r} is {run.status}: only one that was cancelled or failed can go on.")
    if workspace.dataset(run.dataset).fingerprint != run.recipe["fingerprint"]:
        raise RecipeError(f"Dataset {run.dataset!r} was built anew since {run_id!r} began: start a new training.")
    for left in ("cancelled", "result.json", "progress.jsonl", "process.json"):
        (run.path / left).unlink(missing_ok=True)
    return run
