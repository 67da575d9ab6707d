"""From a file on a server to a classifier: search, fetch, build, rank, classify."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App
from tests.browser.driving import body, choose, column, fill, follow, heading, keyed, metric, settle, table, upload
from tests.sources.large_archs4 import write_large_archs4
from tests.sources.range_server import RangeServer

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    """A server on this machine with a file of 1,200 biosamples of six tissues."""
    folder = tmp_path / "served"
    folder.mkdir()
    write_large_archs4(folder / "human_simulated.h5", 1200, 900)
    with RangeServer(folder) as running:
        yield running


def test_choose_fetch_build_rank_and_classify(own_app: App, server: RangeServer) -> None:
    page = own_app.open("data")
    body(page).get_by_text("From ARCHS4: biosamples of a published file").click()
    source = keyed(page, "remote").locator("input")
    source.fill("file:///etc/hosts")
    source.press("Enter")
    expect(body(page)).to_contain_text("only addresses that begin with https://")
    source.fill(server.url("human_simulated.h5"))
    source.press("Enter")
    body(page).get_by_role("button", name="Read its list of biosamples").click()
    expect(body(page)).to_contain_text("1,200 biosamples × 900 genes", timeout=60_000)

    fill(keyed(page, "find").locator("input"), "TISSUE donor")
    fill(keyed(page, "find_limit").locator("input"), 200)
    expect(body(page)).to_contain_text("200 biosamples of 1,170 that fit, drawn at random")
    settle(page)
    assert all(sample.startswith("GSM") for sample in column(table(page, "Chosen biosamples of the remote file")))

    body(page).get_by_role("button", name="Measure bytes and time").click()
    expect(body(page)).to_contain_text("of counts in 200 chunks", timeout=60_000)
    body(page).get_by_role("button", name="Fetch 200 biosamples").click()
    body(page).get_by_role("button", name="Build this").click(timeout=60_000)
    expect(body(page)).to_contain_text("is filled in")
    fetched = next((own_app.root / "downloads").glob("*.h5"))
    expect(keyed(page, "counts_path").locator("input")).to_have_value(str(fetched))

    restored = own_app.open(page.url)  # the address holds the file, the search and the draw
    expect(body(restored)).to_contain_text("200 biosamples of 1,170 that fit, drawn at random")
    expect(body(restored).get_by_role("button", name="Build this")).to_be_visible()

    fill(keyed(page, "build_name").locator("input"), "slice")
    keyed(page, "build_measure").scroll_into_view_if_needed()
    settle(page)  # a list that opens while the page moves closes again
    choose(page, keyed(page, "build_measure"), "Do not divide")
    body(page).get_by_role("button", name="Build", exact=True).click()
    link = body(page).get_by_role("link", name="Open the rankings of slice")
    link.click(timeout=120_000)
    heading(page, "Rankings")
    expect(body(page)).to_contain_text("900 of 900 genes")

    follow(page, "Train")
    form = page.locator("[data-testid=stForm]:visible")
    form.get_by_label("Trees", exact=True).fill("30")
    form.get_by_role("button", name="Start training").click()
    expect(body(page).get_by_test_id("stProgress")).to_have_count(0, timeout=180_000)
    expect(table(page, "Trainings of the classifier").locator("tbody tr").first).to_contain_text("done")

    with h5py.File(server.folder / "human_simulated.h5") as file:
        place = file["meta/samples/source_name_ch1"].asstr()[:].tolist().index("liver")
        counts, symbols = file["data/expression"][:, place], file["meta/genes/symbol"].asstr()[:]
    follow(page, "Classify")
    upload(page, "patient.csv", pd.DataFrame({"gene": symbols, "count": counts}).to_csv(index=False).encode())
    expect(metric(page, "Predicted label")).to_contain_text("liver")
