"""The job tray: a training is followed from any page and any tab, survives a reload, is cancelled and taken off."""

import pytest
from playwright.sync_api import Locator, Page, expect

from core.store.workspace import Workspace
from tests.browser.conftest import App
from tests.browser.driving import follow, heading, keyed, settle

pytestmark = pytest.mark.browser


def sidebar(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def bar(page: Page) -> Locator:
    """The progress bar of the tray."""
    return sidebar(page).get_by_test_id("stProgress")


def opened(page: Page, run_id: str) -> Locator:
    """The log of a job, opened from the tray."""
    page.mouse.move(800, 10)  # away from a neighbour whose tooltip would lie over the button
    expect(page.get_by_test_id("stTooltipContent")).to_have_count(0)
    keyed(page, f"tray-log-{run_id}").locator("button:visible").first.click()
    shown = page.get_by_test_id("stPopoverBody").filter(visible=True)
    expect(shown).to_contain_text(run_id)
    return shown


def test_a_training_is_followed_cancelled_and_taken_off_from_the_tray(own_app: App) -> None:
    page = own_app.open("train?model=Synthetic+samples")
    heading(page, "Train")
    form = page.locator("[data-testid=stForm]:visible")
    form.get_by_label("Steps", exact=True).fill("100000")
    form.get_by_role("button", name="Start training").click()
    expect(bar(page)).to_contain_text("Synthetic generator · demo")
    run = Workspace(own_app.root).runs.all("demo", "generator")[0]

    page.reload()
    expect(bar(page)).to_contain_text("training", timeout=120_000)
    follow(page, "Rankings")
    expect(bar(page)).to_contain_text("training")
    other = own_app.open("data")
    expect(bar(other)).to_contain_text("Synthetic generator · demo: training")

    log = opened(page, run.id)
    expect(log.get_by_test_id("stCode")).to_contain_text("training")
    expect(log).to_contain_text("running")
    page.keyboard.press("Escape")

    keyed(page, f"tray-cancel-{run.id}").get_by_role("button").click()
    expect(page.get_by_test_id("stToast")).to_contain_text("Synthetic generator · demo: cancelled")
    for tab in (page, other):
        expect(bar(tab)).to_have_count(0)
        expect(sidebar(tab)).to_contain_text("Synthetic generator: cancelled")
    assert run.status == "cancelled"
    assert run.process() is None
    settle(page)

    log = opened(page, run.id)
    expect(log).to_contain_text("cancelled")
    log.get_by_role("button", name="Take off this list").click()
    expect(sidebar(page)).not_to_contain_text("cancelled")
    other.reload()
    expect(sidebar(other)).to_contain_text("Jobs")
    expect(sidebar(other)).not_to_contain_text("cancelled")

    keyed(page, "tray-clear").get_by_role("button").click()
    expect(sidebar(page)).not_to_contain_text("Jobs")
    heading(page, "Rankings")
