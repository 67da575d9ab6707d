"""A counts file that is replaced, cut or rewritten while a build reads it: refused in one line, never a mixture."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import acting
from tests.faults.small import Source
from tests.faults.table import Table

SMALL = ["--memory", "96KB"]  # several blocks


def _rename_over(path: Path, other: Path) -> None:
    aside = path.with_name("download.part")
    shutil.copy(other, aside)
    aside.replace(path)


def _cut(path: Path, other: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def _rewrite(path: Path, other: Path) -> None:
    with path.open("r+b") as file:
        file.write(other.read_bytes()[: path.stat().st_size])


def _remove(path: Path, other: Path) -> None:
    path.unlink()


HOW: dict[str, Callable[[Path, Path], None]] = {
    "replaced (renamed over)": _rename_over, "cut short in place": _cut, "rewritten in place": _rewrite,
    "removed": _remove,
}  # fmt: skip


def check(table: Table, source: Source, tmp_path: Path, how: str, line: int) -> None:
    mine = Source(**{name: Path(shutil.copy(path, tmp_path)) for name, path in vars(source).items()})
    root, go_on = tmp_path / "data", tmp_path / "go on"
    moment = "before the first block" if line == 1 else f"after block {line - 1}"
    with table.case(
        f"counts file {how} while it is open, {moment}", "one line that says so, no dataset; then built anew"
    ) as row:
        child = acting.start(root, *acting.build_words(mine), *SMALL, pause=["reading", line, str(go_on)])
        acting.wait_for(lambda: list((root / "datasets").glob(".mine.building/counts/*")) or line == 1, child)
        _until_paused(child, line, root)
        HOW[how](mine.counts, mine.other)
        go_on.touch()
        _, err = child.communicate(timeout=acting.PATIENCE)
        assert child.returncode == 2, (child.returncode, err)
        assert "was replaced or changed while it was read" in acting.one_line(err), err
        acting.check_whole(acting.look_here(root), [])
        assert not (root / "datasets" / ".mine.building").exists()
        row.saw("exit 2, “… was replaced or changed while it was read, so nothing was built from it …”")
        fresh = tmp_path / "fresh"
        shutil.copy(mine.other, mine.counts)
        for folder in (root, fresh):
            acting.build_here(folder, mine)
        assert acting.content(root / "datasets") == acting.content(fresh / "datasets")
        row.saw("the next attempt built the new content, nothing of the old in it")
    table.check()


def _until_paused(child: subprocess.Popen[str], line: int, root: Path) -> None:
    if line == 1:
        acting.wait_for(lambda: (root / "datasets" / ".mine.building" / "plan.npz").exists(), child)
    time.sleep(0.5)  # a block that is on its way may be finished


def test_a_counts_file_renamed_over(table: Table, source: Source, tmp_path: Path) -> None:
    check(table, source, tmp_path, "replaced (renamed over)", 2)


def test_a_counts_file_cut_short(table: Table, source: Source, tmp_path: Path) -> None:
    check(table, source, tmp_path, "cut short in place", 2)


@pytest.mark.faults
@pytest.mark.parametrize("line", [1, 3])
@pytest.mark.parametrize("how", HOW)
def test_a_counts_file_that_changes(table: Table, source: Source, tmp_path: Path, how: str, line: int) -> None:
    check(table, source, tmp_path, how, line)
