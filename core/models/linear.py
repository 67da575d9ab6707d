"""A linear model over label sets: multinomial logistic regression with a ridge penalty, on standardised genes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from core.models.forest import label_weights
from core.models.label_sets import LabelSets, to_label_sets
from core.models.splits import dealt, spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix, Progress, silent

VARIANCE_FLOOR = 0.05  # log2 units squared; a gene that hardly varies is not blown up
PENALTY = 0.01  # C of scikit-learn: the inverse of the penalty
HELD_OUT_FOLDS = 3
MAX_ROWS = 20_000  # biosamples that are fitted on at most, spread over label sets


@dataclass(frozen=True)
class Linear:
    """Scores of label sets: weights (S x g) times standardised genes, plus intercept (S)."""

    mean: FloatMatrix
    scale: FloatMatrix
    weights: FloatMatrix
    intercept: FloatMatrix
    sets: LabelSets

    def votes(self, x: npt.NDArray[np.floating]) -> DoubleArray:
        """Probability of each label (m x L) by the softmax over label sets."""
        scores = self._scores(x)
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        return self.sets.marginals(p / p.sum(axis=1, keepdims=True))

    def contributions(self, x: npt.NDArray[np.floating], label: int) -> tuple[DoubleArray, float]:
        """What each gene adds for one sample x (g) to the score of the label's best set over the best other one.

        (g), and the base (the difference of the intercepts); they add up to the difference of the scores.
        """
        scores, holds = self._scores(x[None])[0], self.sets.sets[:, label]
        own = int(np.where(holds, scores, -np.inf).argmax())
        other = int(np.where(holds, -np.inf, scores).argmax())
        weights = self.weights[own].astype(np.float64) - self.weights[other]
        return weights * self._standard(x[None])[0], float(self.intercept[own] - self.intercept[other])

    def _standard(self, x: npt.NDArray[np.floating]) -> DoubleArray:
        standard: DoubleArray = (np.asarray(x, dtype=np.float64) - self.mean) / self.scale
        return standard

    def _scores(self, x: npt.NDArray[np.floating]) -> DoubleArray:
        scores: DoubleArray = self._standard(x) @ self.weights.T.astype(np.float64) + self.intercept
        return scores

    def arrays(self) -> dict[str, npt.NDArray[np.floating]]:
        """What ``from_arrays`` needs besides the sets."""
        names = ("mean", "scale", "weights", "intercept")
        return {f"linear_{name}": getattr(self, name) for name in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.floating]], sets: LabelSets) -> "Linear":
        """Back from ``arrays``; raises KeyError where one is missing."""
        mean, scale, weights, intercept = (
            arrays[f"linear_{name}"].astype(np.float32) for name in ("mean", "scale", "weights", "intercept")
        )
        return cls(mean, scale, weights, intercept, sets)


def fit_linear(
    x: FloatMatrix, labels: BoolArray, penalty: float = PENALTY, balanced: bool = True, progress: Progress = silent
) -> Linear:
    """Linear model over x (n x g) for labels (n x L, one or more each), at least two different label sets.

    With more genes than biosamples the fit is done in the biosamples' own space, where a ridge penalty has the very
    same optimum (Hastie and Tibshirani 2004), and turned back.
    """
    sets, rows, codes = to_label_sets(labels)
    drawn = spread_over_groups(codes, MAX_ROWS, seed=1)
    rows, codes = rows[drawn], codes[drawn]
    mean = x.mean(axis=0, dtype=np.float64)
    scale = np.sqrt(x.var(axis=0, dtype=np.float64) + VARIANCE_FLOOR)
    standard = (x[rows] - mean.astype(np.float32)) / scale.astype(np.float32)
    turn = None
    if standard.shape[1] > len(standard):
        u, s, vt = np.linalg.svd(standard, full_matrices=False)
        standard, turn = u * s, vt
    weights = label_weights(labels)[rows] if balanced else None
    fitted = LogisticRegression(C=penalty, max_iter=300).fit(standard, codes, sample_weight=weights)
    coefficients, intercept = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # two classes: scikit-learn gives the second against the first
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercept = np.append(-intercept, intercept) / 2
    coefficients = coefficients if turn is None else coefficients @ turn
    progress("linear", 1, 1)
    return Linear(_float32(mean), _float32(scale), _float32(coefficients), _float32(intercept), sets)


def _float32(values: DoubleArray) -> FloatMatrix:
    return np.asarray(values, dtype=np.float32)


def held_out_votes(x: FloatMatrix, labels: BoolArray, penalty: float, balanced: bool, seed: int) -> DoubleArray:
    """Votes (n x L) for each biosample by a model fitted on the other two thirds, dealt out evenly by label."""
    fold = dealt(labels, HELD_OUT_FOLDS, seed)
    votes = np.zeros(labels.shape)
    for number in np.unique(fold):
        train = fold != number
        known = np.flatnonzero(labels[train].any(axis=0))
        model = fit_linear(x[train], labels[np.ix_(train, known)], penalty, balanced)
        votes[np.ix_(~train, known)] = model.votes(x[~train])
    return votes
