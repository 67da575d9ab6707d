"""Several labels of a biosample as one class: its label set, as long as there are not too many different ones.

A model of label sets keeps what labels do together (a cerebellum is a brain, too) and costs as much as a model of one
label; the probability of a label is the sum over the sets that hold it.
"""

from dataclasses import dataclass

import numpy as np

from core.types import BoolArray, DoubleArray, IndexArray

SETS_A_LABEL = 4


@dataclass(frozen=True)
class LabelSets:
    """``sets`` (S x L): which labels each class holds."""

    sets: BoolArray

    def marginals(self, probabilities: DoubleArray) -> DoubleArray:
        """Probability of each label (m x L) from that of each set (m x S)."""
        result: DoubleArray = np.clip(probabilities @ self.sets.astype(np.float64), 0.0, 1.0)
        return result


def to_label_sets(bits: BoolArray) -> tuple[LabelSets, IndexArray, IndexArray]:
    """Label sets of labels (n x L, one or more each), and the rows to train on: positions in n, and their class.

    At most four sets a label are kept, the most frequent ones; a biosample of any other set stands once for each of
    its labels, as a biosample of that label alone. So a position may come up several times.
    """
    n_labels = bits.shape[1]
    sets, set_of, count = np.unique(bits, axis=0, return_inverse=True, return_counts=True)
    set_of = set_of.ravel()
    limit = SETS_A_LABEL * n_labels
    if len(sets) <= limit:
        return LabelSets(sets), np.arange(len(bits), dtype=np.intp), set_of.astype(np.intp)
    frequent = np.sort(np.argsort(-count, kind="stable")[:limit])
    kept = sets[frequent]
    alone = np.eye(n_labels, dtype=bool)
    known = {row.tobytes() for row in kept}
    missing = np.array([row.tobytes() not in known for row in alone])
    classes = np.concatenate([kept, alone[missing]])
    number = {row.tobytes(): i for i, row in enumerate(classes)}
    new_number = np.full(len(sets), -1, dtype=np.intp)
    new_number[frequent] = np.arange(len(frequent))
    whole = np.flatnonzero(new_number[set_of] >= 0)
    split, label = np.nonzero(bits & (new_number[set_of] < 0)[:, None])
    codes = np.concatenate([new_number[set_of[whole]], [number[alone[i].tobytes()] for i in label]])
    rows = np.concatenate([whole, split])
    used, codes = np.unique(codes, return_inverse=True)
    return LabelSets(classes[used.astype(np.intp)]), rows.astype(np.intp), codes.ravel().astype(np.intp)
