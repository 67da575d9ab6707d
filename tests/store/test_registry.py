"""Promote, roll back and delete in a data folder: what is in use, and what is never lost or half there."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from core.errors import InputError, NotFoundError, StoreError
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.store.test_promotions import at_once


def copies(root: Path, names: str = "bcd") -> list[str]:
    """The demo's classifier (a) and copies of it, as if each had been trained a day later; ids, oldest first."""
    first = next(path for path in (root / "runs").iterdir() if "-classifier-" in path.name)
    ids = [first.name]
    for day, name in enumerate(names, start=1):
        ids.append(f"9999010{day}-000000-classifier-{name * 4}")
        shutil.copytree(first, root / "runs" / ids[-1])
        result = json.loads((first / "result.json").read_text())
        finished = f"9999-01-0{day}T00:00:00.000+00:00"
        (root / "runs" / ids[-1] / "result.json").write_text(json.dumps({**result, "finished": finished}))
    return ids


@pytest.fixture
def mine(demo_root, tmp_path):
    for part in ("datasets", "runs"):
        shutil.copytree(demo_root / part, tmp_path / part)
    return Workspace(tmp_path)


@pytest.fixture
def ids(mine):
    return copies(mine.root)


def in_use(workspace: Workspace) -> str:
    return workspace.active(workspace.dataset("demo"), "classifier").id


def back(workspace: Workspace) -> str:
    return workspace.roll_back(workspace.dataset("demo"), "classifier")[0].id


def promote(workspace: Workspace, run_id: str) -> Run | None:
    return workspace.activate(workspace.runs.get(run_id))


def test_the_first_that_finished_is_in_use_not_the_first_that_began(mine, ids):
    path = mine.runs_dir / ids[0] / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "finished": "9999-06-01T00:00:00.000+00:00"}))
    assert in_use(mine) == ids[1]


def test_back_step_by_step_to_where_nobody_had_chosen(mine, ids):
    a, b, c, _ = ids
    assert promote(mine, b).id == a
    assert promote(mine, c).id == b
    assert [back(mine), back(mine)] == [b, a]
    assert in_use(mine) == a
    with pytest.raises(NotFoundError, match="No other classifier of 'demo' was in use before"):
        back(mine)
    assert in_use(mine) == a


def test_promoting_what_is_in_use_changes_nothing_but_pins_it(mine, ids):
    a, b, *_ = ids
    assert promote(mine, a).id == a
    history = mine.promotions.history("demo", "classifier")
    assert [entry.run for entry in history] == [a]
    promote(mine, a)
    assert mine.promotions.history("demo", "classifier") == history
    promote(mine, b)
    assert back(mine) == a


def test_deleted_runs_are_passed_over_on_the_way_back(mine, ids):
    a, b, c, d = ids
    for run_id in (b, c, d):
        promote(mine, run_id)
    mine.delete(mine.runs.get(c))
    assert back(mine) == b
    promote(mine, d)
    mine.delete(mine.runs.get(b))
    mine.delete(mine.runs.get(a))
    with pytest.raises(NotFoundError, match="promote one by its id"):
        back(mine)
    assert in_use(mine) == d


def test_the_run_in_use_is_not_deleted(mine, ids):
    a, b, *_ = ids
    with pytest.raises(InputError, match="in use"):
        mine.delete(mine.runs.get(a))  # nobody chose it, but it is the one in use
    promote(mine, b)
    with pytest.raises(InputError, match="in use"):
        mine.delete(mine.runs.get(b))
    mine.delete(mine.runs.get(a))
    assert in_use(mine) == b


def test_running_and_builds_are_not_deleted(mine, ids):
    run = mine.runs.create("classifier", "demo", {}, mine.dataset("demo").fingerprint)
    with pytest.raises(InputError, match="still at work"):
        mine.delete(run)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        run.claim(sleeper.pid)
        (run.path / "cancelled").touch()  # asked to stop, but not stopped yet
        with pytest.raises(InputError, match="still at work"):
            mine.delete(run)
    finally:
        sleeper.kill()
        sleeper.wait()
    mine.delete(run)
    assert not run.path.exists()
    with pytest.raises(InputError, match="only trainings"):
        mine.delete(mine.runs.create("build", "demo", {}))
    with pytest.raises(InputError, match="only a trained model"):
        mine.activate(mine.runs.create("build", "demo", {}))


def test_a_deleted_run_leaves_nothing(mine, ids):
    for run in mine.runs.all("demo"):
        mine.results.import_run(run)
    run = mine.runs.get(ids[1])
    mine.delete(run)
    with mine.results.cursor() as cursor:
        left = {row[0] for row in cursor.execute("SELECT id FROM runs").fetchall()}
    assert left == {found.id for found in mine.runs.all("demo")}
    assert ids[1] not in left
    assert list((mine.runs_dir / ".deleted").iterdir()) == []
    with pytest.raises(NotFoundError):
        mine.runs.get(ids[1])
    with pytest.raises(NotFoundError):
        mine.delete(run)
    with pytest.raises(NotFoundError):
        mine.activate(run)
    assert run.status == "failed"  # whoever still holds it does not fall over
    assert run.steps() == []


def test_half_a_deletion_is_never_seen_and_is_finished_by_the_next(mine, ids, monkeypatch):
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed between the two steps
    mine.delete(mine.runs.get(ids[1]))
    assert ids[1] not in {run.id for run in mine.runs.all()}
    assert len(list((mine.runs_dir / ".deleted").iterdir())) == 1
    monkeypatch.undo()
    mine.delete(mine.runs.get(ids[2]))
    assert list((mine.runs_dir / ".deleted").iterdir()) == []


def test_without_its_dataset_a_run_can_be_deleted_but_not_promoted(mine, ids):
    run = mine.runs.get(ids[0])
    shutil.rmtree(mine.datasets_dir / "demo")
    with pytest.raises(NotFoundError, match="no dataset 'demo'"):
        mine.activate(run)
    mine.delete(run)


def test_runs_of_other_content_are_neither_promoted_nor_gone_back_to(mine, ids):
    a, b, c, _ = ids
    promote(mine, b)
    promote(mine, c)
    recipe = mine.runs_dir / b / "recipe.json"
    recipe.write_text(json.dumps({**json.loads(recipe.read_text()), "fingerprint": "other"}))
    with pytest.raises(NotFoundError, match="another content"):
        promote(mine, b)
    assert back(mine) == a


PROMOTER = """
import pathlib, sys
from core.store.workspace import Workspace
workspace = Workspace(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    for run_id in sys.argv[2:]:
        workspace.activate(workspace.runs.get(run_id))
"""


def test_promotions_of_two_processes_are_all_remembered(mine, ids):
    command = [sys.executable, "-c", PROMOTER, str(mine.root)]
    at_once([[*command, *pair] for pair in (ids[:2], ids[2:])])
    found = [entry.run for entry in mine.promotions.history("demo", "classifier") if entry.action == "promoted"]
    assert all(one != other for one, other in itertools.pairwise(found))
    for pair in (ids[:2], ids[2:]):  # each process promotes its two in turn: none of its changes is missing
        assert [run for run in found if run in pair] == list(pair) * 10
    assert in_use(mine) == found[-1]


def test_promotion_and_deletion_at_once_never_leave_a_deleted_run_in_use(mine, ids):
    a, b, *_ = ids
    outcomes: dict[str, str] = {}
    gate = threading.Barrier(2)

    def attempt(name, action):
        workspace = Workspace(mine.root)
        run = workspace.runs.get(b)
        gate.wait()
        try:
            action(workspace, run)
            outcomes[name] = "done"
        except InputError:
            outcomes[name] = "refused"

    threads = [
        threading.Thread(target=attempt, args=("promote", Workspace.activate)),
        threading.Thread(target=attempt, args=("delete", Workspace.delete)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) == ["done", "refused"]
    assert in_use(mine) == (b if outcomes["promote"] == "done" else a)


@contextlib.contextmanager
def unprivileged():
    """As a user who may not write everywhere: root may."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError:
        pytest.skip("this process may not become another user")
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder_says_so_in_one_line_and_stays_as_it_was(demo_root):
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path: others may not look into that
        root = Path(folder)
        for part in ("datasets", "runs"):
            shutil.copytree(demo_root / part, root / part)
        ids = copies(root, "bc")
        workspace = Workspace(root)
        for each in (root, *root.rglob("*")):
            each.chmod(0o555 if each.is_dir() else 0o444)
        with unprivileged():
            assert not os.access(root, os.W_OK, effective_ids=True)
            with pytest.raises(StoreError, match=r"cannot be changed .*active.*make the folder writable") as refused:
                promote(workspace, ids[1])
            with pytest.raises(StoreError, match="make the folder writable"):
                workspace.delete(workspace.runs.get(ids[1]))
            assert in_use(workspace) == ids[0]
            assert (root / "runs" / ids[1] / "result.json").is_file()
        assert "\n" not in str(refused.value)
        root.chmod(0o755)
        (root / "active").mkdir(mode=0o777)
        (root / "active").chmod(0o777)
        with unprivileged():
            with pytest.raises(StoreError, match=r"cannot be deleted from .*runs"):
                workspace.delete(workspace.runs.get(ids[1]))
            promote(workspace, ids[1])
        (root / "active").chmod(0o555)
        with unprivileged(), pytest.raises(StoreError, match="make the folder writable"):
            promote(workspace, ids[2])
        assert in_use(workspace) == ids[1]
        for each in (root, *root.rglob("*")):
            each.chmod(0o755)
