"""An address brings back what was chosen, in another browser too; back goes back; files carry where they come from."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect

from core.store.workspace import Workspace
from tests.browser.conftest import App
from tests.browser.driving import (
    body,
    cells,
    choose,
    choose_row,
    column,
    download,
    expect_chart,
    fill,
    follow,
    heading,
    keyed,
    settle,
    table,
)

pytestmark = pytest.mark.browser
BIOSAMPLE = "DEMO00004"
SAVES_PNG = """() => document.querySelector('.st-key-labels-GFAP .js-plotly-plot')
    ?._context.toImageButtonOptions.format === 'png'"""


def visible_button(found: Locator) -> Locator:
    """The button itself: Streamlit keeps a hidden copy to measure its tooltip."""
    return found.locator("button:visible").first


def opened_alone(page: Page, file: Path) -> tuple[Page, list[str]]:
    """A file opened without the app, and what goes wrong in it from then on: errors, requests that leave it."""
    problems: list[str] = []
    alone = page.context.new_page()
    alone.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    alone.on("pageerror", lambda error: problems.append(str(error)))
    alone.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
    alone.goto(file.as_uri())
    return alone, problems


def copied(page: Page) -> str:
    """The address that the head of the page offers to copy."""
    settle(page)
    visible_button(keyed(page, "copy_link")).click()
    code = page.get_by_test_id("stCode").last
    expect(code).to_contain_text("http")
    address = code.inner_text().strip()
    page.keyboard.press("Escape")
    return address


def choose_gene(page: Page, gene: str) -> None:
    """Types a gene's symbol into the picker, whether it lists it or not, and takes it."""
    field = keyed(page, "gene_picker").locator("input")
    field.click()
    field.fill(gene)
    field.press("Enter")


def parameters(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def test_the_link_of_a_page_brings_back_its_gene_its_filters_and_its_order(demo_app: App) -> None:
    page = demo_app.open("rankings")
    choose(page, keyed(page, "sort"), "Mean")
    fill(keyed(page, "q").locator("input"), "tnn")
    settle(page)
    shown = table(page, "Rankings of genes")
    names = column(shown)
    choose_row(shown, 0)
    expect_chart(page, f"distribution-{names[0]}")
    address = copied(page)
    assert address == page.url

    other = demo_app.open(address)
    expect_chart(other, f"distribution-{names[0]}")
    expect(cells(table(other, "Rankings of genes"))).to_have_text(names)
    expect(keyed(other, "q").locator("input")).to_have_value(re.compile("tnn", re.IGNORECASE))


def test_the_link_names_what_the_page_chose_by_itself(demo_app: App) -> None:
    page = demo_app.open("neighbourhood")
    gene = keyed(page, "gene_picker").locator("input").input_value()
    address = copied(page)
    assert parameters(address) == {"dataset": ["demo"], "gene": [gene]}
    other = demo_app.open(address)
    expect(keyed(other, "gene_picker").locator("input")).to_have_value(gene)


def test_every_page_shows_the_same_again_at_its_address(demo_app: App) -> None:
    runs = {kind: next((demo_app.root / "runs").glob(f"*-{kind}-*")).name for kind in ("classifier", "generator")}
    addresses = {
        "neighbourhood?dataset=demo&gene=GFAP": ("gene_picker", "GFAP"),
        f"classify?dataset=demo&biosample={BIOSAMPLE}": ("pick_biosample", re.compile(BIOSAMPLE)),
        f"classify?dataset=demo&classifier={runs['classifier']}": ("pick_classifier", re.compile("in use")),
        f"synthetic?dataset=demo&generator={runs['generator']}&n=40&seed=3": ("n", "40"),
        "?dataset=demo": ("dataset_picker", "demo"),
        "data?dataset=demo": ("dataset_picker", "demo"),
    }
    for address, (key, value) in addresses.items():
        page = demo_app.open(address)
        expect(keyed(page, key).locator("input").first).to_have_value(value)
        asked = parameters(f"{demo_app.address}/{address}")
        found = parameters(copied(page))
        assert asked.items() <= found.items()
        demo_app.close()


def test_the_overview_is_at_both_of_its_addresses(demo_app: App) -> None:
    for path in ("overview?dataset=demo", "overview", "?dataset=demo", ""):
        page = demo_app.open(path)
        heading(page, "Overview")
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert parameters(copied(page)) == {"dataset": ["demo"]}
        demo_app.close()


def test_the_tab_and_the_run_of_the_train_page_are_in_its_address(demo_app: App) -> None:
    run = next((demo_app.root / "runs").glob("*-generator-*")).name
    page = demo_app.open(f"train?dataset=demo&model=Synthetic+samples&generator_runs={run}")
    expect(body(page).get_by_role("tab", name="Synthetic samples")).to_have_attribute("aria-selected", "true")
    expect(body(page)).to_contain_text(f"Run {run[-4:]}")
    assert parameters(copied(page))["generator_runs"] == [run]


def test_a_part_of_a_symbol_is_answered_with_the_genes_that_have_it(demo_app: App) -> None:
    page = demo_app.open("gene?dataset=demo&gene=ALB")
    choose_gene(page, "gfa")
    expect(body(page)).to_contain_text("No gene of demo is called “gfa”: did you mean")
    expect(page).to_have_url(re.compile("gene=ALB"))
    keyed(page, "gene_suggested").get_by_text("GFAP", exact=True).click()
    expect_chart(page, "distribution-GFAP")
    expect(page).to_have_url(re.compile("gene=GFAP"))
    expect(body(page)).not_to_contain_text("did you mean")


def test_back_goes_from_one_gene_to_the_gene_before_and_to_the_page_before(demo_app: App) -> None:
    page = demo_app.open("rankings?dataset=demo")
    follow(page, "Neighbourhood")
    choose_gene(page, "GFAP")
    expect_chart(page, "baselines-GFAP")
    choose_gene(page, "ALB")
    expect_chart(page, "baselines-ALB")
    page.go_back()
    expect(page).to_have_url(re.compile("gene=GFAP"))
    expect_chart(page, "baselines-GFAP")
    expect(keyed(page, "gene_picker").locator("input")).to_have_value("GFAP")
    page.go_forward()
    expect_chart(page, "baselines-ALB")
    for _ in range(6):
        if "/rankings" in page.url:
            break
        page.go_back()
        settle(page)
    heading(page, "Rankings")


def test_files_carry_where_they_come_from(demo_app: App, tmp_path: Path) -> None:
    page = demo_app.open("rankings?dataset=demo&q=GFAP")
    parquet = download(page, "download-demo-rankings-parquet", tmp_path)
    fingerprint = pq.read_schema(parquet).metadata[b"archscope.fingerprint"].decode()
    assert parquet.name == f"demo-{fingerprint[:8]}-rankings.parquet"
    assert pq.read_schema(parquet).metadata[b"archscope.address"].decode() == page.url
    csv = download(page, "download-demo-rankings-csv", tmp_path)
    assert csv.name == f"demo-{fingerprint[:8]}-rankings.csv"
    assert pd.read_csv(csv)["symbol"].tolist() == ["GFAP"]


def test_a_chart_is_taken_away_as_a_page_of_its_own_and_as_an_image(demo_app: App, tmp_path: Path) -> None:
    page = demo_app.open("rankings?dataset=demo&gene=GFAP")
    expect_chart(page, "distribution-GFAP")
    settle(page)
    visible_button(keyed(page, "export-distribution-GFAP")).click()
    expect(visible_button(keyed(page, "html-distribution-GFAP"))).to_be_visible()
    file = download(page, "html-distribution-GFAP", tmp_path)
    keyed(page, "image-distribution-GFAP").locator("button", has_text="PNG").first.click()
    page.wait_for_function(SAVES_PNG)
    page.keyboard.press("Escape")
    settle(page)  # until then the old chart may stand beside the new one
    plot = keyed(page, "labels-GFAP").locator(".js-plotly-plot").first
    plot.hover()
    with page.expect_download() as coming:
        plot.locator("[data-title*='ownload plot']").click()
    assert coming.value.suggested_filename.endswith("-labels-GFAP.png")
    coming.value.save_as(tmp_path / "image.png")
    assert (tmp_path / "image.png").read_bytes()[:4] == b"\x89PNG"

    alone, problems = opened_alone(page, file)
    expect(alone.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(alone.locator("figcaption")).to_contain_text("GFAP over 320 biosamples")
    expect(alone.locator("body")).to_contain_text("gene=GFAP")
    with alone.expect_download() as image:
        alone.get_by_role("button", name="SVG").click()
    image.value.save_as(tmp_path / "image.svg")
    assert "<svg" in (tmp_path / "image.svg").read_text()[:500]
    assert problems == []


def test_a_report_stands_by_itself(demo_app: App, tmp_path: Path) -> None:
    page = demo_app.open(f"classify?dataset=demo&biosample={BIOSAMPLE}")
    file = download(page, f"report-sample-{BIOSAMPLE}", tmp_path)
    alone, problems = opened_alone(page, file)
    expect(alone.locator("figure .js-plotly-plot .main-svg").first).to_be_visible()
    assert alone.locator("figure").count() == alone.locator(".js-plotly-plot").count() == 3
    expect(alone.locator("h1")).to_have_text(f"Sample {BIOSAMPLE}")
    for link in alone.locator("nav a").all():
        target = link.get_attribute("href") or ""
        assert alone.locator(f"section{target}").count() == 1
    expect(alone.locator("body")).to_contain_text(f"biosample={BIOSAMPLE}")
    assert problems == []


def test_the_report_of_a_run_stands_by_itself(demo_app: App, tmp_path: Path) -> None:
    [run] = Workspace(demo_app.root).runs.all("demo", "classifier")
    page = demo_app.open("train?dataset=demo&model=Classifier")
    file = download(page, f"report-run-{run.id}", tmp_path)
    alone, problems = opened_alone(page, file)
    expect(alone.locator("h1")).to_have_text("Classifier: 30 trees, 300 genes")
    expect(alone.locator("body")).to_contain_text(run.id)
    expect(alone.locator("figure .js-plotly-plot .main-svg").first).to_be_visible()
    expect(alone.locator("body")).to_contain_text("whole series kept together")
    assert problems == []
