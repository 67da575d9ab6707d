"""From an uploaded file, or a biosample of the dataset, to its label, its likes, and the genes that stand out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.errors import NotFoundError
from core.sources.gene_matching import match_genes
from core.sources.sample_files import read_samples
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import MatchedSamples, Prediction

if TYPE_CHECKING:
    from core.workflows.calling import Caller


def read_upload(workspace: Workspace, name: str, data: Path | bytes, filename: str) -> MatchedSamples:
    """An uploaded file on the genes of a dataset. Raises SampleFileError for a file that cannot be used."""
    dataset = workspace.dataset(name)
    return match_genes(read_samples(data, filename), dataset.genes, dataset.transcripts)


def classify(workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None = None) -> list[Prediction]:
    """What the model in use (or run ``run_id``) says of each sample.

    Raises NotFoundError where there is no trained classifier, or the run does not fit the dataset.
    """
    dataset = workspace.dataset(name)
    return _caller(workspace, dataset, run_id).predict(matched)


def classify_biosamples(
    workspace: Workspace, name: str, sample_ids: Sequence[str], run_id: str | None = None
) -> list[Prediction]:
    """What a model says of biosamples of the dataset itself; each is left out of its own neighbours."""
    dataset = workspace.dataset(name)
    positions = np.array([dataset.biosample(sample_id) for sample_id in sample_ids], dtype=np.intp)
    counts = dataset.counts(positions).astype(np.float64)
    everything = np.ones(counts.shape[1], dtype=bool)
    matched = MatchedSamples(counts, everything, list(sample_ids), [], "biosample of the dataset", [])
    return _caller(workspace, dataset, run_id).predict(matched, positions)


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


def _caller(workspace: Workspace, dataset: StoredDataset, run_id: str | None) -> "Caller":
    from core.workflows.calling import Caller  # the forest's libraries take seconds to import

    return Caller(dataset, _classifier_run(workspace, dataset, run_id))


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
