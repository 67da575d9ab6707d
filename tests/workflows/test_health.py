"""What readiness checks find, one thing broken at a time, and the numbers that a monitor gets."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from core import logs, workflows
from core.__main__ import main
from core.store.files import read_json, write_json
from core.store.workspace import Workspace


@pytest.fixture
def mine(demo_root, tmp_path):
    """A copy of the small demo that a test may break."""
    shutil.copytree(demo_root, tmp_path / "data")
    return Workspace(tmp_path / "data")


def found(workspace, url=None):
    return {check.name: check for check in workflows.health(workspace, url)}


def test_a_data_folder_in_order_is_ready_and_the_command_ends_with_0(mine, capsys):
    assert {check.status for check in workflows.health(mine)} == {"ok"}
    assert main(["--data-dir", str(mine.root), "health"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "name,status,found"


def test_looking_changes_nothing(mine):
    def state():
        return {path: path.stat().st_mtime_ns for path in mine.root.rglob("*") if path.is_file()}

    before = state()
    workflows.health(mine)
    assert state() == before


def test_a_full_disk_is_not_ready_and_a_nearly_full_one_warns(mine, monkeypatch, capsys):
    free = shutil.disk_usage(mine.root).free
    monkeypatch.setenv("ARCHSCOPE_LEAST_FREE", f"{2 * free / 1e9:.3f}GB")
    assert found(mine)["disk"].status == "fail"
    with pytest.raises(SystemExit) as ended:
        main(["--data-dir", str(mine.root), "health", "--format", "json"])
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["status"] == "fail"
    monkeypatch.setenv("ARCHSCOPE_LEAST_FREE", f"{free / 2e9:.3f}GB")
    assert found(mine)["disk"].status == "warn"


@pytest.mark.parametrize("part", ["counts/000000.tiles", "expression/000000.tiles", "rankings.parquet", "norms.npy"])
def test_a_missing_or_shortened_file_of_a_dataset_is_named(mine, part):
    path = mine.datasets_dir / "demo" / part
    if path.suffix == ".tiles":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        path.unlink()
    check = found(mine)["datasets"]
    assert check.status == "fail"  # the only one
    assert path.name in check.found


def test_one_damaged_dataset_of_two_warns_and_one_of_another_version_says_so(mine):
    shutil.copytree(mine.datasets_dir / "demo", mine.datasets_dir / "old")
    manifest = mine.datasets_dir / "old" / "manifest.json"
    write_json(manifest, read_json(manifest) | {"format": 1})
    check = found(mine)["datasets"]
    assert check.status == "warn"
    assert check.found == "old: another version of ARCHScope wrote it: build it again"


def test_a_run_that_died_and_one_that_is_silent_warn(mine):
    gone = mine.runs.create("classifier", "demo", {})
    child = subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
    gone.claim(child.pid)
    child.wait()
    live = mine.runs.create("classifier", "demo", {})
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        live.claim(worker.pid)
        long_ago = (datetime.now(UTC) - timedelta(hours=9)).timestamp()
        line = {"time": long_ago, "stage": "growing", "fraction": 0.1, "values": {}}
        (live.path / "progress.jsonl").write_text(json.dumps(line) + "\n")
        checks = found(mine)
    finally:
        worker.kill()
        worker.wait()
    assert (checks["runs"].status, checks["jobs"].status) == ("warn", "warn")
    assert gone.id in checks["runs"].found
    assert live.id in checks["jobs"].found


def test_a_clock_that_went_back_warns(mine):
    run = mine.runs.all()[0]
    later = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    write_json(run.path / "recipe.json", read_json(run.path / "recipe.json") | {"created": later})
    check = found(Workspace(mine.root))["clock"]
    assert check.status == "warn"
    assert re.search(r"1[78]\d min from now", check.found)


HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(600)"


def test_the_database_may_be_missing_free_held_by_an_app_or_damaged(mine):
    path = mine.root / "archscope.duckdb"
    for left in (path, path.with_name(f"{path.name}.wal")):  # a page that was tested before may have made it
        left.unlink(missing_ok=True)
    assert found(mine)["database"].found.startswith("not made yet")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        held = found(mine)["database"]
    finally:
        holder.kill()
        holder.wait()
    assert (held.status, held.found) == ("ok", "a running app has it open")
    assert found(mine)["database"].found.startswith("can be opened")
    path.write_bytes(b"not a database " * 1000)
    assert found(mine)["database"].status == "warn"
    assert path.read_bytes().startswith(b"not a database")  # only looked at


def test_an_app_that_does_not_answer_fails(mine):
    assert found(mine, "http://127.0.0.1:9")["app"].status == "fail"
    assert "is no address" in found(mine, "file:///etc/passwd")["app"].found


def test_metrics_are_in_the_format_of_prometheus_with_the_numbers_of_the_folder(mine):
    logs.event("error.shown", error="InputError")
    text = workflows.metrics(mine, workflows.health(mine))
    sample = re.compile(r'[a-z_]+(\{([a-z_]+="[^"\n]*",?)*\})? -?\d+(\.\d+)?(e[+-]?\d+)?')
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith(("# HELP ", "# TYPE ")) and not sample.fullmatch(line)] == []
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['archscope_check{check="datasets"}'] == "0"
    assert values['archscope_dataset_biosamples{dataset="demo"}'] == "320"
    assert values['archscope_runs{kind="classifier",status="done"}'] == "1"
    models = sum(p.stat().st_size for run in mine.runs.all() for p in run.path.rglob("*") if p.is_file())
    assert int(values['archscope_disk_bytes{kind="models"}']) == models
    assert int(values['archscope_events_total{event="error.shown"}']) == logs.counts()["error.shown"]
    assert str(mine.root) not in text
