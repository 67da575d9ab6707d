"""How likely a label is right in a study that the model has never seen.

Fitted on predictions for biosamples whose whole series was held out. A share of votes alone is not enough: a sample of
a tissue that training never saw gets votes, too, but it is far from everything known; so the distance counts.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.models.calibration import logit
from core.types import BoolArray, DoubleArray

MAX_ROWS = 20_000
# The first label of a biosample counts this many times as much as all its other labels together.
FIRST_OVER_OTHERS = 2.0
NEAR, FAR = 1e-3, 2.0  # distances are between (identical) 0 and 2
NEAREST = 0.05  # share of the fitted distances below which nearer makes no more certain


@dataclass(frozen=True)
class Confidence:
    """p1 = 1 / (1 + exp(-(slope logit(v1) + distance_slope log(max(d, nearest)) + intercept))) of the first label.

    v1 are its votes and d is the novelty distance; any other label has p1 v / v1, so that the order of labels within a
    biosample stays and no label gains from a distance what it lacks in votes. ``nearest``: what is nearer than the
    held-out biosamples were (a copy of a training biosample, say) is as certain as they, and no more.
    """

    slope: float
    distance_slope: float
    intercept: float
    nearest: float

    def apply(self, votes: DoubleArray, distance: DoubleArray) -> DoubleArray:
        """Probability (m x L) that each label is right, from votes (m x L) and distances (m)."""
        first = votes.max(axis=1, initial=0.0)
        away = _log(np.maximum(distance, self.nearest))
        score = self.slope * logit(first) + self.distance_slope * away + self.intercept
        share = np.divide(votes, first[:, None], out=np.zeros_like(votes), where=first[:, None] > 0)
        result: DoubleArray = share / (1.0 + np.exp(-score))[:, None]
        return result


def _log(distance: DoubleArray) -> DoubleArray:
    result: DoubleArray = np.log(np.clip(distance, NEAR, FAR))
    return result


def fit_confidence(votes: DoubleArray, distance: DoubleArray, labels: BoolArray, seed: int = 1) -> Confidence | None:
    """Maximum-likelihood line (with a weak ridge) from votes (n x L), distances (n) and labels (n x L).

    All labels are fitted on, which says that a label without votes is hardly ever right; the first one of a biosample
    counts twice as much as its others together. None where all first labels are right, or none is: then there is
    nothing to fit.
    """
    rows = np.arange(len(votes))
    if len(rows) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))
    votes, distance, labels = votes[rows], distance[rows], labels[rows]
    n, n_labels = votes.shape
    first = votes.argmax(axis=1)
    right = labels[np.arange(n), first]
    if n_labels < 2 or not n or right.all() or not right.any():
        return None
    weights = np.full((n, n_labels), 1.0 / (FIRST_OVER_OTHERS * (n_labels - 1)))
    weights[np.arange(n), first] = 1.0
    columns = np.stack([logit(votes).ravel(), np.repeat(_log(distance), n_labels)], axis=1)
    line = _line(columns, labels.ravel(), weights.ravel())
    if line[1] > 0.0:  # further away cannot be more certain
        line = np.insert(_line(columns[:, :1], labels.ravel(), weights.ravel()), 1, 0.0)
    nearest = float(np.quantile(distance, NEAREST))
    return Confidence(max(float(line[0]), 0.1), float(line[1]), float(line[2]), nearest)


def _line(columns: DoubleArray, labels: BoolArray, weights: DoubleArray) -> DoubleArray:
    """Slopes and, last, the intercept, in the columns' own units."""
    mean, sd = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-9)
    fitted = LogisticRegression().fit((columns - mean) / sd, labels, sample_weight=weights)
    slopes = fitted.coef_[0] / sd
    return np.append(slopes, fitted.intercept_[0] - slopes @ mean)
