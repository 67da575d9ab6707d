"""A small training part with three labels, of which "rare" is rare, and some biosamples with two."""

import numpy as np

from core.expression.normalise import fit_target, to_target
from core.models.generators import TrainingData

NAMES = ["common", "rare", "other"]


def counts_and_labels(n=90, n_genes=120, seed=0):
    """Counts n x G of three tissues with shared programmes, and labels n x 3; every sixth biosample is rare."""
    rng = np.random.default_rng(seed)
    tissue = np.array([0, 2, 0, 2, 0, 1])[np.arange(n) % 6]
    labels = np.zeros((n, 3), bool)
    labels[np.arange(n), tissue] = True
    labels[0, 2] = True
    mean = rng.normal(4, 1.2, size=(3, n_genes))
    programmes = rng.normal(0, 0.4, size=(4, n_genes))
    rate = np.exp(mean[tissue] + rng.normal(size=(n, 4)) @ programmes)
    return rng.poisson(rate).astype(np.uint32), labels


def training_data(n=90, n_genes=120, seed=0):
    """The same, normalised onto its own target."""
    counts, labels = counts_and_labels(n, n_genes, seed)
    target = fit_target([counts])
    return TrainingData(to_target(counts, target).astype(np.float32), labels, NAMES, target)
