"""kill -9 in every stage of a training: no model is half there, the run says so, the next attempt is the same."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core import workflows
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.table import Table

KINDS: dict[str, dict[str, Any]] = {
    "classifier": {"trees": 5, "genes": 50},
    "generator": {"label": "brain", "steps": 40, "seed": 3},
    "augmentation": {"label": "brain", "seeds": 2, "sizes": [2], "arms": ["none", "pca-gaussian"], "steps": 20},
}


def job(root: Path, kind: str, **chosen: Any) -> Run:
    workspace = Workspace(root)
    parameters = {**KINDS[kind], **chosen}
    if kind == "augmentation":
        parameters = workflows.study_parameters(workspace, "mine", **parameters)
    return workspace.runs.create(kind, "mine", parameters, workspace.dataset("mine").fingerprint)


def next_attempt(root: Path, run: Run) -> Run:
    """What a user does: a generator or a study goes on, a classifier is trained again."""
    workspace = Workspace(root)
    if run.kind == "generator":
        return workflows.reopen_training(workspace, run.id)
    if run.kind == "augmentation":
        return workflows.reopen_study(workspace, run.id)
    return job(root, run.kind)


def check_killed(root: Path, run: Run, stage: str) -> str:
    assert (run.status, run.result) == ("failed", None)
    assert f"while {stage} (killed" in run.error, run.error
    workspace = Workspace(root)
    seen = acting.look_here(root)
    acting.check_whole(seen, ["mine"])
    (listed,) = [row for row in seen["runs"]["found"] if row["id"] == run.id]
    assert (listed["status"], listed["active"], listed["error"]) == ("failed", False, run.error)
    if run.kind != "augmentation":
        assert workspace.active(workspace.dataset("mine"), run.kind) is None
    return run.error.split(" (killed")[0]


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_every_stage(table: Table, built: Path, tmp_path: Path, kind: str) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(built, whole)
    first = job(whole, kind)
    assert acting.worker(first, whole).wait(acting.PATIENCE) == 0, first.error
    expected = acting.results_of(first)
    assert expected
    for number, stage in enumerate(dict.fromkeys(step.stage for step in first.steps())):
        root = tmp_path / str(number)
        shutil.copytree(built, root)
        with table.case(
            f"kill -9 of a worker: {kind}, stage “{stage}”", "failed, says when; no model in use; next attempt the same"
        ) as row:
            run = job(root, kind)
            acting.kill_at(run, root, stage)
            row.saw(f"“{check_killed(root, run, stage)} …”")
            again = next_attempt(root, run)
            assert acting.worker(again, root).wait(acting.PATIENCE) == 0, again.error
            assert again.status == "done"
            found = acting.results_of(again)
            assert found == expected, {name for name in {*found, *expected} if found.get(name) != expected.get(name)}
            row.saw("the same trained again" if again.id != run.id else "went on to the same")
    table.check()


def test_a_killed_training_says_so_and_is_trained_again(table: Table, built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    stage = "scoring on held-out biosamples"
    with table.case(
        "kill -9 of a classifier's worker", "failed, says when; no model in use; the next training succeeds"
    ) as row:
        run = job(tmp_path, "classifier")
        acting.kill_at(run, tmp_path, stage)
        row.saw(f"“{check_killed(tmp_path, run, stage)} …”")
        again = next_attempt(tmp_path, run)
        workflows.perform(Workspace(tmp_path), again, lambda *_, **__: None)
        workspace = Workspace(tmp_path)
        active = workspace.active(workspace.dataset("mine"), "classifier")
        assert active is not None and active.id == again.id
        row.saw("trained again, in use")
    table.check()
