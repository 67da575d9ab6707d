"""A real app in a process of its own, and a real Chromium to drive it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.settings import PROJECT

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium or Chrome, else Playwright's."""
    found = next((path for name in NAMES if (path := shutil.which(name))), MAC if Path(MAC).exists() else None)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


class App:
    """A running dashboard: its address, and the pages that the tests open in it."""

    def __init__(self, address: str, browser: Browser) -> None:
        self.address = address
        self._browser = browser
        self.pages: list[Page] = []

    def open(self, path: str = "", **size: int) -> Page:
        """A page in a browser session of its own, settled."""
        context = self._browser.new_context(
            viewport={"width": size.get("width", 1440), "height": 1000}, accept_downloads=True
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.address}/{path}")
        settle(page)
        self.pages.append(page)
        return page


@contextlib.contextmanager
def serve(root: Path, browser: Browser) -> Iterator[App]:
    """Runs the app on a data folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.fileWatcherType", "none"]
    environment = {**os.environ, "ARCHSCOPE_DATA": str(root)}
    with (root / "app.log").open("w") as log:
        streams = {"stdout": log, "stderr": log}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True, **streams)
    app = App(f"http://127.0.0.1:{port}", browser)
    try:
        _wait_until_healthy(app.address, process)
        yield app
    finally:
        for page in app.pages:
            page.context.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the app stopped"
        assert time.monotonic() < end, "the app did not start"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
            return
        time.sleep(0.2)


def settle(page: Page) -> None:
    """Waits until the script and the charts are done, and fails on a traceback."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(400)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    exceptions = page.locator("[data-testid=stException]").all_inner_texts()
    assert exceptions == []


@pytest.fixture
def demo_app(demo_root: Path, tmp_path: Path, browser: Browser) -> Iterator[App]:
    """The app on a copy of the small demo and its runs."""
    shutil.copytree(demo_root, tmp_path / "data")
    with serve(tmp_path / "data", browser) as app:
        yield app
