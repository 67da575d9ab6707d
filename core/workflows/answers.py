"""Predictions as tables and JSON, in memory, or written to a file or standard output as they come."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from typing import IO, Any

import pandas as pd

from core.errors import InputError
from core.sources.matrix_write import set_aside
from core.store.files import clean
from core.store.workspace import Workspace
from core.types import MatchedSamples, Prediction, Progress, silent
from core.workflows.classify import call, classify_explained

FORMATS = ("csv", "json", "parquet")


def predictions_table(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """One row a sample: sample, predicted, probability, abstained, genes_matched, genes_expected, novelty, model."""
    return pd.DataFrame([_row(found) for found in predictions])


def predictions_json(predictions: Iterable[Prediction]) -> list[dict[str, Any]]:
    """The same rows with every label's probability, the reasons, the nearest biosamples, high and deciding genes."""
    return [_whole_row(found) for found in predictions]


def write_predictions(
    workspace: Workspace, name: str, matched: MatchedSamples, run_id: str | None, form: str | None, out: Path | None,
    stream: IO[str], progress: Progress = silent,
) -> int:  # fmt: skip
    """Calls every sample and writes a row each to the file ``out``, or to ``stream`` where there is none.

    ``form`` is csv, json or parquet; None means what the name of ``out`` ends with, else csv. Only JSON has nearest
    biosamples and high genes. Returns the number of samples. Raises InputError where the file cannot be written.
    """
    form = form or _form_of(out)
    if form == "json":
        rows = classify_explained(workspace, name, matched, run_id, progress)
        with _open(out, stream) as file:
            return _write_json(file, rows)
    table = predictions_table(call(workspace, name, matched, run_id, progress))
    if form == "parquet":
        if out is None:
            raise InputError("Parquet goes to a file only: name one with --out.")
        with set_aside(out) as aside:
            table.to_parquet(aside, index=False)
    else:
        with _open(out, stream) as file:
            table.to_csv(file, index=False)
    return len(table)


def _row(found: Prediction) -> dict[str, Any]:
    return {
        "sample": found.sample,
        "predicted": "|".join(found.predicted),
        "probability": found.probability,
        "abstained": found.abstained,
        "genes_matched": found.genes_matched,
        "genes_expected": found.genes_expected,
        "novelty": found.novelty,
        "model": found.model,
    }


def _whole_row(found: Prediction) -> dict[str, Any]:
    names = ("nearest", "high_genes", "deciding_genes")
    tables = {name: getattr(found, name).to_dict("records") for name in names}
    return {**_row(found), "probabilities": found.probabilities, "reasons": found.reasons, **tables}


def _write_json(file: IO[str], rows: Iterable[Prediction]) -> int:
    """A list as ``json.dump`` with an indent of two would write it, without holding it."""
    count = 0
    for count, found in enumerate(rows, 1):
        text = json.dumps(clean(_whole_row(found)), indent=2, ensure_ascii=False, allow_nan=False)
        file.write(("[\n" if count == 1 else ",\n") + indent(text, "  "))
    file.write("\n]\n" if count else "[]\n")
    return count


def _form_of(out: Path | None) -> str:
    suffix = out.suffix.lower().removeprefix(".") if out else ""
    return suffix if suffix in FORMATS else "csv"


@contextmanager
def _open(out: Path | None, stream: IO[str]) -> Iterator[IO[str]]:
    if out is None:
        yield stream
        return
    with set_aside(out) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        yield file
