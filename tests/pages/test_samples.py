"""Samples: a search with facets in the address, two carts, their comparison, one biosample."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import workflows as wf
from core.store.workspace import Workspace
from pages.ui import cart
from tests.pages.opening import address, choose_column, choose_rows, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def known(workspace: Workspace) -> pd.DataFrame:
    return workspace.dataset("demo").biosamples


def shown(app: AppTest) -> list[str]:
    return table(app, "found").value["sample_id"].tolist()


def table(app: AppTest, key: str) -> AppTest:
    return next(each for each in app.dataframe if str(each.key).startswith(f"{key}-"))


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def carrying(known: pd.DataFrame, label: str) -> list[str]:
    return known.loc[known["labels"].str.split("|").map(lambda found: label in found), "sample_id"].tolist()


def held(app: AppTest, which: str) -> list[str]:
    return list(app.session_state["carts"]["demo"][which])


def test_begins_with_the_first_page_of_all_biosamples(known: pd.DataFrame) -> None:
    app = open_page("samples", dataset="demo")
    assert not app.exception
    assert not errors(app)
    assert shown(app) == known["sample_id"].head(200).tolist()
    assert any(f"**{len(known):,}** of {len(known):,} biosamples" in text.value for text in app.markdown)


def test_words_and_a_pattern_from_the_address_both_have_to_match(known: pd.DataFrame) -> None:
    app = open_page("samples", dataset="demo", words="LIVER", pattern=r"^demo\d+[05]$")
    text = known[["sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1", "labels"]]
    has_word = text.apply(lambda column: column.str.contains("liver", case=False)).any(axis=1)
    wanted = known.loc[has_word & known["sample_id"].str.contains(r"[05]$"), "sample_id"].tolist()
    assert wanted
    assert shown(app) == wanted


def test_a_pattern_that_is_none_is_one_error_that_says_why() -> None:
    app = open_page("samples", dataset="demo", pattern="a(b")
    assert [("a(b" in text and "missing )" in text) for text in errors(app)] == [True]
    assert not app.exception


def test_a_facet_filters_the_rows_but_not_its_own_counts(known: pd.DataFrame) -> None:
    app = open_page("samples", dataset="demo", f="label:brain")
    assert shown(app) == carrying(known, "brain")[:200]
    options = app.multiselect(key="facet_label").options
    assert f"liver · {len(carrying(known, 'liver')):,}" in options
    series = known[known["sample_id"].isin(carrying(known, "brain"))]["series_id"].value_counts()
    assert f"{series.index[0]} · {series.iloc[0]:,}" in app.multiselect(key="facet_series").options
    app.multiselect(key="facet_label").set_value(["brain", "liver"]).run()
    assert sorted(shown(app)) == sorted({*carrying(known, "brain"), *carrying(known, "liver")})[:200]
    assert app.query_params["f"] == ["label:brain", "label:liver"]


def test_a_click_on_a_head_sorts_on_the_server_and_a_second_turns_it_round(known: pd.DataFrame) -> None:
    app = choose_column(open_page("samples", dataset="demo"), "found", "alignedreads")
    assert address(app)["by"] == "alignedreads"
    rising = known.sort_values("alignedreads", kind="stable")["sample_id"].tolist()
    assert shown(app) == rising[:200]
    app = choose_column(app, "found", "alignedreads")
    assert address(app)["falling"] == "true"
    assert shown(app)[0] == rising[-1]


def test_clearing_the_search_takes_all_of_it_back_but_no_cart(known: pd.DataFrame) -> None:
    first = known["sample_id"].iloc[0]
    asked = {"words": "a", "pattern": "e", "f": "label:brain", "by": "depth", "falling": "true", "cart_a": first}
    app = press(open_page("samples", dataset="demo", **asked), "search_clear")
    assert not app.exception
    assert shown(app) == known["sample_id"].head(200).tolist()
    assert not {"words", "pattern", "f", "by", "falling"} & set(address(app))
    assert held(app, "A") == [first]


def test_another_dataset_begins_without_the_search_and_the_carts_of_the_first(
    page_root: Path, known: pd.DataFrame
) -> None:
    shutil.copytree(page_root / "datasets/demo", page_root / "datasets/other")
    manifest = page_root / "datasets/other/manifest.json"
    manifest.write_text(manifest.read_text().replace('"name": "demo"', '"name": "other"'))
    first = known["sample_id"].iloc[0]
    app = open_page("samples", dataset="demo", words="liver", f="label:liver", cart_a=first)
    app = app.selectbox(key="dataset_picker").set_value("other").run()
    assert not app.exception
    assert shown(app) == known["sample_id"].head(200).tolist()
    assert not {"words", "f", "cart_a"} & set(address(app))
    assert held(app, "A") == [first]  # the first dataset's, for when it is chosen again


def test_ticked_and_found_biosamples_go_into_carts_and_the_address(known: pd.DataFrame) -> None:
    app = choose_rows(open_page("samples", dataset="demo", words="liver"), "found", [0, 2])
    rows = shown(app)
    app = press(app, "ticked_cart_A")
    assert held(app, "A") == [rows[0], rows[2]]
    assert address(app)["cart_a"] == f"{rows[0]},{rows[2]}"
    app = press(app, "found_cart_B")
    assert len(held(app, "B")) == len(rows)
    app = press(app, "cart_swap")
    assert held(app, "B") == [rows[0], rows[2]]
    assert address(app)["cart_b"] == f"{rows[0]},{rows[2]}"
    app = press(app, "cart_clear_B")
    assert held(app, "B") == []
    assert "cart_b" not in address(app)


def test_a_cart_in_the_address_is_restored_and_unknown_ids_are_named(known: pd.DataFrame) -> None:
    ids = known["sample_id"].iloc[[5, 9]].tolist()
    app = open_page("samples", dataset="demo", cart_a=",".join([*ids, "GSM404"]))
    assert held(app, "A") == ids
    assert ["GSM404" in text.value and "1 id is" in text.value for text in app.warning] == [True]
    assert address(app)["cart_a"] == ",".join(ids)


def test_typed_ids_may_be_of_either_case_and_others_are_named(known: pd.DataFrame) -> None:
    app = open_page("samples", dataset="demo")
    first, second = known["sample_id"].head(2)
    app.text_area(key="cart_text_A").set_value(f"{first.lower()}, nonsense\n{second} {first}")
    app = press(app, "cart_typed_A")
    assert held(app, "A") == [first, second]
    assert any("nonsense" in text.value for text in app.warning)


def test_removes_single_biosamples_from_a_cart(known: pd.DataFrame) -> None:
    ids = known["sample_id"].head(3).tolist()
    app = open_page("samples", dataset="demo", cart_a=",".join(ids))
    app.multiselect(key="cart_out_A").set_value([ids[1]])
    app = press(app, "cart_remove_A")
    assert held(app, "A") == [ids[0], ids[2]]


def test_a_large_cart_is_refused_with_its_limit(monkeypatch: pytest.MonkeyPatch, known: pd.DataFrame) -> None:
    monkeypatch.setattr("core.workflows.carts.MOST_IDS", 3)
    app = open_page("samples", dataset="demo", cart_a=",".join(known["sample_id"].head(2)))
    assert any("at most 3: narrow the search" in text.value for text in app.caption)
    app = press(choose_rows(app, "found", [4, 5]), "ticked_cart_A")
    assert held(app, "A") == known["sample_id"].head(2).tolist()
    assert any("would hold 4 biosamples, but 3 is the most" in toast.value for toast in app.toast)


def test_compares_the_carts_and_shows_a_gene_in_both(workspace: Workspace, known: pd.DataFrame) -> None:
    a, b = carrying(known, "brain")[:12], carrying(known, "liver")[:12]
    app = open_page("samples", dataset="demo", show="compare", cart_a=",".join(a), cart_b=",".join(b))
    assert not app.exception
    assert not errors(app)
    found = wf.compare_carts(workspace, "demo", a, b)
    rows = table(app, "compared_genes").value
    assert rows["ensembl_gene_id"].tolist() == found.genes["ensembl_gene_id"].head(200).tolist()
    called = (found.genes["fdr"] <= 0.05) & (found.genes["log2_fold_change"] >= 1)
    tiles = {tile.label: tile.value for tile in app.metric}
    assert tiles["Higher in A"] == f"{called.sum():,}"
    assert tiles["Cart A"] == "12"
    app = choose_column(app, "compared_genes", "log2_fold_change")
    best = found.genes.loc[found.genes["log2_fold_change"].idxmax(), "ensembl_gene_id"]
    assert table(app, "compared_genes").value["ensembl_gene_id"].iloc[0] == best
    symbol = table(app, "compared_genes").value["id"].iloc[0]
    app = open_page("samples", dataset="demo", show="compare", cart_a=",".join(a), cart_b=",".join(b), gene=symbol)
    assert any(symbol in heading.value for heading in app.subheader)
    assert not errors(app)


def test_carts_of_one_series_are_warned_of_with_figures(known: pd.DataFrame) -> None:
    largest = known["series_id"].value_counts().index[0]
    a = known.loc[known["series_id"] == largest, "sample_id"].head(4).tolist()
    b = known.loc[known["series_id"] != largest, "sample_id"].iloc[::20].head(8).tolist()
    app = open_page("samples", dataset="demo", show="compare", cart_a=",".join(a), cart_b=",".join(b))
    said = [text.value for text in app.warning]
    assert any(f"4 biosamples of one series ({largest})" in text and "100% of its pairs" in text for text in said)
    assert any("No series is on both sides" in text for text in said)


def test_two_biosamples_on_a_side_have_effect_sizes_but_no_p(known: pd.DataFrame) -> None:
    a, b = known["sample_id"].head(2).tolist(), known["sample_id"].tail(5).tolist()
    app = open_page("samples", dataset="demo", show="compare", cart_a=",".join(a), cart_b=",".join(b))
    assert not app.exception
    rows = table(app, "compared_genes").value
    assert rows["p_value"].isna().all()
    assert np.isfinite(rows["log2_fold_change"]).all()
    assert any("no p values" in text.value for text in app.caption)


def test_a_ticked_row_opens_that_biosample(workspace: Workspace, known: pd.DataFrame) -> None:
    app = choose_rows(open_page("samples", dataset="demo"), "found", [3])
    sample = known["sample_id"].iloc[3]
    assert address(app)["sample"] == sample
    assert any(heading.value == sample for heading in app.header)
    likes = wf.similar_biosamples(workspace, "demo", sample, 20)["sample_id"].tolist()
    assert table(app, f"likes-{sample}").value["sample_id"].tolist() == likes
    label = known["labels"].iloc[3].split("|")[0]
    assert any(text.value.startswith(f"- **{label}**") for text in app.markdown)


def test_an_unknown_biosample_is_one_error() -> None:
    app = open_page("samples", dataset="demo", show="biosample", sample="GSM404")
    assert ["GSM404" in text for text in errors(app)] == [True]


def test_another_page_fills_a_cart_by_two_words(workspace: Workspace, known: pd.DataFrame) -> None:
    dataset = workspace.dataset("demo")
    ids = known["sample_id"].head(3).tolist()
    assert cart.add(dataset, "A", ids[:2]) == "2 biosamples added to cart A."
    assert cart.add(dataset, "A", ids[1:]) == "1 biosample added to cart A; 1 was in it already."
    assert cart.ids(dataset, "A") == ids
