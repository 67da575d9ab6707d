"""A disk that is full and a folder that is read-only: one line that says so, and the next attempt succeeds."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from core.errors import StoreError
from core.settings import PROJECT
from core.store.disk import on_disk
from core.store.results import RankingQuery
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.disks import grow, limit_files, read_only, small_disk
from tests.faults.small import Source
from tests.faults.table import Table

FULL = "The disk of {} is full"


def check_built(root: Path, built: Path) -> None:
    assert acting.content(root / "datasets" / "mine") == acting.content(built / "datasets" / "mine")
    assert acting.hidden(root / "datasets") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_write_that_finds_no_room_says_so(table: Table, tmp_path: Path) -> None:
    with table.case("a write to a full device (/dev/full)", "an error that names the folder and the free room") as row:
        with (
            pytest.raises(StoreError, match="is full") as caught, on_disk(tmp_path),
            Path("/dev/full").open("w") as file,
        ):  # fmt: skip
            file.write("x")
        assert str(tmp_path) in str(caught.value) and "free)" in str(caught.value)
        row.saw("“The disk of … is full (… free): free some room”")
    table.check()


def test_a_build_on_a_small_disk(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    with (
        small_disk(root, 200),
        table.case("disk full during `build` (tmpfs of 200 kB)",
                   "one line with folder and free room, no dataset; after room is freed the same bytes") as row,
    ):  # fmt: skip
        status, _, err = acting.run(root, *acting.build_words(source))
        assert status == 1
        assert FULL.format(root) in acting.one_line(err)
        acting.check_whole(acting.look_here(root), [])
        row.saw(f"exit 1, “{acting.one_line(err)[7:].replace(str(root), 'FOLDER')}”")
        grow(root, 20_000)
        acting.build_here(root, source)
        check_built(root, built)
        row.saw("then built, every file the same")
    table.check()


def test_a_build_under_a_limit_on_files(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    with table.case(
        "no file may grow over 16 kB during `build` (RLIMIT_FSIZE; no rights needed)",
        "one line, no dataset; without the limit the same bytes",
    ) as row:
        status, _, err = acting.run(tmp_path, *acting.build_words(source), before=limit_files(16_000))
        assert status == 1
        assert "may not grow any more" in acting.one_line(err)
        acting.check_whole(acting.look_here(tmp_path), [])
        row.saw("exit 1, “A file in … may not grow any more (a limit on file sizes; … free)”")
        acting.build_here(tmp_path, source)
        check_built(tmp_path, built)
        row.saw("then built, every file the same")
    table.check()


@pytest.mark.faults
def test_a_disk_that_is_full_at_any_moment_of_a_build(
    table: Table, source: Source, built: Path, tmp_path: Path
) -> None:
    sizes = [8, 16, 32, 64, 100, 150, 200, 250, 300, 350, 400]
    for size in sizes:
        root = tmp_path / f"disk{size}"
        with (
            small_disk(root, size),
            table.case(f"disk full during a build job (tmpfs of {size} kB)",
                       "the run has failed and says why, or there is all it needs; then the same bytes") as row,
        ):  # fmt: skip
            _build_job(root, source, row)
            grow(root, 20_000)
            acting.build_here(root, source)
            check_built(root, built)
            row.saw("built after room was freed, every file the same")
    table.check()


def _build_job(root: Path, source: Source, row: object) -> None:
    try:
        workspace = Workspace(root)
        run = workspace.runs.create("build", "mine", acting.build_parameters(source))
        child = acting.worker(run, root)
    except StoreError as error:
        assert "is full" in str(error)
        row.saw("refused at the start: the disk is full")  # type: ignore[attr-defined]
        return
    child.wait(acting.PATIENCE)
    seen = acting.look_here(root)
    if run.status == "done":
        acting.check_whole(seen, ["mine"])
        row.saw("it had room enough")  # type: ignore[attr-defined]
        return
    acting.check_whole(seen, [])
    assert run.status == "failed"
    assert "is full" in run.error, run.error
    row.saw("failed: the disk is full")  # type: ignore[attr-defined]


@pytest.mark.faults
def test_a_training_on_a_full_disk(table: Table, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    with (
        small_disk(root, 20_000),
        table.case("disk full during a classifier's training", "failed, and says why; a new one succeeds") as row,
    ):  # fmt: skip
        shutil.copytree(built, root, dirs_exist_ok=True)
        workspace = Workspace(root)
        chosen, print_of = {"trees": 5, "genes": 50}, workspace.dataset("mine").fingerprint
        fresh = workspace.runs.create("classifier", "mine", chosen, print_of)
        resume = tmp_path / "resume"
        child = acting.worker(fresh, root, pause=["saving", 1, str(resume)])
        acting.wait_for(lambda: any(step.stage == "saving" for step in fresh.steps()), child)
        _fill(root)
        resume.touch()
        child.wait(acting.PATIENCE)
        assert fresh.status == "failed"
        assert "is full (" in fresh.error and str(root) in fresh.error, fresh.error
        row.saw("failed: the disk is full")
        (root / "filler").unlink()
        last = workspace.runs.create("classifier", "mine", chosen, print_of)
        assert acting.worker(last, root).wait(acting.PATIENCE) == 0
        assert last.status == "done"
        row.saw("a new training succeeded")
    table.check()


def _fill(root: Path) -> None:
    with (root / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def test_results_are_kept_in_memory_on_a_full_disk(table: Table, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    with (
        small_disk(root, 4000),
        table.case("disk full when the app takes results in", "pages work from memory and a line says so") as row,
    ):  # fmt: skip
        shutil.copytree(built, root, dirs_exist_ok=True)
        _fill(root)
        with_results(root, "cannot be written", row)
        (root / "filler").unlink()
        workspace = Workspace(root, persistent=True)
        assert workspace.notices == []
        workspace.results.close()
        row.saw("kept on disk again once there was room")
    table.check()


def with_results(root: Path, notice: str, row: object) -> None:
    """The app's workspace answers from memory, and says why."""
    workspace = Workspace(root, persistent=True)
    dataset = workspace.dataset("mine")
    rows = workspace.results.rankings(dataset, RankingQuery())
    assert len(rows) == len(dataset.rankings)
    assert len(workspace.notices) == 1
    assert notice in workspace.notices[0] and "kept in memory" in workspace.notices[0], workspace.notices
    workspace.results.close()
    row.saw("rankings shown; “results are kept in memory until ARCHScope starts again”")  # type: ignore[attr-defined]


def test_a_read_only_data_folder(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(built, root)
    with (
        read_only(root),
        table.case("read-only data folder", "browsing works, building and training are refused in one line") as row,
    ):  # fmt: skip
        acting.check_whole(acting.look_here(root), ["mine"])
        row.saw("datasets, runs and rankings shown")
        with_results(root, "cannot be written", row)
        for words in (acting.build_words(source, "second"), ["train", "classifier", "mine", "--trees", "5"]):
            seen = acting.run(root, *words)
            assert seen[0] == 1, seen
            assert "read-only" in acting.one_line(seen[2]) or "may not be written" in acting.one_line(seen[2])
        row.saw("`build` and `train` exit 1, “… is read-only: make it writable, or name another data folder”")
    acting.build_here(root, source, "second")
    table.check()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_data_folder_of_somebody_else(table: Table, source: Source, built: Path) -> None:
    code = (
        "import os, sys, encodings.utf_8_sig; from core.__main__ import main; os.setgid(65534); os.setuid(65534); "
        "sys.exit(main(sys.argv[1:]))"
    )

    def as_nobody(root: Path, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, "--data-dir", str(root), *words], cwd=PROJECT, env=acting.environment(),
            capture_output=True, text=True, check=False, timeout=acting.PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stderr

    with (
        tempfile.TemporaryDirectory() as folder,  # pytest's own folders are closed to others
        table.case("data folder of another user (setuid)", "browsing works, building is refused in one line") as row,
    ):
        Path(folder).chmod(0o755)
        root = Path(shutil.copytree(built, Path(folder) / "data"))
        mine = Source(**{name: Path(shutil.copy(path, folder)) for name, path in vars(source).items()})
        root.chmod(0o755)
        assert as_nobody(root, "rankings", "mine", "--limit", "1")[0] == 0
        status, err = as_nobody(root, *acting.build_words(mine, "second"))
        assert status == 1
        assert "may not be written by this user" in acting.one_line(err), err
        row.saw("rankings shown; `build` exit 1, “… may not be written by this user”")
        root.chmod(0o700)
        status, err = as_nobody(root, "rankings", "mine")
        assert status == 1
        assert "by this user" in acting.one_line(err), err
        row.saw("of one that is closed to them, too, a line says so")
    table.check()
