"""A trained classifier at work: labels, why it abstains, the nearest biosamples, the genes that stand out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from core.expression import normalise
from core.expression.normalise import Counts
from core.expression.outliers import Reference, high_genes
from core.models import abstention
from core.models.classifier import TissueClassifier
from core.sources.matched import counts_of, spans_of
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.types import BoolArray, DoubleArray, IndexArray, MatchedSamples, Prediction, Progress, silent
from core.workflows.neighbourhoods import biosample_rows
from core.workflows.search import nearest_biosamples

NEAREST = 20
HIGH_GENES = 50
DECIDING_GENES = 50
REFERENCE_ROWS = 64  # biosamples that a sample lacking genes is mapped by
LABEL_ROWS = 512  # biosamples of a label that say what is usual for it, spread evenly over its own


class Caller:
    """A model with the dataset that it explains its calls by.

    ``call`` is light and works through any number of samples in blocks; ``explain`` adds what takes a look at the
    whole dataset, for the samples that somebody looks at.
    """

    def __init__(self, dataset: StoredDataset, run: Run) -> None:
        self._dataset = dataset
        self._folder, self._run_id = run.path / "model", run.id
        self._references: dict[str, Reference] = {}
        self._limits: dict[str, Any] = (run.result or {})["metrics"]["abstention"] or {}

    @cached_property
    def _model(self) -> TissueClassifier:
        return TissueClassifier.load(self._folder)

    def call(self, matched: MatchedSamples, progress: Progress = silent) -> list[Prediction]:
        """One Prediction a sample, without nearest biosamples and high genes."""
        found: list[Prediction] = []
        for start, stop in spans_of(matched):
            progress("classifying", start, len(matched))
            found += self._call_block(matched.part(start, stop))
        progress("classifying", len(matched), len(matched))
        return found

    def _call_block(self, matched: MatchedSamples) -> list[Prediction]:
        counts = counts_of(matched)
        q = self._model.normalise(counts)
        probabilities = self._model.probabilities(q)
        decided = self._model.decide(probabilities)
        novelty = self._model.novelty_score(q)
        known = np.ones(len(counts)) if counts.dtype == np.uint32 else np.isfinite(counts).mean(axis=1)
        present = int(matched.matched.sum())
        found = []
        for i, name in enumerate(matched.sample_names):
            order = np.argsort(-probabilities[i], kind="stable")
            shares = {self._model.label_names[label]: float(probabilities[i, label]) for label in order}
            predicted = [self._model.label_names[label] for label in order if decided[i, label]]
            reasons = abstention.reasons(float(known[i]), shares, float(novelty[i]), self._limits)
            found.append(
                Prediction(
                    sample=name,
                    predicted=predicted,
                    probabilities=shares,
                    abstained=bool(reasons),
                    reasons=reasons,
                    genes_matched=present,
                    genes_expected=len(matched.matched),
                    novelty=float(novelty[i]),
                    novel=bool(novelty[i] >= abstention.NOVEL),
                    model=self._run_id,
                )
            )
        return found

    def explain(
        self, matched: MatchedSamples, found: Sequence[Prediction], own: IndexArray | None = None
    ) -> list[Prediction]:
        """The same predictions (of all samples of ``matched``) with nearest biosamples, unusually high genes, and those
        that decided.

        ``own`` are the rows of the dataset that the samples are, if they are; each is left out of its own neighbours.
        Everything is held in memory at once: give some samples at a time.
        """
        counts = counts_of(matched)
        explained = list(found)
        decided_by = self._model.normalise(counts)
        for rows, present in same_genes(counts):
            shown = self._on_dataset_target(counts[rows], present)
            nearest = self._nearest(shown, None if own is None else own[rows])
            for i, q, near in zip(rows.tolist(), shown, nearest, strict=True):
                explained[i] = replace(
                    found[i],
                    nearest=biosample_rows(self._dataset, *near),
                    high_genes=self._high_genes(q, found[i].predicted[0]),
                    deciding_genes=self._deciding_genes(decided_by[i], found[i].predicted[0]),
                )
        return explained

    def _deciding_genes(self, q: DoubleArray, label: str) -> pd.DataFrame:
        """What the genes contributed to the votes for a label, from Q (G) on the model's own target."""
        contribution = self._model.contributions(q, label)
        order = np.argsort(-np.abs(contribution), kind="stable")[:DECIDING_GENES]
        order = order[contribution[order] != 0.0]
        genes = self._model.gene_index[order]
        names: pd.DataFrame = self._dataset.genes.iloc[genes][["symbol", "ensembl_gene_id"]].reset_index(drop=True)
        return names.assign(contribution=contribution[order], value=q[genes], usual=self._model.medians[order])

    def _on_dataset_target(self, counts: Counts, present: BoolArray) -> DoubleArray:
        """Q (m x g, genes of Y) on the dataset's own target, which the stored biosamples are on; NaN where missing."""
        if present.all():
            return normalise.to_target(counts, self._dataset.target)[:, self._dataset.in_y]
        n = len(self._dataset.biosamples)
        rows = np.unique(np.linspace(0, n - 1, min(n, REFERENCE_ROWS)).astype(np.intp))
        reference = normalise.to_target(self._dataset.counts(rows), self._dataset.target)
        values = np.asarray(counts, dtype=np.float64)
        return normalise.to_partial_target(values, present, reference)[:, self._dataset.in_y]

    def _nearest(self, q: DoubleArray, own: IndexArray | None) -> list[tuple[IndexArray, DoubleArray]]:
        """Most similar biosamples by whole profiles Y, over the genes that the samples have."""
        present = np.asarray(np.isfinite(q).all(axis=0), dtype=np.bool_)
        y = q / self._dataset.lengths
        return nearest_biosamples(self._dataset, y, NEAREST, None if present.all() else present, own)

    def _high_genes(self, q: DoubleArray, label: str) -> pd.DataFrame:
        found = high_genes(q, self._reference(""), self._reference(label), HIGH_GENES)
        genes = self._dataset.rankings.iloc[found.index][["symbol", "ensembl_gene_id"]].reset_index(drop=True)
        return genes.assign(value=q[found.index], z_all=found.z_all, z_label=found.z_label)

    def _reference(self, label: str) -> Reference:
        """Medians and spreads of Q over biosamples of a label ("": over all of the dataset), computed once."""
        if label not in self._references:
            self._references[label] = self._of_label(label) if label else Reference.from_medians(*self._dataset.medians)
        return self._references[label]

    def _of_label(self, label: str) -> Reference:
        rows = self._dataset.rows_with(label)
        some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LABEL_ROWS)).astype(np.intp))]
        return Reference.of(self._dataset.profiles(some) * self._dataset.lengths)


def same_genes(counts: Counts) -> Iterator[tuple[IndexArray, BoolArray]]:
    """Rows of counts (m x G, NaN where missing) that have the same genes, and which (G) these are."""
    there = np.ones((1, counts.shape[1]), dtype=np.bool_) if counts.dtype == np.uint32 else ~np.isnan(counts)
    if (there == there[0]).all():
        yield np.arange(len(counts)), there[0]
        return
    patterns, pattern_of = np.unique(there, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern_of.ravel() == i), pattern
