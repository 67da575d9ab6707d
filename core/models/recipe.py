"""What a classifier depends on besides its data."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.errors import RecipeError
from core.models.generators.recipe import MODELS as GENERATORS

RECIPE_VERSION = 2
FAMILIES = ("forest", "extra-trees", "linear")
_RANGES = {"trees": (1, 5000), "genes": (1, 100_000), "min_leaf": (1, 1000), "seed": (0, 2**32 - 1), "n_folds": (2, 50),
           "min_label_count": (1, 1_000_000), "augment_to": (5, 100_000), "augment_steps": (1, 200_000)}  # fmt: skip
# None: chosen from the training part, or from its size
_CHOSEN = ("trees", "genes", "min_leaf", "min_label_count", "augment_to")
AUGMENTATION = ("augment", "augment_model", "augment_to", "augment_steps")
GANS = ("wgan-gp", "published")
AUGMENT_STEPS = 500  # of a GAN, which is trained in every part, not the 2,500 of one that is trained by itself


@dataclass(frozen=True)
class ClassifierRecipe:
    """The parameters of a classifier; where one is None, it is chosen inside the training part (``selection``).

    ``family``: a random forest, extra-trees, or a linear model (multinomial logistic regression with ridge penalty).
    ``trees``, ``min_leaf`` (biosamples in a leaf at least, which limits the depth) and ``balanced`` (whether every
    label weighs the same) are those of the trees. ``min_label_count`` None scales with the dataset: 0.5% of the
    biosamples, at least 5, at most 500 (the published number). ``split`` is the headline of the two evaluations; both
    are always done.

    ``augment``: rare labels that are filled up to ``augment_to`` training biosamples with synthetic ones of the
    generator ``augment_model`` (None: the median number of the other labels, at least 30); ``augment_steps`` are those
    of a GAN. Nothing is added where it is empty.
    """

    family: str = "forest"
    trees: int | None = None
    genes: int | None = None
    min_leaf: int | None = None
    balanced: bool | None = None
    min_label_count: int | None = None
    seed: int = 1
    split: str = "random"
    n_folds: int = 5
    augment: tuple[str, ...] = ()
    augment_model: str = "pca-gaussian"
    augment_to: int | None = None
    augment_steps: int = AUGMENT_STEPS

    def validated(self) -> "ClassifierRecipe":
        """Itself, in order; raises RecipeError, naming the parameter, where one is out of its range."""
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in _CHOSEN:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise RecipeError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
        known = {"family": FAMILIES, "split": ("random", "series"), "augment_model": GENERATORS}
        for name, options in known.items():
            value = getattr(self, name)
            if value not in options:
                raise RecipeError(f"{name} is {value!r}: give {', '.join(options[:-1])} or {options[-1]}.")
        if self.balanced not in (None, True, False):
            raise RecipeError(f"balanced is {self.balanced!r}: give true, false, or nothing to have it chosen.")
        asked: Any = self.augment  # from JSON: anything
        if not isinstance(asked, list | tuple) or not all(isinstance(label, str) and label for label in asked):
            raise RecipeError(f"augment is {self.augment!r}: give a list of labels, or none.")
        return replace(self, augment=tuple(dict.fromkeys(asked)))

    def label_minimum(self, n: int) -> int:
        """Biosamples that a label needs among n labelled ones."""
        return self.min_label_count if self.min_label_count is not None else min(500, max(5, round(0.005 * n)))

    def to_json(self) -> str:
        """Canonical JSON with the recipe's version."""
        return json.dumps({"version": RECIPE_VERSION, **self.parameters()}, sort_keys=True)

    def parameters(self) -> dict[str, Any]:
        """Every parameter by name; those of an augmentation only where there is one, its steps only for a GAN."""
        left_out = () if self.augment else AUGMENTATION
        if self.augment_model not in GANS:
            left_out = (*left_out, "augment_steps")
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def augmentation(self) -> dict[str, Any]:
        """What is added to rare labels, as plain values: labels, model, to, steps (None where the model has none)."""
        steps = self.augment_steps if self.augment_model in GANS else None
        return {"labels": list(self.augment), "model": self.augment_model, "to": self.augment_to, "steps": steps}

    @classmethod
    def from_json(cls, text: str) -> "ClassifierRecipe":
        """Back from ``to_json``; raises RecipeError for another version or an unknown or impossible parameter."""
        try:
            values: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecipeError(f"The recipe is not JSON ({error}).") from error
        if not isinstance(values, dict) or values.pop("version", None) != RECIPE_VERSION:
            raise RecipeError(f"This is no classifier recipe of version {RECIPE_VERSION}: train the classifier again.")
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise RecipeError(f"A classifier recipe has no parameter {unknown[0]!r}.")
        return cls(**values).validated()
