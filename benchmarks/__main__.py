"""``python -m benchmarks``: runs the benchmarks and puts their tables into docs/benchmarks.md."""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    builds,
    classifiers,
    codecs,
    cosines,
    crossover,
    engines,
    gencode,
    gene_signal,
    identical,
    index,
    normalisation,
    reading,
    report,
    similar,
    store,
    uploads,
)
from benchmarks.child import PROJECT
from benchmarks.quiet import WATCH
from benchmarks.report import Section
from benchmarks.setting import Setting, warm_up
from benchmarks.timing import say
from core.settings import data_dir

BENCHMARKS: dict[str, Callable[[Setting], Section]] = {
    "reading": reading.run,
    "index": index.run,
    "builds": builds.run,  # early: it leaves the datasets that others read
    "normalisation": normalisation.run,
    "signal": gene_signal.run,
    "cosines": cosines.run,
    "crossover": crossover.run,
    "store": store.run,
    "codecs": codecs.run,
    "identical": identical.run,
    "engines": engines.run,
    "similar": similar.run,
    "classifier": classifiers.run,
    "uploads": uploads.run,
    "gencode": gencode.run,
}
PAGE = PROJECT / "docs" / "benchmarks.md"
SIZES, QUICK_SIZES, QUICK_GENES = (1000, 4000, 20000), (200, 400, 800), 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for; the exit status. A target that is not met is no failure."""
    options = _parser().parse_args(arguments)
    setting = _setting(options)
    page = options.report or (None if options.quick else PAGE)
    say("compiling")
    warm_up()
    for name in options.only or BENCHMARKS:
        say(name)
        WATCH.reset(0.0 if options.quick else options.patience)
        begun = time.monotonic()
        section = BENCHMARKS[name](setting)
        text = f"{report.stamp(time.monotonic() - begun, WATCH.worst)}\n\n{section.markdown()}"
        print(f"## {name}\n\n{text}\n", flush=True)
        if page:
            report.put(page, name, text)
            report.put(page, "machine", report.machine())
    return 0


def _setting(options: argparse.Namespace) -> Setting:
    folder = (options.folder or data_dir() / "bench").resolve()
    if options.quick:
        return Setting(folder / "quick", options.sizes or QUICK_SIZES, QUICK_GENES, options.rounds or 1, quick=True)
    return Setting(folder, options.sizes or SIZES, rounds=options.rounds or 3)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({int(part) for part in text.split(",")}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="just this one (may be repeated)")
    parser.add_argument("--sizes", type=_sizes, help="biosamples, such as 1000,4000,20000 (the default)")
    parser.add_argument("--rounds", type=int, help="repetitions of each contender (default: 3; 1 with --quick)")
    parser.add_argument("--patience", type=float, default=300, help="seconds a section waits for a quiet machine")
    parser.add_argument("--quick", action="store_true", help="everything at small sizes, in about a minute")
    parser.add_argument("--folder", type=Path, help="where simulated files and datasets are kept, and found again")
    parser.add_argument("--report", type=Path, help="page to write (default: docs/benchmarks.md; none with --quick)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
