"""Gene sets: upload, GSEA in a job, a set's running sum, a clash of names, deletion; and the pasted list as a set."""

import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core import workflows as wf
from core.sources.gene_sets import GeneSet
from core.store.workspace import Workspace
from tests.browser.conftest import App
from tests.browser.driving import body, choose_row, column, download, expect_chart, keyed, settle, table

pytestmark = pytest.mark.browser
FOUND = "GSEA of gene sets"


def gmt(workspace: Workspace, sets: int) -> bytes:
    """Sets of 20 genes from the top of the signal's ranking downwards."""
    symbols = workspace.dataset("demo").rankings.nlargest(400, "signal")["symbol"].tolist()
    return "".join(f"S{n}\tset {n}\t" + "\t".join(symbols[20 * n : 20 * n + 20]) + "\n" for n in range(sets)).encode()


def give(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "text/plain", "buffer": content}
    keyed(page, "sets_upload").locator("input[type=file]").set_input_files(files=[file])  # type: ignore[list-item]


def test_a_file_of_sets_is_tested_by_gsea_kept_and_deleted(own_app: App, tmp_path: Path) -> None:
    workspace = Workspace(own_app.root)
    page = own_app.open("rankings?dataset=demo&tool=Gene+sets")
    give(page, "mine.gmt", gmt(workspace, 4))
    expect_chart(page, "gene-sets")
    settle(page)
    keyed(page, "sets_statistic").get_by_text("GSEA", exact=True).click()
    body(page).get_by_role("button", name="Run GSEA").click()
    expect_chart(page, "running-sum", timeout=120_000)
    settle(page)
    wanted = wf.gsea(workspace, "demo", wf.gene_sets(workspace, "mine"))
    assert column(table(page, FOUND)) == wanted["set"].tolist()
    choose_row(table(page, FOUND), 2)
    chosen = wanted["set"].iloc[2]
    expect(page).to_have_url(re.compile(rf"set={chosen}(&|$)"))
    expect(body(page)).to_contain_text(f"{chosen}: NES {wanted['nes'].iloc[2]:.2f}")
    taken = pd.read_csv(download(page, "download-demo-mine-signal-gsea-csv", tmp_path))
    pd.testing.assert_frame_equal(taken, wanted)

    restored = own_app.open(page.url)
    expect_chart(restored, "running-sum")
    expect(body(restored)).to_contain_text(f"{chosen}: NES {wanted['nes'].iloc[2]:.2f}")

    give(restored, "mine.gmt", gmt(workspace, 2))
    expect(body(restored)).to_contain_text("this one is kept as mine (2).gmt")
    settle(restored)
    keyed(restored, "sets_ask_mine (2)".replace(" ", "-").replace("(", "-").replace(")", "-")).get_by_role(
        "button", name="Delete"
    ).locator("visible=true").click()
    restored.get_by_role("button", name="Delete this file").click()
    expect(body(restored)).to_contain_text("mine (2).gmt is deleted")
    assert wf.gene_set_files(workspace) == ["mine"]


def test_the_pasted_list_is_a_set_of_gsea(own_app: App) -> None:
    workspace = Workspace(own_app.root)
    genes = workspace.dataset("demo").rankings.nlargest(60, "signal")["symbol"].tolist()[::5]
    page = own_app.open(f"rankings?dataset=demo&tool=Gene+list&list={','.join(genes)}")
    expect_chart(page, "list-ranks")
    settle(page)
    body(page).get_by_role("button", name="Run GSEA").click()
    expect_chart(page, "running-sum", timeout=120_000)
    row = wf.gsea(workspace, "demo", [GeneSet(wf.GSEA_LIST, "", tuple(genes))]).iloc[0]
    expect(body(page).get_by_test_id("stMetric").filter(has_text="NES")).to_contain_text(f"{row['nes']:.2f}")
    marks = keyed(page, "running-sum").locator(".legendtext")
    expect(marks.filter(has_text="leading edge").first).to_have_text(f"leading edge ({row['n_leading']})")
