"""All results of a dataset in one self-contained DuckDB file, for queries of the user's own.

about           key, value: dataset, fingerprint, recipe, version, unit of the expression
rankings        one row a gene, columns as ``python -m core rankings`` has them, biotype and variance
biosamples      one row a biosample: sample_id, series_id, title, ..., labels joined by |
labels          one row a bit: sample_id, label, and what set it
neighbourhoods  one row a gene and member: ensembl_gene_id, symbol, sample_id, rank (ascending by expression)
runs            trainings: id, kind, status, in_use, created, finished, parameters and metrics as JSON
scores          one row a run and figure: run, metric (its path in the metrics, joined by .), value
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from core.sources.matrix_write import set_aside
from core.store.datasets import StoredDataset
from core.store.files import clean
from core.store.runs import Run
from core.store.workspace import Workspace

GENES_AT_ONCE = 2048
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def write_results(path: Path, dataset: StoredDataset, workspace: Workspace, about: Mapping[str, str]) -> None:
    """Writes the tables above to ``path``, which appears whole or not at all. Raises InputError where it cannot be."""
    with set_aside(path) as aside:
        connection = duckdb.connect(str(aside), config=_SETTINGS)
        try:
            facts = {**about, "unit": dataset.unit}
            connection.begin()
            _add(connection, "about", pd.DataFrame({"key": list(facts), "value": list(facts.values())}))
            _add(connection, "rankings", dataset.rankings)
            _add(connection, "biosamples", dataset.biosamples)
            _add(connection, "labels", dataset.labels)
            _add_neighbourhoods(connection, dataset)
            _add_runs(connection, dataset, workspace)
            connection.commit()
        finally:
            connection.close()


def _add(connection: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> None:
    connection.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM frame")
    connection.unregister("frame")


def _add_neighbourhoods(connection: duckdb.DuckDBPyConnection, dataset: StoredDataset) -> None:
    connection.execute(
        "CREATE TABLE neighbourhoods (ensembl_gene_id VARCHAR, symbol VARCHAR, sample_id VARCHAR, rank INTEGER)"
    )
    samples = dataset.biosamples["sample_id"].to_numpy(dtype=object)
    genes, members = dataset.rankings, dataset.members
    k = members.shape[1]
    for start in range(0, len(genes), GENES_AT_ONCE):
        some = genes.iloc[start : start + GENES_AT_ONCE]
        frame = pa.table({
            "ensembl_gene_id": pa.array(some["ensembl_gene_id"].to_numpy(dtype=object).repeat(k), pa.string()),
            "symbol": pa.array(some["symbol"].to_numpy(dtype=object).repeat(k), pa.string()),
            "sample_id": pa.array(samples[np.asarray(members[start : start + len(some)]).ravel()], pa.string()),
            "rank": pa.array(np.tile(np.arange(1, k + 1, dtype=np.int32), len(some))),
        })  # fmt: skip
        connection.register("frame", frame)
        connection.execute("INSERT INTO neighbourhoods SELECT * FROM frame")
        connection.unregister("frame")


def _add_runs(connection: duckdb.DuckDBPyConnection, dataset: StoredDataset, workspace: Workspace) -> None:
    connection.execute(
        "CREATE TABLE runs (id VARCHAR, kind VARCHAR, status VARCHAR, in_use BOOLEAN, created VARCHAR, "
        "finished VARCHAR, parameters JSON, metrics JSON)"
    )
    connection.execute("CREATE TABLE scores (run VARCHAR, metric VARCHAR, value DOUBLE)")
    for run in workspace.runs.all(dataset.name):
        if run.recipe["fingerprint"] != dataset.fingerprint:
            continue  # of another content of that name
        metrics = clean((run.result or {}).get("metrics", {}))
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _run_row(run, workspace, metrics))
        if rows := [[run.id, *figure] for figure in figures(metrics)]:
            connection.executemany("INSERT INTO scores VALUES (?, ?, ?)", rows)


def _run_row(run: Run, workspace: Workspace, metrics: Any) -> list[Any]:
    row = [run.id, run.kind, run.status, workspace.is_active(run), run.recipe["created"]]
    return [*row, (run.result or {}).get("finished"), json.dumps(clean(run.recipe["parameters"])), json.dumps(metrics)]


def figures(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested metrics with its path ("splits.series.model.samples_f1"); places of a list count, too."""
    if isinstance(content, bool) or content is None or isinstance(content, str):
        return
    if isinstance(content, int | float):
        yield path, float(content)
        return
    items = content.items() if isinstance(content, Mapping) else enumerate(content)
    for key, value in items:
        yield from figures(value, f"{path}.{key}" if path else str(key))
