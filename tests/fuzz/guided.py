"""Coverage-guided fuzzing of the parsers that are Python alone, where atheris is installed.

    python -m tests.fuzz.guided TARGET RUNS FOLDER

Inputs that reach new branches are kept and changed further; whatever goes wrong is written into FOLDER, and the
process goes on. The last line tells how many inputs were tried, and the branches that were seen.
"""

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from core.settings import PROJECT
from tests.fuzz.runner import Tally
from tests.fuzz.target import Target, is_fine, outcome


def there() -> bool:
    """Whether atheris can be imported."""
    return find_spec("atheris") is not None


def run(target: Target, runs: int) -> Tally:
    """So many inputs for one target, in a process of its own; what went wrong is kept as of any other run."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="guided-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(runs), folder]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, env=os.environ)
        for path in sorted(Path(folder).glob("count-*")):
            found, _, times = path.read_text().rpartition("\t")
            for _ in range(int(times)):
                tally.count(found, 0.0, 0.0)
        for path in sorted(Path(folder).glob("wrong-*")):
            what, _, data = path.read_bytes().partition(b"\n")
            tally.keep(target, what.decode(), data)
        if done.returncode not in (0,) and not tally.cases:
            tally.keep(target, f"the guided run ended with {done.returncode}: {done.stderr[-300:]}", b"")
    return tally


def main(name: str, runs: int, folder: Path) -> None:
    """Fuzzes one target in this process."""
    import atheris

    with atheris.instrument_imports(include=["core.sources", "tomllib", "csv"]):
        from tests.fuzz.targets import TARGETS
    target, counts, begun = TARGETS[name], {"ok": 0, "refused": 0}, time.monotonic()
    scratch, corpus = folder / "scratch", folder / "corpus"
    corpus.mkdir()
    for number in range(60):
        (corpus / str(number)).write_bytes(target.make(random.Random(f"corpus/{number}")))

    def one(data: bytes) -> None:
        _emptied(scratch)
        started = time.process_time()
        try:
            found = outcome(target.run, data, scratch)
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            found = f"raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        seconds = time.process_time() - started
        if is_fine(found, seconds):
            counts["ok" if found == "ok" else "refused"] += 1
        else:
            key = f"wrong-{abs(hash(found[:60])) % 10**8}"
            (folder / key).write_bytes(f"{found[:300]} ({seconds:.1f} s)\n".encode() + data)
        if sum(counts.values()) % 200 == 0 or sum(counts.values()) >= runs - 70:
            for kind, n in counts.items():
                (folder / f"count-{kind}").write_text(f"{kind}\t{n}")

    arguments = [
        sys.argv[0],
        f"-atheris_runs={runs}",
        "-max_len=20000",
        "-timeout=20",
        "-rss_limit_mb=4096",
        str(corpus),
    ]
    atheris.Setup(arguments, one)
    with contextlib.suppress(SystemExit):
        atheris.Fuzz()
    print(f"{sum(counts.values()):,} inputs in {time.monotonic() - begun:.0f} s")


def _emptied(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
