"""The words that the modules of ``core`` share: arrays, progress, and what the workflows hand to the pages.

n = biosamples, G = all genes of the dataset, g = genes that have a length (the columns of Y), k = neighbourhood size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

CountMatrix = npt.NDArray[np.uint32]
FloatMatrix = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
StepArray = npt.NDArray[np.int64]  # see core.expression.normalise
Tile = npt.NDArray[np.floating[Any]]  # some genes x n, or some rows of a larger matrix
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# Columns that every reader delivers; text is "" and numbers are NaN where the file has none.
GENE_COLUMNS = ("symbol", "ensembl_gene_id", "biotype")
BIOSAMPLE_COLUMNS = (
    "sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1",
    "singlecellprobability", "alignedreads",
)  # fmt: skip


class Progress(Protocol):
    """What a long computation tells whoever watches: the stage, how far it is, and figures worth plotting."""

    def __call__(self, stage: str, done: float, total: float, **values: float | str) -> None: ...


def silent(stage: str, done: float, total: float, **values: float | str) -> None:
    """A ``Progress`` that tells nobody."""


@dataclass(frozen=True)
class SampleSet:
    """What an uploaded file holds, before its genes are looked up.

    ``values`` (m samples x p genes, float64, finite, >= 0); ``gene_ids`` (p) as written in the file;
    ``kind`` in words ("table of counts by symbol", "kallisto abundance.tsv", ...); ``notes`` for the user.
    """

    values: DoubleArray
    gene_ids: list[str]
    sample_names: list[str]
    kind: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MatchedSamples:
    """Uploaded samples on the genes of a dataset: ``counts`` (m x G, NaN where the file lacks the gene)."""

    counts: DoubleArray
    matched: BoolArray
    sample_names: list[str]
    unmatched: list[str]
    kind: str
    notes: list[str]


@dataclass(frozen=True)
class GeneView:
    """One gene over the biosamples of a dataset.

    ``row``: its row of the rankings. ``biosamples``: sample_id, series_id, title, labels (joined by |), value (Y),
    neighbour (bool), one row each of the n biosamples in file order. ``unit`` of value, for the axis.
    """

    row: Mapping[str, Any]
    biosamples: pd.DataFrame
    unit: str


@dataclass(frozen=True)
class NeighbourhoodView:
    """The k biosamples around a gene's 95th percentile.

    ``members``: sample_id, series_id, title, labels, value, position (rank by value, 0 = lowest), tied (bool), and
    mean_cosine (of the member to the others); ordered by the leaves of the average-linkage tree.
    ``cosine``: k x k in that order. ``linkage``: (k - 1) x 4, scipy's format.
    ``labels`` and ``series``: name, members, dataset (counts), share, dataset_share, fold.
    ``random``: mean cosine of 100 random sets of 100 biosamples (or of k where n is small).
    """

    row: Mapping[str, Any]
    members: pd.DataFrame
    cosine: DoubleArray
    linkage: DoubleArray
    labels: pd.DataFrame
    series: pd.DataFrame
    random: DoubleArray
    unit: str


@dataclass(frozen=True)
class Prediction:
    """What a model says of one sample.

    ``probabilities``: label to probability, highest first. ``novelty``: share of training biosamples that lie closer
    to their own nearest other-series biosample than this one does to its nearest (0 = at home, 1 = unlike all).
    ``nearest``: sample_id, series_id, title, labels, cosine. ``high_genes``: symbol, ensembl_gene_id, value,
    z_all, z_label (robust z-scores against all and against the first predicted label).
    """

    sample: str
    predicted: list[str]
    probabilities: dict[str, float]
    abstained: bool
    reasons: list[str]
    genes_matched: int
    genes_expected: int
    novelty: float
    nearest: pd.DataFrame
    high_genes: pd.DataFrame

    @property
    def probability(self) -> float:
        """Probability of the first predicted label, or of the most probable one where none is predicted."""
        first = self.predicted[0] if self.predicted else next(iter(self.probabilities))
        return self.probabilities[first]
