"""Rankings: filters, order and selection by id, all of them in the address."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.store.workspace import Workspace
from pages.ui import filters
from tests.pages.opening import address, choose_column, choose_row, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def shown(app: AppTest) -> list[str]:
    return app.dataframe[0].value["symbol"].tolist()


def test_ranks_by_signal_and_says_how_many(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo")
    table = Workspace(demo_root).dataset("demo").rankings
    best = table.sort_values(["signal"], ascending=False, kind="stable")["symbol"]
    assert not app.exception
    assert not errors(app)
    assert shown(app) == best.head(filters.PAGE).tolist()
    assert any(f"**{len(table):,}** of {len(table):,} genes" in text.value for text in app.markdown)
    assert any("simulated" in text.value for text in app.markdown)


@pytest.mark.parametrize("written", ["gfap", "ENSG00000131095", "ENSG00000131095.18"])
def test_search_by_symbol_or_id_from_the_address(written: str) -> None:
    assert shown(open_page("rankings", dataset="demo", q=written)) == ["GFAP"]


def test_filters_are_those_of_the_table(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo", min_mean="1.5", max_zeros="20", hide_mt="true")
    table = Workspace(demo_root).dataset("demo").rankings
    wanted = table[(table["mean"] >= 1.5) & (table["zero_share"] <= 0.2) & ~table["symbol"].str.startswith("MT-")]
    assert 0 < len(wanted) < len(table)
    assert sorted(shown(app)) == sorted(wanted.sort_values("signal", ascending=False).head(filters.PAGE)["symbol"])


def test_a_column_head_sorts_all_genes_and_again_turns_the_order_round(demo_root: Path) -> None:
    table = Workspace(demo_root).dataset("demo").rankings
    app = choose_column(open_page("rankings", dataset="demo"), "genes", "mean")
    assert shown(app)[0] == table.loc[table["mean"].idxmax(), "symbol"]
    app = choose_column(app, "genes", "mean")
    assert app.dataframe[0].value["mean"].iloc[0] == pytest.approx(table["mean"].min())


def test_a_chosen_row_stays_the_same_gene_when_the_order_changes() -> None:
    app = open_page("rankings", dataset="demo")
    third = shown(app)[2]
    app = choose_row(app, "genes", 2)
    assert address(app)["gene"] == third
    app = choose_column(app, "genes", "symbol")
    assert address(app)["gene"] == third
    assert any(third in head.value for head in app.subheader)


def test_the_address_alone_restores_the_gene() -> None:
    app = open_page("rankings", dataset="demo", gene="ENSG00000131095")
    assert any("GFAP" in head.value for head in app.subheader)
    assert {link.proto.label for link in app.get("link_button")} == {
        "Ensembl",
        "GeneCards",
        "GTEx",
        "Human Protein Atlas",
    }


def test_genes_of_a_selection_come_from_the_address() -> None:
    app = open_page("rankings", dataset="demo", genes="GFAP,ALB")
    assert sorted(shown(app)) == ["ALB", "GFAP"]
    app.button[0].click().run()
    assert "genes" not in address(app)
    assert len(shown(app)) == filters.PAGE


def test_an_unknown_gene_is_one_error_and_the_table_stays() -> None:
    app = open_page("rankings", dataset="demo", gene="NOSUCH")
    assert len(errors(app)) == 1
    assert "NOSUCH" in errors(app)[0]
    assert len(shown(app)) == filters.PAGE


def test_an_unknown_dataset_is_one_error() -> None:
    app = open_page("rankings", dataset="nosuch")
    assert len(errors(app)) == 1
    assert "nosuch" in errors(app)[0]
    assert not app.exception


def test_pages_of_rows_go_on_where_the_last_ended() -> None:
    first, second = (open_page("rankings", dataset="demo", page=number) for number in ("1", "2"))
    ranks = [app.dataframe[0].value["signal_rank"] for app in (first, second)]
    assert ranks[0].max() <= ranks[1].min()
    assert not set(shown(first)) & set(shown(second))


def test_another_order_begins_with_its_first_rows() -> None:
    app = choose_column(open_page("rankings", dataset="demo", page="2"), "genes", "co_rank")
    assert app.dataframe[0].value["co_rank"].iloc[0] == 1
