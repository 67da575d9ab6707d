"""The queries in docs/formats.md run on a file as it is exported, and say what pandas says."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from core import workflows
from core.settings import PROJECT
from core.store.workspace import Workspace

PAGE = PROJECT / "docs" / "formats.md"
QUERIES = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def results(workspace: Workspace, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    workflows.export(workspace, "demo", workflows.Choice(), tmp_path / "results.duckdb")
    with duckdb.connect(str(tmp_path / "results.duckdb"), read_only=True) as connection:
        yield connection


def test_there_are_five_queries() -> None:
    assert len(QUERIES) == 5


def test_genes_of_a_tissue(results: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    found = results.execute(QUERIES[0]).df()
    rankings = workspace.dataset("demo").rankings
    expected = rankings[rankings["top_label"] == "brain"].sort_values("signal", ascending=False)["signal"].head(20)
    assert found["signal"].to_list() == expected.to_list() and len(found) > 3


def test_biosamples_and_series_of_labels(results: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    found = results.execute(QUERIES[1]).df().set_index("label")
    dataset = workspace.dataset("demo")
    joined = dataset.labels.merge(dataset.biosamples[["sample_id", "series_id"]], on="sample_id")
    grouped = joined.groupby("label")
    assert found["biosamples"].to_dict() == grouped["sample_id"].nunique().to_dict()
    assert found["series"].to_dict() == grouped["series_id"].nunique().to_dict()


def test_labels_of_a_neighbourhood(results: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    found = results.execute(QUERIES[2]).df().set_index("label")
    expected = workflows.neighbourhood(workspace, "demo", "GFAP").labels.set_index("name").loc[found.index]
    assert found["members"].to_dict() == expected["members"].to_dict()
    assert found["share_of_neighbourhood"].to_dict() == pytest.approx(expected["share"].to_dict())
    assert found["share_of_dataset"].to_dict() == pytest.approx(expected["dataset_share"].to_dict())


def test_genes_that_share_a_neighbourhood(results: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    found = results.execute(QUERIES[3]).df()
    dataset = workspace.dataset("demo")
    own = set(dataset.members[dataset.gene("GFAP")].tolist())
    shared = pd.Series([len(own & set(row.tolist())) for row in dataset.members])
    by_symbol = shared.groupby(dataset.rankings["symbol"]).sum().drop("GFAP").sort_values(ascending=False)
    assert found["shared"].to_list() == by_symbol.head(20).to_list()


def test_scores_of_classifiers(results: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    found = results.execute(QUERIES[4]).df()
    run = workspace.active(workspace.dataset("demo"), "classifier")
    assert run is not None and run.result is not None
    splits = run.result["metrics"]["splits"]
    assert found["id"].to_list() == [run.id] and found["in_use"].to_list() == [True]
    assert found["random_split"][0] == splits["random"]["model"]["samples_f1"]
    assert found["unseen_series"][0] == splits["series"]["model"]["samples_f1"]
