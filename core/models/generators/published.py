"""The published idea, scaled to fit: a plain GAN with binary cross-entropy on one label's own profiles.

Generator and discriminator are dense networks with dropout over all genes; the latent is Gaussian noise. The
original took a latent as long as the list of genes (billions of weights); here it is ``latent`` long. It is kept to
compare with.

    discriminator: min BCE(D(x), 1) + BCE(D(G(z)), 0);   generator: min BCE(D(G(z)), 1)      (Goodfellow et al. 2014)

Recorded: ``critic_loss`` = the discriminator's loss (2 log 2 = 1.386 where it cannot tell; low where it wins),
``generator_loss``, and ``wasserstein`` = mean logit of real minus mean logit of synthetic profiles, for the same plot.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from core.models.generators.base import Generator, ShouldStop, TrainingData
from core.models.generators.networks import dense, device, energy_distance, use_threads
from core.models.generators.recipe import GeneratorRecipe
from core.models.generators.state import State, load_pair, pair_state
from core.models.generators.trainer import RECORDS, Row, Schedule, train
from core.types import FloatMatrix, Progress

DROPOUT = 0.3
_MIN_SD = 1e-3  # log2 counts; genes that do not vary stay at their mean


class PublishedGenerator(Generator):
    """Plain GAN on the target label's profiles, each gene standardised."""

    name = "published"
    network: nn.Module

    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None:
        profiles = data.rows_of(self.recipe.label)
        use_threads(self.recipe, profiles.shape[1])
        self.labels = [self.recipe.label]
        self.mean = profiles.mean(axis=0, dtype=np.float64).astype(np.float32)
        sd = profiles.std(axis=0, ddof=1, dtype=np.float64).astype(np.float32)
        self.sd = np.where(sd < _MIN_SD, np.float32(0.0), sd)
        x = (profiles - self.mean) / np.where(self.sd > 0, self.sd, 1)
        model = PlainPair(np.asarray(x, dtype=np.float32), self.recipe, device())
        schedule = Schedule(self.recipe.steps, max(1, self.recipe.steps // RECORDS), self.recipe.patience)
        key = f"{self.recipe.canonical()} n={len(x)} sum={float(np.abs(x).sum(dtype=np.float64)):.6f}"
        self.history = train(model, schedule, progress, should_stop, checkpoint_dir, key)
        self.network = model.generator.cpu().eval()

    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        latent = rng.standard_normal((n, self.recipe.latent), dtype=np.float32)
        with torch.no_grad():
            x = self.network(torch.from_numpy(latent)).numpy()
        return np.asarray(x * self.sd + self.mean, dtype=np.float32)

    def _arrays(self) -> dict[str, Any]:
        weights = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        return {"mean": self.mean, "sd": self.sd, **weights}

    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None:
        self.mean, self.sd = arrays["mean"], arrays["sd"]
        self.network = _generator(self.recipe, len(self.mean)).eval()
        weights = {name.removeprefix("network."): torch.from_numpy(values)
                   for name, values in arrays.items() if name.startswith("network.")}  # fmt: skip
        self.network.load_state_dict(weights)


class PlainPair:
    """Discriminator and generator over standardised profiles x (n x G)."""

    def __init__(self, x: FloatMatrix, recipe: GeneratorRecipe, on: torch.device) -> None:
        self.recipe, self.on = recipe, on
        self.x = torch.from_numpy(x).to(on)
        self.random = torch.Generator().manual_seed(recipe.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.generator = _generator(recipe, x.shape[1]).to(on)
            self.discriminator = dense([x.shape[1], recipe.hidden, recipe.hidden, 1], False, DROPOUT).to(on)
        betas = (0.5, 0.999)
        self.generator_optimiser = torch.optim.Adam(self.generator.parameters(), recipe.learning_rate, betas)
        self.discriminator_optimiser = torch.optim.Adam(self.discriminator.parameters(), recipe.learning_rate, betas)
        self.steps_done = 0

    def step(self) -> Row:
        """One update of each network; dropout is seeded by the step, so that a resumed run draws the same masks."""
        size = min(self.recipe.batch, len(self.x))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed * 1_000_003 + self.steps_done)
            real = self.x[torch.randint(len(self.x), (size,), generator=self.random).to(self.on)]
            on_real, on_fake = self.discriminator(real), self.discriminator(self._fake(size).detach())
            loss = cross_entropy(on_real, torch.ones_like(on_real)) + cross_entropy(on_fake, torch.zeros_like(on_fake))
            _descend(self.discriminator_optimiser, loss)
            judged = self.discriminator(self._fake(size))
            generator_loss = cross_entropy(judged, torch.ones_like(judged))
            _descend(self.generator_optimiser, generator_loss)
        self.steps_done += 1
        return {
            "critic_loss": float(loss.detach()),
            "wasserstein": float((on_real.mean() - on_fake.mean()).detach()),
            "generator_loss": float(generator_loss.detach()),
        }

    def validate(self) -> float:
        """Energy distance to the training profiles: there are too few to hold some out, as in the original."""
        generator = copy.deepcopy(self.generator).eval()
        random = torch.Generator().manual_seed(self.recipe.seed)
        with torch.no_grad():
            fake = generator(torch.randn(len(self.x), self.recipe.latent, generator=random).to(self.on))
            return energy_distance(self.x, fake)

    def state(self) -> State:
        """Networks, optimisers, random generator and the step count."""
        return pair_state(self, ("generator", "discriminator"))

    def load_state(self, state: State) -> None:
        """The inverse of ``state``."""
        load_pair(self, ("generator", "discriminator"), state)

    def _fake(self, n: int) -> torch.Tensor:
        fake: torch.Tensor = self.generator(torch.randn(n, self.recipe.latent, generator=self.random).to(self.on))
        return fake


def _generator(recipe: GeneratorRecipe, n_genes: int) -> nn.Sequential:
    return dense([recipe.latent, recipe.hidden, recipe.hidden, n_genes], False, DROPOUT)


def _descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
