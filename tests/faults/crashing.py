"""Kills an attempt before its 1st change of a file, the next before its 2nd, ...: ``python -m tests.faults.crashing``.

Python tells of every change through its audit hooks. Attempts are forks of this process, so a start takes no time.
"""

import os
import pickle
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import workflows
from core.store.workspace import Workspace
from tests.faults import acting
from tests.faults.small import Source

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def in_fork(work: Callable[[], Any], root: Path, last: int = 0) -> tuple[int, Any]:
    """Does the work in a fork that ends with SIGKILL before its ``last``-th change below ``root`` (0: never); its wait
    status, and what the work gave. This process does nothing itself: threads would not survive a fork.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            if last:
                _deadly(root, last)
            found = pickle.dumps(work())
            with os.fdopen(writing, "wb") as file:
                file.write(found)
            status = 0
        except BaseException:  # noqa: BLE001 - a fork must never go on as if it were the test
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        found = file.read()
    status = os.waitpid(child, 0)[1]
    return status, pickle.loads(found) if found else None


def done(work: Callable[[], Any], root: Path) -> Any:
    """The same of work that has to succeed."""
    status, found = in_fork(work, root)
    assert status == 0, f"status {status}"
    return found


def _deadly(root: Path, last: int) -> None:
    seen = [0]
    below = str(root)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        opens = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & WRITES)
        if (opens or event in CHANGES) and any(isinstance(each, str | os.PathLike) and os.fspath(each).startswith(below)
                           for each in arguments[:2]):  # fmt: skip
            seen[0] += 1
            if seen[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(kind: str, folder: Path, source: Source) -> str:
    """All attempts of one kind: what was seen. Raises AssertionError."""
    base, whole, root = folder / "base", folder / "whole", folder / "attempt"
    base.mkdir()
    if kind != "build":
        done(lambda: _build(base, source, "kb"), base)
    shutil.copytree(base, whole)
    before = _content(base)
    done(lambda: _work(kind, whole, source), whole)
    after = _content(whole)
    outcomes = {"no dataset": 0, "the old one": 0, "the new one": 0}
    last = 0
    while True:
        last += 1
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root)
        status, _ = in_fork(lambda: _work(kind, root, source), root, last)
        if status == 0:
            break
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"change {last}: status {status}"
        names = done(lambda: [dataset.name for dataset in Workspace(root).datasets()], root)
        found = _content(root)
        assert names == (["mine"] if found else []), f"change {last}: {names}"
        assert found in (before, after), f"change {last}: a dataset that is neither the old one nor the new one"
        if last % 10 == 0:
            print(f"{last} ...", file=sys.stderr, flush=True)
        outcomes["the new one" if found == after else "the old one" if found else "no dataset"] += 1
        done(lambda: _work(kind, root, source), root)
        assert _content(root) == after, f"change {last}: the next attempt ends differently"
        assert acting.hidden(root / "datasets") == [], f"change {last}: {acting.hidden(root / 'datasets')}"
    seen = ", ".join(f"{what} ({count})" for what, count in outcomes.items() if count)
    return f"killed {last - 1} times, after which there was {seen}; every next attempt ended with the same bytes"


def _work(kind: str, root: Path, source: Source) -> None:
    if kind == "add":
        workflows.add(Workspace(root), workflows.AddRequest("mine", source.more, source.more_labels, memory="96KB"))
    else:
        _build(root, source, "kb" if kind == "build" else "bp")


def _build(root: Path, source: Source, unit: str) -> None:
    request = workflows.BuildRequest(
        source.counts, "mine", source.labels, source.lengths, length_unit=unit, memory="96KB"
    )
    workflows.build(Workspace(root), request)


def _content(root: Path) -> dict[str, str]:
    return acting.content(root / "datasets" / "mine")


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), Source(*map(Path, sys.argv[3:]))))
