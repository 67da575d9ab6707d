"""What every generator of synthetic profiles can do, and the data that it is fitted on."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.array_files import DAMAGE
from core.errors import InputError, NotFoundError, StoreError
from core.expression.normalise import to_target_rounded
from core.models.generators.recipe import GeneratorRecipe
from core.models.pca import seeded_rows
from core.types import BoolArray, DoubleArray, FloatMatrix, Progress, silent

CARD = "generator.json"
WEIGHTS = "generator.safetensors"
MIN_SAMPLES = 4  # of the target label
MAX_SORTED = 64  # training biosamples whose sorted values are kept
_SAMPLE_BLOCK = 256  # profiles that are turned into expression at a time

ShouldStop = Callable[[], bool]


def never() -> bool:
    """A ``should_stop`` that lets training run to its end."""
    return False


@dataclass(frozen=True)
class TrainingData:
    """The training part: ``q`` (n x G), ``labels`` (n x L), their names, and the quantile target (G) of ``q``."""

    q: FloatMatrix
    labels: BoolArray
    label_names: list[str]
    target: DoubleArray

    def column(self, label: str) -> BoolArray:
        """Which biosamples (n) carry a label. Raises NotFoundError for a label that the data do not have."""
        if label not in self.label_names:
            raise NotFoundError(
                f"Label '{label}' is not among the {len(self.label_names)} labels of the training part."
            )
        return np.asarray(self.labels[:, self.label_names.index(label)], dtype=np.bool_)

    def rows_of(self, label: str) -> FloatMatrix:
        """Profiles of a label. Raises InputError where there are too few to learn from."""
        rows = self.q[self.column(label)]
        if len(rows) < MIN_SAMPLES:
            raise InputError(
                f"Label '{label}' has {len(rows)} training biosamples, but a generator needs at least {MIN_SAMPLES}: "
                "choose a label with more biosamples."
            )
        return rows


class Generator(ABC):
    """Fitted once on a training part; then emits profiles of a label on the scale of Q.

    Every profile that leaves has all G genes and the distribution of values of a real one: its gene of rank i gets the
    i-th smallest value of a training biosample of the label, drawn at random (of at most 64, whose sorted values are
    kept, without the genes). So it has as many zeros as that biosample, with the one value that zeros share there, and
    the ties of small counts. Profiles of any label but the recipe's are mapped onto the stored quantile target.
    ``history`` holds a row for every recorded training step (empty for models without steps).
    """

    name: ClassVar[str]

    def __init__(self, recipe: GeneratorRecipe) -> None:
        self.recipe = recipe.validated()
        self.history: list[dict[str, float]] = []
        self.labels: list[str] = []
        self.target: DoubleArray = np.zeros(0)
        self.sorted_values: FloatMatrix = np.zeros((0, 0), dtype=np.float32)

    def fit(
        self,
        data: TrainingData,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
        checkpoint_dir: Path | None = None,
    ) -> Self:
        """Fit to the training part.

        ``should_stop`` ends training early and keeps what was learnt; an exception from ``progress`` (a cancelled
        job) passes through. ``checkpoint_dir``: where models with steps keep their state, and resume from it.
        """
        self.target = np.asarray(data.target, dtype=np.float64)
        rows = data.rows_of(self.recipe.label)
        self.sorted_values = np.sort(rows[seeded_rows(len(rows), MAX_SORTED, self.recipe.seed)], axis=1)
        self._fit(data, progress, should_stop, checkpoint_dir)
        return self

    def sample(self, n: int, label: str, seed: int) -> FloatMatrix:
        """n profiles (n x G, float32) of a label; the same n and seed give the same profiles.

        Raises NotFoundError for a label that this generator cannot emit, InputError where n < 1.
        """
        if label not in self.labels:
            known = ", ".join(sorted(self.labels)) or "none"
            raise NotFoundError(f"This {self.name} generator has no label '{label}': it can emit {known}.")
        if n < 1:
            raise InputError(f"Cannot draw {n} synthetic samples: ask for at least 1.")
        rng = np.random.default_rng(seed)
        sizes = [min(_SAMPLE_BLOCK, n - start) for start in range(0, n, _SAMPLE_BLOCK)]
        return np.concatenate([self._with_values(self._draw(size, label, rng), label, rng) for size in sizes])

    def _with_values(self, raw: FloatMatrix, label: str, rng: np.random.Generator) -> FloatMatrix:
        """Raw profiles (m x G) with their ranks kept and the values of real ones."""
        if label != self.recipe.label:
            return to_target_rounded(np.maximum(raw, 0.0), self.target)
        result = np.empty(raw.shape, dtype=np.float32)
        like = rng.integers(len(self.sorted_values), size=len(raw))
        for row, out, number in zip(raw, result, like, strict=True):
            out[np.argsort(row, kind="stable")] = self.sorted_values[number]
        return result

    def save(self, directory: Path) -> None:
        """Write ``generator.safetensors`` and, last, ``generator.json`` into a folder."""
        directory.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(values) for name, values in self._arrays().items()}
        arrays |= {"target": self.target, "sorted_values": self.sorted_values}
        save_file(arrays, directory / WEIGHTS)
        card = {"model": self.name, "recipe": self.recipe.to_json(), "labels": self.labels, "history": self.history}
        (directory / CARD).write_text(json.dumps({**card, **self._card()}, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what ``save`` wrote. Raises StoreError where it is missing or damaged."""
        card = read_card(directory)
        for name, kind in (("labels", str), ("history", dict)):
            if not isinstance(card.get(name), list) or not all(isinstance(each, kind) for each in card[name]):
                raise StoreError(f"{directory / CARD} has no right {name}: train the generator again.")
        try:
            arrays = load_file(directory / WEIGHTS)
            generator = cls(GeneratorRecipe.from_json(card["recipe"]))
            generator.labels, generator.history = list(card["labels"]), list(card["history"])
            generator.target = np.asarray(arrays.pop("target"))
            generator.sorted_values = np.asarray(arrays.pop("sorted_values"))
            generator._restore(arrays, card)
        except (*DAMAGE, SafetensorError) as error:
            raise StoreError(f"Generator in {directory} cannot be read ({error}): train it again.") from error
        return generator

    @abstractmethod
    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None: ...

    @abstractmethod
    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        """n raw profiles (n x G) that may still be negative."""

    @abstractmethod
    def _arrays(self) -> dict[str, Any]:
        """Everything fitted, by name."""

    @abstractmethod
    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None: ...

    def _card(self) -> dict[str, Any]:
        return {}


def read_card(directory: Path) -> dict[str, Any]:
    """The JSON card of a saved generator. Raises StoreError where there is none."""
    try:
        card = json.loads((directory / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(
            f"No readable generator card {directory / CARD} ({error}): train the generator again."
        ) from error
    if not isinstance(card, dict) or not isinstance(card.get("model"), str):
        raise StoreError(f"{directory / CARD} is not a generator card: train the generator again.")
    return card
