import json
import subprocess
import sys

import pytest

from core.errors import NotFoundError
from core.store import runs
from core.store.runs import Run, RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def line(run, stage, fraction):
    step = {"time": 1.0, "stage": stage, "fraction": fraction, "values": {}}
    with (run.path / "progress.jsonl").open("a") as file:
        file.write(json.dumps(step) + "\n")


def test_the_life_of_a_run(store, sleeper):
    run = store.create("classifier", "demo", {"trees": 3}, "abc")
    assert run.status == "queued"
    run.claim(sleeper.pid)
    line(run, "queued", 0.0)
    assert run.status == "queued"
    line(run, "forest", 0.5)
    assert run.status == "running"
    run.write_result("done", metrics={"f1": 0.5})
    assert run.status == "done"
    assert run.result["metrics"] == {"f1": 0.5}
    assert run.error == ""
    assert (run.kind, run.dataset, run.recipe["fingerprint"]) == ("classifier", "demo", "abc")


def test_a_killed_process_leaves_a_failed_run(store, sleeper):
    run = store.create("generator", "demo", {})
    run.claim(sleeper.pid)
    line(run, "training", 0.2)
    sleeper.kill()
    sleeper.wait()
    assert run.status == "failed"
    assert "killed" in run.error


def test_a_reused_pid_is_somebody_else(store, sleeper):
    run = store.create("generator", "demo", {})
    (run.path / "process.json").write_text(json.dumps({"pid": sleeper.pid, "started": 12.0}))
    assert run.status == "failed"


def test_a_run_that_nobody_started_fails_in_the_end(store, monkeypatch):
    run = store.create("generator", "demo", {})
    monkeypatch.setattr(runs, "STARTING", -1.0)
    assert run.status == "failed"


def test_a_cancelled_run(store, sleeper):
    run = store.create("generator", "demo", {})
    run.claim(sleeper.pid)
    (run.path / "cancelled").touch()
    assert run.status == "cancelled"
    assert run.error == ""


def test_a_reported_failure_says_why(store):
    run = store.create("build", "x", {})
    run.write_result("failed", error="no space")
    assert (run.status, run.error) == ("failed", "no space")


def test_half_a_line_of_progress_waits(store):
    run = store.create("build", "x", {})
    line(run, "reading", 0.1)
    with (run.path / "progress.jsonl").open("a") as file:
        file.write('{"time": 2.0, "sta')
    assert [step.fraction for step in run.steps()] == [0.1]


def test_newest_first_and_filtered(store):
    first, second = store.create("build", "a", {}), store.create("classifier", "b", {})
    assert {run.id for run in store.all()} == {first.id, second.id}
    assert [run.id for run in store.all("b")] == [second.id]
    assert [run.id for run in store.all(kind="build")] == [first.id]


@pytest.mark.parametrize("wrong", ["nope", "../outside", ""])
def test_unknown_runs(store, tmp_path, wrong):
    store.create("build", "a", {})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "recipe.json").write_text("{}")
    with pytest.raises(NotFoundError, match="There is no run"):
        store.get(wrong)


def test_a_run_reads_what_another_wrote(store):
    run = store.create("build", "a", {"x": 1})
    assert Run(run.path).recipe["parameters"] == {"x": 1}
