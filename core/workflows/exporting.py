"""Biosamples of a dataset leave it: as counts, normalised or as expression, in the formats of the field."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import NotFoundError, RecipeError
from core.expression import normalise
from core.sources.gencode_releases import read_releases
from core.sources.matrix_write import SUFFIXES, OutMatrix, check_out, checked_suffix, write_matrix
from core.store.datasets import PIECE, StoredDataset
from core.store.results_file import write_results
from core.store.tiles import in_threads, spans
from core.store.workspace import Workspace
from core.types import CountMatrix, FloatMatrix, IndexArray, Progress, silent
from core.workflows.provenance import provenance

VALUES = ("counts", "normalised", "expression")
RESULTS_SUFFIX = ".duckdb"
VALUE_WORDS = {
    "counts": "counts",
    "normalised": "log2(1 + count), quantile-normalised to the dataset's target",
}


@dataclass(frozen=True)
class Choice:
    """Which biosamples leave: at most one of a list of ids, a label, a gene whose neighbourhood is meant; none: all.

    ``limit`` keeps the first so many of them.
    """

    sample_ids: Sequence[str] | None = None
    label: str | None = None
    gene: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Exported:
    """What was written: the file, how many biosamples and genes, and what the values are."""

    path: Path
    n_biosamples: int
    n_genes: int
    values: str


def export(
    workspace: Workspace, name: str, what: Choice, out: Path, values: str = "counts", force: bool = False,
    progress: Progress = silent,
) -> Exported:  # fmt: skip
    """Writes biosamples by the suffix of ``out``: .h5, .h5ad, .parquet, .csv or .gct; all results for .duckdb.

    ``values``: counts (X), normalised (Q, all G genes) or expression (Y, the g genes that have a length). Biosamples
    are in the order of the list, of the dataset, or of their expression of the gene. About 64 MB of values are in
    memory at a time. Raises NotFoundError for an unknown dataset, biosample, label or gene; RecipeError for a choice
    that cannot be, or where ``out`` is there already and ``force`` is not set; InputError where it cannot be written.
    """
    dataset = workspace.dataset(name)
    checked_suffix(out.suffix, (*SUFFIXES, RESULTS_SUFFIX), out.name)
    check_out(out, force)
    if out.suffix.lower() == RESULTS_SUFFIX:
        return _export_results(workspace, dataset, what, out)
    matrix = _matrix(dataset, chosen_rows(dataset, what), values)
    write_matrix(out, matrix, progress)
    return Exported(out, *matrix.shape, matrix.values)


def export_biosamples(
    workspace: Workspace, name: str, sample_ids: Sequence[str], suffix: str, values: str = "counts"
) -> bytes:
    """The same as ``export`` of these biosamples, in their order, as the bytes of a file with that suffix."""
    dataset = workspace.dataset(name)
    checked_suffix(suffix, SUFFIXES, suffix)
    matrix = _matrix(dataset, chosen_rows(dataset, Choice(sample_ids)), values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"biosamples{suffix.lower()}"
        write_matrix(path, matrix)
        return path.read_bytes()


def chosen_rows(dataset: StoredDataset, what: Choice) -> IndexArray:
    """Rows of the chosen biosamples. Raises NotFoundError for unknown ones, RecipeError for none or two choices."""
    if sum(each is not None for each in (what.sample_ids, what.label, what.gene)) > 1:
        raise RecipeError("Choose biosamples by a list, by a label or by a gene's neighbourhood, not by several.")
    if what.limit is not None and what.limit < 1:
        raise RecipeError(f"A limit of {what.limit} leaves no biosample: give 1 or more.")
    rows = _rows(dataset, what)[: what.limit]
    if not len(rows):
        raise RecipeError("No biosample is chosen: name at least one.")
    return rows


def _rows(dataset: StoredDataset, what: Choice) -> IndexArray:
    if what.sample_ids is not None:
        return _rows_of_ids(dataset, what.sample_ids)
    if what.label is not None:
        if what.label not in dataset.label_names:
            raise NotFoundError(
                f"No biosample of {dataset.name!r} has the label {what.label!r}: see 'python -m core labels'."
            )
        return dataset.rows_with(what.label)
    if what.gene is not None:
        return np.asarray(dataset.members[dataset.gene(what.gene)], dtype=np.intp)
    return np.arange(len(dataset.biosamples))


def _rows_of_ids(dataset: StoredDataset, sample_ids: Sequence[str]) -> IndexArray:
    wanted = list(dict.fromkeys(sample_ids))
    rows = pd.Index(dataset.biosamples["sample_id"]).get_indexer(pd.Index(wanted, dtype=object))
    unknown = [wanted[i] for i in np.flatnonzero(rows < 0)]
    if unknown:
        few = ", ".join(unknown[:3]) + (", ..." if len(unknown) > 3 else "")
        raise NotFoundError(
            f"Dataset {dataset.name!r} lacks {len(unknown)} of {len(wanted)} biosamples ({few}): they may have been "
            "left out, or belong to another dataset."
        )
    return np.asarray(rows, dtype=np.intp)


def _matrix(dataset: StoredDataset, rows: IndexArray, values: str) -> OutMatrix:
    if values not in VALUES:
        raise RecipeError(f"{values!r} is no kind of values: choose one of {', '.join(VALUES)}.")
    genes = dataset.genes if values != "expression" else dataset.genes.iloc[dataset.in_y].reset_index(drop=True)
    biosamples = dataset.biosamples.iloc[rows].reset_index(drop=True)
    labels = pd.DataFrame(dataset.label_matrix[rows], columns=dataset.label_names)
    return OutMatrix(
        genes=genes,
        biosamples=biosamples,
        read=lambda start, stop: _values(dataset, rows[start:stop], values),
        dtype=np.uint32 if values == "counts" else np.float32,
        values=VALUE_WORDS.get(values, dataset.unit),
        labels=labels,
        provenance=origin(dataset),
    )


def _values(dataset: StoredDataset, rows: IndexArray, values: str) -> npt.NDArray[Any]:
    if values == "expression":
        return dataset.profiles(rows)
    counts = dataset.counts(rows)
    return counts if values == "counts" else _normalised(counts, dataset)


def _normalised(counts: CountMatrix, dataset: StoredDataset) -> FloatMatrix:
    out = np.empty(counts.shape, dtype=np.float32)

    def fill(start: int, stop: int) -> None:
        out[start:stop] = normalise.to_target(counts[start:stop], dataset.target)

    in_threads(fill, spans(len(counts), PIECE))
    return out


def origin(dataset: StoredDataset) -> dict[str, str]:
    """What a file says of where its values come from; also version and organism of the ARCHS4 file, where known."""
    facts = {"version": dataset.manifest.get("archs4_version"), "organism": dataset.manifest.get("organism")}
    known = {key: str(value) for key, value in facts.items() if value}
    return provenance(dataset) | known | ({"simulated": "yes"} if dataset.simulated else {})


def gencode_releases(organism: str | None = None) -> pd.DataFrame:
    """GENCODE releases, newest first, of an organism or all: release, organism, assembly, ensembl, date, address."""
    known = read_releases()
    return known if organism is None else known[known["organism"] == organism].reset_index(drop=True)


def _export_results(workspace: Workspace, dataset: StoredDataset, what: Choice, out: Path) -> Exported:
    if what != Choice():
        raise RecipeError("A .duckdb file holds all results of a dataset: leave the choice of biosamples out.")
    write_results(out, dataset, workspace, origin(dataset))
    return Exported(out, len(dataset.biosamples), len(dataset.rankings), "results")
