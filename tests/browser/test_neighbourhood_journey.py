"""From a gene's neighbourhood to a member, to its likes and theirs, and back; a lasso on the map into a cart."""

import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core import workflows as wf
from core.store.workspace import Workspace
from tests.browser.conftest import App
from tests.browser.driving import (
    body,
    choose_row,
    column,
    download,
    expect_chart,
    heading,
    keyed,
    metric,
    select_box,
    settle,
)

pytestmark = pytest.mark.browser
# Points of all labels; the ring around the neighbourhood is drawn over some of them.
ALL_POINTS = """plot => plot._fullData.filter(trace => !trace.name.startsWith('neighbourhood'))
    .reduce((sum, trace) => sum + trace.x.length, 0)"""
CHARTS = ("heatmap-ALB", "label-ALB", "series-ALB", "baselines-ALB")


def test_from_a_member_to_its_likes_to_theirs_and_back(own_app: App, tmp_path: Path) -> None:
    workspace = Workspace(own_app.root)
    view = wf.neighbourhood(workspace, "demo", "ALB")
    page = own_app.open("neighbourhood?dataset=demo&gene=ALB")
    heading(page, "Neighbourhood")
    expect(metric(page, "Mean cosine").first).to_contain_text(f"{view.row['mean_cosine']:.3f}")
    for key in CHARTS:
        expect_chart(page, key)
    taken = pd.read_csv(download(page, "download-demo-ALB-neighbourhood-csv", tmp_path))
    assert taken["sample_id"].tolist() == view.members["sample_id"].tolist()

    first = view.members["sample_id"][0]
    choose_row(page.get_by_test_id("stDataFrame").first, 0)
    expect(page).to_have_url(re.compile(rf"sample={first}(&|$)"))
    likes = wf.similar_biosamples(workspace, "demo", first)["sample_id"].tolist()
    settle(page)
    similar = page.locator("[class*='st-key-similar-'] [data-testid=stDataFrame]")
    assert column(similar)[0] == likes[0]
    choose_row(similar, 0)
    expect(page).to_have_url(re.compile(rf"sample={likes[0]}(&|$)"))
    expect(page).to_have_url(re.compile(rf"trail={first}(&|$)"))
    settle(page)
    expect(keyed(page, "trail_1")).to_contain_text(likes[0])
    expect(body(page)).to_contain_text("share a label with it")
    again = own_app.open(page.url)
    expect(keyed(again, "trail_0")).to_contain_text(first)
    keyed(page, "trail_back").get_by_role("button").click()
    expect(page).to_have_url(re.compile(rf"sample={first}(&|$)"))
    settle(page)
    assert "trail=" not in page.url


def test_a_box_on_the_map_lists_its_biosamples_and_fills_a_cart(own_app: App) -> None:
    points = wf.projection(Workspace(own_app.root), "demo")
    page = own_app.open("neighbourhood?dataset=demo&gene=ALB")
    chart = page.locator("[class*='st-key-projection-']").first
    expect(chart.locator(".js-plotly-plot")).to_be_visible()
    settle(page)
    (x0, y0, x1, y1), (a0, b0, a1, b1) = select_box(page, chart, 0.2, 0.2, 0.7, 0.8)
    expect(page).to_have_url(re.compile("lasso="))
    settle(page)
    least = (points["x"].between(x0, x1) & points["y"].between(y0, y1)).sum()
    most = (points["x"].between(a0, a1) & points["y"].between(b0, b1)).sum()
    told = body(page).get_by_text(re.compile(r"^[\d,]+ biosamples inside$")).inner_text()
    found = int(told.split()[0].replace(",", ""))
    assert 0 < least <= found <= most
    keyed(page, "lasso_cart_A").get_by_role("button").click()
    settle(page)
    expect(body(page).get_by_text(f"{found} biosamples inside")).to_be_visible()
    keyed(page, "colour_control").get_by_text("Cart").click()
    settle(page)
    expect(chart.locator(".legendtext", has_text=f"cart A ({found})")).to_be_visible()


@pytest.mark.parametrize(("method", "name"), [("tsne", "t-SNE"), ("umap", "UMAP")])
def test_another_map_is_made_by_a_job_and_opens_by_itself(own_app: App, method: str, name: str) -> None:
    page = own_app.open("neighbourhood?dataset=demo&gene=ALB")
    keyed(page, "map_control").get_by_text(name, exact=True).click()
    settle(page)
    expect(page).to_have_url(re.compile(f"map={method}"))
    making = keyed(page, "make_map").get_by_role("button")
    if making.count():  # a small dataset's map may be quick enough to need no job
        making.click()
    chart = page.locator(f"[class*='st-key-projection-'][class*='-{method}-']")
    expect(chart.locator(".xtitle")).to_have_text(f"{name} 1 (no unit)", timeout=180_000)
    settle(page)
    points = wf.projection(Workspace(own_app.root), "demo", method)
    assert len(points) == int(chart.locator(".js-plotly-plot").evaluate(ALL_POINTS))
    again = own_app.open(page.url)
    expect(again.locator(f"[class*='-{method}-'] .xtitle")).to_have_text(f"{name} 1 (no unit)")


def test_an_id_that_is_not_offered_is_typed_and_one_that_nobody_has_is_said(demo_app: App) -> None:
    workspace = Workspace(demo_app.root)
    members = set(wf.neighbourhood(workspace, "demo", "ALB").members["sample_id"])
    another = next(each for each in workspace.dataset("demo").biosamples["sample_id"] if each not in members)
    page = demo_app.open("neighbourhood?dataset=demo&gene=ALB")
    type_into_picker(page, another)
    expect(page).to_have_url(re.compile(rf"sample={another}(&|$)"))
    likes = wf.similar_biosamples(workspace, "demo", another)["sample_id"].tolist()
    settle(page)
    assert column(page.locator("[class*='st-key-similar-'] [data-testid=stDataFrame]"))[0] == likes[0]
    type_into_picker(page, "GSM0")
    expect(body(page)).to_contain_text("has the id “GSM0”")
    expect(page).to_have_url(re.compile(rf"sample={another}(&|$)"))


def type_into_picker(page: Page, sample_id: str) -> None:
    field = keyed(page, "sample_picker").locator("input")
    field.click()
    field.fill(sample_id)
    field.press("Enter")
    settle(page)
