"""The machine's calendar is set back while jobs run: their status, their progress and their order do not mind."""

import os
import shutil
import time
from pathlib import Path

import pytest

from core import jobs
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.small import Source
from tests.faults.table import Table

DAY = 86_400


def status_of(seen: dict, run_id: str) -> dict:  # type: ignore[type-arg]
    (row,) = [row for row in seen["jobs"]["found"] if row["id"] == run_id]
    return dict(row)


def test_a_clock_that_goes_back_under_a_job(table: Table, built: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(built, root)
    clock, workspace = tmp_path / "clock", Workspace(root)
    print_of = workspace.dataset("mine").fingerprint
    expected = "still running; goes on; killed, it has failed"
    with table.case("clock set back by a day under a running job", expected) as row:
        run = workspace.runs.create("generator", "mine", {"label": "brain", "steps": 10_000}, print_of)
        child = acting.worker(run, root, clock=str(clock))
        acting.wait_for(lambda: sum(step.stage == "training" for step in run.steps()) > 1, child, run.error)
        clock.write_text(str(-DAY))
        here = len(run.steps())
        acting.wait_for(lambda: len(run.steps()) > here + 1, child, "no progress after the clock went back")
        times = [step.time for step in run.steps()]
        assert times == sorted(times)
        row.saw("progress goes on, its times rise")
        seen = status_of(acting.look(root, clock=str(clock)), run.id)
        assert seen["status"] == "running", seen
        assert seen["remaining_s"] is None or seen["remaining_s"] < 50 * DAY
        row.saw("status: running")
        acting.kill(child)
        seen = status_of(acting.look(root, clock=str(clock)), run.id)
        assert seen["status"] == "failed", seen
        row.saw("killed: failed")
    table.check()


def test_runs_of_the_future(table: Table, built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    ahead = tmp_path / "clock"
    ahead.write_text(str(30 * DAY))
    expected = "later runs are listed before it; none hangs"
    with table.case("a run made while the clock was a month ahead", expected) as row:
        code = (
            "import sys; from pathlib import Path; from core.store.workspace import Workspace; "
            "w = Workspace(Path(sys.argv[1])); "
            "r = w.runs.create('classifier', 'mine', {}, w.dataset('mine').fingerprint); "
            "r.write_result('failed', error='of the future'); w.runs.create('build', 'other', {}); print(r.id)"
        )
        future = acting.python(code, str(tmp_path), clock=str(ahead)).strip()
        workspace = Workspace(tmp_path)
        run = workspace.runs.create("classifier", "mine", {}, workspace.dataset("mine").fingerprint)
        run.write_result("failed", error="of today")
        listed = [each.id for each in workspace.runs.all("mine", "classifier")]
        assert listed == [run.id, future]
        row.saw("today's run is listed first")
        assert next(each.id for each in jobs.recent(workspace)) == run.id
        never = workspace.runs.all("other")[0]
        assert never.status == "queued"
        row.saw("one that nobody began is waiting for 30 s of the machine's own clock")
        recipe = never.recipe
        recipe["asked"]["uptime"] -= 31
        assert never.status == "failed"
        assert "never began" in never.error
        row.saw("then it has failed, “The process never began …”")
    table.check()


@pytest.mark.faults
def test_a_build_of_files_from_the_future(table: Table, source: Source, built: Path, tmp_path: Path) -> None:
    for path in vars(source).values():
        shutil.copy(path, tmp_path)
    mine = Source(**{name: tmp_path / path.name for name, path in vars(source).items()})
    for path in vars(mine).values():
        os.utime(path, (time.time() + DAY, time.time() + DAY))
    with table.case("files changed in the future (mtime a day ahead)", "built as usual, found again as built") as row:
        root = tmp_path / "data"
        acting.build_here(root, mine)
        assert acting.content(root / "datasets" / "mine").keys() == acting.content(built / "datasets" / "mine").keys()
        status, out, err = acting.run(root, *acting.build_words(mine))
        assert status == 0 and "nothing to do" in out, err
        row.saw("built; the second time “nothing to do (cache hit)”")
    table.check()
