"""What is uploaded for a build is there while its job needs it, and gone after."""

import os
import shutil
import time
from pathlib import Path

import pytest

from core import jobs
from core.store import job_uploads
from core.store.runs import Run
from core.store.workspace import Workspace


def upload(workspace: Workspace, name: str, *files: Path) -> tuple[Path, list[str]]:
    """Puts files where a form would."""
    with job_uploads.folder_for(workspace.root, name) as folder:
        paths = []
        for number, file in enumerate(files):
            (folder / f"w{number}").mkdir(parents=True)
            paths.append(str(shutil.copy(file, folder / f"w{number}" / file.name)))
    return folder, paths


def asked(workspace: Workspace, name: str, path: str, status: str = "") -> Run:
    run = workspace.runs.create("build", name, {"counts": path, "labels": None})
    if status:
        run.write_result(status, metrics={})
    else:
        run.claim(os.getpid())
    return run


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "counts.h5"
    path.write_bytes(b"x" * 1000)
    return path


@pytest.mark.parametrize("status", ["done", "failed", "cancelled"])
def test_an_ended_job_leaves_no_upload(here: Workspace, file: Path, status: str) -> None:
    folder, (path,) = upload(here, "mine", file)
    run = asked(here, "mine", path, status)
    assert job_uploads.size_of(run) == 1000
    job_uploads.release(run)
    assert not (here.root / "uploads/mine").exists()
    assert file.exists()
    assert folder != upload(here, "mine", file)[0]


def test_what_another_job_needs_stays_until_that_one_ends(here: Workspace, file: Path) -> None:
    _, (path,) = upload(here, "mine", file)
    first, second = asked(here, "mine", path, "done"), asked(here, "other", path)
    job_uploads.release(first)
    assert Path(path).exists()
    second.write_result("failed", error="no")
    job_uploads.release(second)
    assert not Path(path).exists()


def test_files_that_nobody_uploaded_are_never_removed(here: Workspace, file: Path) -> None:
    old = here.root / "uploads/mine/counts/counts.h5"  # of an earlier version
    old.parent.mkdir(parents=True)
    shutil.copy(file, old)
    outside = here.root.parent / "job-12345678" / "a.h5"
    outside.parent.mkdir()
    shutil.copy(file, outside)
    for path in (file, old, outside, here.root / "uploads" / ".." / ".." / "job-12345678" / "a.h5"):
        job_uploads.release(asked(here, "mine", str(path), "done"))
        assert path.exists()


def test_a_form_that_fails_leaves_nothing(here: Workspace, file: Path) -> None:
    with pytest.raises(ValueError, match="bad"), job_uploads.folder_for(here.root, "mine") as folder:
        folder.mkdir(parents=True)
        shutil.copy(file, folder)
        raise ValueError("bad")
    assert not (here.root / "uploads/mine").exists()


def test_the_next_start_sweeps_what_a_stopped_machine_left(
    here: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, needed, fresh = (Path(upload(here, name, file)[1][0]) for name in ("left", "needed", "fresh"))
    asked(here, "left", str(left), "done")
    asked(here, "needed", str(needed))
    job_uploads.sweep(here)
    assert left.exists()  # too young: its job may be about to be asked for
    past = time.time() - 2 * job_uploads.GRACE
    for path in [*left.parents[1].rglob("*"), left.parents[1], *needed.parents[1].rglob("*"), needed.parents[1]]:
        os.utime(path, (past, past))
    job_uploads.sweep(here)
    assert (left.exists(), needed.exists(), fresh.exists()) == (False, True, True)


def test_a_real_build_uses_its_upload_and_then_it_is_gone(demo_root: Path, here: Workspace) -> None:
    demo = demo_root / "demo"
    folder, (counts, labels, lengths) = upload(
        here, "mine", demo / "demo.h5", demo / "demo_labels.tsv", demo / "demo_lengths.tsv"
    )
    run = jobs.start(here, "build", "mine", {"counts": counts, "labels": labels, "lengths": lengths})
    end = time.monotonic() + 240
    while (run.status in jobs.LIVE or folder.exists()) and time.monotonic() < end:
        time.sleep(0.2)
    assert (run.status, folder.exists()) == ("done", False), run.error
    assert here.dataset("mine").fingerprint == Workspace(demo_root).dataset("demo").fingerprint
    assert here.dataset("mine").counts([0]).sum() > 0  # it needs the file no more


def test_a_cancelled_build_leaves_no_upload(demo_root: Path, here: Workspace) -> None:
    folder, (counts,) = upload(here, "mine", demo_root / "demo/demo.h5")
    run = jobs.start(here, "build", "mine", {"counts": counts, "length_measure": "none"})
    jobs.cancel(run)
    end = time.monotonic() + 60
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert (run.status, folder.exists()) == ("cancelled", False)
