"""What is logged: one line an event, JSON where asked for, and nothing of a sample, a path or a secret in it."""

import json
import logging
import os
import subprocess
import sys

import pandas as pd
import pytest

from core import logs, workflows
from core.errors import ArchscopeError
from core.settings import PROJECT
from core.store.workspace import Workspace


@pytest.fixture
def lines(monkeypatch, capsys):
    """The handler set up anew with JSON to standard error; what it wrote so far, as objects."""
    monkeypatch.setenv("ARCHSCOPE_LOG", "json")
    monkeypatch.setattr(logs.log, "handlers", [])
    level, told = logs.log.level, []
    logs.set_up("test")
    capsys.readouterr()

    def read():
        told.extend(json.loads(line) for line in capsys.readouterr().err.splitlines())
        return told

    yield read
    logs.log.setLevel(level)


def test_an_event_is_one_line_of_json_with_its_facts(lines):
    before = logs.counts().get("job.ended", 0)
    logs.event("job.ended", run="r1", seconds=1.25, error=None, note="a\nb")
    (line,) = lines()
    assert {**line, "time": ""} == {
        "time": "", "level": "info", "part": "test", "event": "job.ended", "run": "r1", "seconds": 1.25, "note": "a\nb",
    }  # fmt: skip
    assert line["time"].endswith("Z")
    assert logs.counts()["job.ended"] == before + 1


def test_setting_up_twice_logs_once_and_text_is_the_default(monkeypatch, capsys):
    monkeypatch.delenv("ARCHSCOPE_LOG", raising=False)
    monkeypatch.setattr(logs.log, "handlers", [])
    logs.set_up("test")
    logs.set_up("test")
    logs.event("x.y", logging.ERROR, run="r1")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" error test x.y run=r1")


def test_an_unforeseen_error_tells_where_and_what_but_not_what_stands_in_quotes(lines):
    try:
        raise KeyError("GSM1234567 of a patient")
    except KeyError:
        logs.log.exception("A page failed (error %s)", "ab12cd")
    try:
        raise OSError(2, "No such file", "/home/somebody/secret-cohort/counts.h5")
    except OSError:
        logs.log.exception("A page failed (error %s)", "ef34ab")
    first, second = lines()
    assert first["event"] == "A page failed (error ab12cd)"
    assert "KeyError: …" in first["error"]
    assert "test_logs.py" in first["error"]
    assert "GSM1234567" not in json.dumps(first)
    assert "secret-cohort" not in json.dumps(second)


def test_a_slow_block_is_told_and_a_quick_one_is_not(lines, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_SLOW_S", "1000")
    with logs.slow("Rankings"):
        pass
    assert not lines()
    monkeypatch.setenv("ARCHSCOPE_SLOW_S", "-1")
    with logs.slow("Rankings"):
        pass
    assert [(line["event"], line["page"], line["level"]) for line in lines()] == [
        ("interaction.slow", "Rankings", "warning")
    ]


def test_nothing_of_an_upload_gets_into_the_log(lines, workspace, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_LOG_LEVEL", "debug")
    dataset = workspace.dataset("demo")
    counts = pd.DataFrame(
        {"gene": dataset.genes["ensembl_gene_id"], "PATIENT-4711": dataset.counts([3])[0] + 77_000_000}
    )
    data = counts.to_csv(index=False).encode()
    matched = workflows.read_upload(workspace, "demo", data, "/home/ada/Tumour of Grace Hopper.csv")
    assert len(matched) == 1
    (line,) = lines()
    assert (line["event"], line["bytes"], line["samples"], line["format"]) == ("upload.read", len(data), 1, ".csv")
    with pytest.raises(ArchscopeError):
        workflows.read_upload(workspace, "demo", b"PATIENT-4711,\x00\x01secret", "Tumour of Grace Hopper.csv")
    told = json.dumps(lines())
    for secret in ("PATIENT", "Grace", "Hopper", "ada", "7700", "secret", str(workspace.root)):
        assert secret not in told


def test_jobs_builds_and_deletions_are_told_with_who_what_and_how_long(tmp_path, lines):
    mine = Workspace(tmp_path / "data")
    workflows.create_demo(mine, n_biosamples=200, n_genes=1000)
    run = mine.runs.create("classifier", "demo", {"trees": 5, "genes": 50}, mine.dataset("demo").fingerprint)
    workflows.perform(mine, run, lambda *a, **k: None)
    bad = mine.runs.create("classifier", "demo", {"trees": -5}, mine.dataset("demo").fingerprint)
    with pytest.raises(ArchscopeError):
        workflows.perform(mine, bad, lambda *a, **k: None)
    workflows.delete_dataset(mine, "demo")
    told = {(line["event"], line.get("run"), line.get("status")): line for line in lines()}
    assert told[("dataset.built", None, None)]["dataset"] == "demo"
    ended = told[("job.ended", run.id, "done")]
    assert (ended["kind"], ended["dataset"], ended["owner"]) == ("classifier", "demo", run.owner)
    assert ended["seconds"] > 0
    failed = told[("job.ended", bad.id, "failed")]
    assert (failed["level"], failed["error"]) == ("error", "RecipeError")
    assert told[("dataset.deleted", None, None)]["runs"] == 2


SAYS = """
from core import logs
logs.set_up("worker")
logs.event("one.thing", run="r")
"""


def test_several_processes_write_whole_lines_to_one_file_and_a_moved_file_is_begun_anew(tmp_path):
    path = tmp_path / "logs" / "archscope.log"
    path.parent.mkdir()
    environment = os.environ | {"ARCHSCOPE_LOG": "json", "ARCHSCOPE_LOG_FILE": str(path)}
    say = [sys.executable, "-c", SAYS]
    several = [subprocess.Popen(say, cwd=PROJECT, env=environment) for _ in range(3)]
    assert [each.wait() for each in several] == [0, 0, 0]
    path.rename(path.with_suffix(".1"))  # as logrotate does
    subprocess.run(say, cwd=PROJECT, env=environment, check=True)
    counted = [len([json.loads(x) for x in p.read_text().splitlines()]) for p in (path.with_suffix(".1"), path)]
    assert counted == [3, 1]


def test_a_log_file_that_cannot_be_written_stops_nothing(tmp_path):
    environment = os.environ | {"ARCHSCOPE_LOG_FILE": str(tmp_path / "none" / "x.log")}
    done = subprocess.run([sys.executable, "-c", SAYS], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
