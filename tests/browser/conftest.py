"""A real app in a process of its own, and a real Chromium to drive it.

Whatever a test does, the app may show no traceback, write none to its log, raise no error in the browser and ask no
other machine for anything; that is checked at the end of every test.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from core import jobs
from core.store.workspace import Workspace
from tests.browser.driving import settle
from tests.serving import running

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# On a deep link Streamlit's own page tries these below the page's path first, and finds them one level up.
PROBES = ("/_stcore/health", "/_stcore/host-config")
LOCAL = ("data:", "blob:", "about:")
expect.set_options(timeout=30_000)


def launch(playwright: Playwright) -> Browser:
    """The machine's own Chromium or Chrome, else Playwright's."""
    found = next((path for name in NAMES if (path := shutil.which(name))), MAC if Path(MAC).exists() else None)
    return playwright.chromium.launch(executable_path=found, args=FLAGS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser for the session."""
    with sync_playwright() as playwright, launch(playwright) as opened:
        yield opened


class App:
    """A running dashboard: its address, its data folder, and the pages that the tests open in it."""

    def __init__(self, address: str, root: Path, log: Path, browser: Browser) -> None:
        self.address = address
        self.root = root
        self.log = log
        self.problems: list[str] = []
        self.hosts = {urlsplit(address).netloc}  # that its pages may ask
        self._browser = browser
        self._pages: list[Page] = []

    def open(self, path: str = "", width: int = 1440) -> Page:
        """A page in a browser session of its own, settled; ``path`` may be a whole address of this app."""
        context = self._browser.new_context(viewport={"width": width, "height": 1000}, accept_downloads=True)
        page = context.new_page()
        self._pages.append(page)
        page.set_default_timeout(60_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error in the browser: {error}"))
        page.on("request", lambda request: self._requested(request.url))
        page.on("websocket", lambda socket: self._requested(socket.url))
        page.goto(path if path.startswith(self.address) else f"{self.address}/{path}")
        settle(page)
        return page

    def close(self) -> None:
        """Closes every page; notes a traceback that one of them still shows."""
        while self._pages:
            page = self._pages.pop()
            self.problems += page.get_by_test_id("stException").all_inner_texts()
            page.context.close()

    def check(self) -> None:
        """Ends a test: closes its pages, and fails on whatever went wrong in them or in the app."""
        self.close()
        problems, self.problems = self.problems, []
        assert problems == [], "\n".join(problems)
        assert "Traceback" not in self.log.read_text()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not urlsplit(message.location["url"]).path.endswith(PROBES):
            self.problems.append(f"console: {message.text} ({message.location['url']})")

    def _requested(self, url: str) -> None:
        if urlsplit(url).netloc not in self.hosts and not url.startswith(LOCAL):
            self.problems.append(f"request to another machine: {url}")


@contextlib.contextmanager
def serve(
    root: Path, browser: Browser, *options: str, port: int | None = None, settings: Mapping[str, str] | None = None,
    script: str = "app.py",
) -> Iterator[App]:  # fmt: skip
    """Runs the app on a data folder, and ends it with every job that it left running.

    ``options`` of Streamlit; ``settings``: environment variables.
    """
    log = root.parent / f"{root.name}.log"
    try:
        with running(root, log, *options, settings=settings, port=port, script=script) as (at, _):
            app = App(f"http://127.0.0.1:{at}", root, log, browser)
            try:
                yield app
            finally:
                app.close()
    finally:
        _cancel_jobs(root)


def _cancel_jobs(root: Path) -> None:
    """Cancels what is left, and what a demo's build starts as it ends."""
    workspace = Workspace(root)
    while left := [run for run in workspace.runs.all() if run.process() is not None]:
        for run in left:
            jobs.cancel(run)
        time.sleep(0.2)


@pytest.fixture(scope="session")
def served_demo(demo_root: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[App]:
    """One app for all tests that change nothing; they take it as ``demo_app``."""
    root = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(demo_root, root)
    with serve(root, browser) as app:
        yield app


@pytest.fixture
def demo_app(served_demo: App) -> Iterator[App]:
    """The app on the small demo and its runs, to be looked at: shared, in a browser session of the test's own."""
    yield served_demo
    served_demo.check()


@pytest.fixture
def own_app(demo_root: Path, tmp_path: Path, browser: Browser) -> Iterator[App]:
    """An app of the test's own on a copy of the small demo and its runs, to be changed."""
    shutil.copytree(demo_root, tmp_path / "data")
    with serve(tmp_path / "data", browser) as app:
        yield app
        app.check()
