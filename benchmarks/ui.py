"""``python -m benchmarks.ui``: how fast the dashboard answers in a browser; into docs/benchmarks-ui.md."""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, async_playwright

from benchmarks import report
from benchmarks.child import PROJECT
from benchmarks.quiet import WATCH, Bystanders
from benchmarks.report import Row, Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import say, shown_seconds
from benchmarks.ui_driving import AGAIN, FILTER, FIRST, FLAGS, GENE, PAGE, PAGES, SEARCH, SORT, TYPED, User
from core.settings import data_dir

BIOSAMPLES = 20_000
DOCUMENT = PROJECT / "docs" / "benchmarks-ui.md"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BYTES, TIMES_SLOWER = 3e6, 3.0
TARGETS = {
    FIRST: ("First view, empty browser cache", None),
    AGAIN: ("First view, the app's files in the browser's cache", 1.5),
    PAGE: ("Change of page", 0.6),
    SORT: ("Sort all genes", 0.4),
    FILTER: ("Filter all genes", 0.4),
    SEARCH: ("Search all genes", 0.4),
    TYPED: ("Search while typing (with the pause of 0.25 s that ends it)", None),
    GENE: ("Choose a gene, all charts drawn", 0.7),
}  # seconds
Times = Mapping[str, Sequence[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and writes the page; the exit status. A target that is not met is no failure."""
    options = _parser().parse_args(arguments)
    folder = (options.folder or data_dir() / "bench").resolve()
    size = options.biosamples or (400 if options.quick else BIOSAMPLES)
    setting = Setting(folder / "quick", (size,), 3000, quick=True) if options.quick else Setting(folder, (size,))
    WATCH.reset(0.0 if options.quick else options.patience)
    with _served(setting, size) as address:
        WATCH.wait()
        begun, others = time.monotonic(), Bystanders()
        found = asyncio.run(_measure(address, setting.name(size), options, others))
    section = _section(f"{size:,} x {setting.n_genes:,}", setting.judges(size, BIOSAMPLES), options, *found)
    text = f"{report.stamp(time.monotonic() - begun, others.share())}\n\n{section.markdown()}"
    print(text, flush=True)
    page = options.report or (None if options.quick else DOCUMENT)
    if page:
        report.put(page, "ui", text)
        report.put(page, "machine", report.machine())
    return 0


async def _measure(
    address: str, dataset: str, options: argparse.Namespace, others: Bystanders
) -> tuple[Times, Times, Times, Mapping[str, int]]:
    async with _browser() as browser:
        say("warming up")
        first = User(browser, address, dataset, seed=0)
        sizes = {name: await first.received(path) for name, path in PAGES.items()}
        say("  " + ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes.items()))
        await first.work(1)
        watching = asyncio.create_task(_watch(others))
        say("one user")
        alone = await _users(browser, address, dataset, 1, options.rounds)
        say(f"{options.users} users who read")
        calm = await _users(browser, address, dataset, options.users, options.crowd_rounds, options.pause)
        say(f"{options.users} users without a pause")
        crowd = await _users(browser, address, dataset, options.users, options.crowd_rounds)
        watching.cancel()
        return alone, crowd, calm, sizes


async def _watch(others: Bystanders) -> None:
    while True:
        await asyncio.sleep(5)
        await asyncio.to_thread(others.look)


async def _users(browser: Browser, address: str, dataset: str, n: int, rounds: int, pause: float = 0.0) -> Times:
    """The same work by ``n`` browser sessions at once; all their times together."""
    users = [User(browser, address, dataset, 100 * n + number, pause) for number in range(n)]
    await asyncio.gather(*(user.work(rounds) for user in users))
    for name in users[0].times:
        say(f"  {name}: {shown_seconds(float(np.median([each for user in users for each in user.times[name]])))}")
    return {name: [each for user in users for each in user.times[name]] for name in users[0].times}


@contextlib.asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@contextlib.contextmanager
def _served(setting: Setting, size: int) -> Iterator[str]:
    """The app on a data folder of its own, which holds a link to the dataset; yields its address."""
    built, root = setting.dataset(size), setting.folder / "ui"
    shutil.rmtree(root, ignore_errors=True)
    (root / "datasets").mkdir(parents=True)
    (root / "datasets" / built.name).symlink_to(setting.workspace.datasets_dir / built.name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.fileWatcherType", "none"]
    with (root / "app.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, "ARCHSCOPE_DATA": str(root)}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process.poll)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def _wait(address: str, ended: Callable[[], int | None]) -> None:
    for _ in range(300):
        if ended() is not None:
            raise RuntimeError("the app stopped")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError("the app did not start")


def merged(times: Times) -> dict[str, list[float]]:
    """Times by kind of action: those of all changes of page together."""
    found: dict[str, list[float]] = {}
    for name, values in times.items():
        found.setdefault(name.partition(":")[0], []).extend(values)
    return found


def _section(
    size: str, judged: bool, options: argparse.Namespace, alone: Times, crowd: Times, calm: Times,
    sizes: Mapping[str, int],
) -> Section:  # fmt: skip
    one, many, readers = merged(alone), merged(crowd), merged(calm)
    rows = [_row(size, judged, words, target, one[name]) for name, (words, target) in TARGETS.items()]
    largest = max(sizes, key=lambda name: sizes[name])
    rows.append(Row("First view of a page, received", size, f"{sizes[largest] / 1e6:.2f} MB", "", f"{largest} has most",
                    f"at most {BYTES / 1e6:g} MB", sizes[largest] <= BYTES if judged else None))  # fmt: skip
    for times, words in ((readers, f"who read for {options.pause:g} s"), (many, "without a pause")):
        ratios = {name: float(np.median(times[name]) / np.median(one[name])) for name in TARGETS}
        worst = max(ratios, key=lambda name: ratios[name])
        rows.append(Row(f"{options.users} users at once, {words}", size, f"{ratios[worst]:.2f}x one user's median", "",
                        f"worst: {TARGETS[worst][0].lower()}", f"at most {TIMES_SLOWER:g}x",
                        ratios[worst] <= TIMES_SLOWER if judged else None))  # fmt: skip
    return Section(rows, [_by_action(one, many, readers, options), _by_page(alone, sizes)])


def _row(size: str, judged: bool, words: str, target: float | None, seconds: Sequence[float]) -> Row:
    median = float(np.median(seconds))
    return Row(words, size, shown_seconds(median), "", f"most {shown_seconds(max(seconds))}",
               f"under {target:g} s" if target else "", median < target if target and judged else None)  # fmt: skip


def _by_action(one: Times, many: Times, readers: Times, options: argparse.Namespace) -> Table:
    cells = [
        (words, *(f"{shown_seconds(float(np.median(times[name])))} (most {shown_seconds(max(times[name]))}, "
                  f"{len(times[name])} times)" for times in (one, readers, many)))
        for name, (words, _) in TARGETS.items()
    ]  # fmt: skip
    crowd = f"{options.users} users"
    return Table("Medians", ("What", "One user", f"{crowd}, who read", f"{crowd}, no pause"), cells)


def _by_page(alone: Times, sizes: Mapping[str, int]) -> Table:
    cells = []
    for name in PAGES:
        times = alone[f"{PAGE}: {name}"]
        median, received = float(np.median(times)), f"{sizes[name] / 1e6:.2f} MB"
        cells.append((name, shown_seconds(median), shown_seconds(max(times)), received))
    title = "Change to each page (one user), and what its first view receives"
    return Table(title, ("Page", "Median", "Most", "Received"), cells)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ui", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small dataset; nothing is judged or written")
    parser.add_argument("--biosamples", type=int, help=f"biosamples of the dataset (default: {BIOSAMPLES})")
    parser.add_argument("--rounds", type=int, default=20, help="times that one user does each thing")
    parser.add_argument("--users", type=int, default=10, help="browser sessions at once")
    parser.add_argument("--crowd-rounds", type=int, default=3, help="times that each of them does each thing")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds that a user reads before each action, mean")
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for a quiet machine")
    parser.add_argument("--folder", type=Path, help="where simulated files and datasets are kept, and found again")
    parser.add_argument("--report", type=Path, help="page to write (default: docs/benchmarks-ui.md; none with --quick)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
