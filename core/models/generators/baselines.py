"""What a GAN has to beat: a Gaussian in PCA space, SMOTE, and a noisy bootstrap, each on one label's profiles."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from core.models.generators.base import Generator, ShouldStop, TrainingData
from core.models.generators.space import ExpressionSpace, fit_space
from core.types import DoubleArray, FloatMatrix, IndexArray, Progress

MAX_ROWS = 2000  # profiles of a label that are kept to interpolate between


class PcaGaussianGenerator(Generator):
    """Scores from N(mean, covariance) of the label's training scores, the covariance shrunk towards its diagonal;
    the residual as in every generator of the expression space."""

    name = "pca-gaussian"
    space: ExpressionSpace

    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None:
        recipe = self.recipe
        profiles = data.rows_of(recipe.label)
        progress("fitting", 0, 1)
        self.space = fit_space(data, recipe)
        self.labels = [recipe.label]
        scores = self.space.axes.scores(profiles)
        self.centre = scores.mean(axis=0)
        self.root = gaussian_root(scores, recipe.shrinkage)
        progress("fitting", 1, 1)

    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        scores = self.centre + rng.standard_normal((n, len(self.centre))) @ self.root.T
        return self.space.profiles(scores, self.space.target_label, rng)

    def _arrays(self) -> dict[str, Any]:
        return {**self.space.arrays(), "centre": self.centre, "root": self.root}

    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None:
        self.space = ExpressionSpace.from_arrays(arrays)
        self.centre, self.root = arrays["centre"], arrays["root"]


class SmoteGenerator(Generator):
    """Points on the line from a profile to one of its k nearest neighbours of the label (Chawla et al. 2002)."""

    name = "smote"
    profiles: FloatMatrix
    neighbours: IndexArray

    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None:
        self.labels = [self.recipe.label]
        self.profiles = _kept(data.rows_of(self.recipe.label), self.recipe.seed)
        self.neighbours = nearest_neighbours(self.profiles, self.recipe.neighbours)
        progress("fitting", 1, 1)

    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        first = rng.integers(len(self.profiles), size=n)
        second = self.neighbours[first, rng.integers(self.neighbours.shape[1], size=n)]
        share = rng.random((n, 1), dtype=np.float32)
        return np.asarray(self.profiles[first] + share * (self.profiles[second] - self.profiles[first]), np.float32)

    def _arrays(self) -> dict[str, Any]:
        return {"profiles": self.profiles, "neighbours": self.neighbours}

    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None:
        self.profiles, self.neighbours = arrays["profiles"], arrays["neighbours"]


class BootstrapGenerator(Generator):
    """A training profile of the label plus Gaussian noise of ``noise`` times each gene's standard deviation."""

    name = "bootstrap"
    profiles: FloatMatrix

    def _fit(
        self, data: TrainingData, progress: Progress, should_stop: ShouldStop, checkpoint_dir: Path | None
    ) -> None:
        self.labels = [self.recipe.label]
        self.profiles = _kept(data.rows_of(self.recipe.label), self.recipe.seed)
        self.sd = self.profiles.std(axis=0, ddof=1, dtype=np.float64).astype(np.float32)
        progress("fitting", 1, 1)

    def _draw(self, n: int, label: str, rng: np.random.Generator) -> FloatMatrix:
        chosen = self.profiles[rng.integers(len(self.profiles), size=n)]
        noise = rng.standard_normal(chosen.shape, dtype=np.float32) * self.sd
        return np.asarray(chosen + self.recipe.noise * noise, dtype=np.float32)

    def _arrays(self) -> dict[str, Any]:
        return {"profiles": self.profiles, "sd": self.sd}

    def _restore(self, arrays: dict[str, Any], card: dict[str, Any]) -> None:
        self.profiles, self.sd = arrays["profiles"], arrays["sd"]


def gaussian_root(scores: DoubleArray, shrinkage: float) -> DoubleArray:
    """R (d x d) with R R^T = the covariance of scores (n x d), off-diagonal terms times 1 - shrinkage."""
    covariance = np.cov(scores, rowvar=False).reshape(scores.shape[1], scores.shape[1])
    shrunk = (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))
    values, vectors = np.linalg.eigh(shrunk)
    root: DoubleArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def nearest_neighbours(profiles: FloatMatrix, k: int) -> IndexArray:
    """Positions (n x k) of each profile's k nearest others; fewer where there are fewer others."""
    distances = cdist(profiles, profiles)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, : min(k, len(profiles) - 1)]


def _kept(profiles: FloatMatrix, seed: int) -> FloatMatrix:
    if len(profiles) <= MAX_ROWS:
        return profiles
    return profiles[np.sort(np.random.default_rng(seed).choice(len(profiles), MAX_ROWS, replace=False))]
