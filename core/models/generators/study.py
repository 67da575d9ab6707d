"""Train a generator for one label and measure it honestly: on real biosamples that nothing was fitted on.

About a third of the label's biosamples are held out before anything else. The quantile target, the axes, the generator
and the PCA-Gaussian baseline are fitted on the rest alone, and the generator that is kept is that one.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.expression.normalise import fit_target, to_target
from core.models.evaluation import evaluate_synthetic, scorecard, verdict
from core.models.generators import Generator, GeneratorRecipe, TrainingData, make_generator
from core.models.generators.base import ShouldStop, never
from core.types import BoolArray, CountMatrix, FloatMatrix, IndexArray, Progress, silent

TEST_SHARE = 1 / 3
MIN_LABEL = 12  # biosamples of a label: 8 to learn from, 4 to test on
MIN_SERIES = 3
BASELINE = "pca-gaussian"
N_SYNTHETIC = 300
_BLOCK = 256


@dataclass(frozen=True)
class HoldOut:
    """Row positions of the training part (all labels) and of the label's real test samples; ``rule`` in words."""

    train: IndexArray
    test: IndexArray
    rule: str


def hold_out(has_label: BoolArray, series: npt.NDArray[np.str_] | None, seed: int) -> HoldOut:
    """Hold out about a third of a label's biosamples, by whole series where the label has at least three.

    ``has_label`` (n); ``series`` (n). Whole series are held out of the training part altogether, biosamples of other
    labels included. Raises InputError where the label has fewer than 12 biosamples.
    """
    positions = np.flatnonzero(has_label)
    if len(positions) < MIN_LABEL:
        raise InputError(
            f"The label has {len(positions)} biosamples, but a generator needs at least {MIN_LABEL} "
            "(8 to learn from, 4 to test on): choose a label with more biosamples."
        )
    rng = np.random.default_rng(seed)
    wanted = round(len(positions) * TEST_SHARE)
    chosen = None if series is None else _whole_series(series[positions], wanted, rng)
    if chosen is None or series is None:
        test = np.sort(rng.permutation(positions)[:wanted])
        return HoldOut(np.setdiff1d(np.arange(len(has_label)), test), test, "random third of the label's biosamples")
    left_out = np.isin(series, chosen)
    rule = f"whole series ({len(chosen)} of {len(np.unique(series[positions]))}) of the label"
    return HoldOut(np.flatnonzero(~left_out), np.flatnonzero(left_out & has_label), rule)


def train_and_evaluate(
    counts: CountMatrix,
    labels: BoolArray,
    label_names: list[str],
    recipe: GeneratorRecipe,
    *,
    series: npt.NDArray[np.str_] | None = None,
    progress: Progress = silent,
    should_stop: ShouldStop = never,
    checkpoint_dir: Path | None = None,
) -> tuple[Generator, dict[str, Any]]:
    """Fit the recipe's generator for its label on a training part and evaluate it beside two references.

    ``counts`` n x G, ``labels`` n x L, ``series`` n. Stages of ``progress``: normalise, space, training, evaluation.
    The result (JSON-able) holds ``scorecard`` rows, ``verdict``, ``evaluation`` of the model and ``baseline`` of the
    PCA-Gaussian (None where the model is that; see ``evaluate_synthetic``), ``critic_loss`` (first and last, smoothed),
    ``split`` with the row positions of the training and test biosamples, and ``history``.

    Raises NotFoundError for an unknown label, InputError for one that is too rare, RecipeError, CancelledError.
    """
    recipe = recipe.validated()
    generator = make_generator(recipe)
    has_label = TrainingData(np.zeros((0, 0), np.float32), labels, label_names, np.zeros(0)).column(recipe.label)
    split = hold_out(has_label, series, recipe.seed)
    progress("normalising", 0, 1)
    target = fit_target(counts[rows] for rows in _blocks(split.train))
    q, test = _normalised(counts, split.train, target), _normalised(counts, split.test, target)
    data = TrainingData(q, labels[split.train], label_names, target)
    progress("normalising", 1, 1)
    generator.fit(data, progress, should_stop, checkpoint_dir)
    measured, baseline = _measure(generator, data, test, progress)
    rows = scorecard(measured, baseline)
    result = {
        "label": recipe.label,
        "model": recipe.model,
        "recipe": recipe.to_json(),
        "scorecard": rows,
        "verdict": verdict(rows),
        "evaluation": measured,
        "baseline": baseline,
        "critic_loss": critic_loss_summary(generator.history),
        "history": generator.history,
        "split": {"rule": split.rule, "train": split.train.tolist(), "test": split.test.tolist(),
                  "train_of_label": split.train[has_label[split.train]].tolist()},
    }  # fmt: skip
    return generator, result


def critic_loss_summary(history: list[dict[str, float]]) -> dict[str, float] | None:
    """Mean loss (of the critic, or of the flow) over the first and over the last tenth of the recorded rows; None for a
    model without steps."""
    losses = [row[name] for row in history for name in ("critic_loss", "flow_loss") if name in row]
    if not losses:
        return None
    window = max(1, len(losses) // 10)
    first, last = float(np.mean(losses[:window])), float(np.mean(losses[-window:]))
    return {"first": first, "last": last, "fell": float(last < first), "window": float(window)}


def _measure(
    generator: Generator, data: TrainingData, test: FloatMatrix, progress: Progress
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The generator's evaluation and the PCA-Gaussian's (None where they are the same), with the same draws."""
    recipe = generator.recipe
    candidates = [generator]
    if recipe.model != BASELINE:
        candidates.append(make_generator(replace(recipe, model=BASELINE)).fit(data))
    train, others = data.rows_of(recipe.label), data.q[~data.column(recipe.label)]
    results: list[dict[str, Any]] = []
    for number, candidate in enumerate(candidates):
        progress("evaluating", number, len(candidates))
        synthetic = candidate.sample(N_SYNTHETIC, recipe.label, recipe.seed)
        results.append(evaluate_synthetic(synthetic, train, test, background=data.q, others=others, seed=recipe.seed))
    progress("evaluating", len(candidates), len(candidates))
    return results[0], results[1] if len(results) > 1 else None


def _whole_series(series: npt.NDArray[np.str_], wanted: int, rng: np.random.Generator) -> npt.NDArray[np.str_] | None:
    """Series that together hold about ``wanted`` of the label's biosamples, and leave enough on both sides; or None."""
    names, sizes = np.unique(series, return_counts=True)
    if len(names) < MIN_SERIES:
        return None
    order = rng.permutation(len(names))
    chosen: list[int] = []
    for number in order:
        held = int(sizes[chosen].sum())
        if held < wanted and abs(held + sizes[number] - wanted) <= abs(held - wanted):
            chosen.append(number)
    held = int(sizes[chosen].sum())
    if not 4 <= held <= len(series) // 2:
        return None
    return np.asarray(names[chosen])


def _blocks(rows: IndexArray) -> list[IndexArray]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]


def _normalised(counts: CountMatrix, rows: IndexArray, target: npt.NDArray[np.float64]) -> FloatMatrix:
    result = np.empty((len(rows), counts.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        result[start : start + _BLOCK] = to_target(counts[rows[start : start + _BLOCK]], target)
    return result
