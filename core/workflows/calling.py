"""A trained classifier at work: labels, why it abstains, the nearest biosamples, the genes that stand out."""


import numpy as np
import pandas as pd

from core.expression import similar
from core.expression.outliers import high_genes
from core.models.classifier import TissueClassifier
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.types import BoolArray, DoubleArray, IndexArray, MatchedSamples, Prediction
from core.workflows.explore import biosample_rows

NEAREST = 20
HIGH_GENES = 50
FEW_GENES = 0.3  # below this share of matched genes a call is not trusted


class Caller:
    """A model with the dataset that it explains its calls by."""

    def __init__(self, dataset: StoredDataset, run: Run) -> None:
        self._dataset = dataset
        self._model = TissueClassifier.load(run.path / "model")
        self._in_y = np.flatnonzero(dataset.genes["normalised"])
        limits = (run.result or {})["metrics"]["abstention"] or {}
        self._threshold = float(limits.get("threshold") or 0.0)
        self._novelty_limit = float(limits.get("novelty_limit") or 1.0)

    def predict(self, matched: MatchedSamples, own: IndexArray | None = None) -> list[Prediction]:
        """One Prediction a sample; ``own`` are the rows of the dataset that the samples are, if they are."""
        q = self._model.normalise(matched.counts)
        probabilities = self._model.probabilities(q)
        decided = self._model.decide(probabilities)
        novelty = self._model.novelty_score(q)
        return [
            self._one(
                matched, i, q[i], probabilities[i], decided[i], float(novelty[i]), None if own is None else int(own[i])
            )
            for i in range(len(q))
        ]

    def _one(
        self,
        matched: MatchedSamples,
        i: int,
        q: DoubleArray,
        probabilities: DoubleArray,
        decided: BoolArray,
        novelty: float,
        own: int | None,
    ) -> Prediction:
        order = np.argsort(-probabilities, kind="stable")
        names = self._model.label_names
        predicted = [names[label] for label in order if decided[label]]
        shares = {names[label]: float(probabilities[label]) for label in order}
        expected, found = len(matched.matched), int(matched.matched.sum())
        reasons = self._reasons(found / expected, shares[predicted[0]], novelty)
        return Prediction(
            sample=matched.sample_names[i],
            predicted=predicted,
            probabilities=shares,
            abstained=bool(reasons),
            reasons=reasons,
            genes_matched=found,
            genes_expected=expected,
            novelty=novelty,
            nearest=self._nearest(q, own),
            high_genes=self._high_genes(q, predicted[0], own),
        )

    def _reasons(self, share: float, probability: float, novelty: float) -> list[str]:
        reasons = []
        if share < FEW_GENES:
            reasons.append(f"Only {share:.0%} of the dataset's genes are in the file.")
        if probability < self._threshold:
            reasons.append(
                f"The best label's probability ({probability:.2f}) is below {self._threshold:.2f}, "
                "the level that held 95 % precision on unseen series."
            )
        if novelty > self._novelty_limit:
            reasons.append(
                f"It is further from every training biosample than {novelty:.1%} of them are from their own nearest."
            )
        return reasons

    def _nearest(self, q: DoubleArray, own: int | None) -> pd.DataFrame:
        """By cosine of whole profiles Y, over the genes that the sample has."""
        dataset = self._dataset
        present = np.isfinite(q[self._in_y])
        y = (q[self._in_y] / dataset.lengths)[present]
        matrix = dataset.normalised if present.all() else dataset.normalised[:, present]
        cosines = similar.cosine_to_all(y, matrix)
        return biosample_rows(dataset, similar.nearest(cosines, NEAREST, leave_out=own), cosines)

    def _high_genes(self, q: DoubleArray, label: str, own: int | None) -> pd.DataFrame:
        dataset = self._dataset
        rows = np.ones(len(dataset.biosamples), dtype=bool)
        if own is not None:
            rows[own] = False
        labelled = dataset.label_matrix[:, dataset.label_names.index(label)]
        lengths = dataset.lengths
        everyone = dataset.normalised[rows] * lengths
        alike = dataset.normalised[rows & labelled] * lengths
        found = high_genes(q[self._in_y], everyone, alike, HIGH_GENES)
        genes = dataset.rankings.iloc[found.index][["symbol", "ensembl_gene_id"]].reset_index(drop=True)
        return genes.assign(value=q[self._in_y][found.index], z_all=found.z_all, z_label=found.z_label)
