"""The app itself, killed, and on data folders that are damaged, newer, full or read-only: it starts, and it says so."""

import contextlib
import shutil
import signal
from pathlib import Path

import pytest

from core.store.results import RankingQuery
from core.store.workspace import Workspace
from tests.faults import acting, page
from tests.faults.disks import read_only, small_disk
from tests.faults.table import Table
from tests.faults.test_databases import newer

PAGES = ("", "rankings", "gene", "neighbourhood", "samples", "classify", "train", "synthetic", "data")
WRONG = "Something went wrong"


def copy_of(built: Path, root: Path) -> Path:
    shutil.copytree(built, root, dirs_exist_ok=True)
    return root


def kill_while_it_imports(root: Path, log: Path, after: str, count: int) -> None:
    """A page asks for rankings or for runs, and the app kills itself (SIGKILL) at that point of taking them in."""
    with page.app(root, log, kill_after=[after, count]) as (child, port):
        with contextlib.suppress(Exception):
            page.visit(port, "train" if after.endswith("_write") else "rankings", "dataset=mine")
        assert child.wait(acting.PATIENCE) == -signal.SIGKILL


def check_results(root: Path) -> None:
    workspace = Workspace(root, persistent=True)
    dataset = workspace.dataset("mine")
    with workspace.results.cursor() as cursor:
        taken = cursor.execute("SELECT count(*) FROM rankings").fetchall()[0][0]
    assert taken in (0, len(dataset.rankings)), f"{taken} rows are half of the rankings"
    assert workspace.results.count(dataset, RankingQuery()) == len(dataset.rankings)
    assert workspace.notices == []
    workspace.results.close()


def test_an_app_killed_while_it_imports_starts_again(table: Table, built: Path, tmp_path: Path) -> None:
    root = copy_of(built, tmp_path / "data")
    with table.case("kill -9 of the app while it imports results", "no half table; the app starts again") as row:
        kill_while_it_imports(root, tmp_path / "log", "core.store.results:_import_tables", 1)
        check_results(root)
        row.saw("database opened again without a repair, every gene in it")
    table.check()


@pytest.mark.faults
@pytest.mark.parametrize("where", [
    ("core.store.results_database:_connect", 1), ("core.store.results:Results._ensure", 1),
    ("core.store.results:Results._write", 1), ("core.store.results:_import_tables", 1),
])  # fmt: skip
def test_an_app_killed_at_other_moments_of_an_import(
    table: Table, built: Path, tmp_path: Path, where: tuple[str, int]
) -> None:
    root = copy_of(built, tmp_path / "data")
    name = where[0].partition(":")[2]
    with table.case(f"kill -9 of the app after {name}", "no half table; the app starts and shows the page") as row:
        kill_while_it_imports(root, tmp_path / "log", *where)
        check_results(root)
        with page.app(root, tmp_path / "log") as (_, port):
            texts = page.visit(port, "rankings")
        assert not any(WRONG in text for text in texts)
        assert not any("damaged" in text for text in texts)
        row.saw("started again, Rankings shown, nothing to say")
    table.check()


@pytest.mark.faults
def test_the_app_says_what_became_of_its_database(table: Table, built: Path, tmp_path: Path) -> None:
    for case, damage, expected, said in (
        ("app on a damaged database", lambda path: path.write_bytes(b"no database" * 999), "started, a line says so",
         "was damaged and is being rebuilt"),
        ("app on a newer database", newer, "refused with what to do; the file untouched",
         "written by a newer ARCHScope: update, or move the file aside"),
    ):  # fmt: skip
        root = copy_of(built, tmp_path / case)
        damage(root / "archscope.duckdb")
        before = (root / "archscope.duckdb").read_bytes()
        with table.case(case, expected) as row, page.app(root, tmp_path / "log") as (_, port):
            texts = page.visit(port, "rankings")
            assert any(said in text for text in texts), texts
            assert not any(WRONG in text for text in texts)
            row.saw(f"“… {said} …”")
            if "newer" in case:
                assert (root / "archscope.duckdb").read_bytes() == before
                row.saw("the file has the same bytes")
    table.check()


@pytest.mark.faults
def test_every_page_of_the_app_where_nothing_can_be_written(table: Table, built: Path, tmp_path: Path) -> None:
    for case, place in (("read-only data folder", read_only), ("full disk", lambda root: small_disk(root, 6000))):
        root = tmp_path / case
        if "read" in case:
            copy_of(built, root)
        with (
            table.case(f"every page of the app: {case}", "all open, one line says that results are in memory") as row,
            place(root),
        ):  # fmt: skip
            if "full" in case:
                copy_of(built, root)
                with contextlib.suppress(OSError), (root / "filler").open("wb", buffering=0) as file:
                    while True:
                        file.write(b"x" * 4096)
            with page.app(root, tmp_path / "log") as (_, port):
                for name in PAGES:
                    texts = page.visit(port, name, "dataset=mine")
                    assert not any(WRONG in text for text in texts), (name, texts)
                    assert any("kept in memory" in text for text in texts), (name, texts)
            row.saw(f"{len(PAGES)} pages opened; “… so results are kept in memory …”")
    table.check()
