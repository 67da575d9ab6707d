"""The expression space: what a generator works in, and the way back to all genes.

Profiles are centred and turned onto principal axes of the training part (all genes), and onto a few more axes: the
principal ones of what the first leave of the target label's biosamples, so that what moves together in a rare label is
learnt together. A score vector s of a biosample with labels c is standardised as

    y = u * (s - W [c, 1]) / sd(c),

W a linear model of the scores on the labels, sd(c) the spread of the label around it (shrunk towards the spread within
all labels, so that a rare label borrows strength), and u proportional to the pooled spread, mean square 1: components
that carry more variance weigh more, as they do in distances between profiles.

All genes come back. What the axes do not hold (profile minus its projection) is a random combination of the residuals
r_1..r_k of the k training biosamples of the label that lie nearest in the standardised scores, shrunk towards
independent noise:

    r = sqrt(1 - a) sum_j w_j r_j + sqrt(a) sd * e,    w = 1/k + sqrt(1 - 1/k) v,

v uniform on the unit vectors whose entries sum to 0, so that sum w = sum w^2 = 1: over all samples the mean and the
covariance of residuals are kept, genes that move together do so in the residual too, and a profile that lies among
noisy biosamples is as noisy as they are. Labels other than the target get independent noise alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from core.models.generators.base import TrainingData
from core.models.generators.recipe import GeneratorRecipe
from core.models.pca import PrincipalAxes, fit_axes, seeded_rows
from core.types import BoolArray, DoubleArray, FloatMatrix

MAX_AXES_ROWS = 2000
MAX_RESIDUAL_ROWS = 64  # biosamples of the target label whose residuals are kept
PRIOR = 10.0  # biosamples that the pooled spread counts as
MIN_LABEL = 4  # under this, a label's residual spread is the pooled one
_RIDGE = 1e-3


@dataclass(frozen=True)
class ExpressionSpace:
    """Fitted on a training part; d components, L labels, G genes.

    ``weights`` (L + 1 x d); ``spread`` (L x d) of each label; ``importance`` (d) is u. ``residual`` (r x G) centred
    residual rows of the target label and ``residual_scores`` (r x d) where they lie; ``residual_mean`` (L x G) and
    ``residual_sd`` (L x G); ``neighbours`` is k, ``shrinkage`` is a.
    """

    axes: PrincipalAxes
    weights: DoubleArray
    spread: DoubleArray
    importance: DoubleArray
    residual: FloatMatrix
    residual_scores: DoubleArray
    residual_mean: FloatMatrix
    residual_sd: FloatMatrix
    target_label: int
    shrinkage: float
    neighbours: int

    def standardise(self, q: FloatMatrix, labels: BoolArray) -> DoubleArray:
        """y (n x d) of profiles (n x G) with labels (n x L)."""
        return self.importance * (self.axes.scores(q) - self._centre(labels)) / self._spread(labels)

    def scores(self, y: DoubleArray, labels: BoolArray) -> DoubleArray:
        """Scores (n x d) of standardised vectors: the inverse of ``standardise`` on the axes."""
        return self._centre(labels) + y / self.importance * self._spread(labels)

    def profiles(self, scores: DoubleArray, label: int, rng: np.random.Generator) -> FloatMatrix:
        """All genes (n x G) at scores (n x d): projection plus a drawn residual of the label."""
        noise = rng.standard_normal((len(scores), self.residual_sd.shape[1]), dtype=np.float32)
        noise *= self.residual_sd[label]
        if label == self.target_label and len(self.residual) > 1:
            structured = self._mixing(scores, rng) @ self.residual
            noise = np.sqrt(1 - self.shrinkage) * structured + np.sqrt(self.shrinkage) * noise
        result = self.axes.profiles(scores) + self.residual_mean[label] + noise
        return np.asarray(result, dtype=np.float32)

    def _mixing(self, scores: DoubleArray, rng: np.random.Generator) -> FloatMatrix:
        """Weights (n x r) of the kept residuals: those of the k nearest, the others 0."""
        k = min(self.neighbours, len(self.residual))
        scale = self.importance / self.spread[self.target_label]
        nearest = np.argsort(cdist(scores * scale, self.residual_scores * scale), axis=1, kind="stable")[:, :k]
        direction = rng.standard_normal((len(scores), k))
        direction -= direction.mean(axis=1, keepdims=True)
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)  # k = 1: nothing to mix
        weights = np.zeros((len(scores), len(self.residual)), dtype=np.float32)
        np.put_along_axis(weights, nearest, (1 / k + np.sqrt(1 - 1 / k) * direction).astype(np.float32), axis=1)
        return weights

    def arrays(self) -> dict[str, Any]:
        """For saving."""
        return {
            "space.mean": self.axes.mean,
            "space.axes": self.axes.axes,
            "space.sd": self.axes.sd,
            "space.weights": self.weights,
            "space.spread": self.spread,
            "space.importance": self.importance,
            "space.residual": self.residual,
            "space.residual_scores": self.residual_scores,
            "space.residual_mean": self.residual_mean,
            "space.residual_sd": self.residual_sd,
            "space.target_label": np.asarray([self.target_label], dtype=np.int64),
            "space.shrinkage": np.asarray([self.shrinkage]),
            "space.neighbours": np.asarray([self.neighbours], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "ExpressionSpace":
        """The inverse of ``arrays``."""
        values = {name.removeprefix("space."): array for name, array in arrays.items() if name.startswith("space.")}
        axes = PrincipalAxes(values.pop("mean"), values.pop("axes"), values.pop("sd"))
        target, shrinkage = int(values.pop("target_label")[0]), float(values.pop("shrinkage")[0])
        neighbours = int(values.pop("neighbours")[0])
        return cls(axes=axes, target_label=target, shrinkage=shrinkage, neighbours=neighbours, **values)

    def _centre(self, labels: BoolArray) -> DoubleArray:
        result: DoubleArray = _with_constant(labels) @ self.weights
        return result

    def _spread(self, labels: BoolArray) -> DoubleArray:
        """Root of the mean variance over the labels that a biosample carries (of all labels, where it has none)."""
        share = np.where(labels.any(axis=1, keepdims=True), labels, True).astype(np.float64)
        result: DoubleArray = np.sqrt(share @ self.spread**2 / share.sum(axis=1, keepdims=True))
        return result


def fit_space(data: TrainingData, recipe: GeneratorRecipe) -> ExpressionSpace:
    """Fit axes (on at most 2,000 biosamples, all of the target label among them), label model and residuals."""
    has_label = data.column(recipe.label)
    rows = seeded_rows(len(data.q), MAX_AXES_ROWS, recipe.seed, keep=np.flatnonzero(has_label))
    axes = fit_axes(data.q[rows], min(recipe.n_components, max(2, len(rows) // 4)))
    axes = _with_own_axes(axes, data.q[has_label], recipe.own_components)
    scores = axes.scores(data.q)
    design = _with_constant(data.labels)
    gram = design.T @ design + _RIDGE * np.eye(design.shape[1])
    weights = np.asarray(np.linalg.solve(gram, design.T @ scores), dtype=np.float64)
    within = scores - design @ weights
    pooled = (within**2).mean(axis=0) + 1e-12
    of_label = np.stack([(within[column] ** 2).sum(axis=0) for column in data.labels.T])
    size = data.labels.sum(axis=0)[:, None]
    importance = np.sqrt(pooled / pooled.mean())
    mean, sd = _residual_moments(data, axes, scores)
    own = np.flatnonzero(has_label)[seeded_rows(int(has_label.sum()), MAX_RESIDUAL_ROWS, recipe.seed)]
    residual = data.q[own] - axes.profiles(scores[own])
    return ExpressionSpace(
        axes=axes,
        weights=weights,
        spread=np.sqrt((of_label + PRIOR * pooled) / (size + PRIOR)),
        importance=importance,
        residual=np.asarray(residual - residual.mean(axis=0), dtype=np.float32),
        residual_scores=scores[own],
        residual_mean=mean,
        residual_sd=sd,
        target_label=data.label_names.index(recipe.label),
        shrinkage=recipe.shrinkage,
        neighbours=recipe.residual_neighbours,
    )


def _with_own_axes(axes: PrincipalAxes, profiles: FloatMatrix, n_own: int) -> PrincipalAxes:
    """Axes, and at most ``n_own`` principal ones of what they leave of profiles (m x G), at right angles to them."""
    n_own = min(n_own, len(profiles) // 3)
    if n_own < 1:
        return axes
    left = profiles - axes.profiles(axes.scores(profiles))
    own = fit_axes(np.asarray(left, dtype=np.float32), n_own)
    more = own.axes - (own.axes @ axes.axes.T) @ axes.axes
    more /= np.linalg.norm(more, axis=1, keepdims=True)
    return PrincipalAxes(axes.mean, np.concatenate([axes.axes, more]), np.concatenate([axes.sd, own.sd]))


def _with_constant(labels: BoolArray) -> DoubleArray:
    return np.column_stack([labels.astype(np.float64), np.ones(len(labels))])


def _residual_moments(data: TrainingData, axes: PrincipalAxes, scores: DoubleArray) -> tuple[FloatMatrix, FloatMatrix]:
    """Mean and sd (L x G) of the residual per label; pooled sd and mean 0 where a label has too few biosamples."""
    n_labels, n_genes = data.labels.shape[1], data.q.shape[1]
    mean = np.zeros((n_labels, n_genes), dtype=np.float32)
    sd = np.zeros((n_labels, n_genes), dtype=np.float32)
    squares, total = np.zeros(n_genes), 0
    for number, column in enumerate(data.labels.T):
        residual = data.q[column] - axes.profiles(scores[column])
        squares, total = squares + (residual.astype(np.float64) ** 2).sum(axis=0), total + len(residual)
        if len(residual) >= MIN_LABEL:
            mean[number], sd[number] = residual.mean(axis=0), residual.std(axis=0, ddof=1)
    pooled = np.sqrt(squares / max(1, total)).astype(np.float32)
    sd[data.labels.sum(axis=0) < MIN_LABEL] = pooled
    return mean, sd
