"""A random forest for many labels at once: grown in steps that can be watched, judged on out-of-bag votes."""

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from core import settings
from core.types import BoolArray, DoubleArray, FloatMatrix, Progress, silent

STEPS = 10
BLOCK = 5000


def label_weights(labels: BoolArray) -> DoubleArray:
    """Weight (n, mean 1) of each biosample: the mean over its labels of 1 / biosamples with the label.

    So every label weighs the same in the trees, however rare it is.
    """
    share = 1.0 / np.maximum(labels.sum(axis=0), 1)
    weights = (labels * share).sum(axis=1) / np.maximum(labels.sum(axis=1), 1)
    result: DoubleArray = weights / weights.mean()
    return result


def grow_forest(
    x: FloatMatrix, labels: BoolArray, trees: int, seed: int, progress: Progress = silent
) -> RandomForestClassifier:
    """Forest over x (n x g) for labels (n x L), each with positives and negatives among the n.

    sqrt(g) genes are tried at each split. Trees come in up to ten steps, each reported as ``forest``. The forest does
    not depend on the number of threads or steps.
    """
    forest = RandomForestClassifier(
        n_estimators=0, max_features="sqrt", random_state=seed, n_jobs=settings.n_threads(), warm_start=True
    )
    weights = label_weights(labels)
    progress("forest", 0, trees, trees=0)
    for grown in np.unique(np.ceil(np.arange(1, STEPS + 1) * trees / STEPS).astype(int)):
        forest.set_params(n_estimators=int(grown), oob_score=bool(grown == trees))
        with warnings.catch_warnings():
            # A small forest has biosamples in every bag; ``out_of_bag_votes`` tells which.
            warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
            forest.fit(x, labels, sample_weight=weights)
        progress("forest", int(grown), trees, trees=int(grown))
    return forest


def out_of_bag_votes(forest: RandomForestClassifier, n_labels: int) -> tuple[DoubleArray, BoolArray]:
    """Share of votes (n x L) of the trees that did not see the biosample, and which biosamples (n) have such trees."""
    votes = np.asarray(forest.oob_decision_function_, dtype=np.float64)
    if n_labels == 1:
        votes = votes[:, :, None]
    judged = np.isfinite(votes).all(axis=(1, 2)) & (votes[:, :, 0].sum(axis=1) > 0)
    return votes[:, 1, :], judged


def forest_votes(forest: RandomForestClassifier, x: npt.NDArray[np.floating]) -> DoubleArray:
    """Mean over the trees of the share of each label in the leaf (m x L)."""
    parts = []
    for start in range(0, max(len(x), 1), BLOCK):
        found = forest.predict_proba(x[start : start + BLOCK]) if len(x) else np.empty((0, 2))
        outputs = found if isinstance(found, list) else [found]
        parts.append(np.stack([output[:, 1] for output in outputs], axis=1))
    return np.concatenate(parts)
