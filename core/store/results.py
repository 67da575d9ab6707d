"""The results database: the only user of DuckDB.

One process opens the file: the app. The command line works on a database in memory, filled from the same folders, so
the file can be deleted at any time. Every call takes its own cursor: one shared connection returns wrong rows
under threads.
"""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from core.errors import RecipeError
from core.store.datasets import StoredDataset, canonical
from core.store.files import clean
from core.store.results_database import Database
from core.store.runs import Run
from core.types import IndexArray

RANKING_COLUMNS = (
    "symbol", "ensembl_gene_id", "length_bp", "mean", "p95", "signal", "signal_rank", "mean_cosine", "cosine_rank",
    "co_rank", "n_neighbours", "n_tied", "same_series_share", "tau", "gini", "zero_share", "top_label",
)  # fmt: skip
SORTABLE = (*RANKING_COLUMNS, "variance", "biotype")
DESCENDING = ("mean", "p95", "signal", "mean_cosine", "tau", "gini", "variance", "length_bp")


@dataclass(frozen=True)
class RankingQuery:
    """What to show of the rankings: a search, filters, an order, a page.

    ``search`` matches a part of the symbol or Ensembl id, in any case; with ``regex`` it is a regular expression (RE2)
    that is found in one of them. ``genes`` keeps these Ensembl ids or symbols alone.
    ``sort`` is the first column of the order and ``then`` the second ("": none); ``descending`` None means the natural
    direction (highest signal first, lowest rank first).
    """

    search: str = ""
    regex: bool = False
    min_mean: float = 0.0
    max_zero_share: float = 1.0
    biotypes: tuple[str, ...] = ()
    hide_mitochondrial: bool = False
    genes: tuple[str, ...] | None = None
    sort: str = "signal"
    descending: bool | None = None
    then: str = ""
    then_descending: bool | None = None
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
        """Opens ``path`` (None: in memory), or another in its place where it is damaged or cannot be written.

        Raises StoreError where another process has it, or a newer version wrote it.
        """
        self._database = Database(path)
        self._import_lock = threading.Lock()  # taken inside of the database's run, never around it

    @property
    def notices(self) -> list[str]:
        """What a user has to know of the database, a line each: that it is being rebuilt, or kept in memory."""
        return self._database.notices

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the calling thread's own."""
        return self._database.cursor()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def ensure(self, dataset: StoredDataset) -> None:
        """Imports a dataset's tables unless this very build is in already."""
        self._database.run(lambda cursor: self._ensure(cursor, dataset))

    def _ensure(self, cursor: duckdb.DuckDBPyConnection, dataset: StoredDataset) -> None:
        with self._import_lock:
            row = cursor.execute("SELECT build_key FROM datasets WHERE name = ?", [dataset.name]).fetchone()
            if row and row[0] == dataset.key:
                return
            cursor.begin()
            try:
                _import_tables(cursor, dataset)
            except duckdb.Error:
                with contextlib.suppress(duckdb.Error):  # a database that failed has nothing to take back
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
        self._write("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def keep_runs(self, dataset: str, run_ids: Sequence[str]) -> None:
        """Forgets every run of a dataset but these; whoever deleted the others."""
        self._write("DELETE FROM runs WHERE dataset = ? AND NOT list_contains(?, id)", [dataset, list(run_ids)])

    @property
    def persistent(self) -> bool:
        """Whether this process has a database file open."""
        return self._database.path is not None

    def keep_datasets(self, fingerprints: Mapping[str, str]) -> None:
        """Forgets every dataset but these (name: fingerprint), with its runs and cached analyses."""
        names, contents = list(fingerprints), list(set(fingerprints.values()))
        for table, column, kept in (
            ("datasets", "name", names), ("rankings", "dataset", names), ("biosamples", "dataset", names),
            ("runs", "dataset", names), ("results", "fingerprint", contents),
        ):  # fmt: skip
            self._write(f"DELETE FROM {table} WHERE NOT list_contains(?::VARCHAR[], {column})", [kept])

    def forget_cached(self) -> None:
        """Forgets every cached analysis; each is computed again when it is asked for."""
        self._write("DELETE FROM results", [])

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        def work(cursor: duckdb.DuckDBPyConnection) -> None:
            with self._import_lock:
                cursor.execute(statement, values)

        self._database.run(work)

    def rankings(self, dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
        """Rows of the rankings that a query asks for, columns as the design names them plus biotype and variance.

        Raises RecipeError for a column that is none, or a search that is no regular expression.
        """
        more = f" ORDER BY {_order(query)}"
        if query.limit is not None:
            more += f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        return self._select("* EXCLUDE (dataset)", dataset, query, more)

    def count(self, dataset: StoredDataset, query: RankingQuery) -> int:
        """How many genes pass the filters of a query. Raises RecipeError."""
        return int(self._select("count(*) AS genes", dataset, query)["genes"][0])

    def passing(self, dataset: StoredDataset, query: RankingQuery) -> IndexArray:
        """Rows of the genes that pass the filters of a query, ascending. Raises RecipeError."""
        return self._select("position", dataset, query, " ORDER BY position")["position"].to_numpy(np.intp)

    def biotypes(self, dataset: StoredDataset, query: RankingQuery) -> pd.DataFrame:
        """biotype and genes: how many genes of each pass the other filters of a query, the most first.

        Genes without a biotype are not in it. Raises RecipeError.
        """
        named = "biotype, count(*) AS genes"
        more = " AND biotype <> '' GROUP BY biotype ORDER BY genes DESC, biotype"
        return self._select(named, dataset, replace(query, biotypes=()), more)

    def _select(self, columns: str, dataset: StoredDataset, query: RankingQuery, more: str = "") -> pd.DataFrame:
        where = _where(dataset.name, query)
        statement = f"SELECT {columns} FROM rankings WHERE {' AND '.join(where.clauses)}{more}"

        def work(cursor: duckdb.DuckDBPyConnection) -> pd.DataFrame:
            self._ensure(cursor, dataset)
            if query.regex and query.search.strip():
                _check_pattern(cursor, query.search.strip())
            return cursor.execute(statement, where.values).df()

        return self._database.run(work)

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
        found = "SELECT payload FROM results WHERE fingerprint = ? AND analysis = ? AND version = ? AND parameters = ?"
        row = self._database.run(lambda cursor: cursor.execute(found, key).fetchone())
        if row:
            return pd.read_parquet(io.BytesIO(row[0]))
        frame = compute()
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        self._write("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", [*key, buffer.getvalue()])
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
    text = query.search.strip()
    if text and query.regex:
        where.add("(regexp_matches(symbol, ?, 'i') OR regexp_matches(ensembl_gene_id, ?, 'i'))", text, text)
    elif text:
        text = text.split(".")[0] if text.upper().startswith("ENS") else text
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
        # looked up in a table of them: a list would be gone through for each gene
        named = "IN (SELECT unnest(?::VARCHAR[]))"
        where.add(f"(ensembl_gene_id {named} OR symbol {named})", list(query.genes), list(query.genes))
    return where


def _check_pattern(cursor: duckdb.DuckDBPyConnection, pattern: str) -> None:
    try:
        cursor.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
    except duckdb.Error as error:
        what = _first_line(error).partition("Error: ")[2] or _first_line(error)
        raise RecipeError(
            f"The search {pattern!r} is no regular expression ({what}): correct it, or search for plain text."
        ) from error


def _order(query: RankingQuery) -> str:
    columns = {query.sort: query.descending}
    if query.then:
        columns.setdefault(query.then, query.then_descending)
    parts = []
    for column, descending in columns.items():
        if column not in SORTABLE:
            raise RecipeError(f"Cannot sort rankings by {column!r}: choose one of {', '.join(SORTABLE)}.")
        down = column in DESCENDING if descending is None else descending
        parts.append(f"{column} {'DESC' if down else 'ASC'} NULLS LAST")
    return ", ".join([*parts, "position"])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
