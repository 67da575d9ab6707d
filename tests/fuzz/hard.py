"""Runs the hard cases, each in a process of its own, and prints what was observed.

python -m tests.fuzz.hard NUMBER FOLDER      (one case; ``run_table`` runs them all)
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from core.errors import InputError
from core.settings import PROJECT
from tests.fuzz.hard_cases import CASES, SOUND, Hard, cut_everywhere, cut_hdf5, formulas
from tests.fuzz.target import HANG_S, MEMORY_MB, is_one_line


def observed(case: Hard, folder: Path) -> str:
    """ "ok", the refusal, or what went wrong, for a case whose input lies in ``folder/input``."""
    data = (folder / "input").read_bytes()
    scratch = folder / "scratch"
    scratch.mkdir()
    try:
        case.read(data, scratch)
    except InputError as error:
        return str(error) if is_one_line(str(error)) else f"BAD MESSAGE {str(error)[:100]!r}"
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return f"RAISED {type(error).__name__}: {error}"
    return SOUND


def answers(case: Hard, found: str) -> bool:
    """Whether it is the answer that was expected."""
    if case.expected == SOUND:
        return found == SOUND
    return not found.startswith(("RAISED", "BAD")) and re.search(case.expected, found) is not None


def one(number: int, folder: Path) -> None:
    """Runs a case and prints what was observed, the seconds, and the megabytes over the input and the libraries."""
    from tests.fuzz.worker import _reset_peak, _status

    case = CASES[number]
    (folder / "input").write_bytes(case.make())
    size = (folder / "input").stat().st_size
    if case.read is formulas:
        import core.workflows  # noqa: F401  (a second of the processor that is not the case's)
    _reset_peak()
    before, begun = _status("VmRSS"), sum(os.times()[:4])
    found = observed(case, folder)
    seconds, mb = sum(os.times()[:4]) - begun, (_status("VmHWM") - before) / 1024 - size / 2**20
    print(json.dumps([found[:300], seconds, max(0.0, mb)]))


def run_table() -> tuple[str, bool]:
    """Every case in a process of its own, as a Markdown table; and whether all got their answer."""
    lines = ["| case | expected | observed | s | MB | ok |", "| --- | --- | --- | ---: | ---: | --- |"]
    fine = True
    for number, case in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.fuzz.hard", str(number), folder]
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, env=os.environ)
        last = done.stdout.strip().splitlines()[-1:] or ["null"]
        found, seconds, mb = json.loads(last[0]) or [f"the process ended ({done.returncode})", 0.0, 0.0]
        limit = 4 * HANG_S if case.read in (cut_everywhere, cut_hdf5) else HANG_S
        good = answers(case, found) and seconds <= limit and mb <= MEMORY_MB
        fine &= good
        shown = re.sub(r"/\S*/", "", found).replace("|", "\\|")[:110]
        expected = "sound" if case.expected == SOUND else f"refused: {case.expected}".replace("|", "\\|")
        lines.append(f"| {case.name} | {expected} | {shown} | {seconds:.2f} | {mb:,.0f} | {'yes' if good else 'NO'} |")
    return "\n".join(lines), fine


if __name__ == "__main__":
    one(int(sys.argv[1]), Path(sys.argv[2]))
