"""Questions about genes, answered as pandas, numpy and scipy answer them."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core import workflows as wf
from core.__main__ import main
from core.errors import GeneSetsError, NotFoundError, RecipeError, StoreError
from core.sources.gene_sets import GeneSet
from core.store import correlation_sample
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace


@pytest.fixture(scope="module")
def mine(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the demo: correlations keep a file in its folder."""
    root = tmp_path_factory.mktemp("genes") / "data"
    shutil.copytree(demo_root / "datasets", root / "datasets")
    return Workspace(root)


@pytest.fixture(scope="module")
def dataset(mine: Workspace) -> StoredDataset:
    return mine.dataset("demo")


def test_ranks_count_the_genes_above(mine: Workspace, dataset: StoredDataset) -> None:
    found = wf.gene_ranks(mine, "demo", "GFAP").set_index("metric")
    table = dataset.rankings
    row = table[table["symbol"] == "GFAP"].iloc[0]
    for metric in ("mean", "tau", "zero_share"):
        higher = int((table[metric] > row[metric]).sum())
        assert found.loc[metric, "rank"] == higher + 1
        assert found.loc[metric, "percentile"] == pytest.approx(100 * (len(table) - 1 - higher) / (len(table) - 1))
    assert found.loc["signal", "rank"] == row["signal_rank"]
    assert found.loc["mean_cosine", "of"] == table["mean_cosine"].notna().sum()


@pytest.mark.parametrize("scale", wf.SCALES)
def test_expression_by_label_is_that_of_pandas(mine: Workspace, dataset: StoredDataset, scale: str) -> None:
    row = dataset.gene("GFAP")
    values = dataset.expression([row])[0].astype(float)
    if scale != "length":
        values = values * dataset.lengths[row]
    if scale == "counts":
        values = 2**values - 1
    counts = dataset.counts(slice(None))[:, dataset.in_y[row]]
    long = dataset.biosamples[["sample_id", "labels"]].assign(value=values, some=counts > 0)
    long = long.assign(label=long["labels"].replace("", "no label").str.split("|")).explode("label")
    wanted = long.groupby("label").agg(
        biosamples=("value", "size"), mean=("value", "mean"), median=("value", "median"),
        q3=("value", lambda part: part.quantile(0.75)), share_expressed=("some", "mean"),
    )  # fmt: skip
    found = wf.expression_by_label(mine, "demo", "GFAP", scale).set_index("label")
    assert found["median"].is_monotonic_decreasing
    for column in wanted:
        np.testing.assert_allclose(found[column].sort_index(), wanted[column], rtol=1e-6)


def test_a_count_is_told_from_expression_for_every_gene(dataset: StoredDataset) -> None:
    from core.workflows.genes import expressed

    counts = dataset.counts(slice(None))[:, dataset.in_y].T
    np.testing.assert_array_equal(expressed(dataset, range(len(counts))), counts > 0)


@pytest.mark.parametrize("sign", ["+", "-"])
def test_correlated_genes_are_those_of_numpy(mine: Workspace, dataset: StoredDataset, sign: str) -> None:
    row = dataset.gene("ALB")
    found = wf.correlated_genes(mine, "demo", "ALB", 30, sign)
    r = np.corrcoef(dataset.expression(slice(None)).astype(float))[row]
    usable = (dataset.rankings["zero_share"] <= 0.9).to_numpy() & (np.arange(len(r)) != row)
    best = np.sort(r[usable])[::-1][:30] if sign == "+" else np.sort(r[usable])[:30]
    np.testing.assert_allclose(found.table["r"], best, atol=1e-4)
    np.testing.assert_allclose(found.table["r"], r[found.table["position"]], atol=1e-4)
    assert (found.used, found.compared) == (len(dataset.biosamples), usable.sum())
    assert "over all" in found.text


def test_a_large_dataset_is_correlated_over_a_drawn_sample(
    mine: Workspace, dataset: StoredDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlation_sample, "SAMPLE", 100)
    monkeypatch.setattr(correlation_sample.sampled, "__defaults__", (100,))
    found = wf.correlated_genes(mine, "demo", "GFAP", 20)
    rows = correlation_sample.sampled(len(dataset.biosamples))
    assert len(set(rows)) == 100
    y = dataset.expression([dataset.gene("GFAP"), *found.table["position"]])[:, rows].astype(float)
    np.testing.assert_allclose(found.table["r"], np.corrcoef(y)[0, 1:], atol=1e-3)
    assert found.used == 100
    assert "100 (drawn with seed 1) of" in found.text


def test_a_damaged_sample_is_said(mine: Workspace, dataset: StoredDataset, tmp_path: Path) -> None:
    copy = tmp_path / "datasets/demo"
    shutil.copytree(dataset.path, copy)
    shutil.rmtree(copy / "correlation", ignore_errors=True)
    (copy / "correlation").write_text("not a folder")
    with pytest.raises(StoreError, match="correlation"):
        wf.correlated_genes(Workspace(tmp_path), "demo", "GFAP")


def test_genes_side_by_side(mine: Workspace, dataset: StoredDataset) -> None:
    found = wf.compare_genes(mine, "demo", ["GFAP", "ALB", "gfap", "MBP"])
    assert found.metrics["symbol"].tolist() == ["GFAP", "ALB", "MBP"]
    np.testing.assert_allclose(found.correlation, np.corrcoef(dataset.expression(found.rows).astype(float)), atol=1e-9)
    brain = dataset.rows_with("brain")
    dot = found.dots[(found.dots["gene"] == 1) & (found.dots["label"] == "brain")].iloc[0]
    assert dot["mean"] == pytest.approx(dataset.expression([found.rows[1]])[0, brain].astype(float).mean())
    assert dot["biosamples"] == len(brain)
    for genes in (["GFAP"], dataset.rankings["ensembl_gene_id"].head(9)):
        with pytest.raises(RecipeError, match="2 to 8"):
            wf.compare_genes(mine, "demo", genes)
    with pytest.raises(NotFoundError, match="NOSUCH"):
        wf.compare_genes(mine, "demo", ["GFAP", "NOSUCH"])


def test_a_list_in_any_writing_is_matched_and_the_rest_is_named(mine: Workspace, dataset: StoredDataset) -> None:
    left_out = dataset.genes.loc[~dataset.genes["normalised"], "symbol"].head(1).tolist()
    text = f'"gfap"; ENSG00000131095.9\tALB|NOSUCH,(MBP)\nNOSUCH {" ".join(left_out)}'
    found = wf.match_gene_list(mine, "demo", text)
    assert dataset.rankings["symbol"].iloc[found.rows].tolist() == ["GFAP", "ALB", "MBP"]
    assert (found.asked, found.repeated) == (6 + len(left_out), 1)
    assert (found.unknown, found.without_length) == (["NOSUCH"], left_out)
    with pytest.raises(GeneSetsError, match="empty"):
        wf.match_gene_list(mine, "demo", " ,; ")


def test_a_symbol_that_genes_share_is_named(mine: Workspace, dataset: StoredDataset) -> None:
    shared = StoredDataset(dataset.path)
    table = dataset.rankings.copy()
    table.loc[table["symbol"] == "ALB", "symbol"] = "GFAP"
    shared.__dict__["rankings"] = table
    from core.workflows.gene_lists import GeneNames

    assert len(GeneNames(shared).rows("GFAP")) == 2
    assert GeneNames(shared).rows("ENSG00000163631") == GeneNames(dataset).rows("ALB")


@pytest.mark.parametrize("by", ["signal", "co_rank", "mean_cosine"])
def test_a_list_is_ranked_as_scipy_ranks_it(mine: Workspace, dataset: StoredDataset, by: str) -> None:
    rows = [*range(0, 900, 37), dataset.gene("GFAP")]
    found = wf.rank_gene_list(mine, "demo", rows, by)
    table = dataset.rankings[dataset.rankings[by].notna()]
    score = table[by].astype(float) * (-1 if by == "co_rank" else 1)
    inside = table.index.isin(rows)
    wanted = stats.mannwhitneyu(score[inside], score[~inside], method="asymptotic")
    assert (found.u, found.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    ranks = (-score).rank()
    assert found.median_rank == ranks[inside].median()
    assert found.top_share == pytest.approx((ranks[inside] <= len(table) / 10).mean())
    assert found.missing == len(set(rows)) - inside.sum()
    np.testing.assert_allclose(found.values, np.sort(score)[::-1] * (-1 if by == "co_rank" else 1))
    with pytest.raises(RecipeError, match="Cannot rank"):
        wf.rank_gene_list(mine, "demo", rows, "symbol")


def test_sets_are_tested_as_scipy_tests_them(mine: Workspace, dataset: StoredDataset) -> None:
    table = dataset.rankings
    rng = np.random.default_rng(4)
    draws = {"TOP": np.argsort(-table["tau"].to_numpy())[:25], "SOME": rng.choice(len(table), 40, replace=False)}
    sets = [GeneSet(name, "", tuple(table["ensembl_gene_id"].iloc[rows])) for name, rows in draws.items()]
    sets += [GeneSet("FEW", "", ("GFAP", "ALB")), GeneSet("IDS", "", tuple(table["ensembl_gene_id"].head(9) + ".3"))]
    found = wf.enrich(mine, "demo", sets, "tau", 100).set_index("set")
    assert set(found.index) == {"TOP", "SOME", "IDS"}
    order = np.argsort(-table["tau"].to_numpy(), kind="stable")
    for name, rows in draws.items():
        wanted = stats.mannwhitneyu(
            table["tau"].iloc[rows], np.delete(table["tau"].to_numpy(), rows), method="asymptotic"
        )
        assert found.loc[name, "p_rank"] == pytest.approx(wanted.pvalue)
        overlap = len(set(rows) & set(order[:100]))
        assert found.loc[name, "in_top"] == overlap
        assert found.loc[name, "p_top"] == pytest.approx(stats.hypergeom.sf(overlap - 1, len(table), len(rows), 100))
    assert found.loc["TOP", "leading_edge"].split() == table["symbol"].iloc[order[:25]].tolist()
    np.testing.assert_allclose(found["q_rank"], stats.false_discovery_control(found["p_rank"]))


def test_the_background_can_be_some_of_the_genes(mine: Workspace, dataset: StoredDataset) -> None:
    among = np.flatnonzero(dataset.rankings["biotype"] == "protein_coding")
    genes = dataset.rankings["ensembl_gene_id"].iloc[among[:30]]
    row = wf.enrich(mine, "demo", [GeneSet("A", "", (*genes, "NOSUCH"))], "signal", 50, among).iloc[0]
    signal = dataset.rankings["signal"].to_numpy()[among]
    wanted = stats.mannwhitneyu(signal[:30], signal[30:], method="asymptotic")
    assert (row["genes"], row["ranked"]) == (31, 30)
    assert row["p_rank"] == pytest.approx(wanted.pvalue)


def test_sets_that_cannot_be_tested_are_said(mine: Workspace) -> None:
    with pytest.raises(GeneSetsError, match="None of the 1 sets"):
        wf.enrich(mine, "demo", [GeneSet("A", "", ("Gfap1", "x", "y", "z", "w"))])
    with pytest.raises(RecipeError, match="number from 1"):
        wf.enrich(mine, "demo", [GeneSet("A", "", ("GFAP",))], top=10**6)


def test_uploaded_sets_are_kept_under_their_name(tmp_path: Path, demo_root: Path) -> None:
    workspace = Workspace(tmp_path)
    assert wf.keep_gene_sets(workspace, "C:/x/my sets.gmt".rpartition("/")[2], b"A\tx\tGFAP\n") == "my sets"
    wf.keep_gene_sets(workspace, "my sets.gmt", b"A\tx\tGFAP\n")
    assert wf.gene_set_files(workspace) == ["my sets"]
    assert wf.gene_sets(workspace, "my sets") == [GeneSet("A", "x", ("GFAP",))]
    assert wf.keep_gene_sets(workspace, "my sets.gmt", b"B\tx\tALB\n") == "my sets (2)"
    assert wf.keep_gene_sets(workspace, "My Sets.gmt", b"C\tx\tALB\n") == "My Sets (3)"
    assert wf.keep_gene_sets(workspace, "my sets.gmt", b"B\tx\tALB\n") == "my sets (2)"
    assert [wf.gene_sets(workspace, file)[0].name for file in wf.gene_set_files(workspace)] == ["C", "A", "B"]
    wf.delete_gene_sets(workspace, "My Sets (3)")
    wf.delete_gene_sets(workspace, "my sets")
    assert wf.gene_set_files(workspace) == ["my sets (2)"]
    with pytest.raises(NotFoundError, match="any more"):
        wf.delete_gene_sets(workspace, "../datasets/x")
    with pytest.raises(GeneSetsError, match="cannot be kept"):
        wf.keep_gene_sets(workspace, "..gmt", b"B\tx\tALB\n")
    with pytest.raises(GeneSetsError, match="line 1"):
        wf.keep_gene_sets(workspace, "bad.gmt", b"B\n")
    with pytest.raises(NotFoundError, match="other"):
        wf.gene_sets(workspace, "../other")


def run(capsys: pytest.CaptureFixture[str], root: Path, *words: object) -> tuple[int, str, str]:
    status = main(["--data-dir", str(root), *map(str, words)])
    return status, *capsys.readouterr()


def test_the_command_gene(mine: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, mine.root, "gene", "demo", "GFAP")
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out)), wf.expression_by_label(mine, "demo", "GFAP"))
    assert status == 0
    _, out, err = run(capsys, mine.root, "gene", "demo", "ENSG00000131095", "--format", "json", "--top", 5)
    content = json.loads(out)
    assert content["gene"]["symbol"] == "GFAP"
    assert [len(content[name]) for name in ("ranks", "correlated")] == [9, 5]
    assert "Pearson's r over all" in err
    _, out, _ = run(capsys, mine.root, "gene", "demo", "GFAP", "--table", "correlated", "--sign", "-")
    assert pd.read_csv(io.StringIO(out))["r"].is_monotonic_increasing
    assert run(capsys, mine.root, "gene", "demo", "NOSUCH")[0] == 2


def test_the_command_enrich(mine: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    genes = mine.dataset("demo").rankings["symbol"].head(12)
    (tmp_path / "s.gmt").write_text("A\tx\t" + "\t".join(genes) + "\nFEW\tx\tGFAP\n")
    status, out, err = run(capsys, mine.root, "enrich", "demo", tmp_path / "s.gmt", "--sort", "tau")
    assert (status, pd.read_csv(io.StringIO(out))["set"].tolist()) == (0, ["A"])
    assert "1 of 2 sets left out" in err
    status, out, err = run(capsys, mine.root, "enrich", "demo", tmp_path / "none.gmt")
    assert (status, out) == (2, "")
    assert "none.gmt cannot be read" in err


def test_genes_inside_a_polygon_are_those_that_its_drawn_outline_holds() -> None:
    points = pd.DataFrame({
        "id": ["inside", "outside", "on a chord of the logarithm", "unknown"],
        "signal": [10.0, 200.0, 3.0, 10.0], "mean_cosine": [0.5, 0.5, 0.40, np.nan],
    })  # fmt: skip
    # a triangle whose lower edge is straight on the logarithmic axis: at signal 3 it lies at 0.32, not at 0.16
    corners = [(1.0, 0.1), (100.0, 1.0), (1.0, 1.0)]
    assert wf.genes_inside(points, corners) == ["on a chord of the logarithm"]
    assert wf.genes_inside(points, [(1.0, 0.0), (100.0, 0.0), (100.0, 1.0), (1.0, 1.0)])[0] == "inside"
