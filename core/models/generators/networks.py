"""Small dense networks, and the terms of their losses."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from core.models.generators.recipe import GeneratorRecipe
from core.settings import n_threads
from core.types import BoolArray, FloatMatrix

_WORTH_THREADS = 1_000_000  # weights of the largest layer


def device() -> torch.device:
    """The GPU where there is one; random draws stay on the CPU, so that seeds mean the same."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def on_device(where: torch.device, *arrays: FloatMatrix) -> tuple[torch.Tensor, ...]:
    """Arrays as single-precision tensors there."""
    return tuple(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(where) for values in arrays)


def use_threads(recipe: GeneratorRecipe, widest: int) -> None:
    """One thread for small networks, where threads wait for each other longer than they work; else the whole budget."""
    torch.set_num_threads(n_threads() if recipe.hidden * max(widest, recipe.hidden) > _WORTH_THREADS else 1)


def dense(sizes: list[int], layer_norm: bool, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these sizes, leaky ReLU between them; layer norm and dropout where asked for."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), *([nn.LayerNorm(outputs)] if layer_norm else []), nn.LeakyReLU(0.2)]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def generator_network(recipe: GeneratorRecipe, n_labels: int, n_outputs: int) -> nn.Sequential:
    """(latent, labels) to standardised scores: m x (latent + L) -> m x d."""
    return dense([recipe.latent + n_labels, recipe.hidden, recipe.hidden, n_outputs], layer_norm=True)


def gradient_penalty(critic: nn.Module, points: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
    """Mean of (|grad_y D(y, c)| - 1)^2 at the points y (m x d); the labels c are not moved (Gulrajani 2017, eq. 3)."""
    points = points.detach().requires_grad_(True)
    judged = critic(torch.cat([points, conditions], dim=1)).sum()
    (gradient,) = torch.autograd.grad(judged, points, create_graph=True)
    penalty: torch.Tensor = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
    return penalty


def energy_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'| over a (m x d) and b (n x d), distinct pairs; about 0 for one distribution."""
    within = sum(float(torch.cdist(x, x).sum()) / max(1, len(x) * (len(x) - 1)) for x in (a, b))
    return 2 * float(torch.cdist(a, b).mean()) - within


def follow(average: nn.Module, network: nn.Module, ema: float, step: int) -> None:
    """Move a moving average towards a network; faster in the first steps, so that it does not remember the start."""
    decay = min(ema, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, current in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(current, 1 - decay)


def row_weights(labels: BoolArray, target: int, target_share: float) -> torch.Tensor:
    """Chance (n) of each row in a batch: ``target_share`` for rows of the target label, the rest balanced over labels.

    Without a label, a row is drawn as if all such rows shared one.
    """
    groups = np.column_stack([labels, ~labels.any(axis=1)]).astype(np.float64)
    groups = groups[:, groups.any(axis=0)]
    balanced = (groups / groups.sum(axis=0)).mean(axis=1)
    of_target = labels[:, target] / labels[:, target].sum()
    return torch.from_numpy((1 - target_share) * balanced + target_share * of_target)
