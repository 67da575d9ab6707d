"""From an uploaded file, or a biosample of the dataset, to its label, its likes, and the genes that stand out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import NotFoundError
from core.expression import similar
from core.expression.outliers import high_genes
from core.models.classifier import TissueClassifier
from core.sources.gene_matching import match_genes
from core.sources.sample_files import read_samples
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray, MatchedSamples, Prediction
from core.workflows.explore import biosample_rows

NEAREST = 20
HIGH_GENES = 50
FEW_GENES = 0.3  # below this share of matched genes a call is not trusted
NOVEL = 0.99  # a sample further from training than this share of the training biosamples is called novel


def read_upload(workspace: Workspace, name: str, data: Path | bytes, filename: str) -> MatchedSamples:
    """An uploaded file on the genes of a dataset. Raises SampleFileError for a file that cannot be used."""
    dataset = workspace.dataset(name)
    return match_genes(read_samples(data, filename), dataset.genes, dataset.transcripts)


def classify(workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None = None) -> list[Prediction]:
    """What the model in use (or run ``run_id``) says of each sample.

    Raises NotFoundError where there is no trained classifier, or the run does not fit the dataset.
    """
    dataset = workspace.dataset(name)
    return _Classification(dataset, _classifier_run(workspace, dataset, run_id)).predict(matched)


def classify_biosamples(
    workspace: Workspace, name: str, sample_ids: Sequence[str], run_id: str | None = None
) -> list[Prediction]:
    """What a model says of biosamples of the dataset itself; each is left out of its own neighbours."""
    dataset = workspace.dataset(name)
    positions = np.array([dataset.biosample(sample_id) for sample_id in sample_ids], dtype=np.intp)
    counts = np.asarray(dataset.counts[positions], dtype=np.float64)
    everything = np.ones(counts.shape[1], dtype=bool)
    matched = MatchedSamples(counts, everything, list(sample_ids), [], "biosample of the dataset", [])
    return _Classification(dataset, _classifier_run(workspace, dataset, run_id)).predict(matched, positions)


def unlabelled(workspace: Workspace, name: str) -> pd.DataFrame:
    """Biosamples that carry no label: sample_id, series_id, title, source_name_ch1."""
    biosamples = workspace.dataset(name).biosamples
    chosen = biosamples.loc[biosamples["labels"] == "", ["sample_id", "series_id", "title", "source_name_ch1"]]
    return chosen.reset_index(drop=True)


def predictions_table(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """One row a sample: sample, predicted, probability, abstained, genes_matched, genes_expected, novelty."""
    rows = [
        {
            "sample": found.sample,
            "predicted": "|".join(found.predicted),
            "probability": found.probability,
            "abstained": found.abstained,
            "genes_matched": found.genes_matched,
            "genes_expected": found.genes_expected,
            "novelty": found.novelty,
        }
        for found in predictions
    ]
    return pd.DataFrame(rows)


def predictions_json(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The same rows with every label's probability, the reasons, the nearest biosamples and the high genes."""
    rows = []
    for row, found in zip(predictions_table(predictions).to_dict("records"), predictions, strict=True):
        tables = {"nearest": found.nearest.to_dict("records"), "high_genes": found.high_genes.to_dict("records")}
        named = {str(key): value for key, value in row.items()}
        rows.append({**named, "probabilities": found.probabilities, "reasons": found.reasons, **tables})
    return rows


def _classifier_run(workspace: Workspace, dataset: StoredDataset, run_id: str | None) -> Run:
    run = workspace.runs.get(run_id) if run_id else workspace.active(dataset, "classifier")
    if run is None:
        raise NotFoundError(
            f"No classifier is trained for {dataset.name!r} yet: train one on the Train page or by 'train classifier'."
        )
    if run.kind != "classifier" or run.status != "done" or run.recipe["fingerprint"] != dataset.fingerprint:
        raise NotFoundError(
            f"Run {run.id!r} is no finished classifier of dataset {dataset.name!r}: see 'runs {dataset.name}'."
        )
    return run


class _Classification:
    """A model with the dataset that it explains its calls by."""

    def __init__(self, dataset: StoredDataset, run: Run) -> None:
        self._dataset = dataset
        self._model = TissueClassifier.load(run.path / "model")
        self._in_y = np.flatnonzero(dataset.genes["normalised"])
        self._threshold = float((run.result or {})["metrics"].get("abstention", {}).get("threshold") or 0.0)

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
        decided: Any,
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
        if novelty > NOVEL:
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
