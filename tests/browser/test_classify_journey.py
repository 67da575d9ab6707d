"""Upload a sample and read its label."""

import json
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.driving import body, download, expect_chart, heading, metric, upload

pytestmark = pytest.mark.browser
WRONG = {
    "letter.csv": (b"Dear colleague,\nplease find nothing attached.\n", "letter.csv"),
    "empty.csv": (b"", "empty.csv: the file is empty."),
    "strangers.csv": (b"gene,count\nNOGENE1,4\nNOGENE2,9\n", "None of the 2 genes is in the dataset"),
    "negative.csv": (b"gene,count\nGFAP,-4\nALB,9\n", "negative.csv, line 2"),
}


def expect_label(page: Page, label: str) -> None:
    """The page calls the sample that."""
    expect(metric(page, "Predicted label")).to_contain_text(label)


def test_upload_a_sample_and_read_its_label(demo_app: App, tmp_path: Path) -> None:
    data = (demo_app.root / "demo/example_brain.csv").read_bytes()
    page = demo_app.open("classify")
    heading(page, "Classify")
    upload(page, "patient.csv", data)
    expect_label(page, "brain")
    expect(body(page)).to_contain_text("Read as table of gene and count")
    expect_chart(page, "probabilities")
    rows = pd.read_csv(download(page, "result_csv", tmp_path))
    assert rows["predicted"].tolist() == ["brain"]
    whole = json.loads(download(page, "result_json", tmp_path).read_text())
    assert max(whole["samples"][0]["probabilities"], key=whole["samples"][0]["probabilities"].get) == "brain"

    other = demo_app.open(page.url)  # another session: the upload is not its
    expect(body(other)).to_contain_text("uploads stay in the session that made them")
    expect(metric(other, "Predicted label")).to_have_count(0)


def test_a_wrong_file_is_one_error_and_the_page_goes_on(demo_app: App) -> None:
    page = demo_app.open("classify")
    heading(page, "Classify")
    for name, (data, words) in WRONG.items():
        upload(page, name, data)
        expect(body(page).get_by_test_id("stAlertContentError").filter(has_text=words)).to_be_visible()
        expect(body(page).get_by_test_id("stAlertContentError")).to_have_count(1)
        expect(metric(page, "Predicted label")).to_have_count(0)
    upload(page, "good.csv", (demo_app.root / "demo/example_brain.csv").read_bytes())
    expect_label(page, "brain")
    expect(body(page).get_by_test_id("stAlertContentError")).to_have_count(0)
