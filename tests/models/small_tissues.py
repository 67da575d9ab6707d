"""A small simulated collection whose answers are known: four tissues, each with 15 marker genes of its own."""

from typing import NamedTuple

import numpy as np

from core.types import BoolArray, CountMatrix

NAMES = ["blood", "brain", "liver", "lung"]
N_GENES = 300
N_MARKERS = 15


class Tissues(NamedTuple):
    """Counts (n x G), labels (n x 4), and a series for each biosample."""

    counts: CountMatrix
    labels: BoolArray
    series: list[str]


def simulate(n: int = 120, seed: int = 0, n_series: int = 8) -> Tissues:
    """Negative-binomial counts; markers of tissue i are the genes 15 i to 15 i + 14; every tenth has two tissues."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((n, len(NAMES)), dtype=bool)
    labels[np.arange(n), np.arange(n) % len(NAMES)] = True
    labels[np.arange(0, n, 10), (np.arange(0, n, 10) + 1) % len(NAMES)] = True
    mean = np.tile(rng.lognormal(3.0, 1.5, N_GENES), (n, 1))
    for label in range(len(NAMES)):
        mean[np.ix_(labels[:, label], np.arange(N_MARKERS * label, N_MARKERS * (label + 1)))] *= 12.0
    mean *= rng.lognormal(0.0, 0.5, (n, 1))
    series_of = rng.integers(n_series, size=n)
    mean *= rng.lognormal(0.0, 0.3, (n_series, N_GENES))[series_of]
    counts = rng.negative_binomial(4.0, 4.0 / (4.0 + mean)).astype(np.uint32)
    return Tissues(counts, labels, [f"GSE{number}" for number in series_of])
