"""A results database that is damaged, newer, or somebody else's: rebuilt, refused, told apart."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from core.errors import StoreError
from core.settings import PROJECT
from core.store.results import RankingQuery
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.table import Table

OPEN = "import pathlib, sys; from core.store.workspace import Workspace; w = Workspace(pathlib.Path(sys.argv[1]), True)"


def newer(path: Path) -> None:
    """A database with a migration that this version does not know."""
    path.unlink(missing_ok=True)
    with Workspace(path.parent, persistent=True).results.cursor() as cursor:
        cursor.execute("INSERT INTO migrations VALUES (99, 'of a later version')")
        cursor.execute("CHECKPOINT")


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _zero_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(4096))


def _random_middle(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(12_288)
        file.write(random.Random(5).randbytes(size - 12_288))


def _garbage_log(path: Path) -> None:
    path.with_name(f"{path.name}.wal").write_bytes(random.Random(5).randbytes(5000))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _no_tables(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE rankings")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut in half": _cut, "its head zeroed": _zero_head, "random bytes in the middle": _random_middle,
    "garbage in its log (.wal)": _garbage_log, "empty": _empty, "a folder in its place": _folder,
    "a table missing": _no_tables,
}  # fmt: skip


def filled(built: Path, root: Path) -> tuple[pd.DataFrame, Path]:
    """A data folder with a database that holds the rankings, closed; what it answers."""
    shutil.copytree(built, root)
    workspace = Workspace(root, persistent=True)
    before = workspace.results.rankings(workspace.dataset("mine"), RankingQuery())
    workspace.results.close()
    return before, root / "archscope.duckdb"


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_database_is_rebuilt(table: Table, built: Path, tmp_path: Path, how: str) -> None:
    before, path = filled(built, tmp_path / "data")
    with table.case(f"results database damaged: {how}", "rebuilt, one line says so; the same answers") as row:
        DAMAGE[how](path)
        workspace = Workspace(path.parent, persistent=True)
        found = workspace.results.rankings(workspace.dataset("mine"), RankingQuery())
        pd.testing.assert_frame_equal(found, before)
        notices = workspace.notices
        workspace.results.close()
        aside = [each.name for each in path.parent.glob("archscope.duckdb.damaged-*") if each.suffix != ".wal"]
        assert len(notices) == len(aside), notices
        assert len(notices) == (0 if ".wal" in how else 1)
        if notices:
            assert "is being rebuilt from the datasets and runs" in notices[0] and aside[0] in notices[0]
        row.saw("“… was damaged and is being rebuilt …”, set aside as archscope.duckdb.damaged-…" if notices else
                "the garbage was passed over, nothing was lost")  # fmt: skip
        again = Workspace(path.parent, persistent=True)
        assert again.notices == []
        again.results.close()
        row.saw("same rankings; opened again without a word")
    table.check()


def test_a_newer_database_is_left_alone(table: Table, built: Path, tmp_path: Path) -> None:
    _, path = filled(built, tmp_path / "data")
    with table.case("results database of a newer version", "refused with what to do; not touched") as row:
        newer(path)
        before = path.read_bytes()
        with pytest.raises(StoreError, match="newer ARCHScope: update, or move the file aside"):
            Workspace(path.parent, persistent=True)
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.glob("archscope*")] == [path.name]
        row.saw("“… written by a newer ARCHScope: update, or move the file aside”; the same bytes")
        path.rename(path.with_name("old.duckdb"))
        workspace = Workspace(path.parent, persistent=True)
        assert workspace.results.count(workspace.dataset("mine"), RankingQuery()) == 300
        workspace.results.close()
        row.saw("works once it is moved aside")
    table.check()


def test_a_database_in_use_is_no_damaged_one(table: Table, built: Path, tmp_path: Path) -> None:
    _, path = filled(built, tmp_path / "data")
    expected = "told apart from a damaged one; not touched"
    with table.case("results database in use by another ARCHScope", expected) as row:
        child = subprocess.Popen(
            [sys.executable, "-c", f"{OPEN}; print('open', flush=True); sys.stdin.read()", str(path.parent)],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=acting.environment(),
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "open"
        with pytest.raises(StoreError, match=f"another ARCHScope uses this data folder .process {child.pid}."):
            Workspace(path.parent, persistent=True)
        row.saw("“… is in use: another ARCHScope uses this data folder (process …)”")
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        workspace = Workspace(path.parent, persistent=True)
        assert workspace.notices == []
        workspace.results.close()
        row.saw("opened once that one was killed (SIGKILL)")
    table.check()


def test_a_database_that_breaks_while_it_is_open(table: Table, built: Path, tmp_path: Path) -> None:
    before, path = filled(built, tmp_path / "data")
    with table.case("results database overwritten while it is open", "rebuilt in the same session") as row:
        workspace = Workspace(path.parent, persistent=True)
        _random_middle(path)
        found = workspace.results.rankings(workspace.dataset("mine"), RankingQuery())
        pd.testing.assert_frame_equal(found, before)
        row.saw("same rankings; " + ("“… is being rebuilt …”" if workspace.notices else "they were in memory"))
        workspace.results.close()
    table.check()
