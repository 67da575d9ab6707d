"""The default generator: a conditional Wasserstein GAN with gradient penalty over all labels (Gulrajani et al. 2017).

It works on standardised scores in the expression space: with a handful of biosamples of a rare label, a network over
all genes would learn them by heart, while spread within labels is shared by all.
The critic D and the generator G see the labels c:

    critic:     min  E[D(G(z, c), c)] - E[D(y, c)] + penalty * E[(|grad D(y', c)| - 1)^2],   y' on the line real-fake
    generator:  min  -E[D(G(z, c), c)]

Samples come from an exponential moving average of the generator. Where they lie nearer to training biosamples of the
label than 0.8 of what these lie apart, the network has learnt them by heart: then noise is added, as little as brings
the median distance back, and the sum is scaled down to the spread that it had: y' = (y + h u e) / sqrt(1 + h^2), e
standard normal, u as in ``space``. No biosample but training ones has a say in h.

Whoever finds a synthetic sample right beside a biosample may guess that it was trained on. With a ``least_distance``
in the recipe, a sample of the recipe's label is drawn again where its y is nearer to a training biosample than that
many times what lies between that one and its own nearest (50 times at most; then the farthest of them are taken).

What is recorded, each a mean over the critic's updates of the steps of a row:

- ``critic_loss``: what the critic minimises, as above, penalty included. It starts near +penalty (an untrained critic
  is flat) and falls below 0 as the critic learns to tell real from synthetic scores: lower is a better critic.
- ``wasserstein`` = E[D(y)] - E[D(G(z))]: the critic's estimate of the distance that is left (0 = none).
- ``validation``: energy distance to biosamples that are held out of training (see ``validate``): lower is a better
  generator, and the curve to judge it by.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import nn

from core.models.generators.base import Generator, ShouldStop, TrainingData
from core.models.generators.networks import (
    dense,
    energy_distance,
    generator_network,
    gradient_penalty,
    row_weights,
    use_threads,
)
from core.models.generators.recipe import GeneratorRecipe
from core.models.generators.space import ExpressionSpace, fit_space
from core.models.generators.state import State, load_pair, pair_state
from core.models.generators.trainer import Row, Schedule, train
from core.models.pca import seeded_rows
from core.types import BoolArray, DoubleArray, FloatMatrix, Progress

RECORDS = 100  # rows of the history over a whole training
VALIDATION_SHARE = 0.1
RARE = 100  # a target label with fewer biosamples spares none for validation
NOISES = tuple(float(h) for h in np.arange(0.0, 1.55, 0.1).round(1))
KEPT_DISTANCE = 0.8  # of the median distance between the label's own: nearer than that, samples count as copied
MAX_OWN = 2000  # training biosamples of the label that samples keep their distance from
MAX_REDRAWS = 50
PROBES = 300  # samples that the distance from training biosamples is measured on


def device() -> torch.device:
    """The GPU where there is one; random draws stay on the CPU, so that seeds mean the same."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class WassersteinGenerator(Generator):
    """Conditional WGAN-GP in the expression space."""

    name = "wgan-gp"
    space: ExpressionSpace
    network: nn.Module

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
        model = AdversarialPair(y, data.labels, held_out, data.label_names.index(recipe.label), recipe, device())
        schedule = Schedule(recipe.steps, max(1, recipe.steps // RECORDS), recipe.patience)
        key = f"{recipe.canonical()} n={len(y)} sum={float(np.abs(y).sum(dtype=np.float64)):.6f}"
        self.history = train(model, schedule, progress, should_stop, checkpoint_dir, key)
        self.network = model.average.cpu()
        own = self.space.standardise(data.q[data.column(recipe.label)], _only(data, recipe.label))
        self.own = own[seeded_rows(len(own), MAX_OWN, recipe.seed)]
        self.own_nearest = nearest_distances(self.own, self.own, skip_self=True)
        self.noise = self._noise_needed()

    def _noise_needed(self) -> float:
        """The least h of a grid at which synthetic samples keep their distance from the label's training y."""
        usual = float(np.median(self.own_nearest))
        labels = np.zeros((PROBES, len(self._label_names)), dtype=np.bool_)
        labels[:, self._label_names.index(self.recipe.label)] = True
        for noise in NOISES:
            self.noise = noise
            made = self._standardised(labels, np.random.default_rng(self.recipe.seed))
            if np.median(nearest_distances(made, self.own)) >= KEPT_DISTANCE * usual:
                break
        return self.noise

    def _standardised(self, labels: BoolArray, rng: np.random.Generator) -> DoubleArray:
        """y (n x d) of new samples with these labels (n x L), noise included."""
        latent = rng.standard_normal((len(labels), self.recipe.latent), dtype=np.float32)
        with torch.no_grad():
            y = self.network(torch.from_numpy(np.concatenate([latent, labels.astype(np.float32)], axis=1))).numpy()
        noise = self.noise * self.space.importance * rng.standard_normal(y.shape)
        result: DoubleArray = (y.astype(np.float64) + noise) / np.sqrt(1 + self.noise**2)
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
        self.network = generator_network(self.recipe, len(self._label_names), len(self.space.importance))
        weights = {name.removeprefix("network."): torch.from_numpy(values)
                   for name, values in arrays.items() if name.startswith("network.")}  # fmt: skip
        self.network.load_state_dict(weights)


class AdversarialPair:
    """Critic, generator and its moving average; a ``step`` is ``critic_steps`` critic updates and a generator one.

    y: standardised scores (n x d); labels (n x L); ``held_out`` (n): rows for validation only.
    """

    def __init__(
        self, y: FloatMatrix, labels: BoolArray, held_out: BoolArray, target: int, recipe: GeneratorRecipe,
        on: torch.device,
    ) -> None:  # fmt: skip
        self.recipe, self.on = recipe, on
        self.random = torch.Generator().manual_seed(recipe.seed)
        conditions = labels.astype(np.float32)
        self.y, self.c = _on(on, y[~held_out], conditions[~held_out])
        self.valid_y, self.valid_c = _on(on, y[held_out], conditions[held_out])
        self.weights = row_weights(labels[~held_out], target, recipe.target_share)
        self.jitter = torch.from_numpy(y[~held_out].std(axis=0)).to(on) * recipe.jitter
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.generator = generator_network(recipe, labels.shape[1], y.shape[1]).to(on)
            self.critic = dense([y.shape[1] + labels.shape[1], recipe.hidden, recipe.hidden, 1], False).to(on)
        self.average = copy.deepcopy(self.generator)
        self.generator_optimiser = torch.optim.Adam(
            self.generator.parameters(), recipe.learning_rate, (0.0, 0.9), fused=True
        )
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), recipe.learning_rate, (0.0, 0.9), fused=True)
        self.steps_done = 0

    def step(self) -> Row:
        """One step; the critic's figures are means over its updates."""
        updates = [self._update_critic() for _ in range(self.recipe.critic_steps)]
        generator_loss = self._update_generator()
        self.steps_done += 1
        self._follow()
        wasserstein, penalty = (float(np.mean(values)) for values in zip(*updates, strict=True))
        return {
            "critic_loss": penalty - wasserstein,
            "wasserstein": wasserstein,
            "gradient_penalty": penalty,
            "generator_loss": generator_loss,
        }

    def validate(self) -> float:
        """Energy distance of (y, c) between held-out biosamples and the average's output under the same labels."""
        if len(self.valid_y) == 0:
            return 0.0
        random = torch.Generator().manual_seed(self.recipe.seed)
        repeats = max(1, 256 // len(self.valid_y))
        conditions = self.valid_c.repeat(repeats, 1)
        with torch.no_grad():
            fake = self.average(torch.cat([self._latent(len(conditions), random), conditions], dim=1))
            return energy_distance(self.valid_y, fake)

    def state(self) -> State:
        """Networks, average, optimisers, random generator and the step count."""
        return pair_state(self, ("generator", "critic"), extra=("average",))

    def load_state(self, state: State) -> None:
        """The inverse of ``state``."""
        load_pair(self, ("generator", "critic"), state, extra=("average",))

    def _update_critic(self) -> tuple[float, float]:
        """The critic's Wasserstein estimate and its penalty term, before the update."""
        y, c = self._real()
        with torch.no_grad():
            fake = self.generator(torch.cat([self._latent(len(y), self.random), c], dim=1))
        mixing = torch.rand(len(y), 1, generator=self.random).to(self.on)
        penalty = self.recipe.penalty * gradient_penalty(self.critic, mixing * y + (1 - mixing) * fake, c)
        wasserstein = self._judge(y, c) - self._judge(fake, c)
        self.critic_optimiser.zero_grad()
        (penalty - wasserstein).backward()  # type: ignore[no-untyped-call]
        self.critic_optimiser.step()
        return float(wasserstein.detach()), float(penalty.detach())

    def _update_generator(self) -> float:
        _, c = self._real()
        loss = -self._judge(self.generator(torch.cat([self._latent(len(c), self.random), c], dim=1)), c)
        self.generator_optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.generator_optimiser.step()
        return float(loss.detach())

    def _follow(self) -> None:
        """Move the average towards the generator; faster in the first steps, so that it does not remember the start."""
        decay = min(self.recipe.ema, (1 + self.steps_done) / (10 + self.steps_done))
        with torch.no_grad():
            for average, current in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                average.lerp_(current, 1 - decay)

    def _real(self) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.multinomial(self.weights, self.recipe.batch, replacement=True, generator=self.random).to(self.on)
        noise = torch.randn(len(rows), self.y.shape[1], generator=self.random).to(self.on)
        return self.y[rows] + self.jitter * noise, self.c[rows]

    def _latent(self, n: int, random: torch.Generator) -> torch.Tensor:
        return torch.randn(n, self.recipe.latent, generator=random).to(self.on)

    def _judge(self, y: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        mean: torch.Tensor = self.critic(torch.cat([y, c], dim=1)).mean()
        return mean


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


def _on(where: torch.device, *arrays: FloatMatrix) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(where) for values in arrays)
