"""Look at synthetic brain samples beside the real ones, and take them away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from core.sources.archs4 import Archs4File
from tests.browser.conftest import App
from tests.browser.driving import body, column, download, expect_chart, fill, heading, keyed, settle, table

pytestmark = pytest.mark.browser
ASKED = 12


def test_synthetic_samples_beside_real_ones(demo_app: App, tmp_path: Path) -> None:
    labels = pd.read_parquet(demo_app.root / "datasets/demo/labels.parquet")
    real = int((labels["label"] == "brain").sum())
    page = demo_app.open("synthetic")
    heading(page, "Synthetic")
    fill(keyed(page, "n").locator("input"), ASKED)
    expect(body(page)).to_contain_text(f"{ASKED} synthetic brain samples beside the dataset's {real} real ones")
    expect(body(page)).to_contain_text("simulated")
    for name in (f"real brain ({real})", f"synthetic brain ({ASKED})"):
        expect(keyed(page, "projection").locator(".legendtext", has_text=name).first).to_be_visible()
    for name in ("distances", "genes_mean", "genes_sd", "genes_zero", "heatmap"):
        expect_chart(page, name)
    settle(page)
    measures = column(table(page, "Scorecard"))
    assert "Recall" in measures
    assert "Per-gene mean, R²" in measures

    files = {kind: download(page, f"download_{kind}", tmp_path)
             for kind in ("csv", "parquet", "h5")}  # fmt: skip
    with Archs4File(files["h5"]) as file:
        assert file.shape == (ASKED, len(pd.read_parquet(demo_app.root / "datasets/demo/genes.parquet")))
        counts = file.read(slice(None))
        assert set(file.biosamples["source_name_ch1"]) == {"brain"}
    as_csv, as_parquet = pd.read_csv(files["csv"]), pd.read_parquet(files["parquet"])
    samples = [name for name in as_csv if name.startswith("SYNTHETIC")]
    assert len(samples) == ASKED
    assert counts.sum() > 0
    np.testing.assert_array_equal(as_csv[samples].to_numpy().T, counts)
    np.testing.assert_array_equal(as_parquet[samples].to_numpy().T, counts)
