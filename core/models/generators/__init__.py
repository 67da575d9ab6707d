"""Synthetic profiles of a label: GANs, flow matching and baselines, behind one interface."""

import importlib
from pathlib import Path

from core.errors import StoreError
from core.models.generators.base import Generator, TrainingData, read_card
from core.models.generators.recipe import CONDITIONAL_MODELS, MODELS, GeneratorRecipe

# Imported when asked for: these three bring torch along, which takes seconds.
_HOMES = {
    "wgan-gp": ("wgan", "WassersteinGenerator"),
    "flow-matching": ("flow", "FlowGenerator"),
    "published": ("published", "PublishedGenerator"),
    "pca-gaussian": ("baselines", "PcaGaussianGenerator"),
    "smote": ("baselines", "SmoteGenerator"),
    "bootstrap": ("baselines", "BootstrapGenerator"),
}


def make_generator(recipe: GeneratorRecipe) -> Generator:
    """An unfitted generator. Raises RecipeError for a recipe that cannot be used."""
    return _class_of(recipe.validated().model)(recipe)


def load_generator(directory: Path) -> Generator:
    """A saved generator of whichever model. Raises StoreError where it is missing, damaged or of an unknown model."""
    model = read_card(directory)["model"]
    if model not in _HOMES:
        raise StoreError(f"Generator in {directory} is of the unknown model '{model}': train it again.")
    return _class_of(model).load(directory)


def _class_of(model: str) -> type[Generator]:
    module, name = _HOMES[model]
    found: type[Generator] = getattr(importlib.import_module(f"core.models.generators.{module}"), name)
    return found


__all__ = [
    "CONDITIONAL_MODELS",
    "MODELS",
    "Generator",
    "GeneratorRecipe",
    "TrainingData",
    "load_generator",
    "make_generator",
]
