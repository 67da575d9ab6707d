"""The words that the modules of ``core`` share: arrays, progress, and what the workflows hand to the pages.

n = biosamples, G = all genes of the dataset, g = genes that have a length (the columns of Y), k = neighbourhood size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
SampleValues = npt.NDArray[np.uint32] | npt.NDArray[np.float32] | npt.NDArray[np.float64]

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

    ``values`` (m samples x p genes, finite, >= 0): uint32 where the file holds whole numbers alone, else float32 (read
    from a file; any float will do); ``gene_ids`` (p) as written in the file; ``kind`` in words ("table of counts by
    symbol", "kallisto abundance.tsv", ...); ``notes`` for the user; ``counted``: the file says that these are counts.
    """

    values: SampleValues
    gene_ids: list[str]
    sample_names: list[str]
    kind: str
    notes: list[str] = field(default_factory=list)
    counted: bool = False


@dataclass(frozen=True)
class Measure:
    """What the values of a sample are: ``log_base`` of log(1 + x), 0 where they are on a plain scale; ``per_length``
    where they were divided by the gene's length (TPM, RPKM); ``words`` for the user.
    """

    words: str = "counts"
    log_base: float = 0.0
    per_length: bool = False


@dataclass(frozen=True)
class MatchedSamples:
    """Uploaded samples (m) and where their values go on the G genes of a dataset; see ``sources.matched.counts_of``.

    ``values`` (m x p) as the file has them; ``columns`` (p): the dataset's gene of each, negative where it has none;
    ``matched`` (G): genes that the file has. ``measures``: one a sample, or none where all are counts. ``lengths`` (G,
    bases, NaN where unknown) turn values per length back. ``rest_is_zero``: the genes that the file leaves out are 0.
    """

    values: SampleValues
    columns: IndexArray
    matched: BoolArray
    sample_names: list[str]
    unmatched: list[str]
    kind: str
    notes: list[str]
    measures: tuple[Measure, ...] = ()
    lengths: DoubleArray | None = None
    rest_is_zero: bool = False
    counted: bool = False

    def __len__(self) -> int:
        return len(self.sample_names)

    def part(self, start: int, stop: int) -> "MatchedSamples":
        """Some of the samples; the values are not copied."""
        some = {name: getattr(self, name)[start:stop] for name in ("values", "sample_names", "measures")}
        return replace(self, **some)


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
    mean_cosine (of the member to the others), then what else the file says of it (source_name_ch1,
    characteristics_ch1, singlecellprobability, depth, ...); ordered by the leaves of the average-linkage tree.
    ``cosine``: k x k in that order. ``linkage``: (k - 1) x 4, scipy's format.
    ``labels`` and ``series``: name, members, dataset (counts), share, dataset_share, fold, expected, odds, p, q
    (``core.expression.composition``); labels also n_series and largest_series_share.
    ``random``: mean cosine of 100 random sets of 100 biosamples (or of k where n is small).
    ``apart``: mean cosine over the ``pairs_apart`` pairs of different series (NaN where there is none).
    """

    row: Mapping[str, Any]
    members: pd.DataFrame
    cosine: DoubleArray
    linkage: DoubleArray
    labels: pd.DataFrame
    series: pd.DataFrame
    random: DoubleArray
    unit: str
    apart: float = float("nan")
    pairs_apart: int = 0


@dataclass(frozen=True)
class Prediction:
    """What a model says of one sample.

    ``probabilities``: label to probability, highest first. ``novelty``: share of training biosamples that lie closer
    to their own nearest other-series biosample than this one does to its nearest (0 = at home, 1 = unlike all).
    ``novel``: whether that is so high that it is unlike everything known.
    ``nearest``: sample_id, series_id, title, labels, cosine. ``high_genes``: symbol, ensembl_gene_id, value,
    z_all, z_label (robust z-scores against all and against the first predicted label). ``deciding_genes``: symbol,
    ensembl_gene_id, contribution (to the votes for the first label), value (Q) and usual (median of the training
    biosamples), the largest contributions first. All three are empty where the prediction was not explained.
    ``model``: id of the run that says so.
    """

    sample: str
    predicted: list[str]
    probabilities: dict[str, float]
    abstained: bool
    reasons: list[str]
    genes_matched: int
    genes_expected: int
    novelty: float
    nearest: pd.DataFrame = field(default_factory=pd.DataFrame)
    high_genes: pd.DataFrame = field(default_factory=pd.DataFrame)
    deciding_genes: pd.DataFrame = field(default_factory=pd.DataFrame)
    novel: bool = False
    model: str = ""

    @property
    def probability(self) -> float:
        """Probability of the first predicted label, or of the most probable one where none is predicted."""
        first = self.predicted[0] if self.predicted else next(iter(self.probabilities))
        return self.probabilities[first]
