"""Small studies: the three tissues of ``generator_data``, with series."""

import numpy as np

from core.models.augmentation import AugmentationRecipe
from core.models.augmentation.replicate import Samples
from tests.models.generator_data import NAMES, counts_and_labels

QUICK = {"label": "rare", "steps": 4, "trees": 12, "genes": 40, "seeds": 2}


def quick(**more):
    """A recipe of seconds."""
    return AugmentationRecipe(**(QUICK | more)).validated()


def hard(n=120, own=0.12):
    """Counts and labels in which the rare tissue differs from the common one in few genes, another set each time."""
    counts, labels = counts_and_labels(n)
    rng = np.random.default_rng(5)
    common, rare = (np.flatnonzero(labels[:, NAMES.index(name)]) for name in ("common", "rare"))
    borrowed = rng.random((len(rare), counts.shape[1])) > own
    counts[rare] = np.where(borrowed, counts[rng.choice(common, len(rare))], counts[rare])
    return counts, labels


def series_of(labels, alone=False, n_series=6):
    """Series in turn; with ``alone`` every biosample of the rare label is of one series, and no other is."""
    names = np.array([f"GSE{number % n_series}" for number in range(len(labels))])
    names[::7] = "GSE0"
    if alone:
        names[labels[:, NAMES.index("rare")]] = "GSE9"
    return names.tolist()


def samples(counts, labels, alone=False, log=None):
    """Samples whose reader notes every position it is asked for in ``log`` (a set)."""

    def read(positions):
        if log is not None:
            log.update(int(position) for position in positions)
        return counts[positions]

    return Samples(read, labels, NAMES, series_of(labels, alone))


def made(n=120, alone=False, log=None):
    """Samples of simulated counts."""
    counts, labels = hard(n)
    return samples(counts, labels, alone, log)
