"""The controls of the Rankings page and what leads out of a gene: filters, columns, bars, saved filters, links."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import App
from tests.browser.driving import body, choose, column, download, expect_chart, fill, keyed, settle, table

pytestmark = pytest.mark.browser
TABLE = "Rankings of genes"
SITES = ("www.ensembl.org", "www.genecards.org", "www.proteinatlas.org", "gtexportal.org", "maayanlab.cloud")


def known(app: App) -> pd.DataFrame:
    return pd.read_parquet(app.root / "datasets/demo/rankings.parquet")


def test_two_orders_a_biotype_no_mitochondrial_genes_and_bars(demo_app: App) -> None:
    genes = known(demo_app)
    page = demo_app.open("rankings?dataset=demo")
    expect(body(page)).to_contain_text("By biotype")
    heads = table(page, TABLE).locator("thead").inner_text()
    assert "Signal, pct." in heads
    keyed(page, "hide_mt").locator("label").first.click()
    kept = genes[~genes["symbol"].str.upper().str.startswith("MT-")]
    assert 0 < len(kept) < len(genes)
    expect(body(page)).to_contain_text(f"{len(kept):,} of {len(genes):,} genes")
    settle(page)
    keyed(page, "biotype").locator("input").click()
    page.get_by_role("option", name=re.compile("^lncRNA")).click()
    page.keyboard.press("Escape")
    kept = kept[kept["biotype"] == "lncRNA"]
    expect(body(page)).to_contain_text(f"{len(kept):,} of {len(genes):,} genes")
    settle(page)
    choose(page, keyed(page, "sort"), "Top label")
    settle(page)
    choose(page, keyed(page, "then"), "Mean")
    settle(page)
    restored = demo_app.open(page.url)
    expect(body(restored)).to_contain_text(f"{len(kept):,} of {len(genes):,} genes")
    order = kept.assign(empty=kept["top_label"].isna()).sort_values(["top_label", "mean"], ascending=[True, False])
    assert column(table(page, TABLE))[:5] == column(table(restored, TABLE))[:5] == order["symbol"].tolist()[:5]


def test_filters_are_saved_and_loaded_in_another_browser(own_app: App) -> None:
    page = own_app.open("rankings?dataset=demo")
    fill(keyed(page, "min_mean").locator("input"), 1)
    settle(page)
    body(page).get_by_role("button", name="Saved filters").click()
    fill(page.get_by_role("textbox", name="Save the present filters as"), "high ones")
    keyed(page, "saved_save").get_by_role("button").click()
    settle(page)
    other = own_app.open("rankings?dataset=demo")
    body(other).get_by_role("button", name="Saved filters").click()
    keyed(other, "saved_load").get_by_role("button").click()
    few = int((known(own_app)["mean"] >= 1).sum())
    expect(body(other)).to_contain_text(f"{few:,} of")


def test_a_gene_leads_to_other_sites_and_takes_a_violin_and_a_report(demo_app: App, tmp_path: Path) -> None:
    page = demo_app.open("gene?dataset=demo&gene=GFAP")
    expect_chart(page, "distribution-GFAP")
    settle(page)
    hrefs = body(page).locator("a[href^='https://']").evaluate_all("found => found.map(it => it.href)")
    assert set(SITES) <= {urlsplit(href).netloc for href in hrefs}
    keyed(page, "kind").get_by_text("Violin", exact=True).click()
    expect(page).to_have_url(re.compile("kind=Violin"))
    settle(page)
    plot = keyed(page, "labels-GFAP").locator(".js-plotly-plot").filter(visible=True)
    assert "violin" in plot.evaluate("plot => plot.data.map(trace => trace.type)")
    file = download(page, "report-gene-GFAP", tmp_path)
    text = file.read_text()
    assert "<html" in text
    assert "GFAP" in text
    assert not re.search(r"(src|href)=[\"']https?://[^\"']+\.(js|css)", text)


def test_genes_are_compared_side_by_side(demo_app: App) -> None:
    names = ["GFAP", "ALB", *known(demo_app).nlargest(3, "signal")["symbol"]]
    page = demo_app.open(f"rankings?dataset=demo&tool=Compare+genes&compare={','.join(names)}")
    settle(page)
    charts = body(page).locator(".js-plotly-plot").filter(visible=True)
    expect(charts).to_have_count(4)
    for name in names:
        expect(charts.get_by_text(name, exact=True).first).to_be_attached()


def test_chosen_columns_come_after_the_symbol_and_stay_in_the_address(demo_app: App) -> None:
    page = demo_app.open("rankings?dataset=demo")
    body(page).get_by_role("button", name="Columns", exact=True).click()
    field = keyed(page, "columns").locator("input")
    for name in ("Gini", "Variance"):
        field.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
        settle(page)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("columns=Gini&columns=Variance"))
    again = demo_app.open(page.url)
    for opened in (page, again):
        expect(table(opened, TABLE).locator("thead th").filter(has_text=re.compile("Variance"))).to_have_count(1)
        heads = [text for text in table(opened, TABLE).locator("thead th").all_inner_texts() if text.strip()]
        assert [head.split()[0] for head in heads] == ["Symbol", "Gini", "Variance"]


def test_a_chart_that_is_on_its_way_has_its_place_held(demo_app: App) -> None:
    page = demo_app.open("method")
    chunk = re.compile(r"/static/js/.*[Pp]lotly.*\.js")
    held: list[Route] = []
    page.route(chunk, lambda route: held.append(route))  # playwright marks its handlers
    with page.expect_request(chunk):
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Gene").click()
    expect(page.get_by_test_id("stSkeleton").filter(visible=True).first).to_be_visible()
    for route in held:
        route.continue_()
    expect(page.locator(".js-plotly-plot").filter(visible=True).first).to_be_visible()
    expect(page.get_by_test_id("stSkeleton").filter(visible=True)).to_have_count(0)
    settle(page)
