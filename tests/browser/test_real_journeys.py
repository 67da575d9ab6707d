"""The first two journeys on real measurements."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from core import workflows
from core.store.workspace import Workspace
from core.types import silent
from tests.browser.conftest import App, serve
from tests.browser.driving import body, choose_row, column, expect_chart, heading, keyed, metric, settle, table, upload

pytestmark = [pytest.mark.browser, pytest.mark.real]


@pytest.fixture(scope="module")
def served_tissues(real_data: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[App]:
    """The app on the real trial data, built and with a small classifier."""
    root = tmp_path_factory.mktemp("real") / "data"
    workspace = Workspace(root)
    counts, labels = real_data / "human_tissue_counts.h5", real_data / "human_tissue_labels.tsv"
    workflows.build(workspace, workflows.BuildRequest(counts, "tissues", labels, real_data / "gene_lengths.tsv"))
    run = workspace.runs.create("classifier", "tissues", {"trees": 20}, workspace.dataset("tissues").fingerprint)
    workflows.perform(workspace, run, silent)
    with serve(root, browser) as app:
        yield app
    shutil.rmtree(root)


@pytest.fixture
def real_app(served_tissues: App) -> Iterator[App]:
    """That app, in a browser session of the test's own."""
    yield served_tissues
    served_tissues.check()


def test_from_rankings_to_a_gene_to_its_neighbourhood(real_app: App) -> None:
    known = pd.read_parquet(real_app.root / "datasets/tissues/rankings.parquet")
    page = real_app.open("rankings")
    expect(body(page)).to_contain_text(f"{len(known):,} of {len(known):,} genes")
    expect(body(page)).not_to_contain_text("simulated")
    settle(page)
    shown = table(page, "Rankings of genes")
    assert column(shown)[:5] == known.sort_values("signal", ascending=False)["symbol"].tolist()[:5]
    keyed(page, "q").locator("input").fill("GFAP")
    expect(body(page)).to_contain_text(f"1 of {len(known):,} genes")
    settle(page)
    choose_row(shown, 0)
    row = known.set_index("symbol").loc["GFAP"]
    marked = keyed(page, "distribution-GFAP").locator("text", has_text="95th percentile")
    expect(marked).to_have_text(f"95th percentile {row['p95']:.2f}")
    body(page).get_by_role("link", name="Neighbourhood").click()
    heading(page, "Neighbourhood")
    expect(keyed(page, "gene_picker").locator("input")).to_have_value("GFAP")
    expect(body(page).get_by_test_id("stMetric").first).to_contain_text(f"{row['mean_cosine']:.3f}")
    members = keyed(page, "members-0").get_by_test_id("stDataFrame")
    sample = column(members)[0]
    choose_row(members, 0)
    expect(page).to_have_url(re.compile(rf"sample={sample}(&|$)"))
    like = page.locator("[class*=st-key-similar-]").get_by_test_id("stDataFrame")
    expect(like.locator("tbody td").first).not_to_be_empty()


def test_upload_a_sample_and_read_its_label(real_app: App, real_data: Path) -> None:
    labels = pd.read_csv(real_data / "human_tissue_labels.tsv", sep="\t", dtype=str)
    sample = labels.loc[labels.iloc[:, 1] == "brain", "sample_id"].iloc[0]
    with h5py.File(real_data / "human_tissue_counts.h5") as file:
        names = file["meta/samples/geo_accession"].asstr()[:]
        counts = file["data/expression"][:, int(np.flatnonzero(names == sample)[0])]
        symbols = file["meta/genes/symbol"].asstr()[:]
    page = real_app.open("classify")
    heading(page, "Classify")
    text = pd.DataFrame({"gene": symbols, "count": counts}).to_csv(index=False)
    upload(page, "sample.csv", text.encode())
    expect(metric(page, "Predicted label")).to_contain_text("brain")
    expect_chart(page, "probabilities")
