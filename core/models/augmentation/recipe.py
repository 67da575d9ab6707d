"""What an augmentation study depends on besides its data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from core.errors import RecipeError
from core.models.recipe import FAMILIES

ARM_WORDS = {
    "none": "nothing",
    "class-weights": "class weights",
    "oversampling": "oversampling",
    "smote": "SMOTE",
    "pca-gaussian": "PCA-Gaussian",
    "wgan-gp": "GAN",
    "flow-matching": "flow matching",
}
ARMS = tuple(ARM_WORDS)
REFERENCE = "class-weights"  # what every other arm is held against
SYNTHETIC_ARMS = ("smote", "pca-gaussian", "wgan-gp", "flow-matching")
WHOLE = 0  # the size that stands for all biosamples of the label that there are
_RANGES = {"seeds": (1, 1000), "seed": (0, 2**31 - 2000), "steps": (1, 200_000), "trees": (1, 5000),
           "genes": (1, 100_000), "most": (50, 1_000_000)}  # fmt: skip
_SIZES = (2, 10_000)


class Replicate(NamedTuple):
    """One seed and one size (0: all that there are)."""

    seed: int
    size: int


@dataclass(frozen=True)
class AugmentationRecipe:
    """Parameters of one study of one label.

    ``sizes``: real biosamples of the label in the training part (0: all that there are, last). ``seeds``: how many,
    from ``seed`` on. ``steps``: training steps of the GAN, fewer than the 2,500 of a generator of its own, since a
    study trains one in each replicate. ``family``, ``trees``, ``genes``: the classifier, the same for every arm.
    ``most``: biosamples without the label, at most, in the training part, and as many in the test part.
    """

    label: str = ""
    sizes: tuple[int, ...] = (2, 5, 10, 25, 50, WHOLE)
    seeds: int = 20
    arms: tuple[str, ...] = ARMS
    steps: int = 500
    family: str = "forest"
    trees: int = 100
    genes: int = 2000
    most: int = 2000
    seed: int = 1

    def validated(self) -> "AugmentationRecipe":
        """This recipe in order: sizes ascending, arms in their usual order and class weights among them.

        Raises RecipeError, naming the parameter, where one is out of its range.
        """
        if not self.label:
            raise RecipeError("A study needs a label: name the tissue or cell line to make rare.")
        if self.family not in FAMILIES:
            raise RecipeError(f"family is {self.family!r}: give {', '.join(FAMILIES)}.")
        for name, (low, high) in _RANGES.items():
            _check(name, getattr(self, name), low, high)
        for size in self.sizes:
            if size != WHOLE or isinstance(size, bool):
                _check("size", size, *_SIZES)
        if not self.sizes:
            raise RecipeError("A study needs sizes: give whole numbers from 2, or all.")
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown or not self.arms:
            raise RecipeError(f"Arm {', '.join(unknown) or 'list'} is unknown or empty: choose of {', '.join(ARMS)}.")
        sizes = sorted(set(self.sizes) - {WHOLE}) + [WHOLE] * (WHOLE in self.sizes)
        return replace(self, sizes=tuple(sizes), arms=tuple(arm for arm in ARMS if arm in {*self.arms, REFERENCE}))

    def replicates(self) -> list[Replicate]:
        """Every seed with every size, in the order in which they are run."""
        return [Replicate(self.seed + number, size) for number in range(self.seeds) for size in self.sizes]

    def to_json(self) -> dict[str, Any]:
        """All parameters; sizes and arms as lists."""
        return asdict(self) | {"sizes": list(self.sizes), "arms": list(self.arms)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "AugmentationRecipe":
        """Back from ``to_json``, or from some parameters. Raises RecipeError for an unknown or impossible one."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise RecipeError(f"An augmentation study has no parameter {unknown[0]!r}.")
        lists = {name: tuple(values[name]) for name in ("sizes", "arms") if name in values}
        return cls(**{**values, **lists}).validated()


def parse_sizes(text: str) -> tuple[int, ...]:
    """Sizes from "2,5,all". Raises RecipeError for anything else."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    bad = [word for word in words if word != "all" and not word.isdecimal()]
    if bad or not words or "0" in words:
        raise RecipeError(f"Sizes {text!r} cannot be read: give whole numbers from 2, or all, such as 2,5,10,all.")
    return tuple(WHOLE if word == "all" else int(word) for word in words)


def size_name(size: int) -> str:
    """A size as people write it."""
    return "all" if size == WHOLE else str(size)


def _check(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RecipeError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
