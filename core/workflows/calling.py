"""A trained classifier at work: labels, why it abstains, the nearest biosamples, the genes that stand out."""

import numpy as np
import pandas as pd

from core.expression import normalise
from core.expression.outliers import Reference, high_genes
from core.models.classifier import TissueClassifier
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.types import DoubleArray, IndexArray, MatchedSamples, Prediction
from core.workflows.explore import biosample_rows
from core.workflows.search import nearest_biosamples

NEAREST = 20
HIGH_GENES = 50
REFERENCE_ROWS = 64  # biosamples that a sample lacking genes is mapped by
LABEL_ROWS = 512  # biosamples of a label that say what is usual for it, spread evenly over its own
FEW_GENES = 0.3  # below this share of matched genes a call is not trusted


class Caller:
    """A model with the dataset that it explains its calls by."""

    def __init__(self, dataset: StoredDataset, run: Run) -> None:
        self._dataset = dataset
        self._model = TissueClassifier.load(run.path / "model")
        self._references: dict[str, Reference] = {}
        limits = (run.result or {})["metrics"]["abstention"] or {}
        self._threshold = float(limits.get("threshold") or 0.0)
        self._novelty_limit = float(limits.get("novelty_limit") or 1.0)

    def predict(self, matched: MatchedSamples, own: IndexArray | None = None) -> list[Prediction]:
        """One Prediction a sample; ``own`` are the rows of the dataset that the samples are, if they are."""
        q = self._model.normalise(matched.counts)
        probabilities = self._model.probabilities(q)
        decided = self._model.decide(probabilities)
        novelty = self._model.novelty_score(q)
        shown = self._on_dataset_target(matched)
        nearest = self._nearest(shown, own)
        found: list[Prediction] = []
        for i, name in enumerate(matched.sample_names):
            order = np.argsort(-probabilities[i], kind="stable")
            shares = {self._model.label_names[label]: float(probabilities[i, label]) for label in order}
            predicted = [self._model.label_names[label] for label in order if decided[i, label]]
            present = int(matched.matched.sum())
            reasons = self._reasons(present / len(matched.matched), shares[predicted[0]], float(novelty[i]))
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
                    nearest=biosample_rows(self._dataset, *nearest[i]),
                    high_genes=self._high_genes(shown[i], predicted[0]),
                )
            )
        return found

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

    def _on_dataset_target(self, matched: MatchedSamples) -> DoubleArray:
        """Q (m x g, genes of Y) on the dataset's own target, which the stored biosamples are on; NaN where missing."""
        if matched.matched.all():
            return normalise.to_target(matched.counts, self._dataset.target)[:, self._dataset.in_y]
        n = len(self._dataset.biosamples)
        rows = np.unique(np.linspace(0, n - 1, min(n, REFERENCE_ROWS)).astype(np.intp))
        reference = normalise.to_target(self._dataset.counts(rows), self._dataset.target)
        return normalise.to_partial_target(matched.counts, matched.matched, reference)[:, self._dataset.in_y]

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
        rows = np.flatnonzero(self._dataset.label_matrix[:, self._dataset.label_names.index(label)])
        some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LABEL_ROWS)).astype(np.intp))]
        return Reference.of(self._dataset.profiles(some) * self._dataset.lengths)
