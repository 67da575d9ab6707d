"""The first five minutes: each step of the Overview page leads to something worth looking at, and is ticked then."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from core.store.datasets import StoredDataset
from tests.browser.conftest import App
from tests.browser.driving import body, expect_chart, follow, heading, keyed, metric, settle

pytestmark = pytest.mark.browser


def panel(page: Page) -> Locator:
    """The path on the Overview page."""
    return keyed(page, "first_steps")


def step(page: Page, words: str) -> None:
    """Goes to the Overview page where the user is elsewhere, and clicks a step."""
    if not panel(page).is_visible():
        follow(page, "Overview")
    settle(page)
    panel(page).get_by_role("link", name=words, exact=False).click()


def test_the_path_through_the_pages(demo_app: App) -> None:
    ranks = StoredDataset(demo_app.root / "datasets/demo").rankings
    gene = ranks.loc[ranks["co_rank"].astype(float).idxmin(), "symbol"]
    page = demo_app.open("?dataset=demo")
    expect(panel(page)).to_contain_text("0 of 7 done")

    step(page, "Rank genes")
    heading(page, "Rankings")
    expect_chart(page, "signal-cosine")
    expect(page).to_have_url(re.compile(rf"gene={re.escape(gene)}(&|$)"))
    step(page, f"Open {gene}")
    heading(page, "Gene")
    expect(body(page).get_by_role("heading", name=re.compile(rf"^{re.escape(gene)} ")).first).to_be_visible()
    step(page, "Its neighbourhood")
    heading(page, "Neighbourhood")
    expect(page).to_have_url(re.compile(rf"gene={re.escape(gene)}(&|$)"))
    step(page, "Classify a sample")
    heading(page, "Classify")
    expect(metric(page, "Predicted label")).to_contain_text("brain")
    step(page, "Compare two tissues")
    heading(page, "Samples")
    expect(body(page)).to_contain_text(re.compile(r"Cart A · \d+ biosamples"))
    expect_chart(page, "volcano")
    step(page, "Retrain")
    heading(page, "Train")
    expect(body(page).get_by_role("button", name="Start training").first).to_be_visible()
    step(page, "Synthetic brain")
    heading(page, "Synthetic")
    expect_chart(page, "projection", timeout=90_000)
    follow(page, "Overview")
    expect(panel(page)).to_contain_text("all done")
    expect(panel(page).get_by_role("link", name="Compare your carts")).to_be_visible()


def test_a_closed_path_stays_closed_in_the_session(demo_app: App) -> None:
    page = demo_app.open("?dataset=demo")
    link = panel(page).get_by_role("link", name="Rank genes")
    expect(link).to_be_visible()
    panel(page).locator("summary").click()
    expect(link).to_be_hidden()
    settle(page)
    follow(page, "Rankings")
    follow(page, "Overview")
    expect(panel(page)).to_contain_text("1 of 7 done")
    expect(link).to_be_hidden()
    panel(page).locator("summary").click()
    expect(link).to_be_visible()
