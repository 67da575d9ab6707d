"""A training loop that knows nothing of the model: steps, a record, validation, checkpoints, early stop, NaN guard.

The model's state is a flat dict of tensors (networks, moving average, optimisers, random generator), written after
every ``every`` steps together with the history. A run that is killed and started again with the same folder ends at
the same weights as one that was never interrupted.
"""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from core.errors import StoreError
from core.models.generators.base import ShouldStop, never
from core.models.generators.state import State, copied
from core.types import Progress

CHECKPOINT = "checkpoint.safetensors"
RECORDS = 100  # rows of the history over a whole training
Row = dict[str, float]


class Trainable(Protocol):
    """What the loop asks of a model."""

    def step(self) -> Row:
        """One update; figures of this step, with keys that are the same in every step."""

    def validate(self) -> float:
        """A figure that falls as the model improves on data that it is not fitted on."""

    def state(self) -> State:
        """Everything that the next step depends on (clones or live tensors, named)."""

    def load_state(self, state: State) -> None: ...


@dataclass(frozen=True)
class Schedule:
    """``steps`` in all; a record and a validation after the first step and then every ``every``; ``patience`` in
    validations until an early stop, 0 = never."""

    steps: int
    every: int
    patience: int = 0

    def marks(self) -> list[int]:
        """Steps after which there is a record: the first (where every curve starts), multiples of every, the last."""
        return sorted({1, *range(self.every, self.steps, self.every), self.steps})


class DivergedError(Exception):
    """A step gave a figure that is not finite."""


def train(
    model: Trainable,
    schedule: Schedule,
    progress: Progress,
    should_stop: ShouldStop = never,
    checkpoint_dir: Path | None = None,
    recipe_key: str = "",
) -> list[Row]:
    """Train to the end of the schedule, to an early stop, to ``should_stop``, or to the first step that is not finite.

    The history has a row each ``every`` steps: step, the means of the step figures since the last row, validation;
    the last row has ``diverged`` = 1 where training stopped at a step that was not finite, and the model is then back
    at its last finite recorded state. ``progress`` hears each row; what it raises passes through.
    """
    history = _resume(model, checkpoint_dir, recipe_key)
    start = int(history[-1]["step"]) if history else 0
    good = copied(model.state())
    for step, end in pairwise([start, *(mark for mark in schedule.marks() if mark > start)]):
        if should_stop() or _over(history, schedule.patience):
            break
        count = end - step
        try:
            row = {"step": float(end), **_run(model, count)}
        except DivergedError:
            model.load_state(good)
            history.append({"step": float(step), "diverged": 1.0})
            progress("training", step, schedule.steps, diverged=1.0)
            break
        good = copied(model.state())
        history.append(row)
        _save(good, history, checkpoint_dir, recipe_key)
        progress("training", end, schedule.steps, **{k: v for k, v in row.items() if k != "step"})
    return history


def _run(model: Trainable, count: int) -> Row:
    """``count`` steps: the mean of their figures, and the validation after them. Raises DivergedError."""
    rows = []
    for _ in range(count):
        rows.append(model.step())
        if not all(math.isfinite(value) for value in rows[-1].values()):
            raise DivergedError
    validation = model.validate()
    if not math.isfinite(validation):
        raise DivergedError
    return {**{key: sum(row[key] for row in rows) / count for key in rows[0]}, "validation": validation}


def _over(history: list[Row], patience: int) -> bool:
    """Whether the best validation lies ``patience`` rows back, or training has diverged."""
    if not history or "diverged" in history[-1]:
        return bool(history)
    values = [row["validation"] for row in history]
    return patience > 0 and len(values) - 1 - values.index(min(values)) >= patience


def _save(state: State, history: list[Row], directory: Path | None, recipe_key: str) -> None:
    """Written aside and then renamed: a kill leaves the last whole checkpoint."""
    if directory is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    aside = directory / f"{CHECKPOINT}.part"
    save_file(state, aside, metadata={"history": json.dumps(history), "recipe": recipe_key})
    aside.replace(directory / CHECKPOINT)


def _resume(model: Trainable, directory: Path | None, recipe_key: str) -> list[Row]:
    """Load the checkpoint of the same recipe into the model; its history, empty where there is none."""
    if directory is None or not (directory / CHECKPOINT).exists():
        return []
    path = directory / CHECKPOINT
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"Checkpoint {path} cannot be read ({error}): delete it and train again.") from error
    if metadata.get("recipe") != recipe_key:
        raise StoreError(f"Checkpoint {path} belongs to another recipe or training part: delete it and train again.")
    model.load_state(state)
    history: list[Row] = json.loads(metadata["history"])
    return history
