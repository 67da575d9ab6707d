"""kill -9 while a dataset is built or added to: what was there stays, and the next attempt ends as if nothing was."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import workflows
from core.settings import PROJECT
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.small import Source
from tests.faults.table import Row, Table

INDEXED = {"core.workflows.making:INDEX_FROM": 40}  # so that a small dataset passes through the stage "indexing", too


def test_a_killed_build_goes_on_to_the_same_dataset(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    with table.case(
        "kill -9 of `build` while it measures genes", "no dataset is listed; the same command ends with the same bytes"
    ) as row:
        child = acting.start(tmp_path, *acting.build_words(source), hold="measuring genes")
        acting.kill_command_at(child, "measuring genes")
        acting.check_whole(acting.look_here(tmp_path), [])
        row.saw("no dataset listed")
        status, _, err = acting.run(tmp_path, *acting.build_words(source))
        assert status == 0, err
        check_same(tmp_path, built, row)
    table.check()


def test_a_build_killed_between_the_two_renames_of_a_replacement(
    table: Table, source: Source, built: Path, tmp_path: Path
) -> None:
    with table.case(
        "kill -9 of `add` when the old dataset is aside and the new one not in place", "the old one is listed again"
    ) as row:
        shutil.copytree(built, tmp_path, dirs_exist_ok=True)
        child = acting.start(tmp_path, *acting.add_words(source), kill_after=["pathlib:Path.rename", 1])
        assert child.wait(acting.PATIENCE) == -9
        assert not (tmp_path / "datasets" / "mine").exists()
        acting.check_whole(acting.look_here(tmp_path), ["mine"])
        check_same(tmp_path, built, row, "old dataset back")
        outcome = workflows.add(Workspace(tmp_path), add_request(source))
        assert not outcome.cached
        assert Workspace(tmp_path).dataset("mine").manifest["n_biosamples"] == 120
        row.saw("the next attempt added the biosamples")
    table.check()


def check_same(root: Path, whole: Path, row: Row, words: str = "next attempt: every file the same") -> None:
    assert acting.content(root / "datasets" / "mine") == acting.content(whole / "datasets" / "mine")
    assert acting.hidden(root / "datasets") == []
    row.saw(words)


def add_request(source: Source) -> workflows.AddRequest:
    return workflows.AddRequest("mine", source.more, source.more_labels)


def job(root: Path, kind: str, source: Source) -> Run:
    parameters = acting.build_parameters(source)
    if kind == "add":
        parameters = {"counts": str(source.more), "labels": str(source.more_labels)}
    return Workspace(root).runs.create(kind, "mine", parameters)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["build", "add"])
def test_every_stage(table: Table, source: Source, built: Path, tmp_path: Path, kind: str) -> None:
    start = built if kind == "add" else None
    whole = _folder(tmp_path / "whole", start)
    first = job(whole, kind, source)
    assert acting.worker(first, whole, set=INDEXED).wait(acting.PATIENCE) == 0, first.error
    stages = list(dict.fromkeys(step.stage for step in first.steps()))
    assert len(stages) >= 6
    for number, stage in enumerate(stages):
        root = _folder(tmp_path / str(number), start)
        with table.case(
            f"kill -9 of a worker: {kind}, stage “{stage}”", "failed, says when; nothing half; next attempt the same"
        ) as row:
            run = job(root, kind, source)
            acting.kill_at(run, root, stage, set=INDEXED)
            assert run.status == "failed"
            assert f"while {stage} (killed" in run.error, run.error
            acting.check_whole(acting.look(root), ["mine"] if start else [])
            row.saw(f"“{run.error.split(' (killed')[0]} …”, {'old dataset' if start else 'no dataset'} listed")
            again = job(root, kind, source)
            assert acting.worker(again, root, set=INDEXED).wait(acting.PATIENCE) == 0, again.error
            assert again.status == "done"
            check_same(root, whole, row)
    table.check()


def _folder(root: Path, start: Path | None) -> Path:
    if start:
        shutil.copytree(start, root)
    else:
        root.mkdir()
    return root


@pytest.mark.faults
def test_every_stage_of_the_demo(table: Table, tmp_path: Path) -> None:
    size = {"core.sources.demo:write_demo.__defaults__": [1, 200, 1000, None]}
    for stage in ("simulating", "building"):
        root = tmp_path / stage
        with table.case(f"kill -9 of a worker: demo, stage “{stage}”", "failed; nothing half; then there") as row:
            workspace = Workspace(root)
            run = workspace.runs.create("demo", "demo", {})
            acting.kill_at(run, root, stage, set=size)
            assert run.status == "failed"
            assert f"while {stage}" in run.error
            acting.check_whole(acting.look(root, "demo"), [])
            row.saw(f"“{run.error.split(' (killed')[0]} …”, no dataset listed")
            workflows.create_demo(workspace, n_biosamples=200, n_genes=1000)
            acting.check_whole(acting.look(root, "demo"), ["demo"])
            row.saw("the next attempt made it")
    table.check()


@pytest.mark.faults
def test_at_random_moments(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    with table.case(
        "kill -9 of `build` 10 times at random moments, one by one", "no dataset is listed; then the same bytes"
    ) as row:
        stages = []
        for _ in range(10):
            child = acting.start(tmp_path, *acting.build_words(source))
            time.sleep(chance.uniform(0.8, 3.0))
            child.kill()
            _, err = child.communicate()
            stages.append(err.split()[-1] if err.split() else "start")
            if child.returncode == 0:
                shutil.rmtree(tmp_path / "datasets")
        acting.check_whole(acting.look_here(tmp_path), [] if child.returncode else ["mine"])
        row.saw(f"killed {len(stages)} times")
        acting.build_here(tmp_path, source)
        check_same(tmp_path, built, row)
    table.check()


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["build", "replace", "add"])
def test_before_every_change_of_a_file(table: Table, source: Source, tmp_path: Path, kind: str) -> None:
    """Each rename, removal, new folder or file of an attempt is the one that it does not come to."""
    with table.case(
        f"kill -9 before every single change of a file: {kind}", "the old one, the new one or none; then the same"
    ) as row:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.crashing", kind, str(tmp_path), *map(str, vars(source).values())],
            cwd=PROJECT, env=acting.environment(), capture_output=True, text=True, check=False, timeout=1800,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        row.saw(done.stdout.strip().splitlines()[-1])
    table.check()
