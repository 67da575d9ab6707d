"""Runs a target's cases in processes that may die, and keeps what went wrong."""

import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from core.settings import PROJECT
from tests.fuzz.target import HANG_S, Target, is_fine, outcome

FAILING = PROJECT / ".cache" / "fuzz"
WAITING_S = 90.0  # by the clock, for a process that does nothing
MOST_FAILURES = 40  # of one kind that are kept


@dataclass
class Tally:
    """What came of a target's cases. ``failures``: by what happened, the files that show it."""

    cases: int = 0
    sound: int = 0
    refused: int = 0
    contained: int = 0
    slowest: float = 0.0
    peak_mb: float = 0.0
    failures: dict[str, list[Path]] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)

    def count(self, found: str, seconds: float, mb: float) -> bool:
        """Takes a case in; whether it ended as it may."""
        self.cases += 1
        self.slowest, self.peak_mb = max(self.slowest, seconds), max(self.peak_mb, mb)
        self.sound += found == "ok"
        self.refused += found.startswith("refused")
        if found.startswith("refused"):
            self.messages[re.sub(r"[\d,.]+", "N", found)[:60]] += 1
        return is_fine(found, seconds)

    def keep(self, target: Target, found: str, data: bytes) -> None:
        """Keeps the input of a case that went wrong."""
        kind = re.sub(r"\d+", "N", found)[:160]
        files = self.failures.setdefault(kind, [])
        if len(files) < MOST_FAILURES:
            files.append(_write(slug(target.name), target, found, data))

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in ("cases", "sound", "refused", "contained"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest, self.peak_mb = max(self.slowest, other.slowest), max(self.peak_mb, other.peak_mb)
        for kind, files in other.failures.items():
            self.failures.setdefault(kind, []).extend(files)
        self.messages += other.messages
        return self


def _write(stem: str, target: Target, found: str, data: bytes) -> Path:
    FAILING.mkdir(parents=True, exist_ok=True)
    path = FAILING / f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(f"{target.name}\n{found}\n")
    return path


def slug(name: str) -> str:
    """A name of a target, fit for a file's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def run(target: Target, seed: int, first: int, stop: int, mode: str, deadline: float) -> Tally:
    """Cases first to stop - 1, or as many as there is time for; a process that dies or hangs is started anew."""
    tally = Tally()
    while first < stop and time.monotonic() < deadline:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            first = _run_some(target, seed, first, stop, mode, deadline, folder, tally)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if mode == "grammar":
            break
    return tally


def _run_some(
    target: Target, seed: int, first: int, stop: int, mode: str, deadline: float, folder: Path, tally: Tally
) -> int:
    """Runs cases until one ends the process; the number of the case to go on with."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.worker",
        target.name,
        str(seed),
        str(first),
        str(stop),
        mode,
        str(folder),
    ]
    current, making = -1, first
    with (folder / "errors").open("wb") as errors, subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors
    ) as process:  # fmt: skip
        try:
            for said in _lines(process, deadline):
                if "making" in said:
                    making = said["making"]
                elif "begin" in said:
                    current = said["begin"]
                elif "end" in said:
                    if not tally.count(said["found"], said["seconds"], said["mb"]):
                        slow = f"slow: {said['seconds']:.0f} s" if said["seconds"] > HANG_S else said["found"]
                        _wrong(target, slow, (folder / f"case-{said['end']}").read_bytes(), folder, tally)
                    current = -1
                elif current < 0:
                    return making + 1  # libhdf5 came to no end with writing such a file, which is no case then
                else:
                    _ended(target, said["hang"], folder, tally)
                    return current + 1
        finally:
            process.kill()
    if current < 0:
        if process.returncode in (0, -9):
            return stop
        if making > first and process.returncode < 0:
            return making + 1  # libhdf5 died of writing such a file, which is no case then
        tally.keep(target, f"worker ended with {process.returncode}: {(folder / 'errors').read_text()[-300:]}", b"")
        return stop
    _ended(target, f"died (status {process.returncode})", folder, tally)
    return current + 1


def _ended(target: Target, what: str, folder: Path, tally: Tally) -> None:
    """A case that hung or ended its process."""
    tally.cases += 1
    _wrong(target, what, (folder / "current").read_bytes(), folder, tally)


def _wrong(target: Target, what: str, data: bytes, folder: Path, tally: Tally) -> None:
    """A case that took too long or too much, or ended its process: is it contained where the product reads it?"""
    if target.contained is not None and not what.startswith(("raised", "bad message")):
        scratch = folder / "contained"
        scratch.mkdir(exist_ok=True)
        found = outcome(target.contained, data, scratch)
        if found == "ok" or found.startswith("refused"):
            tally.contained += 1
            _write(f"contained-{slug(target.name)}", target, f"{what}; as the product reads it: {found}", data)
            return
        what = f"{what}, and then {found}"
    tally.keep(target, what, data)


def _lines(process: subprocess.Popen[bytes], deadline: float) -> Iterator[dict[str, Any]]:
    """What the worker says; {"hang": ...} where a case comes to no end."""
    assert process.stdout is not None
    number, waiting, watched = process.stdout.fileno(), b"", psutil.Process(process.pid)
    heard, worked = time.monotonic(), 0.0
    while True:
        if not select.select([number], [], [], 0.25)[0]:
            now = _worked(watched)
            if now - worked > HANG_S + 1 or time.monotonic() - heard > WAITING_S:
                yield {"hang": "hang"}
                return
            continue
        piece = os.read(number, 2**16)
        if not piece:
            process.wait()
            return
        heard, worked = time.monotonic(), _worked(watched)
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            yield json.loads(line)
        if time.monotonic() > deadline:
            return


def _worked(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
