"""The app as served with its health beside the pages: ready before anybody came, and the pages as ever."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, expect

from core.settings import PROJECT
from tests.browser.conftest import App, serve
from tests.browser.driving import heading, table

pytestmark = pytest.mark.browser
TOKEN = "let-me-see"


@pytest.fixture
def served(demo_root, tmp_path, browser: Browser):
    """``streamlit run serve.py`` on a copy of the demo."""
    root = tmp_path / "data"
    shutil.copytree(demo_root, root)
    settings = {"ARCHSCOPE_METRICS_TOKEN": TOKEN, "ARCHSCOPE_LOG": "json", "ARCHSCOPE_SLOW_S": "0"}
    with serve(root, browser, settings=settings, script="serve.py") as app:
        yield app
        app.check()


def asked(app: App, path: str, **headers: str):
    request = urllib.request.Request(f"{app.address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_app_says_that_it_is_ready_and_is_the_same_app(served: App):
    assert asked(served, "/live") == (200, '{"status":"ok"}')
    status, body = asked(served, "/ready")
    told = json.loads(body)
    assert (status, told["status"], told["checks"]["database"]) == (200, "ok", "ok")
    assert str(served.root) not in body
    assert asked(served, "/metrics")[0] == 401
    assert asked(served, "/metrics", Authorization="Bearer wrong")[0] == 401
    status, text = asked(served, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert 'archscope_dataset_biosamples{dataset="demo"} 320' in text

    page = served.open("data")
    heading(page, "Data")
    expect(table(page, "Datasets")).to_be_visible()
    lines = [json.loads(line) for line in served.log.read_text().splitlines() if line.startswith("{")]
    assert any(line["event"] == "interaction.slow" and line["part"] == "app" for line in lines)
    command = [sys.executable, "-m", "core", "--data-dir", str(served.root), "health", "--url", served.address]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert "database,ok,a running app has it open" in said
    assert f"app,ok,{served.address} answers" in said


def test_a_damaged_dataset_makes_it_not_ready(served: App):
    assert asked(served, "/ready")[0] == 200
    (served.root / "datasets" / "demo" / "rankings.parquet").unlink()
    end = time.monotonic() + 60
    while asked(served, "/ready")[0] == 200 and time.monotonic() < end:  # an answer is given again for a while
        time.sleep(1)
    status, body = asked(served, "/ready")
    assert status == 503
    assert json.loads(body)["checks"]["datasets"] == "fail"
