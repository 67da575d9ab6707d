"""A forest over label sets: grown in steps that can be watched, judged on out-of-bag votes, read gene by gene."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from core import settings
from core.models.label_sets import LabelSets, to_label_sets
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Progress, silent

STEPS = 10
BLOCK = 5000
TREE_ROWS = 20_000  # biosamples that a tree draws at most: what bounds its size, and the memory of the forest

Trees = Any  # RandomForestClassifier | ExtraTreesClassifier; scikit-learn has no types


def label_weights(labels: BoolArray) -> DoubleArray:
    """Weight (n, mean 1) of each biosample: the mean over its labels of 1 / biosamples with the label.

    So every label weighs the same in the trees, however rare it is.
    """
    share = 1.0 / np.maximum(labels.sum(axis=0), 1)
    weights = (labels * share).sum(axis=1) / np.maximum(labels.sum(axis=1), 1)
    result: DoubleArray = weights / weights.mean()
    return result


@dataclass
class Forest:
    """``trees`` vote for label sets; ``votes`` are the shares of each label among them."""

    trees: Trees
    sets: LabelSets
    rows: IndexArray | None = None  # the biosample of each row that was trained on; not kept on disk

    def votes(self, x: npt.NDArray[np.floating]) -> DoubleArray:
        """Mean over the trees of the share of each label in the leaf (m x L)."""
        if not len(x):
            return np.zeros((0, self.sets.sets.shape[1]))
        parts = [self.trees.predict_proba(x[start : start + BLOCK]) for start in range(0, len(x), BLOCK)]
        return self.sets.marginals(np.concatenate(parts))

    def contributions(self, x: npt.NDArray[np.floating], label: int) -> tuple[DoubleArray, float]:
        """What each gene adds to a label's votes for one sample x (g): (g), and the base; they add up to the votes.

        Along a sample's path through a tree, each split moves the label's share from that of the node to that of the
        child; the move is the gene's (Saabas 2014; Palczewska et al. 2014, equation 5). Base: the mean share at the
        roots.
        """
        holds = self.sets.sets[:, label].astype(np.float64)
        total, base = np.zeros(len(x)), 0.0
        row = np.asarray(x, dtype=np.float32)[None]
        for estimator in self.trees.estimators_:
            tree = estimator.tree_
            path = tree.decision_path(row).indices  # ascending: a child comes after its parent
            value = tree.value[path, 0]
            share = value @ holds / value.sum(axis=1)
            np.add.at(total, tree.feature[path[:-1]], np.diff(share))
            base += float(share[0])
        n = len(self.trees.estimators_)
        return total / n, base / n

    def out_of_bag(self, n: int) -> tuple[DoubleArray, BoolArray]:
        """Votes (n x L) of the trees that did not see the biosample, and which biosamples (n) have such trees.

        Biosamples that were trained on once for each of their labels have none: a tree that has not seen the one may
        have seen the other.
        """
        assert self.rows is not None
        votes, judged = np.zeros((n, self.sets.sets.shape[1])), np.zeros(n, dtype=bool)
        found = np.asarray(self.trees.oob_decision_function_, dtype=np.float64)
        rows, counts = np.unique(self.rows, return_counts=True)
        at = np.flatnonzero(np.isin(self.rows, rows[counts == 1]))
        at = at[np.isfinite(found[at]).all(axis=1) & (found[at].sum(axis=1) > 0)]
        votes[self.rows[at]] = self.sets.marginals(found[at])
        judged[self.rows[at]] = True
        return votes, judged

    @classmethod
    def grown(
        cls, x: FloatMatrix, labels: BoolArray, trees: int, seed: int, progress: Progress = silent, *,
        extra: bool = False, min_leaf: int = 1, balanced: bool = True, out_of_bag: bool = True,
    ) -> "Forest":  # fmt: skip
        """Forest over x (n x g) for labels (n x L, one or more each).

        sqrt(g) genes are tried at each split; ``extra`` draws the cuts at random (Geurts et al. 2006). A tree draws at
        most 20,000 biosamples. Trees come in up to ten steps, each reported as ``forest``. The forest does not depend
        on the number of threads or steps.
        """
        sets, rows, codes = to_label_sets(labels)
        kind = ExtraTreesClassifier if extra else RandomForestClassifier
        forest = kind(
            n_estimators=0, max_features="sqrt", min_samples_leaf=min_leaf, random_state=seed, bootstrap=True,
            max_samples=TREE_ROWS if len(rows) > TREE_ROWS else None, n_jobs=settings.n_threads(), warm_start=True,
        )  # fmt: skip
        weights = label_weights(labels)[rows] if balanced else None
        used = x if len(rows) == len(x) and np.array_equal(rows, np.arange(len(x))) else x[rows]
        steps = STEPS if out_of_bag else 1
        progress("forest", 0, trees, trees=0)
        for grown in np.unique(np.ceil(np.arange(1, steps + 1) * trees / steps).astype(int)):
            forest.set_params(n_estimators=int(grown), oob_score=bool(out_of_bag and grown == trees))
            with warnings.catch_warnings():
                # A small forest has biosamples in every bag; ``out_of_bag`` tells which.
                warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
                forest.fit(used, codes, sample_weight=weights)
            progress("forest", int(grown), trees, trees=int(grown))
        if not out_of_bag:
            # Forests that are only compared: threads would add up votes in the order in which trees finish, and a last
            # digit of a score would depend on it.
            forest.set_params(n_jobs=1)
        return cls(forest, sets, rows)
