"""The first start on an empty data folder."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serve
from tests.browser.driving import body, column, follow, heading, settle, table

pytestmark = pytest.mark.browser
PATIENCE = 240_000  # milliseconds: simulating and building the whole demo on a busy machine


def test_an_empty_folder_becomes_a_usable_app(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "data").mkdir()
    with serve(tmp_path / "data", browser) as app:
        page = app.open()
        expect(body(page).get_by_role("heading", name="Welcome to ARCHScope")).to_be_visible()
        expect(body(page)).to_contain_text("simulated")
        expect(body(page).get_by_test_id("stProgress")).to_contain_text("%")
        expect(body(page).get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=PATIENCE)
        follow(page, "Rankings")
        expect(body(page)).to_contain_text("demo: simulated data")
        expect(page.get_by_test_id("stSidebar")).to_contain_text("Classifier · demo")
        settle(page)
        assert len(column(table(page, "Rankings of genes"))) > 5
        follow(page, "Classify")
        expect(body(page)).to_contain_text("The first classifier is being trained")
        heading(page, "Classify")
        app.check()
