"""The results database: the only user of DuckDB.

One process opens the file: the app. The command line works on a database in memory, filled from the same folders, so
the file can be deleted at any time. Every call takes its own cursor: one shared connection returns wrong rows
under threads.
"""

import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.errors import RecipeError, StoreError
from core.store.datasets import StoredDataset, canonical
from core.store.files import clean
from core.store.migrations import migrate
from core.store.runs import Run

RANKING_COLUMNS = (
    "symbol", "ensembl_gene_id", "length_bp", "mean", "p95", "signal", "signal_rank", "mean_cosine", "cosine_rank",
    "co_rank", "n_neighbours", "n_tied", "same_series_share", "tau", "gini", "zero_share", "top_label",
)  # fmt: skip
SORTABLE = (*RANKING_COLUMNS, "variance", "biotype")
DESCENDING = ("mean", "p95", "signal", "mean_cosine", "tau", "gini", "variance", "length_bp")


@dataclass(frozen=True)
class RankingQuery:
    """What to show of the rankings: a search, filters, an order, a page.

    ``search`` matches a part of the symbol or Ensembl id; ``genes`` keeps these Ensembl ids or symbols alone.
    ``descending`` None means the natural direction (highest signal first, lowest rank first).
    """

    search: str = ""
    min_mean: float = 0.0
    max_zero_share: float = 1.0
    biotypes: tuple[str, ...] = ()
    hide_mitochondrial: bool = False
    genes: tuple[str, ...] | None = None
    sort: str = "signal"
    descending: bool | None = None
    limit: int | None = None
    offset: int = 0


@dataclass
class _Where:
    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: Any) -> None:
        self.clauses.append(clause)
        self.values.extend(values)


class Results:
    """Rankings, biosample tables, runs and cached analyses of every dataset."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens ``path`` (None: in memory). Raises StoreError where another process has it, or it is damaged."""
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            self._connection = duckdb.connect(str(path) if path else ":memory:", config=settings)
        except duckdb.IOException as error:
            raise StoreError(
                f"The results database {path} cannot be opened: another ARCHScope uses this data folder, or the file "
                f"is damaged. Stop the other one, or delete the file: it is rebuilt. ({_first_line(error)})"
            ) from error
        self._import_lock = threading.Lock()
        migrate(self._connection)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the calling thread's own."""
        return self._connection.cursor()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def ensure(self, dataset: StoredDataset) -> None:
        """Imports a dataset's tables unless this very build is in already."""
        with self._import_lock, self.cursor() as cursor:
            row = cursor.execute("SELECT build_key FROM datasets WHERE name = ?", [dataset.name]).fetchone()
            if row and row[0] == dataset.key:
                return
            cursor.begin()
            try:
                _import_tables(cursor, dataset)
            except duckdb.Error:
                cursor.rollback()
                raise
            cursor.commit()

    def import_run(self, run: Run) -> None:
        """Takes a finished run in; again is harmless."""
        result = run.result
        if result is None:
            return
        recipe = run.recipe
        row = [run.id, run.kind, run.dataset, recipe["fingerprint"], recipe["created"], result["finished"]]
        row += [result["status"], json.dumps(recipe["parameters"]), json.dumps(clean(result.get("metrics", {})))]
        with self._import_lock, self.cursor() as cursor:
            cursor.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def keep_runs(self, dataset: str, run_ids: Sequence[str]) -> None:
        """Forgets every run of a dataset but these; whoever deleted the others."""
        with self._import_lock, self.cursor() as cursor:
            cursor.execute("DELETE FROM runs WHERE dataset = ? AND NOT list_contains(?, id)", [dataset, list(run_ids)])

    def rankings(self, dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
        """Rows of the rankings that a query asks for, columns as the design names them plus biotype and variance."""
        self.ensure(dataset)
        order = _order(query)
        where = _where(dataset.name, query)
        statement = f"SELECT * EXCLUDE (dataset) FROM rankings WHERE {' AND '.join(where.clauses)} ORDER BY {order}"
        if query.limit is not None:
            statement += f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        with self.cursor() as cursor:
            return cursor.execute(statement, where.values).df()

    def count(self, dataset: StoredDataset, query: RankingQuery) -> int:
        """How many genes pass the filters of a query."""
        self.ensure(dataset)
        where = _where(dataset.name, query)
        with self.cursor() as cursor:
            row = cursor.execute(
                f"SELECT count(*) FROM rankings WHERE {' AND '.join(where.clauses)}", where.values
            ).fetchone()
        return int(row[0]) if row else 0

    def cached(
        self,
        dataset: StoredDataset,
        analysis: str,
        version: int,
        parameters: Mapping[str, Any],
        compute: Callable[[], pd.DataFrame],
    ) -> pd.DataFrame:
        """A table that was computed before under the same key, or computed now and kept.

        The key is (dataset fingerprint, analysis, recipe version, canonical parameters with the build's recipe).
        """
        key = [dataset.fingerprint, analysis, version, canonical({**parameters, "build": dataset.recipe})]
        with self.cursor() as cursor:
            row = cursor.execute(
                "SELECT payload FROM results WHERE fingerprint = ? AND analysis = ? AND version = ? AND parameters = ?",
                key,
            ).fetchone()
        if row:
            return pd.read_parquet(io.BytesIO(row[0]))
        frame = compute()
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        with self._import_lock, self.cursor() as cursor:
            cursor.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", [*key, buffer.getvalue()])
        return frame


def _import_tables(cursor: duckdb.DuckDBPyConnection, dataset: StoredDataset) -> None:
    name = dataset.name
    for table in ("datasets", "rankings", "biosamples"):
        column = "name" if table == "datasets" else "dataset"
        cursor.execute(f"DELETE FROM {table} WHERE {column} = ?", [name])
    for table in ("rankings", "biosamples"):
        source = str(dataset.path / f"{table}.parquet")
        statement = (
            f"INSERT INTO {table} BY NAME SELECT ? AS dataset, (row_number() OVER ()) - 1 AS position, * "
            "FROM read_parquet(?)"
        )
        cursor.execute(statement, [name, source])
    recipe, manifest = canonical(dataset.recipe), json.dumps(clean(dataset.manifest))
    cursor.execute(
        "INSERT INTO datasets VALUES (?, ?, ?, ?, ?)", [name, dataset.key, dataset.fingerprint, recipe, manifest]
    )


def _where(name: str, query: RankingQuery) -> _Where:
    where = _Where()
    where.add("dataset = ?", name)
    if query.search.strip():
        text = (
            query.search.strip().split(".")[0]
            if query.search.strip().upper().startswith("ENS")
            else query.search.strip()
        )
        where.add("(contains(lower(symbol), lower(?)) OR contains(lower(ensembl_gene_id), lower(?)))", text, text)
    if query.min_mean > 0:
        where.add("mean >= ?", query.min_mean)
    if query.max_zero_share < 1:
        where.add("zero_share <= ?", query.max_zero_share)
    if query.biotypes:
        where.add("list_contains(?, biotype)", list(query.biotypes))
    if query.hide_mitochondrial:
        where.add("NOT starts_with(upper(symbol), 'MT-')")
    if query.genes is not None:
        where.add(
            "(list_contains(?, ensembl_gene_id) OR list_contains(?, symbol))", list(query.genes), list(query.genes)
        )
    return where


def _order(query: RankingQuery) -> str:
    if query.sort not in SORTABLE:
        raise RecipeError(f"Cannot sort rankings by {query.sort!r}: choose one of {', '.join(SORTABLE)}.")
    descending = query.sort in DESCENDING if query.descending is None else query.descending
    return f"{query.sort} {'DESC' if descending else 'ASC'} NULLS LAST, position"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
