"""Are synthetic samples copies of the training samples, or all near one of them?"""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from core.types import DoubleArray


def closest_distances(points: DoubleArray, train: DoubleArray) -> DoubleArray:
    """Distance (m) of each point (m x d) to the closest training point."""
    result: DoubleArray = cdist(points, train).min(axis=1)
    return result


def closest_summary(synthetic: DoubleArray, test: DoubleArray, train: DoubleArray) -> dict[str, Any]:
    """Distance to the closest training sample, of synthetic and of real test samples.

    ``ratio`` = median of the synthetic over median of the real test samples: near 1 for new samples, towards 0 for
    copies. ``copied_share``: share of synthetic samples closer to a training sample than any real test sample is.
    """
    of_synthetic, of_test = closest_distances(synthetic, train), closest_distances(test, train)
    reference = float(np.median(of_test))
    return {
        "synthetic": of_synthetic.tolist(),
        "real_test": of_test.tolist(),
        "ratio": float(np.median(of_synthetic)) / reference if reference > 0 else 0.0,
        "copied_share": float((of_synthetic < of_test.min()).mean()),
    }


def membership_auc(synthetic: DoubleArray, members: DoubleArray, others: DoubleArray) -> float:
    """AUC of an attack that takes a real sample for a training sample if a synthetic one lies near it.

    The score of a real sample is its distance to the closest of the synthetic samples (s x d), the full black-box
    attack of Chen et al. (2020, GAN-Leaks, eq. 4); ``members`` (m x d) were trained on, ``others`` (n x d) were not.
    0.5 where the samples give nothing away, 1 where every member is nearer than every other; a tie counts a half.
    """
    ranks = rankdata(np.concatenate([closest_distances(others, synthetic), closest_distances(members, synthetic)]))
    n, m = len(others), len(members)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def medoid(points: DoubleArray) -> int:
    """Position of the representative sample: the least mean distance to the others."""
    return int(cdist(points, points).mean(axis=1).argmin())


def representative_histogram(
    synthetic: DoubleArray, train: DoubleArray, test: DoubleArray, n_bins: int = 20
) -> dict[str, Any]:
    """Distances to the representative training sample (the medoid), as in the published work, on common bins.

    A generator that always emits the representative sample has all its mass in the first bin, which looks best by
    the published reading; hence it is shown beside the same histogram of real test samples.
    """
    position = medoid(train)
    sets = {
        "synthetic": cdist(synthetic, train[[position]])[:, 0],
        "real_train": np.delete(cdist(train, train[[position]])[:, 0], position),
        "real_test": cdist(test, train[[position]])[:, 0],
    }
    top = max(float(distances.max(initial=0.0)) for distances in sets.values()) or 1.0
    edges = np.linspace(0.0, top, n_bins + 1)
    histogram: dict[str, Any] = {"representative": position, "edges": edges.tolist()}
    for name, distances in sets.items():
        histogram[name] = np.histogram(distances, edges)[0].tolist()
        histogram[f"{name}_distances"] = distances.tolist()
    return histogram
