"""Faults inside a child process: Python imports this module at its start where it is on PYTHONPATH.

ARCHSCOPE_FAULTS is JSON: ``hold`` (a stage: the child stops at its first line of progress until it is killed),
``pause`` (a stage, n, a path: it stops at the n-th line of that stage until there is a file of that path),
``kill_after`` ("module:function", n: the child kills itself with SIGKILL after the n-th call; "module:Class.method"
too), ``set`` ("module:NAME" to value), ``clock`` (a file with the seconds by which the calendar is moved, read at every
look at it). Without the variable nothing is touched.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path


def _reach(name):
    module, _, path = name.partition(":")
    owner = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, last


def _at_progress(act):
    for name in ("core.jobs.progress:FileProgress.__call__", "core.commands.console:Console.__call__"):
        owner, last = _reach(name)
        real = getattr(owner, last)

        def seen(self, now, *arguments, _real=real, **named):
            _real(self, now, *arguments, **named)
            act(now)

        setattr(owner, last, seen)


def _hold(stage):
    _at_progress(lambda now: now == stage and time.sleep(3600))


def _pause(stage, count, path):
    calls = [0]

    def act(now):
        calls[0] += now == stage
        while now == stage and calls[0] == count and not Path(path).exists():
            time.sleep(0.02)

    _at_progress(act)


def _kill_after(name, count):
    owner, last = _reach(name)
    real = getattr(owner, last)
    calls = [0]

    def deadly(*arguments, **named):
        found = real(*arguments, **named)
        calls[0] += 1
        if calls[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, last, deadly)


def _clock(path):
    """time.time, datetime.now and the start of the machine as the calendar has it, moved as ``date --set`` does."""
    import datetime

    real_time, real = time.time, datetime.datetime

    def shift():
        try:
            return float(Path(path).read_text() or 0)
        except OSError:
            return 0.0

    class Moved(real):
        @classmethod
        def now(cls, tz=None):
            return real.fromtimestamp(time.time(), tz)

    time.time = lambda: real_time() + shift()
    importlib.import_module("core.__main__")
    for name, module in list(sys.modules.items()):  # the class itself has to stay: libraries in C know its size
        if name.startswith("core.") and getattr(module, "datetime", None) is real:
            module.datetime = Moved
    import psutil._pslinux as linux

    real_boot = linux.boot_time
    linux.boot_time = lambda: real_boot() + shift()


def _begin(faults):
    sys.path.insert(0, str(Path.cwd()))
    if "clock" in faults:
        _clock(faults["clock"])
    for name, value in faults.get("set", {}).items():
        owner, last = _reach(name)
        setattr(owner, last, value)
    if "hold" in faults:
        _hold(faults["hold"])
    if "pause" in faults:
        _pause(*faults["pause"])
    if "kill_after" in faults:
        _kill_after(*faults["kill_after"])


if os.environ.get("ARCHSCOPE_FAULTS"):
    _begin(json.loads(os.environ["ARCHSCOPE_FAULTS"]))
