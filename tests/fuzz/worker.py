"""The process that runs cases of one target and tells of each; whoever started it watches time and memory.

    python -m tests.fuzz.worker TARGET SEED FIRST STOP MODE FOLDER

MODE is "mutate" (inputs changed at random) or "grammar" (hypothesis). A line of JSON before and after each case.
"""

import contextlib
import faulthandler
import json
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.target import MEMORY_MB, Target, is_fine, outcome

NEVER_MB = 6_000  # address space over what a worker has at the start: beyond it, it dies


def main(name: str, number: int, first: int, stop: int, mode: str, folder: Path) -> None:
    """Runs the cases first to stop - 1."""
    from tests.fuzz.targets import TARGETS

    faulthandler.enable()
    warnings.simplefilter("error" if TARGETS[name].parser else "default")
    for kind in (ResourceWarning, DeprecationWarning, PendingDeprecationWarning, ImportWarning):
        warnings.simplefilter("ignore", kind)
    target = TARGETS[name]
    with contextlib.suppress(Exception):
        outcome(target.run, target.case(number, 0), _scratch(folder))  # imports and caches are not the input's
    used = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") * 1024 + NEVER_MB * 2**20, used))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if mode == "grammar":
        _from_grammar(target, number, first, stop - first, folder)
    else:
        for i in range(first, stop):
            say({"making": i})
            one_case(target, i, target.case(number, i), folder)


def _from_grammar(target: Target, number: int, first: int, count: int, folder: Path) -> None:
    assert target.strategy is not None
    done = [first]

    @seed(number * 1_000_003 + first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.strategy())
    def each(data: bytes) -> None:
        one_case(target, done[0], data, folder)
        done[0] += 1

    each()


def one_case(target: Target, number: int, data: bytes, folder: Path) -> None:
    """Says which case begins, runs it, and says how it ended."""
    (folder / "current").write_bytes(data)
    say({"begin": number})
    scratch = _scratch(folder)
    _reset_peak()
    before, begun = _status("VmRSS"), time.process_time()
    try:
        found = outcome(target.run, data, scratch)
    except MemoryError:
        found = "memory: more than there is"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        found = f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]} | {_where(error)}"
    seconds, grown = time.process_time() - begun, max(0, _status("VmHWM") - before) / 1024
    if grown > MEMORY_MB + len(data) / 2**20 and not found.startswith("raised"):
        found = f"memory: {grown:,.0f} MB"
    if not is_fine(found, seconds):
        (folder / f"case-{number}").write_bytes(data)  # "current" is the next one's before anybody looks
    say({"end": number, "found": found[:1200], "seconds": seconds, "mb": grown})


def _where(error: BaseException) -> str:
    """The last place of ours, and the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/core/" in f.filename or "/pages/" in f.filename or "/tests/" in f.filename]
    chosen = [*ours[-1:], *frames[-1:]]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in chosen)


def _scratch(folder: Path) -> Path:
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    return scratch


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    """A figure of /proc/self/status, in KB; 0 where there is no such file."""
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as file:
        return next((int(line.split()[1]) for line in file if line.startswith(f"{field}:")), 0)
    return 0


def say(what: dict[str, object]) -> None:
    os.write(OUT, (json.dumps(what) + "\n").encode())


OUT = 1
if __name__ == "__main__":
    OUT = os.dup(1)
    os.dup2(2, 1)  # what is printed by what is tested is no answer
    main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5], Path(sys.argv[6]))
