"""The Gene page: one address a gene, figures with ranks, expression by label, correlated genes."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from core.store.workspace import Workspace
from pages.ui import gene
from tests.pages.opening import address, choose_row, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def test_shows_the_gene_of_the_address_with_its_ranks(demo_root: Path) -> None:
    app = open_page("gene", dataset="demo", gene="GFAP")
    table = Workspace(demo_root).dataset("demo").rankings
    row = table[table["symbol"] == "GFAP"].iloc[0]
    assert not app.exception
    assert not errors(app)
    assert any("GFAP" in head.value for head in app.header)
    shown = next(each.value for each in app.dataframe if "percentile" in each.value).set_index("metric")
    assert shown.loc["Signal", "value"] == f"{row['signal']:.4f}"
    assert shown.loc["Signal", "rank"] == row["signal_rank"]
    higher = (table["mean"] > row["mean"]).sum()
    assert shown.loc["Mean", "rank"] == higher + 1
    assert shown.loc["Mean", "percentile"] == pytest.approx(100 * (len(table) - 1 - higher) / (len(table) - 1))


def test_the_table_by_label_is_that_of_pandas(demo_root: Path) -> None:
    app = open_page("gene", dataset="demo", gene="GFAP")
    dataset = Workspace(demo_root).dataset("demo")
    values = dataset.biosamples.assign(value=dataset.expression([dataset.gene("GFAP")])[0].astype(float))
    brain = values.loc[values["labels"].str.split("|").map(lambda labels: "brain" in labels), "value"]
    table = next(each.value for each in app.dataframe if "share_expressed" in each.value).set_index("label")
    assert table.loc["brain", "biosamples"] == len(brain)
    assert table.loc["brain", "median"] == pytest.approx(brain.median())
    assert table.loc["brain", "sd"] == pytest.approx(brain.std())


def test_correlated_genes_are_those_of_numpy_and_a_click_goes_to_one(demo_root: Path) -> None:
    app = open_page("gene", dataset="demo", gene="GFAP")
    dataset = Workspace(demo_root).dataset("demo")
    table = next(each.value for each in app.dataframe if "low" in each.value)
    r = np.corrcoef(dataset.expression(slice(None)).astype(np.float64))[dataset.gene("GFAP")]
    usable = (dataset.rankings["zero_share"] <= 0.9).to_numpy().copy()
    usable[dataset.gene("GFAP")] = False
    best = np.sort(r[usable])[::-1][: len(table)]
    np.testing.assert_allclose(table["r"], best, atol=1e-4)
    second = table["id"].iloc[1]
    app = choose_row(app, "correlated", 1)
    assert address(app)["gene"] == second
    assert any(second in head.value for head in app.header)


def test_begins_with_the_best_co_ranked_gene(demo_root: Path) -> None:
    app = open_page("gene", dataset="demo")
    table = Workspace(demo_root).dataset("demo").rankings
    assert address(app)["gene"] == table.loc[table["co_rank"].astype(float).idxmin(), "symbol"]


def test_an_unknown_gene_is_one_error() -> None:
    app = open_page("gene", dataset="demo", gene="NOSUCH")
    assert ["NOSUCH" in text for text in errors(app)] == [True]
    assert not app.exception


def test_another_scale_and_violins_keep_the_page_whole() -> None:
    app = open_page("gene", dataset="demo", gene="GFAP", scale="Linear counts", kind="Violin")
    assert not app.exception
    assert not errors(app)


def test_mouse_genes_lead_to_pages_of_the_mouse() -> None:
    found = gene.addresses("mouse", "Gfap", "ENSMUSG00000020932.15")
    assert set(found) == {"Ensembl", "MGI", "NCBI Gene"}
    assert "Mus_musculus" in found["Ensembl"]
    assert found["Ensembl"].endswith("g=ENSMUSG00000020932")
    assert set(gene.addresses("human", "GFAP", "")) == {"GeneCards", "GTEx", "ARCHS4"}


def test_the_browser_gets_few_names_the_chosen_one_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ui.gene_picking.OFFERED", 5)
    picker = open_page("gene", dataset="demo", gene="GFAP").selectbox(key="gene_picker")
    assert picker.value == "GFAP"
    assert len(set(picker.options) | {"GFAP"}) <= 6
