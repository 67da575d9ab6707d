"""``build`` from end to end in a process of its own: time beside that of just reading the file, and memory."""

import numpy as np

from benchmarks.child import Measured
from benchmarks.reading import BLOCK, by_h5py
from benchmarks.report import Row, Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import Race, race, say, shown_seconds

LIMITS = {4000: 1.5e9, 20000: 4e9}  # bytes
READINGS = {4000: 2.5}  # times the time that h5py takes to read
SLOW = 10_000  # biosamples from which on one round has to do


def run(setting: Setting) -> Section:
    """Time, memory, and how both grow."""
    rows: list[Row] = []
    seconds: dict[int, float] = {}
    stages: dict[int, dict[str, float]] = {}
    for n in setting.sizes:
        rounds = setting.rounds if n < SLOW else 1
        timed, memory = measure(setting, n, rounds)
        seconds[n] = timed.median("build")
        rows += _rows(setting, n, timed, memory)
        stages[n] = {stage: float(np.median([one.stages[stage] for one in memory])) for stage in memory[0].stages}
    low, high = min(seconds), max(seconds)
    if high > low:
        rows.append(_exponent(setting, seconds, low, high))
    note = (
        f"The command line with its defaults (`--memory 4GB`), imports included, from a file in the page cache; h5py "
        f"reads {BLOCK} columns at a time in this process. Memory is the peak of the resident set, and of its part "
        "that no file backs. Sizes over 10,000 run once."
    )
    return Section(rows, [_where(stages)], [note])


def _where(stages: dict[int, dict[str, float]]) -> Table:
    """Seconds of each stage at each size."""
    names = list(dict.fromkeys(name for found in stages.values() for name in found))
    cells = [(f"{n:,}", *(shown_seconds(found[name]) if name in found else "" for name in names))
             for n, found in stages.items()]  # fmt: skip
    return Table("Where the time goes (medians)", ("n", *names), cells)


def measure(setting: Setting, n: int, rounds: int) -> tuple[Race, list[Measured]]:
    """Builds and plain readings in turn; what each build took."""
    path = setting.files(n).counts
    by_h5py(path)  # into the page cache
    found: list[Measured] = []

    def build() -> None:
        found.append(setting.build(n))
        say(f"  peak {found[-1].peak / 1e9:.2f} GB, {found[-1].peak_anonymous / 1e9:.2f} GB without files")

    return race({"build": build, "h5py": lambda: by_h5py(path)}, rounds), found


def _rows(setting: Setting, n: int, timed: Race, memory: list[Measured]) -> list[Row]:
    size, judged = f"{n:,} x {setting.n_genes:,}", setting.judges(n, n)
    took, read = (f"{shown_seconds(timed.median(name))}, {_cpu(timed, name)} of CPU" for name in ("build", "h5py"))
    peak, anonymous = (max(getattr(one, name) for one in memory) for name in ("peak", "peak_anonymous"))
    most, limit = READINGS.get(n), LIMITS.get(n)
    return [
        Row("Build, time", size, took, f"{read}: h5py reads the file", timed.shown("build", "h5py"),
            f"at most {most}x" if most else "", timed.ratio("build", "h5py") <= most if most and judged else None),
        Row("Build, memory", size, f"{peak / 1e9:.2f} GB", "", f"{anonymous / 1e9:.2f} GB without file-backed pages",
            f"at most {limit / 1e9:g} GB" if limit else "", peak <= limit if limit and judged else None),
    ]  # fmt: skip


def _cpu(timed: Race, name: str) -> str:
    return shown_seconds(float(np.median(timed.cpu[name])))


def _exponent(setting: Setting, seconds: dict[int, float], low: int, high: int) -> Row:
    power = float(np.log(seconds[high] / seconds[low]) / np.log(high / low))
    judged = setting.judges(low, 1000) and setting.judges(high, 20000)
    return Row(
        "Build, growth of time", f"n = {low:,} to {high:,}", f"n^{power:.2f}", "", f"{power:.2f}", "at most 1.1",
        power <= 1.1 if judged else None,
    )  # fmt: skip
