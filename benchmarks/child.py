"""Runs a command as a process of its own and watches its memory."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
POLL = 0.02


@dataclass(frozen=True)
class Measured:
    """Wall time (s), peak resident memory and peak of its part that no file backs (bytes; NaN off Linux)."""

    seconds: float
    peak: float
    peak_anonymous: float
    stages: Mapping[str, float]  # seconds from each stage's first line of progress to the next stage's


def run_core(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """``python -m core ARGUMENTS``. Raises RuntimeError, with what it said, where it fails."""
    return run_module("core", arguments, environment)


def run_module(module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """``python -m MODULE ARGUMENTS``. Raises RuntimeError, with what it said, where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    begun = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[tuple[float, str]] = []
    listener = threading.Thread(target=_listen, args=(child, said))
    listener.start()
    # Not getrusage: a child's ru_maxrss starts at that of the process it was forked from.
    peak = anonymous = float("nan")
    while child.poll() is None:
        status = _status(child.pid)
        peak = _larger(peak, status.get("VmHWM"))
        anonymous = _larger(anonymous, status.get("RssAnon"))
        time.sleep(POLL)
    seconds = time.perf_counter() - begun
    listener.join()
    if child.returncode:
        text = "".join(line for _, line in said)
        raise RuntimeError(f"python -m {module} {' '.join(arguments)} failed:\n{text}")
    return Measured(seconds, peak, anonymous, _stages(said, begun, begun + seconds))


def _listen(child: "subprocess.Popen[str]", said: list[tuple[float, str]]) -> None:
    for line in child.stderr or ():
        said.append((time.perf_counter(), line))


def _stages(said: Sequence[tuple[float, str]], begun: float, ended: float) -> dict[str, float]:
    """Seconds of each stage that the command line announced ("  0%  reading"), and of what came before the first."""
    found = [(at, match[1]) for at, line in said if (match := re.match(r" *\d+%  ([^,\n]+)", line))]
    times = [begun, *(at for at, _ in found), ended]
    names = ["imports and metadata", *(name for _, name in found)]
    return {name: after - at for name, at, after in zip(names, times, times[1:], strict=False)}


def _status(pid: int) -> dict[str, float]:
    """Memory figures of a process in bytes; empty where the system has no such file."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines if line.endswith(" kB"))
    return {parts[0].rstrip(":"): float(parts[1]) * 1024 for parts in pairs}


def _larger(known: float, found: float | None) -> float:
    if found is None:
        return known
    return found if known != known else max(known, found)
