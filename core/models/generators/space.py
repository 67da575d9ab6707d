"""The expression space: what a generator works in, and the way back to all genes.

Profiles are centred and turned onto principal axes of the training part (all genes). A score vector s of a biosample
with labels c is standardised as

    y = u * (s - W [c, 1]) / sd(c),

W a linear model of the scores on the labels, sd(c) the spread of the label around it (shrunk towards the spread within
all labels, so that a rare label borrows strength), and u proportional to the pooled spread, mean square 1: components
that carry more variance weigh more, as they do in distances between profiles.

All genes come back: what the axes do not hold (profile minus its projection) is drawn from a Gaussian with the residual
covariance of the label's training biosamples, shrunk towards its diagonal: per-gene spread is kept exactly, and genes
that move together do so in the residual too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.models.generators.base import TrainingData
from core.models.pca import PrincipalAxes, fit_axes, seeded_rows
from core.types import BoolArray, DoubleArray, FloatMatrix

MAX_AXES_ROWS = 2000
MAX_RESIDUAL_ROWS = 64  # of the target label: the rank of its residual covariance
PRIOR = 10.0  # biosamples that the pooled spread counts as
MIN_LABEL = 4  # under this, a label's residual spread is the pooled one
_RIDGE = 1e-3


@dataclass(frozen=True)
class ExpressionSpace:
    """Fitted on a training part; d components, L labels, G genes.

    ``weights`` (L + 1 x d); ``spread`` (L x d) of each label; ``importance`` (d) is u. ``residual`` (r x G) centred
    residual rows of the target label, ``residual_mean`` (L x G) and ``residual_sd`` (L x G).
    """

    axes: PrincipalAxes
    weights: DoubleArray
    spread: DoubleArray
    importance: DoubleArray
    residual: FloatMatrix
    residual_mean: FloatMatrix
    residual_sd: FloatMatrix
    target_label: int
    shrinkage: float

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
            mixing = rng.standard_normal((len(scores), len(self.residual)), dtype=np.float32)
            structured = (mixing / np.float32(np.sqrt(len(self.residual) - 1))) @ self.residual
            noise = np.sqrt(1 - self.shrinkage) * structured + np.sqrt(self.shrinkage) * noise
        result = self.axes.profiles(scores) + self.residual_mean[label] + noise
        return np.asarray(result, dtype=np.float32)

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
            "space.residual_mean": self.residual_mean,
            "space.residual_sd": self.residual_sd,
            "space.target_label": np.asarray([self.target_label], dtype=np.int64),
            "space.shrinkage": np.asarray([self.shrinkage]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "ExpressionSpace":
        """The inverse of ``arrays``."""
        values = {name.removeprefix("space."): array for name, array in arrays.items() if name.startswith("space.")}
        axes = PrincipalAxes(values.pop("mean"), values.pop("axes"), values.pop("sd"))
        target, shrinkage = int(values.pop("target_label")[0]), float(values.pop("shrinkage")[0])
        return cls(axes=axes, target_label=target, shrinkage=shrinkage, **values)

    def _centre(self, labels: BoolArray) -> DoubleArray:
        result: DoubleArray = _with_constant(labels) @ self.weights
        return result

    def _spread(self, labels: BoolArray) -> DoubleArray:
        """Root of the mean variance over the labels that a biosample carries (of all labels, where it has none)."""
        share = np.where(labels.any(axis=1, keepdims=True), labels, True).astype(np.float64)
        result: DoubleArray = np.sqrt(share @ self.spread**2 / share.sum(axis=1, keepdims=True))
        return result


def fit_space(data: TrainingData, label: str, n_components: int, shrinkage: float, seed: int) -> ExpressionSpace:
    """Fit axes (on at most 2,000 biosamples, all of the target label among them), label model and residuals."""
    has_label = data.column(label)
    rows = seeded_rows(len(data.q), MAX_AXES_ROWS, seed, keep=np.flatnonzero(has_label))
    axes = fit_axes(data.q[rows], min(n_components, max(2, len(rows) // 4)))
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
    kept = seeded_rows(int(has_label.sum()), MAX_RESIDUAL_ROWS, seed)
    own = np.flatnonzero(has_label)[kept]
    residual = data.q[own] - axes.profiles(scores[own])
    return ExpressionSpace(
        axes=axes,
        weights=weights,
        spread=np.sqrt((of_label + PRIOR * pooled) / (size + PRIOR)),
        importance=importance,
        residual=np.asarray(residual - residual.mean(axis=0), dtype=np.float32),
        residual_mean=mean,
        residual_sd=sd,
        target_label=data.label_names.index(label),
        shrinkage=shrinkage,
    )


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
