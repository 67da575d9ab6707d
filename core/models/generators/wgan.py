"""The default generator: a conditional Wasserstein GAN with gradient penalty over all labels (Gulrajani et al. 2017).

The critic D and the generator G see standardised scores y in the expression space, and the labels c:

    critic:     min  E[D(G(z, c), c)] - E[D(y, c)] + penalty * E[(|grad D(y', c)| - 1)^2],   y' on the line real-fake
    generator:  min  -E[D(G(z, c), c)]

Samples come from an exponential moving average of the generator (see ``conditional`` for how near they may lie).

What is recorded, each a mean over the critic's updates of the steps of a row:

- ``critic_loss``: what the critic minimises, as above, penalty included. It starts near +penalty (an untrained critic
  is flat) and falls below 0 as the critic learns to tell real from synthetic scores: lower is a better critic.
- ``wasserstein`` = E[D(y)] - E[D(G(z))]: the critic's estimate of the distance that is left (0 = none).
- ``validation``: energy distance to biosamples that are held out of training (see ``validate``): lower is a better
  generator, and the curve to judge it by.
"""

import copy

import numpy as np
import torch
from torch import nn

from core.models.generators.conditional import ConditionalGenerator
from core.models.generators.networks import (
    dense,
    device,
    energy_distance,
    follow,
    generator_network,
    gradient_penalty,
    on_device,
    row_weights,
)
from core.models.generators.recipe import GeneratorRecipe
from core.models.generators.state import State, load_pair, pair_state
from core.models.generators.trainer import Row
from core.types import BoolArray, DoubleArray, FloatMatrix


class WassersteinGenerator(ConditionalGenerator):
    """Conditional WGAN-GP in the expression space."""

    name = "wgan-gp"

    def _model(self, y: FloatMatrix, labels: BoolArray, held_out: BoolArray, target: int) -> "AdversarialPair":
        return AdversarialPair(y, labels, held_out, target, self.recipe, device())

    def _new_network(self, n_labels: int, n_components: int) -> nn.Module:
        return generator_network(self.recipe, n_labels, n_components)

    def _emit(self, labels: FloatMatrix, rng: np.random.Generator) -> DoubleArray:
        latent = rng.standard_normal((len(labels), self.recipe.latent), dtype=np.float32)
        with torch.no_grad():
            y = self.network(torch.from_numpy(np.concatenate([latent, labels], axis=1))).numpy()
        return np.asarray(y, dtype=np.float64)


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
        self.y, self.c = on_device(on, y[~held_out], conditions[~held_out])
        self.valid_y, self.valid_c = on_device(on, y[held_out], conditions[held_out])
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
        follow(self.average, self.generator, self.recipe.ema, self.steps_done)
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

    def _real(self) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.multinomial(self.weights, self.recipe.batch, replacement=True, generator=self.random).to(self.on)
        noise = torch.randn(len(rows), self.y.shape[1], generator=self.random).to(self.on)
        return self.y[rows] + self.jitter * noise, self.c[rows]

    def _latent(self, n: int, random: torch.Generator) -> torch.Tensor:
        return torch.randn(n, self.recipe.latent, generator=random).to(self.on)

    def _judge(self, y: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        mean: torch.Tensor = self.critic(torch.cat([y, c], dim=1)).mean()
        return mean
