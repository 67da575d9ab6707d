"""Find biosamples, keep them in two carts, compare the carts, open a gene and a biosample, take files away."""

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from scipy import sparse, stats

from core.expression import normalise
from core.store.datasets import StoredDataset
from tests.browser.conftest import App
from tests.browser.driving import (
    body,
    cells,
    choose_row,
    column,
    download,
    expect_chart,
    fill,
    heading,
    keyed,
    settle,
    table,
)

pytestmark = pytest.mark.browser
FOUND, GENES = "Biosamples found", "Genes compared"


def pick(page: Page, key: str, option: str) -> None:
    """Chooses a value of a facet, however many biosamples it has."""
    keyed(page, key).locator("input").click()
    keyed(page, key).locator("input").fill(option)  # the list draws only what is in view
    page.get_by_role("option", name=re.compile(rf"^{re.escape(option)} · ")).click()
    page.keyboard.press("Escape")  # an open list hides the rest of the page
    settle(page)


def test_two_carts_from_search_to_genes(demo_app: App, tmp_path: Path) -> None:
    dataset = StoredDataset(demo_app.root / "datasets/demo")
    known = dataset.biosamples
    page = demo_app.open("samples")
    heading(page, "Samples")
    expect(body(page)).to_contain_text(f"{len(known):,} of {len(known):,} biosamples")
    pick(page, "facet_label", "brain")
    a = known.loc[known["labels"].str.split("|").map(lambda names: "brain" in names), "sample_id"].tolist()
    expect(body(page)).to_contain_text(f"{len(a):,} of {len(known):,} biosamples")
    expect(page).to_have_url(re.compile("f=label%3Abrain"))
    page.get_by_role("button", name=f"All found to A ({len(a)})").click()
    expect(body(page)).to_contain_text(f"Cart A · {len(a)} biosamples")

    page.get_by_role("button", name="Clear search").click()
    expect(body(page)).to_contain_text(f"{len(known):,} of {len(known):,} biosamples")
    fill(keyed(page, "words").locator("input"), "liver")
    expect(body(page)).not_to_contain_text(f"{len(known):,} of {len(known):,} biosamples")
    settle(page)
    table(page, FOUND).scroll_into_view_if_needed()
    table(page, FOUND).hover()
    ids = column(table(page, FOUND))[:4]
    for row in range(4):
        choose_row(table(page, FOUND), row)
        settle(page)
    page.get_by_role("button", name="Ticked to B (4)").click()
    expect(body(page)).to_contain_text("Cart B · 4 biosamples")
    expect(page).to_have_url(re.compile("cart_b=" + "%2C".join(ids)))
    expect(page).to_have_url(re.compile(rf"sample={ids[3]}(&|$)"))
    expect(body(page).get_by_role("heading", name=ids[3], exact=True)).to_be_visible()

    page.get_by_text("Compare A with B", exact=True).click()
    expect_chart(page, "volcano")
    taken = pd.read_csv(download(page, "download-demo-cart-A-over-B-csv", tmp_path))
    rows = [dataset.biosample(one) for one in (*a, *ids)]
    counts = dataset.counts(rows)
    q = normalise.to_target(counts, dataset.target)
    where = dataset.genes["symbol"].tolist().index(taken["symbol"][0])
    np.testing.assert_allclose(
        taken["log2_fold_change"][0], q[: len(a), where].mean() - q[len(a) :, where].mean(), atol=1e-5
    )
    v = np.where(counts > 0, q, 0)[:, where]
    want = stats.mannwhitneyu(v[: len(a)], v[len(a) :], method=taken["method"][0].replace("normal", "asymptotic"))
    np.testing.assert_allclose(taken["p_value"][0], want.pvalue, rtol=1e-6)
    settle(page)
    choose_row(table(page, GENES), 0)
    gene = taken["symbol"][0]
    expect(page).to_have_url(re.compile(rf"gene={re.escape(gene)}(&|$)"))
    expect_chart(page, f"by-cart-{gene}")

    restored = demo_app.open(page.url)
    expect(body(restored)).to_contain_text("Cart B · 4 biosamples")
    expect_chart(restored, f"by-cart-{gene}")
    expect(cells(table(restored, GENES)).first).to_have_text(gene)
    body(restored).get_by_role("link", name="Its ranking").click()
    heading(restored, "Rankings")
    expect(restored).to_have_url(re.compile(rf"gene={re.escape(gene)}(&|$)"))
    restored.get_by_test_id("stSidebarNav").get_by_role("link", name="Samples").click()
    heading(restored, "Samples")
    expect(body(restored)).to_contain_text(f"Cart A · {len(a)} biosamples" if len(a) <= 60 else "Cart B · 4 biosamples")


def test_a_pattern_typed_ids_and_the_counts_of_a_cart(demo_app: App, tmp_path: Path) -> None:
    dataset = StoredDataset(demo_app.root / "datasets/demo")
    first, second = dataset.biosamples["sample_id"].iloc[[3, 8]]
    page = demo_app.open("samples")
    fill(keyed(page, "pattern").locator("input"), "a(b")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("missing )")
    fill(keyed(page, "pattern").locator("input"), f"^({first}|{second})$")
    expect(cells(table(page, FOUND))).to_have_text([first, second])
    page.get_by_role("button", name="Type ids").first.click()
    page.get_by_role("textbox", name="Ids for cart A").fill(f"{first} GSM404\n{second}")
    page.get_by_role("button", name="Add to cart A", exact=True).click()
    expect(body(page)).to_contain_text("1 id is not in this dataset: GSM404.")
    expect(body(page)).to_contain_text("Cart A · 2 biosamples")
    page.keyboard.press("Escape")
    settle(page)
    page.get_by_test_id("stPopover").get_by_role("button", name="Download").first.click()
    path = download(page, "cart_file_A_h5", tmp_path)
    counts = dataset.counts([3, 8])
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data/expression"][:].T, counts)
    with h5py.File(download(page, "cart_file_A_h5ad", tmp_path)) as file:
        assert [name.decode() for name in file["obs/_index"][:]] == [first, second]
        matrix = file["X"]
        dense = matrix[:] if isinstance(matrix, h5py.Dataset) else sparse.csr_array(
            (matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]), shape=counts.shape
        ).toarray()  # fmt: skip
    np.testing.assert_array_equal(dense, counts)
    tables = [
        pd.read_csv(download(page, "cart_file_A_csv", tmp_path), comment="#"),
        pd.read_parquet(download(page, "cart_file_A_parquet", tmp_path)),
        pd.read_csv(download(page, "cart_file_A_gct", tmp_path), sep="\t", skiprows=2).tail(counts.shape[1]),  # GCT 1.3
    ]
    for found in tables:
        np.testing.assert_array_equal(found[[first, second]].to_numpy().T.astype(np.float64), counts)
