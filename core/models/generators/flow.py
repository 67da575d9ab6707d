"""Conditional flow matching: a vector field carries Gaussian noise to samples (Lipman et al. 2023; Liu et al. 2023).

Noise x_0 = u * e (e standard normal, u as in ``space``) and a standardised score x_1 of a training biosample with
labels c are joined by a straight line, x_t = (1 - t) x_0 + t x_1. The network v learns where the line goes:

    min  E |v(x_t, t, c) - (x_1 - x_0)|^2,   t uniform on [0, 1].

A sample is where dx/dt = v(x, t, c) leads from noise at t = 0 to t = 1 (midpoint rule, 40 steps). There is one loss,
and it has a minimum: no game between two networks that can fail to settle. But the minimum returns the training
biosamples. Samples begin far from these and come nearer as training goes on, so it ends where they lie as near to the
training biosamples of the label as these to each other (medians, in y), or after ``steps``: as near as an unseen
biosample would be. No other biosample has a say in that. It does not end in the first 200 steps: where the
label's own spread is Gaussian, untrained samples are near enough, too. Only a part of a batch is of the target label
(``target_share``): what a rare label does not teach is taken from the spread within the others.

Samples come from an exponential moving average of v.

Recorded: ``flow_loss``, as above, and ``validation``: energy distance to biosamples that are held out of training.
"""

import copy
import math

import numpy as np
import torch
from torch import nn

from core.models.generators.conditional import Averaged, ConditionalGenerator
from core.models.generators.networks import device, energy_distance, follow, on_device, row_weights
from core.models.generators.recipe import GeneratorRecipe
from core.models.generators.state import State, load_pair, pair_state
from core.models.generators.trainer import Row
from core.types import BoolArray, DoubleArray, FloatMatrix

ODE_STEPS = 40
FIRST_STEPS = 200  # before which training does not end
FREQUENCIES = (1.0, 2.0, 4.0, 8.0)  # half turns of the sines and cosines that tell the network the time


class FlowGenerator(ConditionalGenerator):
    """Conditional flow matching in the expression space."""

    name = "flow-matching"

    def _model(self, y: FloatMatrix, labels: BoolArray, held_out: BoolArray, target: int) -> "Flow":
        source_sd = np.asarray(self.space.importance, dtype=np.float32)
        return Flow(y, labels, held_out, target, source_sd, self.recipe, device())

    def _new_network(self, n_labels: int, n_components: int) -> nn.Module:
        return VelocityField(self.recipe.hidden, n_labels, n_components)

    def _learnt(self, model: Averaged) -> bool:
        if model.steps_done < min(FIRST_STEPS, self.recipe.steps):
            return False
        self.network, self.noise = model.average, 0.0
        return self._nearness() <= 1.0

    def _emit(self, labels: FloatMatrix, rng: np.random.Generator) -> DoubleArray:
        source = self.space.importance * rng.standard_normal((len(labels), len(self.space.importance)))
        on = next(self.network.parameters()).device
        start = torch.from_numpy(source.astype(np.float32)).to(on)
        return carry(self.network, start, torch.from_numpy(labels).to(on)).cpu().numpy().astype(np.float64)


class VelocityField(nn.Module):
    """v(x, t, c): points (m x d), times (m x 1), labels (m x L) to velocities (m x d)."""

    def __init__(self, hidden: int, n_labels: int, n_components: int) -> None:
        super().__init__()
        inputs = n_components + n_labels + 2 * len(FREQUENCIES)
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, n_components)
        )

    def forward(self, x: torch.Tensor, t: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        angles = t * math.pi * torch.tensor(FREQUENCIES, device=x.device)
        velocity: torch.Tensor = self.layers(torch.cat([x, c, torch.sin(angles), torch.cos(angles)], dim=1))
        return velocity


def carry(field: nn.Module, x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Where the field takes points x (m x d) with labels c (m x L) from t = 0 to 1, by the midpoint rule."""
    step = 1 / ODE_STEPS
    with torch.no_grad():
        for number in range(ODE_STEPS):
            t = torch.full((len(x), 1), number * step, device=x.device)
            middle = x + step / 2 * field(x, t, c)
            x = x + step * field(middle, t + step / 2, c)
    return x


class Flow:
    """The field in training: standardised scores y (n x d), labels (n x L), ``source_sd`` (d) of the noise x_0."""

    def __init__(
        self, y: FloatMatrix, labels: BoolArray, held_out: BoolArray, target: int, source_sd: FloatMatrix,
        recipe: GeneratorRecipe, on: torch.device,
    ) -> None:  # fmt: skip
        self.recipe, self.on = recipe, on
        self.random = torch.Generator().manual_seed(recipe.seed)
        conditions = labels.astype(np.float32)
        self.y, self.c, self.source_sd = on_device(on, y[~held_out], conditions[~held_out], source_sd)
        self.valid_y, self.valid_c = on_device(on, y[held_out], conditions[held_out])
        self.weights = row_weights(labels[~held_out], target, recipe.target_share)
        self.jitter = self.y.std(dim=0, correction=0) * recipe.jitter
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.field = VelocityField(recipe.hidden, labels.shape[1], y.shape[1]).to(on)
        self.average = copy.deepcopy(self.field)
        self.field_optimiser = torch.optim.Adam(self.field.parameters(), recipe.learning_rate, fused=True)
        self.steps_done = 0

    def step(self) -> Row:
        """One update of the field on a batch."""
        rows = torch.multinomial(self.weights, self.recipe.batch, replacement=True, generator=self.random).to(self.on)
        end = self.y[rows] + self.jitter * self._normal(*self.y[rows].shape)
        start = self.source_sd * self._normal(*end.shape)
        t = torch.rand(len(end), 1, generator=self.random).to(self.on)
        velocity = self.field((1 - t) * start + t * end, t, self.c[rows])
        loss = ((velocity - (end - start)) ** 2).mean()
        self.field_optimiser.zero_grad()
        loss.backward()
        self.field_optimiser.step()
        self.steps_done += 1
        follow(self.average, self.field, self.recipe.ema, self.steps_done)
        return {"flow_loss": float(loss.detach())}

    def validate(self) -> float:
        """Energy distance of (y, c) between held-out biosamples and what the average makes under the same labels."""
        if len(self.valid_y) == 0:
            return 0.0
        conditions = self.valid_c.repeat(max(1, 256 // len(self.valid_y)), 1)
        random = torch.Generator().manual_seed(self.recipe.seed)
        source = self.source_sd * torch.randn(len(conditions), len(self.source_sd), generator=random).to(self.on)
        return energy_distance(self.valid_y, carry(self.average, source, conditions))

    def state(self) -> State:
        """Field, average, optimiser, random generator and the step count."""
        return pair_state(self, ("field",), extra=("average",))

    def load_state(self, state: State) -> None:
        """The inverse of ``state``."""
        load_pair(self, ("field",), state, extra=("average",))

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.random).to(self.on)
