"""Real child processes: started, followed, queued, cancelled, killed."""

import shutil
import time

import pytest

from core import jobs
from core.errors import NotFoundError
from core.store.workspace import Workspace

LONG = {"label": "brain", "steps": 200_000}


@pytest.fixture
def mine(demo_root, tmp_path, monkeypatch):
    shutil.copytree(demo_root / "datasets", tmp_path / "datasets")
    monkeypatch.setenv("ARCHSCOPE_JOBS", "1")
    workspace = Workspace(tmp_path)
    yield workspace
    for run in jobs.active_runs(workspace):
        jobs.cancel(run)


def wait_for(what, seconds=90.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_job_trains_and_leaves_its_result(mine):
    run = jobs.start(mine, "classifier", "demo", {"trees": 5, "genes": 50})
    wait_for(lambda: run.status == "done" or run.error)
    assert run.error == ""
    assert run.result["metrics"]
    stages = [step.stage for step in run.steps()]
    assert len(set(stages)) >= 2
    assert mine.active(mine.dataset("demo"), "classifier").id == run.id


def test_cancelled_killed_and_queued(mine):
    first = jobs.start(mine, "generator", "demo", LONG)
    wait_for(lambda: first.status == "running")
    second = jobs.start(mine, "generator", "demo", LONG)
    wait_for(lambda: second.steps())
    assert second.status == "queued"
    assert {run.id for run in jobs.active_runs(mine)} == {first.id, second.id}
    jobs.cancel(first)
    assert first.status == "cancelled"
    assert first.process() is None
    wait_for(lambda: second.status == "running")
    second.process().kill()
    wait_for(lambda: second.status == "failed")
    assert second.result is None
    assert mine.active(mine.dataset("demo"), "generator") is None
    jobs.cancel(second)
    assert second.status == "failed"


def test_a_job_on_bad_input_fails_with_the_reason(mine):
    run = jobs.start(mine, "generator", "demo", {"label": "no such tissue"})
    wait_for(lambda: run.status == "failed")
    assert "no label 'no such tissue'" in run.error
    with pytest.raises(NotFoundError):
        jobs.start(mine, "classifier", "nowhere", {})


def test_the_first_start_makes_the_demo_once(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        jobs, "start", lambda workspace, *task: started.append(task) or workspace.runs.create(*task[:3])
    )
    workspace = Workspace(tmp_path)
    first = jobs.bootstrap_demo(workspace)
    assert started == [("demo", "demo", {})]
    assert jobs.bootstrap_demo(workspace).id == first.id
    first.write_result("failed", error="disk full")
    assert jobs.bootstrap_demo(workspace).id == first.id
    assert len(started) == 1
    jobs.bootstrap_demo(workspace, again=True)
    assert len(started) == 2


def test_nothing_to_make_where_there_is_a_dataset(mine):
    assert jobs.bootstrap_demo(mine) is None
