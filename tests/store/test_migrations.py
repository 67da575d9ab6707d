import duckdb
import pytest

from core.errors import StoreError
from core.store.migrations import MIGRATIONS, migrate

FIRST = ("first", "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);")
SECOND = ("second", "ALTER TABLE a ADD COLUMN y INTEGER;")
BROKEN = ("broken", "CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);")


@pytest.fixture
def connection():
    with duckdb.connect(":memory:") as opened:
        yield opened


def tables(connection):
    return {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def test_each_runs_once(connection):
    assert migrate(connection, [FIRST]) == 1
    assert migrate(connection, [FIRST]) == 0
    assert migrate(connection, [FIRST, SECOND]) == 1
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, None)]


def test_a_failing_one_leaves_nothing_and_can_be_mended(connection):
    with pytest.raises(duckdb.Error):
        migrate(connection, [FIRST, BROKEN])
    assert tables(connection) == {"migrations", "a"}
    assert migrate(connection, [FIRST, SECOND]) == 1


def test_a_newer_database_is_refused(connection):
    migrate(connection, [FIRST, SECOND])
    with pytest.raises(StoreError, match="newer ARCHScope"):
        migrate(connection, [FIRST])


def test_the_real_ones_run(connection):
    assert migrate(connection) == len(MIGRATIONS)
    assert {"datasets", "rankings", "biosamples", "results", "runs"} <= tables(connection)
