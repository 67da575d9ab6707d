"""Results as markdown, put between markers of a page so that the prose around them stays."""

import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

from core.settings import n_threads

PACKAGES = ("numpy", "numba", "scipy", "scikit-learn", "h5py", "deflate", "numcodecs", "qnorm", "pandas", "distributed")
DISTURBED = 0.2  # share of the machine that others took, from which on times say little
HEADER = ("What", "Size", "ARCHScope", "Against", "Result", "Target", "Met")


@dataclass(frozen=True)
class Row:
    """One claim. ``met`` is None where there is no target, or the size is not the one that it is meant for."""

    what: str
    size: str
    ours: str
    against: str
    result: str
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The cells of the table."""
        verdict = {True: "met", False: "**not met**", None: "not judged at this size" if self.target else ""}
        return (self.what, self.size, self.ours, self.against, self.result, self.target, verdict[self.met])


@dataclass(frozen=True)
class Table:
    """A table beside the rows: a title, names of columns, cells."""

    title: str
    header: Sequence[str]
    cells: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """What one benchmark found. ``notes`` are sentences below the tables."""

    rows: Sequence[Row] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = field(default=())

    def markdown(self) -> str:
        """Tables and notes."""
        parts = [_table(HEADER, [row.cells() for row in self.rows])] if self.rows else []
        for table in self.tables:
            parts += [f"{table.title}:", _table(table.header, table.cells)]
        return "\n\n".join([*parts, *self.notes])


def _table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _blas() -> str:
    """Kernels that numpy's OpenBLAS runs on, and who chose them."""
    kinds = {str(library["architecture"]) for library in threadpool_info() if library["user_api"] == "blas"}
    chosen = os.environ.get("OPENBLAS_CORETYPE")
    whose = f"set by OPENBLAS_CORETYPE={chosen}" if chosen else "its own choice"
    return f"OpenBLAS, {', '.join(sorted(kinds))} kernels ({whose})"


def machine() -> str:
    """The machine and the versions, as a list."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            f"* {_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; {n_threads()} threads in use",
            f"* Linear algebra: {_blas()}",
            f"* {platform.system()}, Python {platform.python_version()}, {packages}",
            f"* One core: 10 million additions in a plain Python loop take {_loop():.2f} s",
        ]
    )


def _loop() -> float:
    """Seconds of a loop that tells how fast a core is, the least of three."""
    found = []
    for _ in range(3):
        begun, total = time.perf_counter(), 0
        for number in range(10_000_000):
            total += number
        found.append(time.perf_counter() - begun)
    return min(found)


def stamp(seconds: float, others: float) -> str:
    """When a section was measured, how long that took, and the share that others took of the machine meanwhile."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"*Measured {now} in {seconds:.0f} s; other processes took up to {others:.0%} of the machine meanwhile.*"
    return text if others < DISTURBED else f"{text} **Disturbed: measure again before you rely on these times.**"


def _cpu() -> str:
    """The processor's model, with its family where the name alone says little."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.*)$", text, re.MULTILINE))
    name, family, model = (found.get(key, "unknown") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})"


def put(path: Path, name: str, text: str) -> None:
    """Replaces what stands between the markers of ``name``; adds both at the end of a page that lacks them."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    if begin not in page or end not in page:
        page = f"{page.rstrip()}\n\n## {name}\n\n{begin}\n{end}\n"
    head, rest = page.split(begin, 1)
    tail = rest.split(end, 1)[1]
    path.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
