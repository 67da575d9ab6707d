"""jobs, cancel and report on the command line, and studies among the runs that are listed and deleted."""

import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from core import jobs, workflows
from core.__main__ import main
from core.store.files import read_json, write_json
from core.store.workspace import Workspace
from tests.figures.test_report import read


@pytest.fixture
def root(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def mine(root):
    return Workspace(root)


@pytest.fixture
def run(root, capsys):
    def command(*arguments):
        status = main(["--data-dir", str(root), *map(str, arguments)])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return command


def table(text):
    return pd.read_csv(io.StringIO(text))


def at_work(workspace, kind="classifier"):
    """A run with a process of its own that would go on for an hour."""
    found = workspace.runs.create(kind, "demo", {})
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    found.claim(child.pid)
    jobs.FileProgress(found)("growing trees", 1, 4, trees=1)
    return found, child


def refused(answer):
    """The one line of an answer that says what was wrong."""
    status, out, err = answer
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    return err


def test_jobs_lists_what_runs_before_what_ended_with_stage_percent_and_error(run, mine):
    failed = mine.runs.create("build", "demo", {})
    failed.write_result("failed", error="No such file: x.h5.")
    live, child = at_work(mine)
    try:
        status, out, err = run("jobs")
    finally:
        child.kill()
        child.wait()
    rows = table(out)
    assert (status, err) == (0, "")
    assert rows["id"].iloc[0] == live.id
    assert rows.loc[0, ["status", "stage", "percent"]].tolist() == ["running", "growing trees", 25]
    row = rows.set_index("id").loc[failed.id]
    assert (row["status"], row["error"]) == ("failed", "No such file: x.h5.")
    assert set(rows["status"]) == {"running", "failed", "done"}


def test_jobs_as_json_has_null_for_what_is_not_known(run):
    rows = json.loads(run("jobs", "--format", "json")[1])
    assert {row["kind"] for row in rows} == {"classifier", "generator"}
    assert [row["remaining_s"] for row in rows] == [None, None]
    assert [row["percent"] for row in rows] == [100, 100]


def test_old_jobs_are_listed_only_where_all_are_asked_for(run, mine):
    for found in mine.runs.all():
        result = read_json(found.path / "result.json")
        long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        write_json(found.path / "result.json", result | {"finished": long_ago})
    assert table(run("jobs")[1]).empty
    assert len(table(run("jobs", "--all")[1])) == 2


def test_jobs_of_an_empty_folder_is_a_table_with_its_heads(tmp_path, capsys):
    assert main(["--data-dir", str(tmp_path), "jobs"]) == 0
    assert list(table(capsys.readouterr().out)) == [
        "id", "kind", "dataset", "status", "stage", "percent", "remaining_s", "created", "error",
    ]  # fmt: skip


def test_cancel_stops_the_process_and_a_second_cancel_says_that_it_ended(run, mine):
    live, child = at_work(mine)
    status, out, _ = run("cancel", live.id)
    assert status == 0
    assert out == f"Run {live.id}, a classifier of 'demo', is cancelled.\n"
    child.wait(20)
    assert live.process() is None
    assert mine.runs.get(live.id).status == "cancelled"
    status, out, err = run("cancel", live.id)
    assert (status, out) == (0, "")
    assert err == f"note: run {live.id} is cancelled already: nothing to cancel.\n"


@pytest.mark.parametrize("name", ["nothing", "../demo", ""])
def test_cancel_of_a_run_that_is_not_there_is_refused(run, name):
    assert "There is no run" in refused(run("cancel", name))


def test_a_report_of_each_kind_is_written_where_asked_for(run, mine, tmp_path):
    classifier, generator = (mine.runs.all("demo", kind)[0].id for kind in ("classifier", "generator"))
    sample = mine.dataset("demo").biosamples["sample_id"].iloc[0]
    asked = {"--gene": "GFAP", "--sample": sample}
    for option, what in asked.items():
        out = tmp_path / f"{what}.html"
        status, said, err = run("report", "demo", option, what, "--out", out)
        assert (status, err) == (0, "")
        assert said.startswith(f"Wrote {out} (")
        assert what in read(out.read_bytes()).text
    for what in (classifier, generator):
        assert run("report", "demo", "--run", what, "--out", tmp_path / "run.html")[0] == 0
        assert what in read((tmp_path / "run.html").read_bytes()).text


def test_a_report_takes_the_place_of_an_older_file_and_a_refused_one_leaves_it(run, tmp_path):
    out = tmp_path / "r.html"
    out.write_text("older")
    refused(run("report", "demo", "--gene", "NOGENE", "--out", out))
    assert out.read_text() == "older"
    assert run("report", "demo", "--gene", "GFAP", "--out", out)[0] == 0
    assert out.read_bytes().startswith(b"<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["r.html"]


@pytest.mark.parametrize("out", ["nowhere/r.html", ".", "r.html/under.html"])
def test_a_report_that_cannot_be_written_is_refused_with_the_place(run, tmp_path, out):
    (tmp_path / "r.html").write_text("x")
    err = refused(run("report", "demo", "--gene", "GFAP", "--out", tmp_path / out))
    assert "cannot be written" in err
    assert str(tmp_path) in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_report_into_a_folder_that_is_read_only_is_refused(run, tmp_path):
    (tmp_path / "shut").mkdir(mode=0o500)
    assert "cannot be written" in refused(run("report", "demo", "--gene", "GFAP", "--out", tmp_path / "shut/r.html"))


def test_a_report_of_what_is_not_there_is_refused(run, mine, tmp_path):
    out = ("--out", tmp_path / "r.html")
    assert "NOGENE" in refused(run("report", "demo", "--gene", "NOGENE", *out))
    assert "NOSAMPLE" in refused(run("report", "demo", "--sample", "NOSAMPLE", *out))
    assert "There is no run" in refused(run("report", "demo", "--run", "x", *out))
    assert "nowhere" in refused(run("report", "nowhere", "--gene", "GFAP", *out))
    assert "--sample" in refused(run("report", "demo", "--gene", "GFAP", "--model", "x", *out))
    other = mine.runs.create("classifier", "other", {})
    assert "of dataset 'other'" in refused(run("report", "demo", "--run", other.id, *out))
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    "words", [("--out", "r.html"), ("--gene", "A", "--sample", "B", "--out", "r"), ("--gene", "A")]
)
def test_a_report_needs_one_subject_and_a_file(run, words):
    with pytest.raises(SystemExit) as ended:
        run("report", "demo", *words)
    assert ended.value.code == 2


def test_studies_are_among_the_runs_and_are_deleted_for_good(run, mine):
    parameters = workflows.study_parameters(mine, "demo", label="brain")
    study = mine.runs.create("augmentation", "demo", parameters, mine.dataset("demo").fingerprint)
    study.write_result("done", metrics={})
    rows = table(run("runs", "demo")[1]).set_index("id")
    assert rows.loc[study.id, ["kind", "status", "active"]].tolist() == ["augmentation", "done", False]
    assert "only a trained model" in refused(run("promote", study.id))
    assert run("delete", study.id) == (0, f"Deleted run {study.id}, an augmentation of 'demo'.\n", "")
    assert not study.path.exists()
    assert study.id not in table(run("runs", "demo")[1])["id"].tolist()


def test_a_study_at_work_is_not_deleted(run, mine):
    live, child = at_work(mine, "augmentation")
    try:
        assert live.id in refused(run("delete", live.id))
        assert live.path.is_dir()
    finally:
        child.kill()
        child.wait()
