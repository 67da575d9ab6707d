"""By the keyboard alone: from the top of the page to another page, into its search, and into and out of a popover."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.driving import body, cells, heading, keyed, settle, table

pytestmark = pytest.mark.browser
FOCUSED = """() => { const at = document.activeElement;
    const name = (at.ariaLabel || at.innerText || at.id || '').trim();
    return name.length > 80 ? '' : name; }"""  # the page itself is in the order of focus, too


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Presses the tabulator until what has that name is focused."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if re.search(name, seen[-1]):
            return
    pytest.fail(f"{name} was not reached: {seen}")


def test_a_page_is_reached_searched_and_explained_without_a_mouse(demo_app: App) -> None:
    page = demo_app.open("?dataset=demo")
    heading(page, "Overview")
    tab_to(page, "Rankings$")
    page.keyboard.press("Enter")
    heading(page, "Rankings")
    settle(page)
    tab_to(page, "What am I looking at")
    page.keyboard.press("Enter")
    shown = page.get_by_test_id("stPopoverBody").filter(visible=True)
    expect(shown).to_contain_text("Mean cosine")
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    tab_to(page, "^Search")
    page.keyboard.type("GFAP")
    page.keyboard.press("Enter")
    expect(body(page)).to_contain_text(re.compile(r"1 of [\d,]+ genes"))
    expect(cells(table(page, "Rankings of genes"))).to_have_text(["GFAP"])
    expect(keyed(page, "q").locator("input")).to_have_value("GFAP")
