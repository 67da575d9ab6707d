"""What generators of standardised scores share: training on all labels at once, and how near their samples may lie.

They work in the expression space (``space``): with a handful of biosamples of a rare label, a network over all genes
would learn them by heart, while spread within labels is shared by all.

Where samples lie nearer to training biosamples of the label than 0.8 of what these lie apart, the network has learnt
them by heart: then noise is added, as little as brings the median distance back, and the sum is scaled down to the
spread that it had: y' = (y + h u e) / sqrt(1 + h^2), e standard normal, u as in ``space``. No biosample but training
ones has a say in h.

Whoever finds a synthetic sample right beside a biosample may guess that it was trained on. With a ``least_distance``
in the recipe, a sample of the recipe's label is drawn again where its y is nearer to a training biosample than that
many times what lies between that one and its own nearest (50 times at most; then the farthest of them are taken).
"""

from abc import abstractmethod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import nn

from core.models.generators.base import Generator, ShouldStop, TrainingData
from core.models.generators.networks import use_threads
from core.models.generators.recipe import GeneratorRecipe
from core.models.generators.space import ExpressionSpace, fit_space
from core.models.generators.trainer import RECORDS, Schedule, Trainable, train
from core.models.pca import seeded_rows
from core.types import BoolArray, DoubleArray, FloatMatrix, Progress

VALIDATION_SHARE = 0.1
RARE = 100  # a target label with fewer biosamples spares none for validation
NOISES = tuple(float(h) for h in np.arange(0.0, 1.55, 0.1).round(1))
KEPT_DISTANCE = 0.8  # of the median distance between the label's own: nearer than that, samples count as copied
MAX_OWN = 2000  # training biosamples of the label that samples keep their distance from
MAX_REDRAWS = 50
PROBES = 300  # samples that the distance from training biosamples is measured on


class Averaged(Trainable, Protocol):
    """A model of which an average of the network's weights over the steps is kept."""

    steps_done: int

    @property
    def average(self) -> nn.Module: ...


class ConditionalGenerator(Generator):
    """Emits standardised scores y under labels; a subclass says which network does that, and how it is trained."""

    space: ExpressionSpace
    network: nn.Module

    @abstractmethod
    def _model(self, y: FloatMatrix, labels: BoolArray, held_out: BoolArray, target: int) -> Averaged:
        """What is trained on y (n x d) with labels (n x L), rows ``held_out`` (n) for validation only."""

    @abstractmethod
    def _new_network(self, n_labels: int, n_components: int) -> nn.Module:
        """The network of ``_model``'s average, with any weights."""

    @abstractmethod
    def _emit(self, labels: FloatMatrix, rng: np.random.Generator) -> DoubleArray:
        """y (n x d) of new samples with these labels (n x L, 0 or 1), as the network gives them."""

    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None:
        recipe = self.recipe
        data.rows_of(recipe.label)
        progress("finding axes", 0, 1)
        self.space = fit_space(data, recipe)
        self.labels = [name for name, column in zip(data.label_names, data.labels.T, strict=True) if column.any()]
        self._label_names = list(data.label_names)
        y = self.space.standardise(data.q, data.labels).astype(np.float32)
        held_out = _validation_rows(data, recipe)
        use_threads(recipe, y.shape[1])
        own = self.space.standardise(data.q[data.column(recipe.label)], _only(data, recipe.label))
        self.own = own[seeded_rows(len(own), MAX_OWN, recipe.seed)]
        self.own_nearest = nearest_distances(self.own, self.own, skip_self=True)
        model = self._model(y, data.labels, held_out, data.label_names.index(recipe.label))
        schedule = Schedule(recipe.steps, max(1, recipe.steps // RECORDS), recipe.patience)
        key = f"{recipe.canonical()} n={len(y)} sum={float(np.abs(y).sum(dtype=np.float64)):.6f}"

        def enough() -> bool:
            return should_stop() or self._learnt(model)

        self.history = train(model, schedule, progress, enough, checkpoint_dir, key)
        self.network = model.average.cpu()
        self._add_noise()

    def _learnt(self, model: Averaged) -> bool:
        """Whether training should end before its last step; asked at every record."""
        return False

    def _add_noise(self) -> None:
        """Sets the least h of a grid at which samples keep their distance from the label's training y."""
        for noise in NOISES:
            self.noise = noise
            if self._nearness() >= KEPT_DISTANCE:
                break

    def _nearness(self) -> float:
        """Median distance of samples to the nearest of the label's training y, over that between these."""
        labels = np.zeros((PROBES, len(self._label_names)), dtype=np.bool_)
        labels[:, self._label_names.index(self.recipe.label)] = True
        made = self._standardised(labels, np.random.default_rng(self.recipe.seed))
        return float(np.median(nearest_distances(made, self.own)) / max(float(np.median(self.own_nearest)), 1e-12))

    def _standardised(self, labels: BoolArray, rng: np.random.Generator) -> DoubleArray:
        """y (n x d) of new samples with these labels (n x L), noise included."""
        y = self._emit(labels.astype(np.float32), rng)
        noise = self.noise * self.space.importance * rng.standard_normal(y.shape)
        result: DoubleArray = (y + noise) / np.sqrt(1 + self.noise**2)
        return result

    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        position = self._label_names.index(label)
        labels = np.zeros((n, len(self._label_names)), dtype=np.bool_)
        labels[:, position] = True
        y = self._standardised(labels, rng)
        if label == self.recipe.label and self.recipe.least_distance > 0:
            self._redraw_near(y, labels, rng)
        return self.space.profiles(self.space.scores(y, labels), position, rng)

    def _redraw_near(self, y: DoubleArray, labels: BoolArray, rng: np.random.Generator) -> None:
        """Replaces rows of y (n x d) that lie too near to a training biosample."""
        distance = self._own_distance(y)
        for _ in range(MAX_REDRAWS):
            near = np.flatnonzero(distance < self.recipe.least_distance)
            if len(near) == 0:
                return
            again = self._standardised(labels[near], rng)
            found = self._own_distance(again)
            farther = found > distance[near]
            y[near[farther]], distance[near[farther]] = again[farther], found[farther]

    def _own_distance(self, y: DoubleArray) -> DoubleArray:
        """Distance (n) to the closest training biosample, over what lies between that one and its own nearest."""
        distances = cdist(y, self.own)
        closest = distances.argmin(axis=1)
        result: DoubleArray = distances[np.arange(len(y)), closest] / np.maximum(self.own_nearest[closest], 1e-12)
        return result

    def _arrays(self) -> dict[str, Any]:
        weights = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        return {**self.space.arrays(), **weights, "own": self.own, "own_nearest": self.own_nearest}

    def _card(self) -> dict[str, Any]:
        return {"label_names": self._label_names, "noise": self.noise}

    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None:
        self.space = ExpressionSpace.from_arrays(arrays)
        self.own = arrays.get("own", np.zeros((0, 0)))  # generators of before have neither, and ask for no distance
        self.own_nearest = arrays.get("own_nearest", np.zeros(0))
        self._label_names, self.noise = list(card["label_names"]), float(card["noise"])
        self.network = self._new_network(len(self._label_names), len(self.space.importance))
        weights = {name.removeprefix("network."): torch.from_numpy(values)
                   for name, values in arrays.items() if name.startswith("network.")}  # fmt: skip
        self.network.load_state_dict(weights)


def nearest_distances(points: DoubleArray, others: DoubleArray, skip_self: bool = False) -> DoubleArray:
    """Distance (m) of points (m x d) to the nearest of others (n x d); ``skip_self`` where they are one set."""
    distances = cdist(points, others)
    if skip_self:
        np.fill_diagonal(distances, np.inf)
    result: DoubleArray = distances.min(axis=1)
    return result


def _only(data: TrainingData, label: str) -> BoolArray:
    """Labels (m x L) of the label's biosamples as they are asked for in a sample: that label alone."""
    result = np.zeros((int(data.column(label).sum()), len(data.label_names)), dtype=np.bool_)
    result[:, data.label_names.index(label)] = True
    return result


def _validation_rows(data: TrainingData, recipe: GeneratorRecipe) -> BoolArray:
    """A seeded tenth of the biosamples, none of the target label where it is rare."""
    has_label = data.column(recipe.label)
    chosen: BoolArray = np.random.default_rng(recipe.seed).random(len(data.q)) < VALIDATION_SHARE
    if has_label.sum() < RARE:
        chosen &= ~has_label
    return chosen
