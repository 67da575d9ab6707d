"""Rankings: filters, order and selection by id, all of them in the address."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from scipy import stats
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
    assert any(third in head.value for head in app.header)


def test_the_address_alone_restores_the_gene() -> None:
    app = open_page("rankings", dataset="demo", gene="ENSG00000131095")
    assert any("GFAP" in head.value for head in app.header)
    assert {link.proto.label for link in app.get("link_button")} == {
        "Ensembl",
        "GeneCards",
        "GTEx",
        "Human Protein Atlas",
        "ARCHS4",
    }


def test_genes_of_a_selection_come_from_the_address() -> None:
    app = open_page("rankings", dataset="demo", genes="GFAP,ALB")
    assert sorted(shown(app)) == ["ALB", "GFAP"]
    next(button for button in app.button if button.label == "Show all genes again").click().run()
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


def test_a_second_column_orders_what_the_first_leaves_equal(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo")
    app.selectbox(key="sort").set_value("biotype")
    app.selectbox(key="then").set_value("tau").run()
    table = Workspace(demo_root).dataset("demo").rankings
    wanted = table.sort_values(["biotype", "tau"], ascending=[True, False], kind="stable")
    assert shown(app) == wanted["symbol"].head(filters.PAGE).tolist()
    assert any("by rising biotype, then falling tau" in text.value for text in app.markdown)


def test_a_regular_expression_searches_and_a_bad_one_is_one_error(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo", q="^(GFAP|ALB)$", regex="true")
    assert sorted(shown(app)) == ["ALB", "GFAP"]
    app.text_input(key="q").set_value("GFAP[").run()
    assert ["no regular expression" in text for text in errors(app)] == [True]
    assert len(shown(app)) == filters.PAGE
    app.toggle(key="regex").set_value(False).run()
    assert not errors(app)
    assert not shown(app)


def test_percentile_bars_follow_the_ranks(demo_root: Path) -> None:
    frame = open_page("rankings", dataset="demo").dataframe[0].value
    table = Workspace(demo_root).dataset("demo").rankings
    of = table["cosine_rank"].notna().sum()
    np.testing.assert_allclose(
        frame["cosine_pct"].astype(float), 100 * (of - frame["cosine_rank"].astype(float)) / (of - 1)
    )
    assert frame["signal_pct"].iloc[0] == 100


def test_chosen_columns_follow_the_symbol_in_their_order() -> None:
    app = open_page("rankings", dataset="demo")
    app.multiselect(key="columns").set_value(["tau", "biotype"]).run()
    assert list(app.dataframe[0].proto.column_order) == ["symbol", "tau", "biotype"]


def test_filters_are_saved_loaded_and_deleted(page_root: Path) -> None:
    app = open_page("rankings", dataset="demo")
    app.number_input(key="min_mean").set_value(1.5)
    app.multiselect(key="biotype").set_value(["lncRNA"])
    app.selectbox(key="sort").set_value("tau").run()
    wanted = shown(app)
    app.text_input(key="saved_name").set_value("  long ones ").run()
    app.button(key="saved_save").click().run()
    assert json.loads((page_root / "filters/demo.json").read_text())["long ones"]["biotype"] == ["lncRNA"]
    other = open_page("rankings", dataset="demo")
    assert shown(other) != wanted
    other.button(key="saved_load").click().run()
    assert shown(other) == wanted
    other.button(key="saved_delete").click().run()
    assert json.loads((page_root / "filters/demo.json").read_text()) == {}


def test_saved_filters_need_a_name() -> None:
    app = open_page("rankings", dataset="demo")
    app.button(key="saved_save").click().run()
    assert errors(app) == ["Saved filters need a name: type one."]


def test_biotypes_are_counted_under_the_other_filters(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo", min_mean="1.5")
    app.multiselect(key="biotype").set_value(["lncRNA"]).run()
    table = Workspace(demo_root).dataset("demo").rankings
    counts = table.loc[table["mean"] >= 1.5, "biotype"].value_counts()
    told = next(text.value for text in app.caption if text.value.startswith("By biotype"))
    assert f"lncRNA {counts['lncRNA']:,}" in told
    assert f"protein_coding {counts['protein_coding']:,}" in told


def test_a_gene_list_is_matched_ranked_and_kept_in_the_address(demo_root: Path) -> None:
    app = open_page("rankings", dataset="demo", tool="Gene list")
    app.text_area(key="gene_list_text").set_value("gfap; ENSG00000131095.4\nALB NOSUCH1, MBP").run()
    app.button(key="gene_list_use").click().run()
    assert address(app)["list"] == "GFAP,ALB,MBP"
    assert any("**3** genes matched of 5 names, 1 named again" in text.value for text in app.markdown)
    assert any("NOSUCH1" in text.value for text in app.warning)
    table = Workspace(demo_root).dataset("demo").rankings
    inside = table["symbol"].isin(["GFAP", "ALB", "MBP"])
    test = stats.mannwhitneyu(table.loc[inside, "signal"], table.loc[~inside, "signal"], method="asymptotic")
    tiles = {tile.label: tile.value for tile in app.metric}
    assert tiles["Rank-sum p"] == f"{test.pvalue:.2g}"
    assert tiles["Median rank"] == f"{table['signal'].rank(ascending=False)[inside].median():,.0f}"
    app.toggle(key="in_list_toggle").set_value(True).run()
    assert sorted(shown(app)) == ["ALB", "GFAP", "MBP"]
    again = open_page("rankings", dataset="demo", tool="Gene list", list="GFAP,ALB,MBP", in_list="1")
    assert sorted(shown(again)) == ["ALB", "GFAP", "MBP"]
    again.button(key="gene_list_clear").click().run()
    assert "list" not in address(again)
    assert len(shown(again)) == filters.PAGE


def test_gene_sets_from_the_data_folder_are_ranked(page_root: Path) -> None:
    dataset = Workspace(page_root).dataset("demo")
    best = dataset.rankings.sort_values("tau", ascending=False)["symbol"]
    write_sets(page_root, {"TOP": best.head(20), "LAST": best.tail(20)})
    app = open_page("rankings", dataset="demo", tool="Gene sets", sets="mine")
    app.selectbox(key="sets_by").set_value("tau").run()
    assert not errors(app)
    table = next(each.value for each in app.dataframe if "leading_edge" in each.value)
    assert set(table["set"]) == {"TOP", "LAST"}
    top = table.set_index("set").loc["TOP"]
    assert top["auc"] == 1
    assert top["leading_edge"].split() == best.head(20).tolist()


def test_a_broken_file_of_sets_is_one_error(page_root: Path) -> None:
    (page_root / "gene_sets").mkdir()
    (page_root / "gene_sets/bad.gmt").write_text("ONE\tdescription\n")
    app = open_page("rankings", dataset="demo", tool="Gene sets")
    assert ["bad.gmt, line 1" in text for text in errors(app)] == [True]
    assert len(shown(app)) == filters.PAGE


def test_genes_are_compared_side_by_side() -> None:
    app = open_page("rankings", dataset="demo", tool="Compare genes", compare="GFAP,ENSG00000163631")
    assert not errors(app)
    metrics = next(each.value for each in app.dataframe if "Metric" in each.value)
    assert metrics.columns.tolist() == ["Metric", "GFAP", "ALB"]
    app = open_page("rankings", dataset="demo", tool="Compare genes", compare="GFAP,NOSUCH")
    assert ["NOSUCH" in text for text in errors(app)] == [True]


def write_sets(root: Path, sets: dict[str, pd.Series]) -> None:
    (root / "gene_sets").mkdir()
    lines = ["\t".join([name, "", *genes]) for name, genes in sets.items()]
    (root / "gene_sets/mine.gmt").write_text("\n".join(lines))
