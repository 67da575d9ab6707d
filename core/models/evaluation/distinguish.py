"""Can synthetic samples be told from real ones? By the nearest neighbour, and by a classifier."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from core.types import DoubleArray, FloatMatrix


def adversarial_accuracy(synthetic: DoubleArray, real: DoubleArray) -> dict[str, float]:
    """Nearest-neighbour adversarial accuracy of two sets of equal size (Yale et al. 2020, eq. 1).

    ``truth``: share of real points whose nearest other real point is closer than the nearest synthetic one;
    ``synthetic``: the same from the synthetic side; ``accuracy``: their mean. 0.5 where the sets cannot be told apart,
    1 where they lie apart, towards 0 where synthetic points are copies of the real ones they are held against.
    A tie counts a half.
    """
    across = cdist(synthetic, real)
    truth = _further(across.min(axis=0), _to_others(real))
    fake = _further(across.min(axis=1), _to_others(synthetic))
    return {"accuracy": (truth + fake) / 2, "truth": truth, "synthetic": fake}


def discriminative_f1(synthetic: FloatMatrix, real: FloatMatrix, seed: int, n_trees: int = 50) -> float:
    """F1 (synthetic as the positive class) of a random forest under stratified cross-validation.

    Of 5 folds, or as many as the smaller set allows. About 0.5 where sets of equal size cannot be told apart.
    """
    values = np.concatenate([synthetic, real])
    truth = np.repeat([1, 0], [len(synthetic), len(real)])
    folds = StratifiedKFold(min(5, len(synthetic), len(real)), shuffle=True, random_state=seed)
    forest = RandomForestClassifier(n_trees, random_state=seed, n_jobs=1)
    return float(f1_score(truth, cross_val_predict(forest, values, truth, cv=folds), zero_division=0.0))


def _to_others(points: DoubleArray) -> DoubleArray:
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    nearest: DoubleArray = distances.min(axis=1)
    return nearest


def _further(across: DoubleArray, within: DoubleArray) -> float:
    return float(((across > within) + 0.5 * (across == within)).mean())
