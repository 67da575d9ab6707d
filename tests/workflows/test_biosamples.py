"""Carts and their comparison on the demo dataset, held against scipy over whole matrices."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core import workflows as wf
from core.__main__ import main
from core.errors import InputError, NotFoundError, RecipeError
from core.expression import normalise
from core.store.biosample_search import SampleQuery
from core.store.workspace import Workspace
from core.workflows import biosamples as module
from core.workflows import carts


@pytest.fixture
def sides(workspace: Workspace) -> tuple[list[str], list[str]]:
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"].to_numpy()
    brain = ids[dataset.rows_with("brain")]
    return brain[:25].tolist(), [one for one in ids[dataset.rows_with("liver")] if one not in set(brain)][:22]


def test_a_comparison_is_scipys_of_every_gene(workspace: Workspace, sides: tuple[list[str], list[str]]) -> None:
    a, b = sides
    found = wf.compare_carts(workspace, "demo", a, b)
    dataset = workspace.dataset("demo")
    rows = [dataset.biosample(one) for one in (*a, *b)]
    counts = dataset.counts(rows)
    q = normalise.to_target(counts, dataset.target).astype(np.float32).astype(np.float64)
    v, n = np.where(counts > 0, q, 0.0), len(a)
    genes = found.genes.sort_values("position").reset_index(drop=True)
    assert genes["symbol"].tolist() == dataset.genes["symbol"].tolist()
    np.testing.assert_allclose(genes["log2_fold_change"], q[:n].mean(axis=0) - q[n:].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(genes["expressed_b"], (counts[n:] > 0).mean(axis=0))
    want = stats.mannwhitneyu(v[:n], v[n:], method="asymptotic", axis=0)
    tested = (counts > 0).any(axis=0)
    assert tested.sum() == found.tested
    exact = stats.mannwhitneyu(v[:n], v[n:], method="exact", axis=0)
    p = np.where(genes["method"] == "exact", exact.pvalue, want.pvalue)
    distinct = np.array([len(set(row)) for row in v.T]) == len(v)
    assert ((genes["method"] == "exact") == (distinct & (n * len(b) <= 400))).all()
    np.testing.assert_allclose(genes["p_value"][tested], p[tested], rtol=1e-9)
    assert genes["p_value"][~tested].isna().all()
    np.testing.assert_allclose(genes["fdr"][tested], stats.false_discovery_control(p[tested]), rtol=1e-9)
    np.testing.assert_allclose(genes["auroc"], want.statistic / (n * len(b)))
    assert found.genes["p_value"].dropna().is_monotonic_increasing


def test_the_same_carts_in_another_order_are_not_computed_again(
    workspace: Workspace, sides: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = sides
    first = wf.compare_carts(workspace, "demo", a, b)
    monkeypatch.setattr(module, "_compare", lambda *_: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(wf.compare_carts(workspace, "demo", a[::-1], b).genes, first.genes)


def test_what_is_too_large_for_memory_goes_through_a_file(
    workspace: Workspace, sides: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = sides
    first = wf.compare_carts(workspace, "demo", a, b).genes
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 1)
    told: list[str] = []
    again = wf.compare_carts(
        workspace, "demo", b, a, lambda stage, done, total, **_: told.append(f"{stage} {done}/{total}")
    ).genes
    both = first.merge(again, on="position")
    np.testing.assert_allclose(both["log2_fold_change_x"], -both["log2_fold_change_y"], atol=1e-7)
    np.testing.assert_allclose(both["p_value_x"], both["p_value_y"], rtol=1e-9)
    assert told[-1].startswith("testing genes")


def test_few_biosamples_have_no_p_and_small_carts_exact_ones(
    workspace: Workspace, sides: tuple[list[str], list[str]]
) -> None:
    a, b = sides
    two = wf.compare_carts(workspace, "demo", a[:2], b)
    assert two.tested == 0
    assert "no p values" in two.method
    small = wf.compare_carts(workspace, "demo", a[:4], b[:5])
    assert small.exact > 0
    assert f"exact for {small.exact:,} genes" in small.method
    assert (small.genes.loc[small.genes["method"] == "exact", "p_value"] >= 2 / 126 - 1e-12).all()


def test_carts_that_cannot_be_compared_are_refused(workspace: Workspace, sides: tuple[list[str], list[str]]) -> None:
    a, b = sides
    with pytest.raises(InputError, match="Cart B is empty"):
        wf.compare_carts(workspace, "demo", a, [])
    with pytest.raises(InputError, match="same biosamples"):
        wf.compare_carts(workspace, "demo", a, a[::-1])
    with pytest.raises(NotFoundError, match="GSM404"):
        wf.compare_carts(workspace, "demo", a, [*b, "GSM404"])


def test_a_cart_refuses_what_is_unknown_or_too_much(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"].head(5).tolist()
    assert wf.fill_cart(dataset, "A", ids[:2], [ids[2], ids[0], ids[2]]).ids == ids[:3]
    with pytest.raises(NotFoundError, match="GSM404"):
        wf.fill_cart(dataset, "A", [], ["GSM404"])
    monkeypatch.setattr(carts, "MOST_IDS", 3)
    with pytest.raises(RecipeError, match="4 biosamples, but 3"):
        wf.fill_cart(dataset, "A", ids[:2], ids[2:4])


def test_ids_are_read_from_any_list(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    first, second = dataset.biosamples["sample_id"].head(2)
    known, unknown = wf.read_ids(dataset, f'"{first}", {second.lower()};{first}\n\tGSM404 |x')
    assert known == [first, second]
    assert unknown == ["GSM404", "x"]
    assert wf.read_ids(dataset, " ,\n") == ([], [])


def test_facts_of_a_cart_are_counts_of_labels_series_and_pairs(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    rows = dataset.biosamples.iloc[::9]
    found = wf.cart_facts(dataset, rows["sample_id"].tolist())
    assert dict(found.series.to_numpy().tolist()) == rows["series_id"].value_counts().to_dict()
    labels = [label for text in rows["labels"] for label in text.split("|") if label]
    assert dict(found.labels.to_numpy().tolist()) == pd.Series(labels).value_counts().to_dict()
    assert found.unlabelled == (rows["labels"] == "").sum()
    series = rows["series_id"].tolist()
    pairs = [one == other for i, one in enumerate(series) for other in series[:i]]
    np.testing.assert_allclose(found.same_series_share, np.mean(pairs))


def test_warnings_give_the_series_on_each_side(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    table = dataset.biosamples
    first, second = table["series_id"].value_counts().index[:2]
    a = table.loc[table["series_id"] == first, "sample_id"].head(4).tolist()
    b = table.loc[table["series_id"] == second, "sample_id"].head(4).tolist()
    said = wf.series_warnings(dataset, a, b)
    assert len(said) == 3
    assert f"one series ({first})" in said[0]
    assert f"one series ({second})" in said[1]
    assert "No series is on both sides" in said[2]
    assert "1 biosample is in both" in wf.series_warnings(dataset, a, [*b, a[0]])[-1]
    spread = table.drop_duplicates("series_id")["sample_id"].tolist()
    twins = table[table.duplicated("series_id")].drop_duplicates("series_id")["sample_id"].tolist()
    assert wf.series_warnings(dataset, spread, twins) == []


def test_a_gene_in_biosamples_is_their_q(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"].iloc[[7, 3, 90]].tolist()
    found = wf.expression_in(dataset, "GFAP", ids)
    column = dataset.genes["symbol"].tolist().index("GFAP")
    q = normalise.to_target(dataset.counts([7, 3, 90]), dataset.target)[:, column]
    assert found["sample_id"].tolist() == ids
    np.testing.assert_array_equal(found["value"], q)
    with pytest.raises(NotFoundError, match="NOSUCH"):
        wf.expression_in(dataset, "NOSUCH", ids)


def test_unusually_high_genes_are_by_robust_z(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    row = int(np.flatnonzero(dataset.biosamples["labels"] == "liver")[0])
    found, label = wf.unusually_high(dataset, dataset.biosamples["sample_id"].iloc[row])
    assert label == "liver"
    q = dataset.profiles(slice(None)).astype(np.float64) * dataset.lengths
    gene = dataset.rankings["ensembl_gene_id"].tolist().index(found["ensembl_gene_id"].iloc[0])
    median = np.median(q[:, gene])
    spread = 1.4826 * max(np.median(np.abs(q[:, gene] - median)), 0.2)
    np.testing.assert_allclose(found["z_all"].iloc[0], (q[row, gene] - median) / spread, rtol=1e-4)
    assert np.fmin(found["z_all"], found["z_label"]).is_monotonic_decreasing


def test_characteristics_are_read_as_keys_and_values() -> None:
    told = wf.told_by("tissue: Liver, left lobe,Sex: male; age: 41,note:")
    assert told == [("tissue", "Liver, left lobe"), ("Sex", "male"), ("age", "41")]


def test_search_describes_what_it_finds(workspace: Workspace) -> None:
    table = workspace.dataset("demo").biosamples
    found = wf.search_biosamples(workspace, "demo", SampleQuery(chosen=(("label", ("liver",)),)), limit=5)
    wanted = table[table["labels"].str.split("|").map(lambda names: "liver" in names)].head(5)
    assert found["sample_id"].tolist() == wanted["sample_id"].tolist()
    assert found["characteristics_ch1"].tolist() == wanted["characteristics_ch1"].tolist()


def test_the_command_line_finds_and_compares(
    demo_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sides: tuple[list[str], list[str]],
    workspace: Workspace,
) -> None:  # fmt: skip
    where = ["--data-dir", str(demo_root)]
    assert main([*where, "samples", "demo", "--search", "liver", "--limit", "3", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert main([*where, "samples", "demo", "--regex", "a(b"]) == 2
    assert "a(b" in capsys.readouterr().err
    assert main([*where, "samples", "demo", "--label", "nolabel"]) == 2
    assert "nolabel" in capsys.readouterr().err
    for name, ids in zip("AB", sides, strict=True):
        (tmp_path / f"{name}.txt").write_text("\n".join(ids))
    files = [str(tmp_path / "A.txt"), str(tmp_path / "B.txt")]
    assert main([*where, "compare", "demo", *files]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    best = wf.compare_carts(workspace, "demo", *sides).genes.iloc[0]
    assert lines[0].startswith("symbol,ensembl_gene_id,biotype,log2_fold_change,p_value,fdr,auroc")
    assert lines[1].startswith(f"{best['symbol']},{best['ensembl_gene_id']},")
    assert "rank-sum test" in said.err
    assert main([*where, "compare", "demo", *files, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["a"] == sides[0]
    (tmp_path / "B.txt").write_text("GSM404")
    assert main([*where, "compare", "demo", *files]) == 2
    assert "GSM404" in capsys.readouterr().err
    assert main([*where, "compare", "demo", files[0], str(tmp_path / "none.txt")]) == 2
