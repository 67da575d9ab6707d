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


def robust_z(values: Values, reference: Values, mad_floor: float = MAD_FLOOR) -> DoubleArray:
    """z (m x G) = (x - median) / (1.4826 max(MAD, floor)), median and MAD of each gene over ``reference`` (r x G).

    Missing values of the reference are left out; z is NaN where ``values`` is, or where a gene has fewer than 3
    reference values.
    """
    enough = np.sum(~np.isnan(reference), axis=0) >= MIN_REFERENCE
    result = np.full(values.shape, np.nan)
    if not enough.any():
        return result
    known = np.asarray(reference[:, enough], dtype=np.float64)
    median_of = np.nanmedian if np.isnan(known).any() else np.median
    median = median_of(known, axis=0)
    mad = median_of(np.abs(known - median), axis=0)
    result[:, enough] = (values[:, enough] - median) / (NORMAL_SCALE * np.maximum(mad, mad_floor))
    return result


def high_genes(q_row: Values, reference_all: Values, reference_label: Values, top: int = 50) -> HighGenes:
    """The genes of one biosample (G) that are most above both references (r x G each), at most ``top``.

    Ordered by the smaller of the two z-scores: a marker of the tissue is high against all but usual for the tissue,
    a batch effect may be the reverse. Where the label has fewer than 3 biosamples, ``z_label`` is NaN and the score
    against all decides. Missing genes (NaN) are never listed, nor are genes that are not above the reference.
    """
    z_all = robust_z(q_row[None, :], reference_all)[0]
    z_label = robust_z(q_row[None, :], reference_label)[0]
    smaller = np.fmin(z_all, z_label)
    smaller[np.isnan(z_all)] = np.nan
    order = np.argsort(-smaller, kind="stable")  # NaN goes last
    chosen = order[: int(np.sum(smaller > 0.0))][:top]
    return HighGenes(chosen, z_all[chosen], z_label[chosen])
