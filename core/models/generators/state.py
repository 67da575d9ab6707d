"""The whole state of two networks that train against each other, as a flat dict of tensors (what safetensors holds)."""

from typing import Protocol

import torch
from torch import nn

State = dict[str, torch.Tensor]


class Pair(Protocol):
    """Networks by attribute name, each with an optimiser ``<name>_optimiser``; a seeded generator; a step count."""

    random: torch.Generator
    steps_done: int


def pair_state(pair: Pair, trained: tuple[str, ...], extra: tuple[str, ...] = ()) -> State:
    """Everything that the next step depends on: ``trained`` networks with their optimisers, ``extra`` networks."""
    state = {"random": pair.random.get_state(), "steps_done": torch.tensor([pair.steps_done])}
    for name in (*trained, *extra):
        network: nn.Module = getattr(pair, name)
        state.update({f"{name}.{key}": tensor for key, tensor in network.state_dict().items()})
    for name in trained:
        optimiser: torch.optim.Optimizer = getattr(pair, f"{name}_optimiser")
        for number, moments in optimiser.state_dict()["state"].items():
            state.update({f"{name}_optimiser.{number}.{key}": tensor for key, tensor in moments.items()})
    return state


def load_pair(pair: Pair, trained: tuple[str, ...], state: State, extra: tuple[str, ...] = ()) -> None:
    """The inverse of ``pair_state``."""
    pair.random.set_state(state["random"])
    pair.steps_done = int(state["steps_done"])
    for name in (*trained, *extra):
        network: nn.Module = getattr(pair, name)
        network.load_state_dict(_under(state, name))
    for name in trained:
        optimiser: torch.optim.Optimizer = getattr(pair, f"{name}_optimiser")
        moments: dict[int, State] = {}
        for key, tensor in _under(state, f"{name}_optimiser").items():
            number, moment = key.split(".")
            moments.setdefault(int(number), {})[moment] = tensor.clone()
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


def copied(state: State) -> State:
    """Detached copies on the CPU: later steps do not reach them."""
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def _under(state: State, name: str) -> State:
    return {key.removeprefix(f"{name}."): tensor for key, tensor in state.items() if key.startswith(f"{name}.")}
