"""From an uploaded file, or a biosample of the dataset, to its label, its likes, and the genes that stand out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.errors import NotFoundError
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import IndexArray, MatchedSamples, Prediction, Progress, silent

if TYPE_CHECKING:
    from core.workflows.calling import Caller

EXPLAINED = 32  # samples that are explained at a time


def classify(workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None = None) -> list[Prediction]:
    """What the model in use (or run ``run_id``) says of each sample, explained: for a few samples.

    Raises NotFoundError where there is no trained classifier, or the run does not fit the dataset.
    """
    return list(classify_explained(workspace, name, matched, run_id))


def call(
    workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None = None, progress: Progress = silent
) -> list[Prediction]:
    """The same without nearest biosamples and high genes: quick, in blocks, for any number of samples."""
    return _caller(workspace, workspace.dataset(name), run_id).call(matched, progress)


def explain(
    workspace: Workspace,
    name: str,
    matched: MatchedSamples,
    position: int,
    found: Prediction,
    run_id: str | None = None,
) -> Prediction:
    """What ``call`` found of the sample at ``position`` of a file, with its nearest biosamples and high genes."""
    caller = _caller(workspace, workspace.dataset(name), run_id)
    return caller.explain(matched.part(position, position + 1), [found])[0]


def classify_explained(
    workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None = None, progress: Progress = silent
) -> Iterator[Prediction]:
    """``classify`` for any number of samples: one explained prediction after the other, so that none has to be kept."""
    caller = _caller(workspace, workspace.dataset(name), run_id)
    return _one_by_one(caller, matched, progress)


def _one_by_one(
    caller: "Caller", matched: MatchedSamples, progress: Progress, own: IndexArray | None = None
) -> Iterator[Prediction]:
    for start in range(0, len(matched), EXPLAINED):
        progress("classifying", start, len(matched))
        part = matched.part(start, start + EXPLAINED)
        yield from caller.explain(part, caller.call(part), None if own is None else own[start : start + EXPLAINED])
    progress("classifying", len(matched), len(matched))


def classify_biosamples(
    workspace: Workspace, name: str, sample_ids: Sequence[str], run_id: str | None = None
) -> list[Prediction]:
    """What a model says of biosamples of the dataset itself; each is left out of its own neighbours."""
    dataset = workspace.dataset(name)
    positions = np.array([dataset.biosample(sample_id) for sample_id in sample_ids], dtype=np.intp)
    counts = dataset.counts(positions)
    columns = np.arange(counts.shape[1])
    everything = np.ones(len(columns), dtype=np.bool_)
    matched = MatchedSamples(counts, columns, everything, list(sample_ids), [], "biosample of the dataset", [])
    return list(_one_by_one(_caller(workspace, dataset, run_id), matched, silent, positions))


def unlabelled(workspace: Workspace, name: str) -> pd.DataFrame:
    """Biosamples that carry no label: sample_id, series_id, title, source_name_ch1."""
    biosamples = workspace.dataset(name).biosamples
    chosen = biosamples.loc[biosamples["labels"] == "", ["sample_id", "series_id", "title", "source_name_ch1"]]
    return chosen.reset_index(drop=True)


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
