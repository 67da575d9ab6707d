"""A process is known again by ticks since the machine started: the calendar may be set, and a pid is used again."""

import os
import subprocess
import sys

import psutil
import pytest

from core.store import processes


def test_this_process_is_known_again_and_a_reused_pid_is_not() -> None:
    mine = processes.identity(os.getpid())
    found = processes.alive(mine)
    assert found is not None and found.pid == os.getpid()
    assert processes.alive({**mine, "ticks": mine["ticks"] - 100}) is None
    assert processes.alive({**mine, "boot": "another"}) is None


def test_the_calendar_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = processes.identity(os.getpid())
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: mine["started"] - 86_400)
    assert processes.alive(mine) is not None
    of_an_earlier_version = {"pid": mine["pid"], "started": mine["started"]}
    assert processes.alive(of_an_earlier_version) is None  # which went by the calendar


def test_what_an_earlier_version_noted_is_understood() -> None:
    mine = processes.identity(os.getpid())
    assert processes.alive({"pid": mine["pid"], "started": mine["started"]}) is not None
    assert processes.alive({"pid": mine["pid"], "started": 12.0}) is None


def test_one_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = processes.identity(child.pid)
    assert processes.alive(identity) is not None
    child.kill()
    child.wait()
    assert processes.alive(identity) is None
    child.stdin.close()  # type: ignore[union-attr]


def test_moments_of_another_start_of_the_machine_cannot_be_compared() -> None:
    then = processes.moment()
    since = processes.seconds_since(then)
    assert since is not None and since >= 0
    assert processes.seconds_since({**then, "boot": "another"}) is None
