"""From the shares of a forest's votes to probabilities, and from probabilities to decisions.

Both are fitted on out-of-bag votes: every tree votes on the training biosamples that it has not seen.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.types import BoolArray, DoubleArray

# Share of votes 0 and 1 have no logit; a forest of a few hundred trees cannot tell 0.5% from nothing.
EDGE = 0.005
MAX_PAIRS = 200_000
# A label's own threshold counts as much as its positives, the common one as much as this number of them.
PRIOR_POSITIVES = 20


@dataclass(frozen=True)
class LogitCalibration:
    """p = 1 / (1 + exp(-(slope logit(v) + intercept))) of the share of votes v (Platt 1999, on the logit).

    One line for all labels: the order of labels within a biosample stays, and rare labels need no data of their own.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, votes: DoubleArray) -> DoubleArray:
        """Calibrated probabilities, of the shape of ``votes``."""
        result: DoubleArray = 1.0 / (1.0 + np.exp(-(self.slope * logit(votes) + self.intercept)))
        return result


def logit(votes: DoubleArray) -> DoubleArray:
    """log(v / (1 - v)) of shares of votes, those of 0 and 1 drawn in by half a percent."""
    # Squeezed, not clipped: the order at both ends is kept.
    squeezed = EDGE + (1.0 - 2.0 * EDGE) * votes
    result: DoubleArray = np.log(squeezed / (1.0 - squeezed))
    return result


def fit_calibration(votes: DoubleArray, labels: BoolArray, seed: int = 1) -> LogitCalibration:
    """Calibration from out-of-bag votes (n x L) and labels (n x L); the identity where all pairs are of one kind."""
    x, y = votes.ravel(), labels.ravel()
    if len(x) > MAX_PAIRS:
        chosen = np.random.default_rng(seed).choice(len(x), MAX_PAIRS, replace=False)
        x, y = x[chosen], y[chosen]
    if y.all() or not y.any():
        return LogitCalibration()
    line = LogisticRegression().fit(logit(x)[:, None], y)
    return LogitCalibration(max(float(line.coef_[0, 0]), 0.1), float(line.intercept_[0]))


def fit_thresholds(probabilities: DoubleArray, labels: BoolArray, prior: float = 0.5) -> DoubleArray:
    """Threshold (L) of each label: the one of best F1, drawn towards ``prior`` the more, the fewer positives there are.

    threshold = (n_positive best + 20 prior) / (n_positive + 20), kept within 0.1 to 0.9.
    """
    positives = labels.sum(axis=0)
    columns = zip(probabilities.T, labels.T, strict=True)
    best = np.array([_best_cut(p, y, prior) for p, y in columns])
    drawn = (positives * best + PRIOR_POSITIVES * prior) / (positives + PRIOR_POSITIVES)
    result: DoubleArray = np.clip(drawn, 0.1, 0.9)
    return result


def _best_cut(probability: DoubleArray, label: BoolArray, prior: float) -> float:
    """The cut of best F1, halfway between two neighbouring probabilities; of equal ones the nearest to ``prior``."""
    order = np.argsort(-probability, kind="stable")
    p = np.append(probability[order], 0.0)
    hits = np.cumsum(label[order])
    if not len(hits) or hits[-1] == 0:
        return prior
    f1 = 2.0 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    f1[p[:-1] == p[1:]] = -1.0  # no threshold lies between equal values
    cuts = (p[:-1] + p[1:]) / 2.0
    equal = cuts[f1 >= f1.max() - 1e-12]
    return float(equal[np.argmin(np.abs(equal - prior))])
