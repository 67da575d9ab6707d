"""Which process works on something, so that it is known again later: a reused pid is somebody else.

A start time as the calendar has it moves when the machine's clock is set, so where the system tells it (Linux) the
ticks since the machine started are noted, with the machine's start itself. Elsewhere the calendar has to do.
"""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # runs on while the machine sleeps, and never back
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19  # of /proc/<pid>/stat after the name in brackets: field 22, "starttime"


def identity(pid: int) -> dict[str, Any]:
    """What tells a living process from any other, as JSON: pid, started (seconds since the epoch), ticks, boot."""
    found: dict[str, Any] = {"pid": pid, "started": psutil.Process(pid).create_time()}
    ticks = _ticks(pid)
    return found if ticks is None else found | {"ticks": ticks, "boot": _boot()}


def alive(owner: Mapping[str, Any]) -> psutil.Process | None:
    """The process of that identity while it lives; None once it is gone, or a zombie."""
    try:
        process = psutil.Process(int(owner["pid"]))
        if "ticks" in owner:
            same = _boot() == owner["boot"] and _ticks(process.pid) == owner["ticks"]
        else:
            same = abs(process.create_time() - float(owner["started"])) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def moment() -> dict[str, Any]:
    """This moment on the machine's own clock, which nobody sets: boot, and seconds since then."""
    return {"boot": _boot(), "uptime": uptime()}


def seconds_since(then: Mapping[str, Any]) -> float | None:
    """Seconds since a ``moment``; None where it was before the machine started anew, or on another one."""
    return uptime() - float(then["uptime"]) if then.get("boot") == _boot() else None


def uptime() -> float:
    """Seconds since some fixed moment; never goes back, whatever happens to the calendar."""
    return time.clock_gettime(_CLOCK)


def _ticks(pid: int) -> int | None:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[_START_FIELD])
    return None


def _boot() -> str:
    with contextlib.suppress(OSError):
        return _BOOT.read_text().strip()
    return ""
