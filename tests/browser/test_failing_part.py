"""A part of a page that fails in a run of its own shows one calm box; the rest of the page, and the others, go on."""

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.store.workspace import Workspace
from tests.browser.conftest import serve
from tests.browser.driving import READY, body, cells, heading, keyed, table

pytestmark = pytest.mark.browser
SOON = 60_000  # the tray looks every 20 s


def rest(page: Page) -> None:
    page.wait_for_selector(READY)
    page.wait_for_timeout(400)


def test_a_tray_that_fails_says_so_and_leaves_the_page_usable(
    demo_root: Path, tmp_path: Path, browser: Browser
) -> None:
    shutil.copytree(demo_root, tmp_path / "data")
    with serve(tmp_path / "data", browser) as app:
        page = app.open("rankings?dataset=demo")
        heading(page, "Rankings")
        tray = page.get_by_test_id("stSidebar")
        expect(tray.get_by_test_id("stException")).to_have_count(0)
        broken = Workspace(app.root).runs.create("classifier", "demo", {})
        result = {"status": "failed", "finished": "yesterday", "error": ""}  # nobody foresaw such a date
        (broken.path / "result.json").write_text(json.dumps(result))

        box = tray.get_by_test_id("stException")
        expect(box).to_contain_text("Something went wrong on this page", timeout=SOON)
        expect(box).not_to_contain_text("Traceback")
        expect(box).not_to_contain_text(str(tmp_path))
        number = box.inner_text().split("“error ")[1].split("”")[0]
        assert f"A page failed (error {number})" in app.log.read_text()
        expect(body(page).get_by_test_id("stException")).to_have_count(0)
        keyed(page, "q").locator("input").fill("GFAP")
        expect(cells(table(page, "Rankings of genes"))).to_have_text(["GFAP"])
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Gene").click()
        heading(page, "Gene")

        shutil.rmtree(broken.path)
        expect(tray.get_by_test_id("stException")).to_have_count(0, timeout=SOON)
        rest(page)
