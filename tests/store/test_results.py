import threading

import pandas as pd
import pytest

from core.errors import RecipeError
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery, Results


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


@pytest.fixture
def results():
    opened = Results()
    yield opened
    opened.close()


def expected(dataset, keep):
    table = dataset.rankings[keep].sort_values("signal", ascending=False, kind="stable")
    return table["ensembl_gene_id"].tolist()


def found(results, dataset, **query):
    return results.rankings(dataset, RankingQuery(**query))["ensembl_gene_id"].tolist()


def test_filters_agree_with_pandas(results, dataset):
    table = dataset.rankings
    everything = pd.Series(True, index=table.index)
    assert found(results, dataset) == expected(dataset, everything)
    assert found(results, dataset, min_mean=1.0) == expected(dataset, table["mean"] >= 1.0)
    assert found(results, dataset, max_zero_share=0.3) == expected(dataset, table["zero_share"] <= 0.3)
    nuclear = ~table["symbol"].str.upper().str.startswith("MT-")
    assert not nuclear.all()
    assert found(results, dataset, hide_mitochondrial=True) == expected(dataset, nuclear)
    kinds = ("lncRNA",)
    assert found(results, dataset, biotypes=kinds) == expected(dataset, table["biotype"].isin(kinds))


def test_search_by_part_of_symbol_or_id(results, dataset):
    table = dataset.rankings
    hits = table["symbol"].str.lower().str.contains("gfa", regex=False)
    assert hits.any()
    assert found(results, dataset, search=" gFa ") == expected(dataset, hits)
    one = table["ensembl_gene_id"][table["ensembl_gene_id"] != ""].iloc[5]
    assert found(results, dataset, search=one + ".7") == [one]
    assert found(results, dataset, search="50%_' OR 1=1 --") == []


def test_chosen_genes(results, dataset):
    chosen = dataset.rankings["symbol"].iloc[[3, 8]].tolist()
    rows = results.rankings(dataset, RankingQuery(genes=tuple(chosen)))
    assert set(rows["symbol"]) == set(chosen)
    assert results.rankings(dataset, RankingQuery(genes=())).empty


@pytest.mark.parametrize(("column", "ascending"), [("signal", False), ("signal_rank", True), ("symbol", True)])
def test_natural_order(results, dataset, column, ascending):
    rows = results.rankings(dataset, RankingQuery(sort=column))[column].dropna().tolist()
    assert rows == sorted(rows, reverse=not ascending)


def test_order_can_be_turned_and_nulls_stay_last(results, dataset):
    rows = results.rankings(dataset, RankingQuery(sort="mean_cosine", descending=False))["mean_cosine"]
    present = rows.dropna()
    assert present.is_monotonic_increasing
    assert rows.iloc[: len(present)].notna().all()


def test_unknown_column_is_refused(results, dataset):
    with pytest.raises(RecipeError, match="Cannot sort"):
        results.rankings(dataset, RankingQuery(sort="1; DROP TABLE rankings"))


def test_pages_and_count(results, dataset):
    everything = found(results, dataset)
    assert found(results, dataset, limit=10, offset=20) == everything[20:30]
    assert results.count(dataset, RankingQuery()) == len(everything)
    assert results.count(dataset, RankingQuery(search="nosuchgene")) == 0


def test_cached_results_are_computed_once_for_a_key(results, dataset):
    calls = []

    def compute():
        calls.append(1)
        return pd.DataFrame({"x": [len(calls)]})

    assert results.cached(dataset, "a", 1, {"p": 1}, compute)["x"].tolist() == [1]
    assert results.cached(dataset, "a", 1, {"p": 1}, compute)["x"].tolist() == [1]
    assert results.cached(dataset, "a", 2, {"p": 1}, compute)["x"].tolist() == [2]
    assert results.cached(dataset, "a", 1, {"p": 2}, compute)["x"].tolist() == [3]
    changed = StoredDataset(dataset.path)
    changed.recipe = {**dataset.recipe, "length_unit": "bp"}
    assert results.cached(changed, "a", 1, {"p": 1}, compute)["x"].tolist() == [4]


def test_a_rebuilt_dataset_replaces_its_rows(results, dataset):
    results.ensure(dataset)
    changed = StoredDataset(dataset.path)
    changed.key = "another build"
    results.ensure(changed)
    assert results.count(changed, RankingQuery()) == len(dataset.rankings)


def test_the_file_can_be_deleted_and_is_rebuilt(tmp_path, dataset):
    path = tmp_path / "r.duckdb"
    first = Results(path)
    before = first.rankings(dataset, RankingQuery(limit=5))
    first.close()
    path.unlink()
    second = Results(path)
    pd.testing.assert_frame_equal(second.rankings(dataset, RankingQuery(limit=5)), before)
    second.close()


def test_a_damaged_file_is_set_aside_and_said(tmp_path, dataset):
    path = tmp_path / "r.duckdb"
    path.write_bytes(b"not a database" * 1000)
    opened = Results(path)
    assert len(opened.notices) == 1
    assert "was damaged and is being rebuilt" in opened.notices[0]
    assert opened.count(dataset, RankingQuery()) == len(dataset.rankings)
    opened.close()
    (kept,) = tmp_path.glob("r.duckdb.damaged-*")
    assert kept.read_bytes() == b"not a database" * 1000


def test_threads_get_their_own_rows(results, dataset):
    results.ensure(dataset)
    symbols = dataset.rankings["symbol"].drop_duplicates().head(8).tolist()
    wrong = []

    def ask(symbol):
        for _ in range(20):
            rows = results.rankings(dataset, RankingQuery(genes=(symbol,)))
            if set(rows["symbol"]) != {symbol}:
                wrong.append(symbol)

    threads = [threading.Thread(target=ask, args=(symbol,)) for symbol in symbols]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_runs_are_imported(results, workspace):
    run = workspace.active(workspace.dataset("demo"), "classifier")
    results.import_run(run)
    results.import_run(run)
    rows = results.cursor().execute("SELECT id, status FROM runs").fetchall()
    assert rows == [(run.id, "done")]


def test_a_second_column_orders_ties_of_the_first(results, dataset):
    query = RankingQuery(sort="biotype", then="mean")
    wanted = dataset.rankings.sort_values(["biotype", "mean"], ascending=[True, False], kind="stable")
    assert results.rankings(dataset, query)["symbol"].tolist() == wanted["symbol"].tolist()
    query = RankingQuery(sort="biotype", descending=True, then="mean", then_descending=False)
    wanted = dataset.rankings.sort_values(["biotype", "mean"], ascending=[False, True], kind="stable")
    assert results.rankings(dataset, query)["symbol"].tolist() == wanted["symbol"].tolist()
    with pytest.raises(RecipeError, match="Cannot sort"):
        results.rankings(dataset, RankingQuery(then="1; DROP TABLE rankings"))


@pytest.mark.parametrize("pattern", ["^SLC[0-9]+A", "GFAP$|alb$", "^ENSG0000013", "^$", "."])
def test_a_regular_expression_finds_what_pandas_finds(results, dataset, pattern):
    table = dataset.rankings
    columns = [table[name].str.contains(pattern, case=False, regex=True) for name in ("symbol", "ensembl_gene_id")]
    keep = columns[0] | columns[1]
    assert found(results, dataset, search=pattern, regex=True) == expected(dataset, keep)


def test_a_bad_regular_expression_says_why(results, dataset):
    for ask in (results.rankings, results.count, results.passing, results.biotypes):
        with pytest.raises(RecipeError, match=r"'GFAP\[' is no regular expression \(missing \]"):
            ask(dataset, RankingQuery(search="GFAP[", regex=True))
    assert results.count(dataset, RankingQuery(search="GFAP[")) == 0


def test_passing_rows_are_those_of_the_table(results, dataset):
    query = RankingQuery(min_mean=1.0, biotypes=("protein_coding",), hide_mitochondrial=True)
    table = dataset.rankings
    keep = (table["mean"] >= 1) & (table["biotype"] == "protein_coding") & ~table["symbol"].str.startswith("MT-")
    assert results.passing(dataset, query).tolist() == keep.to_numpy().nonzero()[0].tolist()


def test_biotypes_are_counted_under_the_other_filters(results, dataset):
    table = dataset.rankings
    wanted = table.loc[(table["mean"] >= 1) & (table["biotype"] != ""), "biotype"].value_counts()
    counts = results.biotypes(dataset, RankingQuery(min_mean=1.0, biotypes=("lncRNA",)))
    assert dict(zip(counts["biotype"], counts["genes"], strict=True)) == wanted.to_dict()
    assert counts["genes"].is_monotonic_decreasing


def test_a_selection_of_every_gene_is_every_gene(results, dataset):
    everything = tuple(dataset.rankings["symbol"])
    assert results.count(dataset, RankingQuery(genes=everything)) == len(everything)
