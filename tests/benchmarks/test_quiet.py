"""Who took the time of the machine: this process and its children, or bystanders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.quiet import Bystanders

BURN = "import time\nend = time.process_time() + 60\nwhile time.process_time() < end: pass"


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[int]:
    """A process that burns time and is no longer a child of this one, as its parent has ended."""
    noted = tmp_path / "pid"
    script = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {BURN!r}]).pid)"
    with noted.open("w") as out:
        subprocess.run([sys.executable, "-c", script], stdout=out, check=True)
    pid = int(noted.read_text())
    yield pid
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def child() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", BURN])
    yield process.pid
    process.kill()
    process.wait()


def test_what_others_take_counts_and_what_children_take_does_not(orphan: int, child: int) -> None:
    bystanders, end = Bystanders(), time.monotonic() + 30
    while bystanders.taken.get(orphan, 0.0) < 0.2 and time.monotonic() < end:
        time.sleep(0.2)
        bystanders.look()
    assert bystanders.taken[orphan] >= 0.2
    assert child not in bystanders.taken
    assert bystanders.share() > 0
