"""A GAN's training that is killed with SIGKILL goes on to the very weights of one that nobody stopped."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs, workflows
from core.__main__ import main
from core.errors import NotFoundError, RecipeError
from core.settings import PROJECT
from core.store.files import read_json
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent

STEPS = 80
PATIENCE = 300.0  # seconds that a process may take to get anywhere


@pytest.fixture(scope="module")
def root(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "data"
    shutil.copytree(demo_root, folder)
    return folder


@pytest.fixture(scope="module")
def whole(root: Path) -> Run:
    """The training that nobody stops."""
    workspace = Workspace(root)
    run = workspace.runs.create(
        "generator", "demo", {"label": "brain", "steps": STEPS, "seed": 3}, workspace.dataset("demo").fingerprint
    )
    workflows.perform(workspace, run, silent)
    return run


def command(root: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "core", "--data-dir", str(root), "train", "gan", "demo", *arguments], cwd=PROJECT,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def until_a_third(run: Run) -> None:
    """Waits until a checkpoint holds a third of the steps."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if workflows.steps_done(run)[0] >= STEPS // 3:
            return
        time.sleep(0.02)
    raise AssertionError(f"Run {run.id} came no further than {workflows.steps_done(run)}: {run.status} {run.error}")


def until_it_ended(run: Run) -> None:
    end = time.monotonic() + PATIENCE
    while run.status in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.05)


def killed(run: Run) -> None:
    """As the system's out-of-memory killer does it: no handler runs, nothing is tidied up."""
    process = run.process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until_it_ended(run)


def started(root: Path, before: set[str]) -> Run:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        new = [run for run in Workspace(root).runs.all("demo", "generator") if run.id not in before]
        if new:
            return new[0]
        time.sleep(0.05)
    raise AssertionError("The command made no run.")


def weights(run: Run) -> bytes:
    return (run.path / "model" / "generator.safetensors").read_bytes()


def check_killed(run: Run) -> None:
    assert (run.status, workflows.resumable(run)) == ("failed", True)
    assert "killed" in run.error
    assert not (run.path / "model").exists()
    done, of = workflows.steps_done(run)
    assert STEPS // 3 <= done < of == STEPS


def check_the_same(run: Run, whole: Run) -> None:
    assert run.status == "done"
    assert weights(run) == weights(whole)
    one, other = (read_json(each.path / "model" / "generator.json") for each in (run, whole))
    assert one["history"] == other["history"]
    assert not (run.path / "checkpoint").exists()


def test_a_killed_command_is_resumed_by_a_command_to_the_same_weights(root: Path, whole: Run) -> None:
    before = {run.id for run in Workspace(root).runs.all("demo", "generator")}
    child = command(root, "--label", "brain", "--steps", str(STEPS), "--seed", "3")
    run = started(root, before)
    until_a_third(run)
    child.send_signal(signal.SIGKILL)
    assert child.wait(PATIENCE) == -signal.SIGKILL
    check_killed(run)
    assert command(root, "--resume", run.id).wait(PATIENCE) == 0
    check_the_same(run, whole)
    assert len(Workspace(root).runs.all("demo", "generator")) == len(before) + 1


def test_a_killed_worker_is_resumed_by_a_worker_to_the_same_weights(root: Path, whole: Run) -> None:
    workspace = Workspace(root)
    run = jobs.start(workspace, "generator", "demo", {"label": "brain", "steps": STEPS, "seed": 3})
    until_a_third(run)
    killed(run)
    check_killed(run)
    jobs.launch(workspace, workflows.reopen_training(workspace, run.id))
    until_it_ended(run)
    check_the_same(run, whole)


def test_a_cancelled_training_can_go_on_too(root: Path) -> None:
    workspace = Workspace(root)
    run = jobs.start(workspace, "generator", "demo", {"label": "brain", "steps": STEPS, "seed": 3})
    until_a_third(run)
    jobs.cancel(run)
    done = workflows.steps_done(run)
    assert (run.status, workflows.resumable(run)) == ("cancelled", True)
    again = workflows.reopen_training(workspace, run.id)
    assert workflows.steps_done(again) == done
    assert not (run.path / "cancelled").exists()


def test_only_a_stopped_training_of_the_same_dataset_can_go_on(
    root: Path, whole: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(root)
    with pytest.raises(RecipeError, match="is done"):
        workflows.reopen_training(workspace, whole.id)
    with pytest.raises(NotFoundError, match="no training of a generator of 'other'"):
        workflows.reopen_training(workspace, whole.id, "other")
    classifier = workspace.runs.all("demo", "classifier")[0]
    with pytest.raises(NotFoundError, match="no training of a generator"):
        workflows.reopen_training(workspace, classifier.id)
    run = workspace.runs.create("generator", "demo", {"label": "brain", "steps": STEPS}, "another content")
    run.write_result("failed", error="stopped")
    with pytest.raises(RecipeError, match="built anew"):
        workflows.reopen_training(workspace, run.id)
    assert not workflows.resumable(run)  # it left no checkpoint
    assert main(["--data-dir", str(root), "train", "gan", "demo", "--resume", run.id, "--steps", "5"]) == 2
    assert "leave --steps away" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["--data-dir", str(root), "train", "gan", "demo", "--resume", run.id, "--label", "brain"])
    assert stopped.value.code == 2
