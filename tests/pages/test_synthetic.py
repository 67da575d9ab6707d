"""The Synthetic page, without a browser."""

import io
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from core import workflows as wf
from core.store.workspace import Workspace
from pages.ui import generated
from tests.pages.conftest import Opener


@pytest.fixture
def view(page_root: Path) -> wf.SyntheticView:
    workspace = Workspace(page_root)
    run_id = wf.runs(workspace, "demo", "generator")["id"].iloc[0]
    return wf.compare_synthetic(workspace, run_id, 8, 1)


def test_it_says_synthetic_and_simulated_and_shows_the_scorecard(open_page: Opener) -> None:
    page = open_page("synthetic", n="20")
    assert not page.exception
    assert "20 synthetic brain samples" in page.main.info[0].value
    assert "simulated" in page.main.info[0].value
    card = next(table.value for table in page.main.dataframe if "verdict" in table.value.columns)
    assert {"synthetic", "real_real", "pca_gaussian"} <= set(card.columns)


def test_the_address_restores_number_seed_and_sample(open_page: Opener) -> None:
    page = open_page("synthetic", n="12", seed="5", synthetic="SYNTHETIC00003")
    assert [page.number_input(key=key).value for key in ("n", "seed")] == [12, 5]
    assert page.selectbox(key="pick_synthetic").value == "SYNTHETIC00003"
    assert any("nearest real" in text.value for text in page.main.caption)


def test_choosing_a_sample_writes_its_id_into_the_address(open_page: Opener) -> None:
    page = open_page("synthetic", n="12")
    page.selectbox(key="pick_synthetic").set_value("SYNTHETIC00007").run()
    assert page.query_params["synthetic"] == "SYNTHETIC00007"


def test_without_a_generator_the_page_says_how_to_get_one(open_page: Opener, page_root: Path) -> None:
    for folder in (page_root / "runs").glob("*generator*"):
        shutil.rmtree(folder)
    page = open_page("synthetic")
    assert not page.exception
    assert "No generator of synthetic samples is trained" in page.main.info[0].value


def test_downloads_hold_the_drawn_counts(view: wf.SyntheticView, page_root: Path) -> None:
    run_id = str(wf.runs(Workspace(page_root), "demo", "generator")["id"].iloc[0])
    table = pd.read_parquet(io.BytesIO(generated.file_content(run_id, view, "parquet")()))
    np.testing.assert_array_equal(table[view.set.sample_ids].to_numpy().T, view.set.counts)
    text = pd.read_csv(io.BytesIO(generated.file_content(run_id, view, "csv")()))
    np.testing.assert_array_equal(text[view.set.sample_ids].to_numpy().T, view.set.counts)
    with h5py.File(io.BytesIO(generated.file_content(run_id, view, "h5")())) as file:
        np.testing.assert_array_equal(file["data/expression"][:].T, view.set.counts)


def test_a_better_baseline_and_copies_are_warned_of() -> None:
    card = pd.DataFrame(
        {
            "metric": ["precision", "closest_train_ratio", "recall"],
            "title": ["Precision", "Distance", "Recall"],
            "synthetic": [0.5, 0.4, 0.9],
            "beats_baseline": [False, None, True],
            "verdict": "fail",
        }
    )
    lost, copied = generated.warnings(card)
    assert "better on 1 of 2 measures: precision" in lost
    assert "40%" in copied


def test_nothing_is_warned_of_where_there_is_no_reason() -> None:
    card = pd.DataFrame(
        {"metric": ["closest_train_ratio"], "title": ["Distance"], "synthetic": [1.0], "beats_baseline": [True]}
    ).assign(verdict="pass")
    assert generated.warnings(card) == []
