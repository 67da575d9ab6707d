"""Synthetic profiles of a label: the default GAN, the published one, and the baselines, behind one interface."""

from pathlib import Path

from core.errors import StoreError
from core.models.generators.base import Generator, TrainingData, read_card
from core.models.generators.baselines import BootstrapGenerator, PcaGaussianGenerator, SmoteGenerator
from core.models.generators.published import PublishedGenerator
from core.models.generators.recipe import MODELS, GeneratorRecipe
from core.models.generators.wgan import WassersteinGenerator

_GENERATORS: dict[str, type[Generator]] = {
    generator.name: generator
    for generator in (
        WassersteinGenerator, PublishedGenerator, PcaGaussianGenerator, SmoteGenerator, BootstrapGenerator,
    )
}  # fmt: skip


def make_generator(recipe: GeneratorRecipe) -> Generator:
    """An unfitted generator. Raises RecipeError for a recipe that cannot be used."""
    return _GENERATORS[recipe.validated().model](recipe)


def load_generator(directory: Path) -> Generator:
    """A saved generator of whichever model. Raises StoreError where it is missing, damaged or of an unknown model."""
    model = read_card(directory)["model"]
    if model not in _GENERATORS:
        raise StoreError(f"Generator in {directory} is of the unknown model '{model}': train it again.")
    return _GENERATORS[model].load(directory)


__all__ = ["MODELS", "Generator", "GeneratorRecipe", "TrainingData", "load_generator", "make_generator"]
