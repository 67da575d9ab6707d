"""Settings of a model chosen inside its training part: whole series are held out in turn, and small models compared.

The default stays unless another setting is better by more than the noise: a few held-out series say little, and a
choice among many settings by a noisy score is a choice of the luckiest.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.errors import RecipeError
from core.models.forest import Forest
from core.models.linear import PENALTY, Linear, fit_linear
from core.models.recipe import ClassifierRecipe
from core.models.scores import auprc
from core.models.splits import dealt, series_folds, spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray

FOLDS = 3
ROWS = 1000  # biosamples that a choice looks at, at most
TREES = 40  # of a small model, which stands for 300
GENES, FEWER_GENES = 2000, 500
GROWN, MORE_GROWN = 300, 600  # trees

Model = Forest | Linear


@dataclass(frozen=True)
class Settings:
    """``genes``: how many of the markers, the best first. ``min_leaf`` and ``trees`` (how many) are for forests,
    ``penalty`` for the linear model.

    ``balanced``: whether every label weighs the same.
    """

    genes: int = GENES
    min_leaf: int = 1
    balanced: bool = True
    penalty: float = PENALTY
    trees: int = GROWN


def candidates(recipe: ClassifierRecipe) -> list[Settings]:
    """The default under a recipe, and then what differs from it in one of the settings that the recipe leaves open."""
    base = Settings(
        recipe.genes or GENES, recipe.min_leaf or 1, recipe.balanced is not False, trees=recipe.trees or GROWN
    )
    found = [base]
    if recipe.genes is None:
        found.append(replace(base, genes=FEWER_GENES))
    if recipe.balanced is None:
        found.append(replace(base, balanced=False))
    if recipe.family == "linear":
        return [*found, replace(base, penalty=PENALTY / 10), replace(base, penalty=PENALTY * 10)]
    if recipe.min_leaf is None:
        found.append(replace(base, min_leaf=3))
    if recipe.trees is None:
        found.append(replace(base, trees=MORE_GROWN))
    return found


def choose_settings(
    x: FloatMatrix, bits: BoolArray, series: Sequence[str] | None, recipe: ClassifierRecipe
) -> tuple[Settings, list[dict[str, Any]]]:
    """The settings for x (n x g, markers best first), labels (n x L) and series (n); and a row for each candidate.

    Rows: its settings, ``macro_auprc`` over the labels that held-out biosamples and the others share, ``gain`` over the
    default and ``noise``, the standard error of the gain over labels, and whether it was ``chosen``: the one of highest
    gain among those whose gain is above the noise, else the default.
    """
    options = list(dict.fromkeys(replace(one, genes=min(one.genes, x.shape[1])) for one in candidates(recipe)))
    if len(options) == 1:
        return options[0], [{**asdict(options[0]), "macro_auprc": None, "gain": 0.0, "noise": None, "chosen": True}]
    rows = spread_over_groups(bits.argmax(axis=1), ROWS, recipe.seed)
    names = None if series is None else [series[int(row)] for row in rows]
    folds = _inner_folds(bits[rows], names, recipe.seed)
    areas = [_held_out_auprc(x[rows], bits[rows], folds, one, recipe) for one in options]
    table = [{**asdict(one), **_compared(area, areas[0])} for one, area in zip(options, areas, strict=True)]
    better = [i for i, row in enumerate(table) if i and row["gain"] > row["noise"]]
    chosen = max(better, key=lambda i: table[i]["gain"]) if better else 0
    return options[chosen], [{**row, "chosen": i == chosen} for i, row in enumerate(table)]


def fit_model(x: FloatMatrix, bits: BoolArray, settings: Settings, recipe: ClassifierRecipe, **more: Any) -> Model:
    """A model of the recipe's family with these settings on x (n x g, markers best first) and labels (n x L)."""
    x = np.ascontiguousarray(x[:, : settings.genes])
    if recipe.family == "linear":
        more.pop("out_of_bag", None)
        return fit_linear(x, bits, settings.penalty, settings.balanced, **more)
    return Forest.grown(
        x, bits, settings.trees, recipe.seed, extra=recipe.family == "extra-trees", min_leaf=settings.min_leaf,
        balanced=settings.balanced, **more,
    )  # fmt: skip


def _inner_folds(bits: BoolArray, series: Sequence[str] | None, seed: int) -> IndexArray:
    """Fold (n) of each biosample: whole series together where there are at least two, else dealt out by label."""
    if series is not None:
        try:
            splits = series_folds(series, bits, FOLDS, seed)
        except RecipeError:
            return dealt(bits, FOLDS, seed)
        fold = np.empty(len(bits), dtype=np.intp)
        for number, (_, test) in enumerate(splits):
            fold[test] = number
        return fold
    return dealt(bits, FOLDS, seed)


def _held_out_auprc(
    x: FloatMatrix, bits: BoolArray, fold: IndexArray, settings: Settings, recipe: ClassifierRecipe
) -> DoubleArray:
    """Mean over folds of each label's AUPRC (L); NaN for a label that no fold both trains on and tests."""
    areas = []
    for number in np.unique(fold):
        train, test = fold != number, fold == number
        known = np.flatnonzero(bits[train].any(axis=0))
        rows = np.flatnonzero(train)[bits[train].any(axis=1)]
        if len(np.unique(bits[rows], axis=0)) < 2:
            continue
        small = replace(settings, trees=min(settings.trees, max(TREES, settings.trees * TREES // GROWN)))
        model = fit_model(x[rows], bits[np.ix_(rows, known)], small, recipe, out_of_bag=False)
        area = np.full(bits.shape[1], np.nan)
        area[known] = auprc(bits[np.ix_(test, known)], model.votes(x[test, : settings.genes]))
        areas.append(area)
    if not areas:
        return np.full(bits.shape[1], np.nan)
    stacked = np.array(areas)
    tested = np.isfinite(stacked)
    sums = np.where(tested, stacked, 0.0).sum(axis=0)
    mean: DoubleArray = np.divide(sums, tested.sum(axis=0), out=np.full(len(sums), np.nan), where=tested.any(axis=0))
    return mean


def _compared(area: DoubleArray, default: DoubleArray) -> dict[str, float | None]:
    tested = np.isfinite(area) & np.isfinite(default)
    if not tested.any():
        return {"macro_auprc": None, "gain": 0.0, "noise": 0.0}
    gain = (area - default)[tested]
    noise = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    return {"macro_auprc": float(area[tested].mean()), "gain": float(gain.mean()), "noise": float(noise)}
