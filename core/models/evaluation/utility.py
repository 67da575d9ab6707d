"""Are synthetic samples of use: does a classifier that learnt the label from them find real samples, and are the
label's marker genes still its markers?"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

from core.models.evaluation.genes import MAX_GENES, variable_genes
from core.models.markers import LabelMoments
from core.models.pca import seeded_rows
from core.types import DoubleArray, FloatMatrix, IndexArray

N_MARKERS = 50
N_TREES = 100
MAX_OTHERS = 600  # samples without the label, to learn from and to test on
MIN_OTHERS = 4  # on each side


@dataclass(frozen=True)
class Others:
    """Real samples without the label: half to train beside, half to test beside (each r x G, no sample in both)."""

    train: FloatMatrix
    test: FloatMatrix
    genes: IndexArray

    @classmethod
    def split(cls, rows: FloatMatrix, seed: int) -> "Others | None":
        """A seeded half each of at most ``MAX_OTHERS`` of rows (n x G); None where there are too few to say anything.

        The forest sees the (at most 2,000) most variable genes of the training half.
        """
        if len(rows) < 2 * MIN_OTHERS:
            return None
        kept = np.random.default_rng(seed).permutation(seeded_rows(len(rows), MAX_OTHERS, seed))
        half = len(kept) // 2
        train, test = rows[np.sort(kept[:half])], rows[np.sort(kept[half:])]
        return cls(train, test, variable_genes(train, MAX_GENES))


def detection(positives: FloatMatrix, test: FloatMatrix, others: Others, seed: int) -> float:
    """Average precision of a forest that learns the label from ``positives`` (m x G), on real test samples (t x G).

    With synthetic positives this is train-on-synthetic-test-on-real, with real ones train-on-real-test-on-real
    (Esteban et al. 2017): the samples without the label, to train and to test on, are real and the same in both.
    """
    values = np.concatenate([positives, others.train])[:, others.genes]
    truth = np.repeat([1, 0], [len(positives), len(others.train)])
    forest = RandomForestClassifier(N_TREES, class_weight="balanced", random_state=seed, n_jobs=1).fit(values, truth)
    asked = np.concatenate([test, others.test])[:, others.genes]
    votes = forest.predict_proba(asked)[:, 1]
    return float(average_precision_score(np.repeat([1, 0], [len(test), len(others.test)]), votes))


def marker_genes(label: FloatMatrix, others: FloatMatrix, n: int = N_MARKERS) -> IndexArray:
    """Positions of the n genes that stand highest in a label's samples (m x G) over others (r x G); see ``markers``."""
    effect = _effect(label, others)
    return np.argsort(-effect, kind="stable")[:n]


def markers_kept(candidate: FloatMatrix, known: IndexArray, others: FloatMatrix) -> float:
    """Share of the ``known`` markers that are among as many top genes of the candidate samples (m x G), too."""
    return float(np.isin(known, marker_genes(candidate, others, len(known))).mean())


def _effect(label: FloatMatrix, others: FloatMatrix) -> DoubleArray:
    bits = np.repeat([[True, False], [False, True]], [len(label), len(others)], axis=0)
    moments = LabelMoments.empty(2, label.shape[1])
    moments.update(np.concatenate([label, others]), bits)
    result: DoubleArray = moments.effect()[0]
    return result
