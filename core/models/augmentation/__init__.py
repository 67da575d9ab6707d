"""Do synthetic samples help a classifier where real ones are rare? Real biosamples of unseen series are the judge.

A replicate is one seed and one size: the series held out, the n biosamples of the label that are drawn, and a model for
each arm. Light to import; what trains (``replicate``) is imported by whoever runs a study.
"""

from core.models.augmentation.recipe import ARM_WORDS, ARMS, REFERENCE, SYNTHETIC_ARMS, AugmentationRecipe, Replicate
from core.models.augmentation.summary import bootstrap_interval, summarise
from core.models.augmentation.words import notes, verdicts

__all__ = [
    "ARMS", "ARM_WORDS", "REFERENCE", "SYNTHETIC_ARMS", "AugmentationRecipe", "Replicate", "bootstrap_interval",
    "notes", "summarise", "verdicts",
]  # fmt: skip
