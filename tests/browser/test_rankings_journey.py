"""Browse the rankings to a gene, to its neighbourhood, to a biosample."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core.store.datasets import StoredDataset
from tests.browser.conftest import App
from tests.browser.driving import (
    Box,
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
    select_box,
    settle,
    table,
)

pytestmark = pytest.mark.browser
TABLE = "Rankings of genes"


def genes(app: App) -> pd.DataFrame:
    """The rankings as the build stored them."""
    return pd.read_parquet(app.root / "datasets/demo/rankings.parquet")


def inside(known: pd.DataFrame, box: Box) -> set[str]:
    """Symbols of the genes in a box of the scatter (its x axis is logarithmic)."""
    x0, y0, x1, y1 = box
    return set(known.loc[np.log10(known["signal"]).between(x0, x1) & known["mean_cosine"].between(y0, y1), "symbol"])


def expect_count(page: Page, passing: int, total: int) -> None:
    """The line above the table says how many genes pass."""
    expect(body(page)).to_contain_text(f"{passing:,} of {total:,} genes")


def test_from_rankings_to_a_gene_to_its_neighbourhood(demo_app: App, tmp_path: Path) -> None:
    known = genes(demo_app)
    page = demo_app.open("rankings")
    heading(page, "Rankings")
    expect_count(page, len(known), len(known))
    choose(page, keyed(page, "sort"), "Mean")
    expect(body(page)).to_contain_text("by falling mean")
    fill(keyed(page, "min_mean").locator("input"), 1)
    passing = known[known["mean"] >= 1]
    expect_count(page, len(passing), len(known))
    keyed(page, "q").locator("input").fill("tnn")
    passing = passing[passing["symbol"].str.contains("TNN")].sort_values("mean", ascending=False)
    expect_count(page, len(passing), len(known))
    settle(page)
    shown = table(page, TABLE)
    expect(cells(shown)).to_have_text(passing["symbol"].tolist())

    choose_row(shown, 1)
    row = passing.iloc[1]
    expect(page).to_have_url(re.compile(rf"gene={row['symbol']}(&|$)"))
    marked = keyed(page, f"distribution-{row['symbol']}").locator("text", has_text="95th percentile")
    expect(marked).to_have_text(f"95th percentile {row['p95']:.2f}")
    assert keyed(page, f"labels-{row['symbol']}").locator(".boxlayer path.box").count() > 0
    for suffix, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        file = download(page, f"download-demo-rankings-{suffix}", tmp_path)
        taken = read(file)
        assert taken["symbol"].tolist() == passing["symbol"].tolist()
        np.testing.assert_allclose(taken["signal"], passing["signal"])

    restored = demo_app.open(page.url)
    expect_count(restored, len(passing), len(known))
    expect_chart(restored, f"distribution-{row['symbol']}")
    expect(body(restored)).to_contain_text("by falling mean")
    shown = table(restored, TABLE)
    expect(cells(shown)).to_have_text(passing["symbol"].tolist())
    expect(shown.locator("tbody tr[aria-selected=true] td").first).to_have_text(row["symbol"])

    body(page).get_by_role("link", name="Neighbourhood").click()
    heading(page, "Neighbourhood")
    expect(keyed(page, "gene_picker").locator("input")).to_have_value(row["symbol"])
    expect(body(page).get_by_test_id("stMetric").first).to_contain_text(f"{row['mean_cosine']:.3f}")
    expect_chart(page, f"heatmap-{row['symbol']}")


def test_a_gene_has_a_page_and_leads_to_the_genes_that_go_with_it(demo_app: App) -> None:
    page = demo_app.open("rankings?gene=GFAP")
    body(page).get_by_role("link", name="Gene page").click()
    heading(page, "Gene")
    expect(keyed(page, "gene_picker").locator("input")).to_have_value("GFAP")
    expect_chart(page, "distribution-GFAP")
    expect_chart(page, "correlated-GFAP", timeout=60_000)
    settle(page)
    partners = page.locator("[class*=st-key-correlated-] [data-testid=stDataFrame]:visible")
    second = column(partners)[1]
    choose_row(partners, 1)
    expect(page).to_have_url(re.compile(rf"gene={second}(&|$)"))
    expect_chart(page, f"distribution-{second}")
    restored = demo_app.open(page.url)
    expect_chart(restored, f"distribution-{second}")


def test_a_pasted_list_is_ranked_and_comes_back_with_the_address(demo_app: App) -> None:
    page = demo_app.open("rankings?tool=Gene+list")
    keyed(page, "gene_list_text").locator("textarea").fill("GFAP, ALB NOSUCH")
    page.get_by_role("button", name="Use this list").click()
    expect(body(page)).to_contain_text("2 genes matched of 3 names")
    expect(body(page)).to_contain_text("1 not in this dataset: NOSUCH")
    expect_chart(page, "list-ranks")
    keyed(page, "in_list_toggle").locator("label").first.click()
    expect(body(page)).to_contain_text("of the gene list")
    settle(page)
    restored = demo_app.open(page.url)
    expect_chart(restored, "list-ranks")
    expect(cells(table(restored, TABLE))).to_have_count(2)
    assert set(column(table(restored, TABLE))) == {"GFAP", "ALB"}


def test_a_box_in_the_scatter_filters_the_table(demo_app: App) -> None:
    known = genes(demo_app)
    page = demo_app.open("rankings")
    expect_count(page, len(known), len(known))
    chart = keyed(page, "signal-cosine")
    smaller, larger = select_box(page, chart, 0.75, 0.1, 0.98, 0.4)
    expect(body(page)).to_contain_text("selected in the chart")
    settle(page)
    certain, possible = inside(known, smaller), inside(known, larger)
    shown = set(column(table(page, TABLE)))
    assert len(certain) > 3
    assert certain <= shown <= possible
    expect_count(page, len(shown), len(known))

    one = sorted(certain)[0]
    fill(keyed(page, "q").locator("input"), one)
    expect_count(page, sum(one in symbol for symbol in shown), len(known))
    fill(keyed(page, "q").locator("input"), "")
    expect_count(page, len(shown), len(known))
    page.get_by_role("button", name="Show all genes again").click()
    expect_count(page, len(known), len(known))
    expect(body(page)).not_to_contain_text("selected in the chart")


def test_from_a_neighbourhood_to_the_biosamples_like_one_of_it(demo_app: App) -> None:
    dataset = demo_app.root / "datasets/demo"
    page = demo_app.open("neighbourhood?gene=GFAP")
    heading(page, "Neighbourhood")
    members = keyed(page, "members-0").get_by_test_id("stDataFrame")
    sample = column(members)[2]
    choose_row(members, 2)
    expect(page).to_have_url(re.compile(rf"sample={sample}(&|$)"))
    expect(body(page)).to_contain_text(f"{sample} · ")
    like = page.locator("[class*=st-key-similar-]").get_by_test_id("stDataFrame")

    profiles = StoredDataset(dataset).profiles(slice(None)).astype(np.float64)
    ids = pd.read_parquet(dataset / "biosamples.parquet")["sample_id"].tolist()
    mine = profiles[ids.index(sample)]
    cosine = profiles @ mine / (np.linalg.norm(profiles, axis=1) * np.linalg.norm(mine))
    nearest = [ids[number] for number in np.argsort(-cosine) if ids[number] != sample]
    expect(cells(like).first).to_have_text(nearest[0])
    assert column(like)[:5] == nearest[:5]


def test_two_sessions_do_not_touch_each_other(demo_app: App) -> None:
    first, second = demo_app.open("rankings?gene=GFAP&q=GFAP"), demo_app.open("rankings?gene=ALB")
    expect_chart(first, "distribution-GFAP")
    expect_chart(second, "distribution-ALB")
    fill(keyed(second, "q").locator("input"), "ALB")
    follow(second, "Neighbourhood")
    expect(keyed(second, "gene_picker").locator("input")).to_have_value("ALB")
    fill(keyed(first, "q").locator("input"), "GFA")
    expect_chart(first, "distribution-GFAP")
    follow(first, "Neighbourhood")
    expect(keyed(first, "gene_picker").locator("input")).to_have_value("GFAP")
    expect(keyed(second, "gene_picker").locator("input")).to_have_value("ALB")


def test_clicks_in_the_middle_of_a_computation(demo_app: App) -> None:
    page = demo_app.open("neighbourhood?gene=GFAP")
    heading(page, "Neighbourhood")
    sidebar = page.get_by_test_id("stSidebarNav")
    for name in ("Synthetic", "Train", "Neighbourhood", "Classify", "Overview", "Rankings"):
        sidebar.get_by_role("link", name=name).click(no_wait_after=True)
        page.wait_for_timeout(150)
    heading(page, "Rankings")
    for letters in ("G", "GF", "GFA", "GFAP"):
        keyed(page, "q").locator("input").fill(letters)
        page.wait_for_timeout(50)
    expect(body(page)).to_contain_text("1 of ")
    expect(cells(table(page, TABLE))).to_have_text(["GFAP"])
