"""What a generator depends on, as canonical JSON with a version number."""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.errors import RecipeError

MODELS = ("wgan-gp", "flow-matching", "published", "pca-gaussian", "smote", "bootstrap")
CONDITIONAL_MODELS = ("wgan-gp", "flow-matching")  # trained on all labels; their samples can keep a distance
RECIPE_VERSION = 2
# What 0 stands for, where a model has an own default.
_OWN: dict[str, dict[str, Any]] = {
    "wgan-gp": {"steps": 2500, "learning_rate": 5e-4},
    "flow-matching": {"steps": 4000, "learning_rate": 1e-3, "batch": 256, "target_share": 0.2},
    "published": {"steps": 600, "learning_rate": 2e-4},
}
_USUAL: dict[str, Any] = {"steps": 1, "learning_rate": 1e-3, "batch": 64, "target_share": 0.5}

# Bounds (inclusive) of every number that a user may choose.
_BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "n_components": (2, 512),
    "own_components": (0, 64),
    "latent": (1, 1024),
    "hidden": (8, 2048),
    "steps": (1, 200_000),
    "batch": (4, 4096),
    "critic_steps": (1, 20),
    "penalty": (0.0, 1000.0),
    "learning_rate": (1e-6, 0.1),
    "ema": (0.0, 0.9999),
    "jitter": (0.0, 1.0),
    "target_share": (0.0, 1.0),
    "patience": (0, 10_000),
    "neighbours": (1, 100),
    "noise": (0.0, 2.0),
    "shrinkage": (0.0, 1.0),
    "residual_neighbours": (1, 64),
    "least_distance": (0.0, 10.0),
}


@dataclass(frozen=True)
class GeneratorRecipe:
    """Parameters of one generator; those that a model does not use do not change it.

    ``n_components`` axes of all training biosamples and ``own_components`` more of the label alone (see ``space``).
    ``steps``, ``learning_rate``, ``batch`` and ``target_share``: 0 takes the model's own default. ``jitter``: sd of the
    noise on real scores in training, in units of a component's spread within labels. ``target_share``: share of a
    batch drawn from the target label (the rest is balanced over all labels). ``patience``: validations without
    improvement before an early stop, 0 = never. ``neighbours`` of SMOTE; ``noise`` of the bootstrap, in gene standard
    deviations of the label; ``shrinkage`` of covariances towards their diagonal; ``residual_neighbours``: biosamples
    whose residuals are mixed. ``least_distance`` of the samples of a conditional model from a training biosample, in
    units of what lies between that one and its own nearest; 0 = any (see ``conditional``).
    """

    model: str = "wgan-gp"
    label: str = ""
    seed: int = 1
    n_components: int = 32
    own_components: int = 4
    latent: int = 64
    hidden: int = 256
    steps: int = 0
    batch: int = 0
    critic_steps: int = 5
    penalty: float = 10.0
    learning_rate: float = 0.0
    ema: float = 0.995
    jitter: float = 0.3
    target_share: float = 0.0
    patience: int = 0
    neighbours: int = 5
    noise: float = 0.25
    shrinkage: float = 0.1
    residual_neighbours: int = 8
    least_distance: float = 0.0

    def validated(self) -> "GeneratorRecipe":
        """This recipe with defaults filled in. Raises RecipeError for a parameter that is unknown or out of range."""
        if self.model not in MODELS:
            raise RecipeError(f"Generator model '{self.model}' is unknown: choose one of {', '.join(MODELS)}.")
        if not self.label:
            raise RecipeError("A generator needs a label: name the tissue or cell line to make samples of.")
        own = _USUAL | _OWN.get(self.model, {})
        filled = replace(self, **{name: value for name, value in own.items() if not getattr(self, name)})
        for name, (low, high) in _BOUNDS.items():
            value = getattr(filled, name)
            whole = type(getattr(type(self), name)) is int
            known = type(value) is int or (type(value) is float and not whole)
            if not known or not low <= value <= high:
                raise RecipeError(
                    f"Generator parameter {name} = {value} is out of range: choose {low:.6g} to {high:.6g}."
                )
        return filled

    def to_json(self) -> dict[str, Any]:
        """All parameters and the version of this recipe's meaning."""
        return {"version": RECIPE_VERSION, **asdict(self)}

    def canonical(self) -> str:
        """One string for one recipe: a key for caches and file names."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "GeneratorRecipe":
        """Raises RecipeError for parameters that this version does not know."""
        values = dict(values)
        version = values.pop("version", RECIPE_VERSION)
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if version != RECIPE_VERSION or unknown:
            raise RecipeError(
                f"Generator recipe of version {version} with unknown parameters {unknown or 'none'} cannot be read: "
                f"this program knows version {RECIPE_VERSION}. Train the generator again."
            )
        return cls(**values)
