"""A worker that has to wait says why, once for each reason, and goes when it is cancelled."""

import time

import pytest

from core import jobs
from core.jobs.queue import Limits, Ticket, place, running
from core.store.workspace import Workspace
from pages.ui.feedback import describe

GB = 10**9


@pytest.fixture
def own(demo_root, tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_JOBS", "1")
    monkeypatch.setenv("ARCHSCOPE_JOB_MEMORY", "4GB")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "demo").symlink_to(demo_root / "datasets" / "demo")
    workspace = Workspace(tmp_path)
    yield workspace
    for run in jobs.active_runs(workspace):
        jobs.cancel(run)


def reason(run):
    """What the tray says of a run once it waits."""
    end = time.monotonic() + 90
    while not run.steps():
        assert run.status == "queued", f"{run.error} {(run.path / 'log.txt').read_text()}"
        assert time.monotonic() < end, "it never waited"
        time.sleep(0.1)
    return describe(jobs.progress_of(run))


@pytest.mark.parametrize(
    ("sort", "size", "words"),
    [
        ("training", GB, "waiting for 1 other job of its kind"),
        ("building", int(3.8 * GB), "waiting for memory: 3.8 of 4 GB in use, it needs 0.4"),
    ],
)
def test_the_tray_says_why_a_job_waits(own, sort, size, words):
    folder = own.root / "slots" / "jobs"

    def refuse(why):
        raise AssertionError(why)

    with place(folder, Ticket("other", sort, (0, "other"), memory=size), Limits(1, 4 * GB), refuse):
        run = jobs.start(own, "generator", "demo", {"label": "brain", "steps": 200_000})
        assert reason(run).startswith(words)
        assert [one.run for one in running(folder)] == ["other"]
        time.sleep(1)
        assert len(run.steps()) == 1
        jobs.cancel(run)
        assert run.status == "cancelled"
    assert running(folder) == []
