"""The schema of the results database: ordered, named migrations, each in a transaction of its own."""

from collections.abc import Sequence

import duckdb

from core.errors import StoreError

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "datasets and their rankings",
        """
        CREATE TABLE datasets (
            name VARCHAR PRIMARY KEY, build_key VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
            recipe JSON NOT NULL, manifest JSON NOT NULL
        );
        CREATE TABLE rankings (
            dataset VARCHAR NOT NULL, position INTEGER NOT NULL, symbol VARCHAR, ensembl_gene_id VARCHAR,
            biotype VARCHAR, length_bp DOUBLE, mean DOUBLE, variance DOUBLE, p95 DOUBLE, signal DOUBLE,
            signal_rank BIGINT, mean_cosine DOUBLE, cosine_rank BIGINT, co_rank BIGINT, n_neighbours INTEGER,
            n_tied INTEGER, same_series_share DOUBLE, tau DOUBLE, gini DOUBLE, zero_share DOUBLE, top_label VARCHAR,
            PRIMARY KEY (dataset, position)
        );
        CREATE TABLE biosamples (
            dataset VARCHAR NOT NULL, position INTEGER NOT NULL, sample_id VARCHAR NOT NULL, series_id VARCHAR,
            title VARCHAR, source_name_ch1 VARCHAR, characteristics_ch1 VARCHAR, singlecellprobability DOUBLE,
            alignedreads DOUBLE, depth DOUBLE, zero_share DOUBLE, labels VARCHAR,
            PRIMARY KEY (dataset, position)
        );
        """,
    ),
    (
        "cached results",
        """
        CREATE TABLE results (
            fingerprint VARCHAR NOT NULL, analysis VARCHAR NOT NULL, version INTEGER NOT NULL,
            parameters VARCHAR NOT NULL, payload BLOB NOT NULL,
            PRIMARY KEY (fingerprint, analysis, version, parameters)
        );
        """,
    ),
    (
        "finished runs",
        """
        CREATE TABLE runs (
            id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, dataset VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
            created VARCHAR NOT NULL, finished VARCHAR, status VARCHAR NOT NULL, parameters JSON, metrics JSON
        );
        """,
    ),
)


def migrate(connection: duckdb.DuckDBPyConnection, steps: Sequence[tuple[str, str]] = MIGRATIONS) -> int:
    """Brings a database up to date; how many steps that took.

    A step that fails is rolled back whole, and those before it stay. Raises StoreError where the database knows
    steps that this code does not: it was written by a newer version.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name VARCHAR NOT NULL)")
    applied = [row[0] for row in connection.execute("SELECT name FROM migrations ORDER BY number").fetchall()]
    if applied != [name for name, _ in steps[: len(applied)]]:
        raise StoreError("The results database was written by a newer ARCHScope: update, or move the file aside.")
    for number, (name, statements) in enumerate(steps[len(applied) :], start=len(applied)):
        connection.begin()
        try:
            connection.execute(statements)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", [number, name])
        except duckdb.Error:
            connection.rollback()
            raise
        connection.commit()
    return len(steps) - len(applied)
