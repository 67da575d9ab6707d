"""The audit log: whole lines, in order, whoever dies in the middle of one."""

import csv
import io
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from core.__main__ import main
from core.errors import StoreError
from core.store import audit
from core.store.audit import COLUMNS, AuditLog


def test_entries_come_back_newest_first(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    assert log.read().empty
    for name in ("one", "two", "three"):
        log.add(action="build", dataset=name, person="a@lab.org", role="trainer", outcome="allowed")
    found = log.read()
    assert tuple(found.columns) == COLUMNS
    assert found["dataset"].tolist() == ["three", "two", "one"]
    assert (found["time"].sort_values(ascending=False) == found["time"]).all()
    assert log.read(2)["dataset"].tolist() == ["three", "two"]


def test_a_line_that_a_crash_cut_short_is_passed_over_and_costs_no_other(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.add(action="build", dataset="before")
    whole = log.path.read_bytes()
    log.add(action="build", dataset="torn")
    torn = log.path.read_bytes()[len(whole) :]
    for cut in range(1, len(torn) - 1, 7):
        log.path.write_bytes(whole + torn[:cut])
        assert log.read()["dataset"].tolist() == ["before"]
        log.add(action="build", dataset="after")
        assert log.read()["dataset"].tolist() == ["after", "before"]


def test_words_from_outside_stay_on_their_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.add(action="edit labels", detail='label "x"\n{"person": "ada"}\u2028', person="é@lab.org")
    assert len(log.path.read_text().split("\n")) == 2
    assert log.read()["detail"].tolist() == ['label "x"\n{"person": "ada"}\u2028']
    assert log.read()["person"].tolist() == ["é@lab.org"]


def _add_many(root: Path, who: str) -> None:
    for number in range(50):
        AuditLog(root).add(person=who, action=str(number))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    people = ["a", "b", "c"]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(tmp_path, who)) for who in people]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = AuditLog(tmp_path).read()
    for who in people:
        mine = found.loc[found["person"] == who, "action"].tolist()
        assert mine == [str(number) for number in reversed(range(50))]


def test_the_newest_of_a_long_log_are_those_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path)
    for number in range(200):
        log.add(action=str(number))
    whole = log.read()["action"].tolist()
    for tail in (1, 200, 5_000, 10_000):
        monkeypatch.setattr(audit, "TAIL", tail)
        assert log.read(20)["action"].tolist() == whole[:20]


def test_every_line_is_on_the_disk_before_the_deed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    log = AuditLog(tmp_path)
    log.add(action="one")
    assert synced == [log.path.stat().st_size]


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"audit\.jsonl cannot be written .* so nothing was done"):
        AuditLog(tmp_path).add(action="build")


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        AuditLog(tmp_path).add(action="build", person="ada@lab.org", dataset=f"d{number}", outcome="allowed")
    assert main(["--data-dir", str(tmp_path), "audit", "--limit", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["dataset"] for row in rows] == ["d2", "d1"]
    assert main(["--data-dir", str(tmp_path), "audit", "--format", "json"]) == 0
    assert [row["person"] for row in json.loads(capsys.readouterr().out)] == ["ada@lab.org"] * 3
    assert main(["--data-dir", str(tmp_path), "audit", "--limit", "0"]) == 2
