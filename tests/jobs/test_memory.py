"""What a job is expected to take, against real runs; what is refused; and which job goes when memory runs out."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from core import jobs, settings
from core.errors import RecipeError
from core.jobs import memory
from core.jobs.queue import Ticket
from core.jobs.watching import SLACK, to_end
from core.store.workspace import Workspace

GB, MB = 10**9, 10**6


def peak(run, workspace):
    """The most anonymous memory that a worker was seen to take, bytes."""
    command = [sys.executable, "-m", "core.jobs.worker", str(run.path), str(workspace.root)]
    with (run.path / "log.txt").open("w") as log:
        child = subprocess.Popen(command, cwd=settings.PROJECT, stdout=log, stderr=log)
    most = 0
    while child.poll() is None:
        most = max(most, memory.taken(child.pid))
        time.sleep(0.02)
    assert run.error == ""
    return most


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("classifier", {"trees": 5, "genes": 50, "min_leaf": 1, "balanced": True}),
        ("generator", {"label": "brain", "model": "pca-gaussian"}),
    ],
)
def test_an_estimate_is_no_less_than_a_real_run_takes_and_not_far_more(own, kind, parameters):
    run = own.runs.create(kind, "demo", parameters, own.dataset("demo").fingerprint)
    expected = memory.expected(own, kind, "demo", parameters)
    assert 0.5 * expected < peak(run, own) <= expected


@pytest.fixture
def own(demo_root, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "demo").symlink_to(demo_root / "datasets" / "demo")
    return Workspace(tmp_path)


def test_estimates_grow_with_what_a_job_holds(workspace):
    manifest = workspace.dataset("demo").manifest
    cells = manifest["n_labelled"] * manifest["n_genes_all"]
    forest = {genes: memory.expected(workspace, "classifier", "demo", {"genes": genes}) for genes in (100, 900)}
    assert forest[900] - forest[100] == 8 * 800 * manifest["n_labelled"]
    assert memory.expected(workspace, "generator", "demo", {}) == memory.WORKER + 25 * cells
    assert memory.expected(workspace, "augmentation", "demo", {}) == memory.expected(workspace, "generator", "demo", {})


def test_a_build_takes_no_more_than_it_is_allowed(workspace, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_THREADS", "64")
    asked = {text: memory.expected(workspace, "build", "new", {"memory": text}) for text in ("4GB", "800MB")}
    assert asked == {"4GB": memory.LIGHT + 4 * GB, "800MB": memory.LIGHT + 800 * MB}
    monkeypatch.setenv("ARCHSCOPE_THREADS", "1")
    assert memory.expected(workspace, "build", "new", {}) == memory.LIGHT + 2 * memory.BLOCK


def test_a_job_that_alone_is_too_big_is_refused_before_there_is_a_run(own, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_JOB_MEMORY", "300MB")
    with pytest.raises(
        RecipeError, match=r"needs about 0\.\d+ GB.*jobs may take 0\.3 GB together.*ARCHSCOPE_JOB_MEMORY"
    ):
        jobs.start(own, "classifier", "demo", {})
    assert own.runs.all() == []


@pytest.mark.parametrize(("text", "size"), [("4GB", 4 * GB), ("1.5 g", 1.5 * GB), ("800MB", 800 * MB)])
def test_the_limit_is_an_amount(monkeypatch, text, size):
    monkeypatch.setenv("ARCHSCOPE_JOB_MEMORY", text)
    assert settings.job_memory() == size


def test_a_limit_that_is_no_amount_is_said(monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_JOB_MEMORY", "plenty")
    with pytest.raises(RecipeError, match="'plenty' is no amount"):
        settings.job_memory()


def test_without_a_setting_it_is_a_share_of_the_machine_or_of_its_container(monkeypatch, tmp_path):
    monkeypatch.delenv("ARCHSCOPE_JOB_MEMORY", raising=False)
    (tmp_path / "max").write_text("max\n")
    monkeypatch.setattr(settings, "CGROUP_LIMITS", (tmp_path / "max", tmp_path / "absent"))
    assert settings.job_memory() == int(settings.JOB_SHARE * psutil.virtual_memory().total)
    (tmp_path / "max").write_text("1000000000\n")
    assert settings.job_memory() == int(settings.JOB_SHARE * GB)


def test_the_job_furthest_over_its_estimate_goes_when_all_are_too_much():
    tickets = [Ticket(f"r{n}", "training", (n, ""), memory=size, running=True) for n, size in ((1, 3 * GB), (2, GB))]
    allowed = SLACK * 4 * GB
    assert to_end(tickets, {"r1": 3 * GB, "r2": int(allowed) - 3 * GB}, 4 * GB) == ""
    assert to_end(tickets, {"r1": 3 * GB, "r2": int(allowed) - 3 * GB + 1}, 4 * GB) == "r2"
    assert to_end(tickets, {"r1": 9 * GB, "r2": 2 * GB}, 4 * GB) == "r1"
    assert to_end([], {}, 4 * GB) == ""


def test_a_worker_that_takes_far_too_much_ends_with_words(own, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_JOB_MEMORY", "100MB")
    run = own.runs.create("generator", "demo", {"label": "brain", "steps": 200_000}, own.dataset("demo").fingerprint)
    with (run.path / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "core.jobs.worker", str(run.path), str(own.root)]
        assert subprocess.run(command, cwd=settings.PROJECT, stdout=log, stderr=log, timeout=300).returncode == 1
    assert run.status == "failed"
    assert "jobs may take 0.1 GB together" in run.error
    assert json.loads((run.path / "result.json").read_text())["status"] == "failed"
    assert list((own.root / "slots" / "jobs").glob("*.json")) in ([], [own.root / "slots" / "jobs" / f"{run.id}.json"])


def test_memory_of_a_process_is_counted_with_its_children():
    assert memory.taken(os.getpid()) > 10 * MB
    assert memory.taken(2**22 + 1) == 0
