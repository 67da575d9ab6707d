"""Neither the app nor its jobs reach for another machine or look up a name, unless a user asks for a file there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from core import jobs
from core.store.workspace import Workspace
from tests.browser.conftest import launch
from tests.browser.driving import settle
from tests.serving import running

WATCH = Path(__file__).parent / "watch"
PAGES = (
    "", "rankings?gene=GFAP", "gene?gene=GFAP", "neighbourhood?gene=GFAP", "samples", "train", "synthetic", "data",
    "classify?example=example_brain.csv", "data?remote=human_gene_v2.5",
)  # fmt: skip


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes that start from now on note what they reach for."""
    path = tmp_path / "watched"
    monkeypatch.setenv("WATCHED", str(path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(WATCH), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    return path


def told(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_the_watch_sees_names_connections_and_packets(watched: Path) -> None:
    code = (
        "import socket, urllib.request, contextlib\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9)); s.close()\n"
        "with contextlib.suppress(OSError): urllib.request.urlopen('http://archscope.invalid', timeout=1)\n"
        "socket.create_server(('127.0.0.1', 0)).close()"
    )
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert "socket.connect 192.0.2.1" in told(watched)
    assert "socket.getaddrinfo archscope.invalid" in told(watched)
    assert "127.0.0.1" not in told(watched)


@pytest.mark.browser
def test_a_tour_of_the_pages_reaches_for_nothing(watched: Path, demo_root: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_root, tmp_path / "data")
    app = running(tmp_path / "data", tmp_path / "log")
    with sync_playwright() as playwright, launch(playwright) as browser, app as (port, _):
        tour(browser, port)
    assert "app.py" in told(watched.with_name("watched.seen"))
    assert told(watched) == ""


def tour(browser: Browser, port: int) -> None:
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    for path in PAGES:
        page.goto(f"http://localhost:{port}/{path}")
        settle(page)
        assert page.get_by_test_id("stException").count() == 0
    context.close()


def test_jobs_reach_for_nothing(watched: Path, demo_root: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_root, tmp_path / "data")
    workspace = Workspace(tmp_path / "data")
    sources = workspace.dataset("demo").manifest["sources"]
    build = {key: sources[key] for key in ("counts", "labels", "lengths")}
    for kind, name, parameters in (
        ("build", "again", build), ("classifier", "demo", {"trees": 10, "genes": 100}),
        ("generator", "demo", {"label": "brain", "steps": 20}),
    ):  # fmt: skip
        run = jobs.start(workspace, kind, name, parameters)
        process = run.process()
        assert process is None or process.wait(200) in (0, None)
        assert run.status == "done", run.error
    seen = told(watched.with_name("watched.seen"))
    assert all(f"-{kind}-" in seen for kind in ("build", "classifier", "generator"))
    assert told(watched) == ""
