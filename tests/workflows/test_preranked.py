"""GSEA of sets on a dataset, from a file and from a list, at once and as a job that is kept."""

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import workflows as wf
from core.__main__ import main
from core.errors import GeneSetsError, NotFoundError, RecipeError
from core.sources.gene_sets import GeneSet
from core.store.results import RankingQuery
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent

QUICK = 100  # permutations


@pytest.fixture
def mine(demo_root: Path, tmp_path: Path) -> Workspace:
    """A data folder of one's own with three sets: near the top by tau, near the end, and anywhere."""
    root = tmp_path / "data"
    shutil.copytree(demo_root / "datasets", root / "datasets")
    (root / "gene_sets").mkdir()
    workspace = Workspace(root)
    (root / "gene_sets" / "three.gmt").write_text("".join(lines(workspace)))
    return workspace


def lines(workspace: Workspace) -> list[str]:
    table = workspace.dataset("demo").rankings.sort_values("tau", ascending=False)
    ids, rng = table["ensembl_gene_id"].to_numpy(), np.random.default_rng(6)
    sets = {"TOP": ids[:60:3], "END": ids[-60::3], "ANY": rng.choice(ids, 25, replace=False)}
    return [f"{name}\tabout {name}\t" + "\t".join(genes) + "\n" for name, genes in sets.items()]


def do(workspace: Workspace, request: wf.GseaRequest) -> Run:
    """A job done in this process."""
    parameters = wf.gsea_parameters(workspace, "demo", request)
    run = workspace.runs.create("gsea", "demo", parameters, workspace.dataset("demo").fingerprint)
    wf.perform(workspace, run, silent)
    return run


def test_sets_at_both_ends_are_found_and_the_edge_is_that_of_a_loop(mine: Workspace) -> None:
    found = wf.gsea(mine, "demo", wf.gene_sets(mine, "three"), "tau", permutations=QUICK).set_index("set")
    assert found.index.tolist()[2] == "ANY"
    assert found.loc["TOP", "nes"] > 2 > -2 > found.loc["END", "nes"]
    assert found.loc[["TOP", "END"], "q"].tolist() == [1 / QUICK] * 2
    table = mine.dataset("demo").rankings.sort_values("tau", ascending=False, kind="stable")
    top = table["symbol"].iloc[:60:3].tolist()
    total, sums = table["tau"].iloc[:60:3].sum(), [0.0]
    for symbol, tau in zip(table["symbol"], table["tau"], strict=True):
        sums.append(sums[-1] + (tau / total if symbol in top else -1 / (len(table) - 20)))
    peak = int(np.argmax(np.abs(sums)))
    assert found.loc["TOP", "score"] == pytest.approx(sums[peak])
    assert found.loc["TOP", "leading_edge"].split() == [each for each in table["symbol"].iloc[:peak] if each in top]
    assert found.loc["TOP", "description"] == "about TOP"


def test_the_curve_of_a_set_ends_in_the_score_of_the_table(mine: Workspace) -> None:
    request = wf.GseaRequest(file="three", by="tau", permutations=QUICK)
    table = wf.gsea(mine, "demo", wf.gene_sets(mine, "three"), "tau", permutations=QUICK).set_index("set")
    for name in table.index:
        curve = wf.set_curve(mine, "demo", request, name)
        y = curve.corners[1]
        assert y[np.abs(y).argmax()] == pytest.approx(table.loc[name, "score"])
        assert [each for each, led in zip(curve.names, curve.leading, strict=True) if led] == (
            table.loc[name, "leading_edge"].split()
        )
        assert (np.diff(curve.values) <= 0).all()
        tau = mine.dataset("demo").rankings.set_index("symbol")["tau"]
        np.testing.assert_allclose(curve.values, tau[curve.names])
    with pytest.raises(NotFoundError, match="no set 'OTHER'"):
        wf.set_curve(mine, "demo", request, "OTHER")


def test_a_job_leaves_a_table_that_outlasts_its_folder(mine: Workspace) -> None:
    coding = RankingQuery(biotypes=("protein_coding",))
    request = wf.GseaRequest(file="three", by="tau", permutations=QUICK, among=coding)
    assert wf.gsea_result(mine, "demo", request) is None
    run = do(mine, request)
    assert run.status == "done"
    assert wf.gsea_job(mine, "demo", request).id == run.id
    found = wf.gsea_result(mine, "demo", request)
    among = np.flatnonzero(mine.dataset("demo").rankings["biotype"] == "protein_coding")
    wanted = wf.gsea(mine, "demo", wf.gene_sets(mine, "three"), "tau", permutations=QUICK, among=among)
    pd.testing.assert_frame_equal(found, wanted)
    assert run.result["metrics"] == {"sets": 3, "q05": int((wanted["q"] <= 0.05).sum())}
    shutil.rmtree(run.path)
    pd.testing.assert_frame_equal(wf.gsea_result(mine, "demo", request), wanted)
    assert wf.gsea_result(mine, "demo", wf.GseaRequest(file="three", by="tau", permutations=QUICK)) is None


def test_a_pasted_list_is_one_set(mine: Workspace) -> None:
    genes = tuple(mine.dataset("demo").rankings.nlargest(20, "tau")["symbol"])
    request = wf.GseaRequest(genes=genes, by="tau", weight=0.0, permutations=QUICK)
    do(mine, request)
    row = wf.gsea_result(mine, "demo", request).iloc[0]
    assert (row["set"], row["ranked"], row["score"], row["n_leading"]) == (wf.GSEA_LIST, 20, pytest.approx(1.0), 20)
    assert wf.set_curve(mine, "demo", request).score == pytest.approx(1.0)


def test_a_changed_file_has_no_result_and_fails_a_job_that_was_asked_for_before(mine: Workspace) -> None:
    request = wf.GseaRequest(file="three", by="tau", permutations=QUICK)
    do(mine, request)
    late = mine.runs.create("gsea", "demo", wf.gsea_parameters(mine, "demo", request), mine.dataset("demo").fingerprint)
    path = mine.root / "gene_sets" / "three.gmt"
    path.write_text("".join(lines(mine)[:2]))
    assert wf.gsea_result(mine, "demo", request) is None
    with pytest.raises(GeneSetsError, match="has changed"):
        wf.perform(mine, late, silent)
    assert late.status == "failed"
    wf.delete_gene_sets(mine, "three")
    with pytest.raises(NotFoundError, match=r"three\.gmt"):
        wf.gsea_result(mine, "demo", request)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"weight": 2.0}, "Weight 2"), ({"by": "co_rank"}, "worst genes"), ({"permutations": 10}, "10 permutations"),
     ({"by": "symbol"}, "Cannot rank")],
)  # fmt: skip
def test_what_cannot_be_is_said(mine: Workspace, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        wf.gsea(mine, "demo", [GeneSet("A", "", ("GFAP",))], **wrong)


def test_the_command(mine: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    path = mine.root / "gene_sets" / "three.gmt"
    words = ["enrich", "demo", str(path), "--statistic", "gsea", "--sort", "tau", "--permutations", "100"]
    assert main(["--data-dir", str(mine.root), *words]) == 0
    out, err = capsys.readouterr()
    found = pd.read_csv(io.StringIO(out))
    wanted = wf.gsea(mine, "demo", wf.read_gene_sets(path), "tau", permutations=QUICK)
    pd.testing.assert_frame_equal(found, wanted)
    assert "permuting genes" in err
    assert "Duplicated" not in err
    assert main(["--data-dir", str(mine.root), *words[:-2], "--sort", "co_rank"]) == 2
    assert "Give weight 0" in capsys.readouterr().err
