"""``python -m benchmarks.ui``: how fast the dashboard answers in a browser; into docs/benchmarks-ui.md."""

import argparse
import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from core.store.workspace import Workspace
from tests.load import cast, crowd
from tests.load.served import Served, served

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
SPARE = 45  # seconds that one round of a user may take
Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Found:
    """Seconds of one user by kind of action, the same in company (by what it is called), bytes that pages receive."""

    alone: Times
    company: Mapping[str, Times]
    sizes: Mapping[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and writes the page; the exit status. A target that is not met is no failure."""
    options = _parser().parse_args(arguments)
    folder = (options.folder or data_dir() / "bench").resolve()
    size = options.biosamples or (400 if options.quick else BIOSAMPLES)
    setting = Setting(folder / "quick", (size,), 3000, quick=True) if options.quick else Setting(folder, (size,))
    WATCH.reset(0.0 if options.quick else options.patience)
    with _served(setting, size) as app:
        WATCH.wait()
        begun, others = time.monotonic(), Bystanders()
        found = asyncio.run(_measure(app, setting.name(size), options, others))
    section = _section(f"{size:,} x {setting.n_genes:,}", setting.judges(size, BIOSAMPLES), found)
    text = f"{report.stamp(time.monotonic() - begun, others.share())}\n\n{section.markdown()}"
    print(text, flush=True)
    page = options.report or (None if options.quick else DOCUMENT)
    if page:
        report.put(page, "ui", text)
        report.put(page, "machine", report.machine())
    return 0


async def _measure(app: Served, dataset: str, options: argparse.Namespace, others: Bystanders) -> Found:
    n, pause = options.users, options.pause
    async with _browser() as browser:
        say("warming up")
        first = User(browser, app.address, dataset, seed=0)
        sizes = {name: await first.received(path) for name, path in PAGES.items()}
        say("  " + ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes.items()))
        await first.work(1)
        watching = asyncio.create_task(_watch(others))
        say("one user")
        alone = await _users(browser, app.address, dataset, 1, options.rounds)
        company = {}
        for words, seconds in ((f"who read for {pause:g} s", pause), ("without a pause", 0.0)):
            say(f"one of {n} users {words}; the browsers of the others elsewhere")
            company[f"one of {n} users {words}, the others elsewhere"] = await _beside(
                browser, app, dataset, options, seconds
            )
        for words, seconds in ((f"who read for {pause:g} s", pause), ("without a pause", 0.0)):
            say(f"{n} users {words}")
            company[f"{n} users {words}, every browser here"] = await _users(
                browser, app.address, dataset, n, options.crowd_rounds, seconds
            )
        watching.cancel()
        return Found(alone, company, sizes)


async def _watch(others: Bystanders) -> None:
    while True:
        await asyncio.sleep(5)
        await asyncio.to_thread(others.look)


async def _users(browser: Browser, address: str, dataset: str, n: int, rounds: int, pause: float = 0.0) -> Times:
    """The same work by ``n`` browser sessions at once; all their times together."""
    users = [User(browser, address, dataset, 100 * n + number, pause) for number in range(n)]
    await asyncio.gather(*(user.work(rounds) for user in users))
    return _told({name: [each for user in users for each in user.times[name]] for name in users[0].times})


async def _beside(browser: Browser, app: Served, dataset: str, options: argparse.Namespace, pause: float) -> Times:
    """Times of one user in a browser, while the app answers others of whom only the messages come.

    They browse at random: pages, genes, neighbourhoods, searches, sorting, biosamples (``tests.load``).
    """
    until = time.monotonic() + options.beside
    plan = crowd.Plan(options.users - 1, options.beside, (0.5 * pause, 1.5 * pause), first=1)
    others = asyncio.create_task(asyncio.to_thread(crowd.play, app, cast.cast_of(Workspace(app.root)), plan))
    user = User(browser, app.address, dataset, 1000 + round(pause))
    while not user.times or time.monotonic() < until - SPARE:
        await user.work(1)
    log = await others
    if wrong := [*log.problems, *log.foreign]:
        raise RuntimeError(f"a session beside the browser was not served as it should be: {wrong[0]}")
    say(f"  {log.actions} actions of {plan.people} others in {options.beside:.0f} s")
    return _told(user.times)


def _told(times: Times) -> Times:
    for name, seconds in times.items():
        say(f"  {name}: {shown_seconds(float(np.median(seconds)))}")
    return times


@contextlib.asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@contextlib.contextmanager
def _served(setting: Setting, size: int) -> Iterator[Served]:
    """The app on a data folder of its own, which holds a link to the dataset."""
    built, root = setting.dataset(size), setting.folder / "ui"
    shutil.rmtree(root, ignore_errors=True)
    (root / "datasets").mkdir(parents=True)
    (root / "datasets" / built.name).symlink_to(setting.workspace.datasets_dir / built.name)
    with served(root, root / "app.log") as app:
        yield app


def merged(times: Times) -> dict[str, list[float]]:
    """Times by kind of action: those of all changes of page together."""
    found: dict[str, list[float]] = {}
    for name, values in times.items():
        found.setdefault(name.partition(":")[0], []).extend(values)
    return found


def _section(size: str, judged: bool, found: Found) -> Section:
    one, sizes = merged(found.alone), found.sizes
    company = {words: merged(times) for words, times in found.company.items()}
    rows = [_row(size, judged, words, target, one[name]) for name, (words, target) in TARGETS.items()]
    largest = max(sizes, key=lambda name: sizes[name])
    rows.append(Row("First view of a page, received", size, f"{sizes[largest] / 1e6:.2f} MB", "", f"{largest} has most",
                    f"at most {BYTES / 1e6:g} MB", sizes[largest] <= BYTES if judged else None))  # fmt: skip
    for words, times in company.items():
        ratios = {name: float(np.median(times[name]) / np.median(one[name])) for name in TARGETS}
        worst = max(ratios, key=lambda name: ratios[name])
        rows.append(Row(f"{words[0].upper()}{words[1:]}", size, f"{ratios[worst]:.2f}x one user's median", "",
                        f"worst: {TARGETS[worst][0].lower()}", f"at most {TIMES_SLOWER:g}x",
                        ratios[worst] <= TIMES_SLOWER if judged else None))  # fmt: skip
    return Section(rows, [_by_action(one, company), _by_page(found.alone, sizes)])


def _row(size: str, judged: bool, words: str, target: float | None, seconds: Sequence[float]) -> Row:
    median = float(np.median(seconds))
    return Row(words, size, shown_seconds(median), "", f"most {shown_seconds(max(seconds))}",
               f"under {target:g} s" if target else "", median < target if target and judged else None)  # fmt: skip


def _by_action(one: Times, company: Mapping[str, Times]) -> Table:
    columns = {"One user": one, **{f"{words[0].upper()}{words[1:]}": times for words, times in company.items()}}
    cells = [
        (words, *(f"{shown_seconds(float(np.median(times[name])))} (most {shown_seconds(max(times[name]))}, "
                  f"{len(times[name])} times)" for times in columns.values()))
        for name, (words, _) in TARGETS.items()
    ]  # fmt: skip
    return Table("Medians", ("What", *columns), cells)


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
    parser.add_argument("--beside", type=float, default=240, help="seconds of one user among sessions elsewhere")
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for a quiet machine")
    parser.add_argument("--folder", type=Path, help="where simulated files and datasets are kept, and found again")
    parser.add_argument("--report", type=Path, help="page to write (default: docs/benchmarks-ui.md; none with --quick)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
