"""Genes that are unusually high in one biosample, against all biosamples and against those of its tissue."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.types import DoubleArray, IndexArray

# 1.4826 MAD estimates the standard deviation of normal data (Rousseeuw and Croux 1993).
NORMAL_SCALE = 1.4826
# In log2 units. Where most biosamples share one value (often zero counts), the MAD is 0 and any value would be
# infinitely unusual; with this floor it takes 2 x 1.4826 x 0.2 = 0.6 log2 units, a factor of 1.5, to reach z = 2.
MAD_FLOOR = 0.2
# A median and a spread from fewer biosamples are no reference.
MIN_REFERENCE = 3

Values = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class HighGenes:
    """Positions of the genes, most unusual first, and their robust z-scores against all and against the label."""

    index: IndexArray
    z_all: DoubleArray
    z_label: DoubleArray


@dataclass(frozen=True)
class Reference:
    """Median and spread (1.4826 max(MAD, floor)) of each gene (G) over biosamples; NaN with fewer than 3."""

    median: DoubleArray
    spread: DoubleArray

    @classmethod
    def of(cls, values: Values, mad_floor: float = MAD_FLOOR) -> "Reference":
        """From values (r x G); missing ones (NaN) are left out."""
        enough = np.sum(~np.isnan(values), axis=0) >= MIN_REFERENCE
        median, spread = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
        if enough.any():
            known = np.asarray(values[:, enough], dtype=np.float64)
            median_of = np.nanmedian if np.isnan(known).any() else np.median
            median[enough] = median_of(known, axis=0)
            mad = median_of(np.abs(known - median[enough]), axis=0)
            spread[enough] = NORMAL_SCALE * np.maximum(mad, mad_floor)
        return cls(median, spread)

    @classmethod
    def from_medians(cls, median: DoubleArray, mad: DoubleArray, mad_floor: float = MAD_FLOOR) -> "Reference":
        """From medians and median absolute deviations (G) that are known already."""
        return cls(median, NORMAL_SCALE * np.maximum(mad, mad_floor))

    def z(self, values: Values) -> DoubleArray:
        """Robust z-scores (m x G or G): (x - median) / spread; NaN where a value or the reference is missing."""
        scores: DoubleArray = (values - self.median) / self.spread
        return scores


def high_genes(q_row: Values, everyone: Reference, label: Reference, top: int = 50) -> HighGenes:
    """The genes of one biosample (G) that are most above both references, at most ``top``.

    Ordered by the smaller of the two z-scores: a marker of the tissue is high against all but usual for the tissue,
    a batch effect may be the reverse. Where the label has fewer than 3 biosamples, ``z_label`` is NaN and the score
    against all decides. Missing genes (NaN) are never listed, nor are genes that are not above the reference.
    """
    z_all, z_label = everyone.z(q_row), label.z(q_row)
    smaller = np.fmin(z_all, z_label)
    smaller[np.isnan(z_all)] = np.nan
    order = np.argsort(-smaller, kind="stable")  # NaN goes last
    chosen = order[: int(np.sum(smaller > 0.0))][:top]
    return HighGenes(chosen, z_all[chosen], z_label[chosen])
