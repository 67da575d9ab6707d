"""``python -m tests.fuzz``: fuzzes what reads input, prints what came of it as tables, keeps inputs that went wrong."""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.settings import PROJECT
from tests.fuzz import demo, guided, hard
from tests.fuzz.runner import Tally, run, slug
from tests.fuzz.target import Target, outcome
from tests.fuzz.targets import TARGETS

CASES, MINUTES, PIECE = 112_000, 40.0, 6_000
GUIDED = 2_000
FROM_GRAMMAR = 0.25  # of the cases of a target that has a grammar


def main() -> int:
    """Exit status 0 where every case ended as it may."""
    options = _options()
    os.environ.setdefault("ARCHSCOPE_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="fuzz-demo-") as root:
        demo.make_demo(Path(root))
        if options.replay:
            return replay(options.replay)
        wanted = [part.strip().lower() for part in (options.only or "").split(",")]
        chosen = [target for target in TARGETS.values() if any(part in target.name.lower() for part in wanted)]
        if not chosen:
            print(f"No target is called {options.only!r}: choose one of {', '.join(TARGETS)}.", file=sys.stderr)
            return 2
        tallies = fuzz(chosen, options)
        searched = [target for target in chosen if target.pure and options.guided and guided.there()]
        found = [guided.run(target, options.guided) for target in searched]
        hard_cases, answered = ("", True) if options.only else hard.run_table()
    print_table(chosen, tallies)
    if searched:
        print("\nGuided by coverage (atheris):\n")
        print_table(searched, found)
    elif options.guided:
        print("\nNothing was guided by coverage: atheris is not installed, or no target is Python alone.")
    if hard_cases:
        print(f"\n{hard_cases}")
    return int(not answered or any(tally.failures for tally in [*tallies, *found]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help=f"in all (default: {CASES:,})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="at most (default: %(default)s)")
    parser.add_argument("--only", help="targets whose name has this, or one of these with commas between them, in it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at once")
    parser.add_argument(
        "--guided",
        type=int,
        default=GUIDED,
        help="inputs a target by coverage (default: %(default)s)",
    )
    parser.add_argument("--replay", type=Path, help="an input that was kept: run it alone, with its traceback")
    return parser.parse_args()


def fuzz(targets: list[Target], options: argparse.Namespace) -> list[Tally]:
    """Shares the cases out over targets and processes."""
    deadline = time.monotonic() + 60 * options.minutes
    whole = sum(target.share for target in targets)
    tallies = [Tally() for _ in targets]
    with ThreadPoolExecutor(options.jobs) as pool:
        waiting = []
        for place, target in enumerate(targets):
            n = max(1, round(options.cases * target.share / whole))
            grammar = round(n * FROM_GRAMMAR) if target.strategy else 0
            for mode, count in (("mutate", n - grammar), ("grammar", grammar)):
                step = max(1, min(PIECE, -(-count // options.jobs)))
                for first in range(0, count, step):
                    task = pool.submit(run, target, options.seed, first, min(count, first + step), mode, deadline)
                    waiting.append((place, task))
        for place, task in waiting:
            tallies[place] += task.result()
            print(f"\r{sum(t.cases for t in tallies):,} cases, {targets[place].name:60.60}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return tallies


def print_table(targets: list[Target], tallies: list[Tally]) -> None:
    """A row a target, then the inputs that went wrong."""
    print("| target | cases | expected | sound | refused | contained | wrong | slowest s | peak MB | ok |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for target, t in zip(targets, tallies, strict=True):
        wrong = t.cases - t.sound - t.refused - t.contained
        fine = "NO" if t.failures else "yes" if t.cases else "not run"
        figures = f"{t.sound:,} | {t.refused:,} | {t.contained:,} | {wrong:,} | {t.slowest:.2f} | {t.peak_mb:,.0f}"
        print(f"| {target.name} | {t.cases:,} | {target.expected} | {figures} | {fine} |")
    parsers = sum(t.cases for target, t in zip(targets, tallies, strict=True) if target.parser)
    print(f"\n{parsers:,} cases of parsers, {sum(t.cases for t in tallies) - parsers:,} others.")
    for target, t in zip(targets, tallies, strict=True):
        for kind, files in t.failures.items():
            print(f"\n{target.name}: {len(files)} x {kind}")
            print(f"  replay: python -m tests.fuzz --replay {files[0].relative_to(PROJECT)}")


def replay(path: Path) -> int:
    """Runs one kept input, in this process, so that a traceback shows."""
    name = path.with_suffix(".txt").read_text().splitlines()[0] if path.with_suffix(".txt").exists() else ""
    target = TARGETS.get(name) or next((t for t in TARGETS.values() if path.name.startswith(slug(t.name))), None)
    if target is None:
        print(f"{path}: no target is called like it.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        print(f"{target.name}: {outcome(target.run, path.read_bytes(), Path(folder))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
