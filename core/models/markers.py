"""Which genes a classifier looks at: the markers of each label, from sums that a stream of blocks fills.

Nothing here needs the whole matrix at once: memory is L x G, whatever the number of biosamples.
"""

from dataclasses import dataclass

import numpy as np

from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray

# Added to the variance within labels (log2 units squared): a gene that differs by a hair, but always, is no marker.
VARIANCE_FLOOR = 0.3


@dataclass
class LabelMoments:
    """Sums and sums of squares of Q by label (L x G) and over all biosamples (G); ``update`` block by block."""

    n: int
    n_label: DoubleArray
    total: DoubleArray
    label_sum: DoubleArray
    label_squares: DoubleArray

    @classmethod
    def empty(cls, n_labels: int, n_genes: int) -> "LabelMoments":
        """Nothing counted yet, for L labels and G genes."""
        shape = (n_labels, n_genes)
        return cls(0, np.zeros(n_labels), np.zeros(n_genes), np.zeros(shape), np.zeros(shape))

    def update(self, q: FloatMatrix, labels: BoolArray) -> None:
        """Count a block: q (m x G), labels (m x L); a biosample with two labels counts for both."""
        bits = labels.T.astype(np.float64)
        values = q.astype(np.float64)
        self.n += len(q)
        self.n_label += bits.sum(axis=1)
        self.total += values.sum(axis=0)
        self.label_sum += bits @ values
        self.label_squares += bits @ np.square(values)

    def without(self, q: FloatMatrix, labels: BoolArray) -> "LabelMoments":
        """The same sums as if these biosamples, q (m x G) with labels (m x L), had never been counted."""
        other = LabelMoments.empty(*self.label_sum.shape)
        other.update(q, labels)
        return LabelMoments(
            self.n - other.n, self.n_label - other.n_label, self.total - other.total,
            self.label_sum - other.label_sum, self.label_squares - other.label_squares,
        )  # fmt: skip

    def effect(self) -> DoubleArray:
        """d (L x G) = (mean of the label - mean of the rest) / sqrt(pooled variance within labels + 0.3).

        The one-against-rest difference in the manner of SAM (Tusher et al. 2001), whose constant s0 the 0.3 is.
        """
        n_label = self.n_label[:, None]
        mean = self.label_sum / np.maximum(n_label, 1.0)
        rest = (self.total - self.label_sum) / np.maximum(self.n - n_label, 1.0)
        within = np.maximum(self.label_squares - n_label * np.square(mean), 0.0).sum(axis=0)
        pooled = within / max(float((self.n_label - 1.0).clip(0.0).sum()), 1.0)
        result: DoubleArray = (mean - rest) / np.sqrt(pooled + VARIANCE_FLOOR)
        result[self.n_label == 0] = -np.inf
        return result


def choose_markers(moments: LabelMoments, n_genes: int) -> IndexArray:
    """Positions of the ``n_genes`` genes that are highest in some label, the best first.

    Labels take turns: first the best marker of every label, then the second, and so on, so that a rare label with
    weak markers gets its share. Genes that are the same in every biosample are never chosen; there may be fewer.
    """
    effect = moments.effect()
    order = np.argsort(-effect, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(effect.shape[1])[None, :], axis=1)
    varies = np.ptp(effect[moments.n_label > 0], axis=0) > 1e-9
    best = np.where(varies, rank.min(axis=0), effect.shape[1])
    chosen: IndexArray = np.lexsort((-effect.max(axis=0), best))[: min(n_genes, int(varies.sum()))]
    return chosen
