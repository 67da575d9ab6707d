"""Retrain, watch, compare, use the new model; cancel a training."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.store.workspace import Workspace
from tests.browser.conftest import App
from tests.browser.driving import body, column, expect_chart, follow, heading, keyed, metric, settle, table, upload

pytestmark = pytest.mark.browser
FEWEST = 14  # more biosamples than brain has in the small demo, fewer than skin


def start(page: Page, **fields: int) -> None:
    """Fills in the visible form and starts the training."""
    form = page.locator("[data-testid=stForm]:visible")
    for name, value in fields.items():
        form.get_by_label(name, exact=True).fill(str(value))
    form.get_by_role("button", name="Start training").click()


def test_retrain_the_classifier_and_use_it(own_app: App) -> None:
    sample = (own_app.root / "demo/example_brain.csv").read_bytes()
    page = own_app.open("classify")
    upload(page, "sample.csv", sample)
    expect(metric(page, "Predicted label")).to_contain_text("brain")

    follow(page, "Train")
    start(page, Trees=5, **{"Min. label count": FEWEST})
    progress = body(page).get_by_test_id("stProgress")
    expect(progress).to_contain_text("%")
    expect(body(page).get_by_role("button", name="Cancel")).to_be_visible()
    expect(progress).to_have_count(0, timeout=120_000)
    history = table(page, "Trainings of the classifier")
    expect(history.locator("tbody tr").first).to_contain_text("done5 trees")

    new = Workspace(own_app.root).runs.all("demo", "classifier")[0]
    keyed(page, "pick_classifier_runs").locator("input").click()
    page.get_by_role("option", name=re.compile(f"{new.id[-4:]}$")).click()
    expect(body(page)).to_contain_text("Side by side")
    page.keyboard.press("Escape")
    body(page).get_by_role("button", name="Promote").click()
    expect(body(page).get_by_role("button", name="Promote")).to_have_count(1)
    settle(page)
    assert column(history)[0] == "true"

    follow(page, "Classify")
    upload(page, "sample.csv", sample)
    expect(keyed(page, "pick_classifier").locator("input")).to_have_value(re.compile(f"{new.id[-4:]} · in use$"))
    expect(body(page).get_by_test_id("stMetric").first).to_be_visible()
    expect(body(page).get_by_test_id("stMetric").first).not_to_contain_text("brain")


def test_a_training_survives_a_refresh_and_can_be_cancelled(own_app: App) -> None:
    page = own_app.open("train?model=Synthetic+samples")
    heading(page, "Train")
    start(page, Steps=100_000)
    progress = body(page).get_by_test_id("stProgress")
    expect(progress).to_contain_text("%")
    page.reload()
    expect(progress).to_contain_text("training", timeout=120_000)
    run = Workspace(own_app.root).runs.all("demo", "generator")[0]
    expect_chart(page, f"live_{run.id}", timeout=120_000)
    other = own_app.open()
    tray = other.get_by_test_id("stSidebar")
    expect(tray.get_by_test_id("stProgress")).to_contain_text("Synthetic generator · demo")

    body(page).get_by_role("button", name="Cancel").click()
    history = table(page, "Trainings of the generator")
    expect(history.locator("tbody tr").first).to_contain_text("cancelled")
    expect(progress).to_have_count(0)
    expect(tray.get_by_test_id("stProgress")).to_have_count(0)
    expect(tray).to_contain_text("Synthetic generator: cancelled")
    assert run.status == "cancelled"
    assert run.process() is None
