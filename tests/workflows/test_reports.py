"""Reports: the numbers of the files behind them, text of the data as text, and nothing asked of another machine."""

import html
import re
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.errors import InputError, NotFoundError
from core.store.files import read_json
from core.store.workspace import Workspace
from core.types import silent
from tests.figures.test_report import HOSTILE, read

STUDY = {
    "label": "brain", "seeds": 2, "sizes": (2,), "arms": ("none", "class-weights", "smote"), "steps": 5, "trees": 10,
    "genes": 60,
}  # fmt: skip


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory):
    """The small demo with a finished study, and with titles of biosamples that would run if they were markup."""
    root = tmp_path_factory.mktemp("reports") / "data"
    shutil.copytree(demo_root, root)
    path = root / "datasets/demo/biosamples.parquet"
    pd.read_parquet(path).assign(title=HOSTILE).to_parquet(path)
    workspace = Workspace(root)
    parameters = workflows.study_parameters(workspace, "demo", **STUDY)
    fingerprint = workspace.dataset("demo").fingerprint
    workflows.perform(workspace, workspace.runs.create("augmentation", "demo", parameters, fingerprint), silent)
    return root


@pytest.fixture
def mine(root):
    return Workspace(root)


def run_of(workspace, kind):
    return workspace.runs.all("demo", kind)[0]


def rows_of(page, *head):
    """The rows of the table with these heads, by name."""
    start = page.cells.index(list(head))
    body = []
    for row in page.cells[start + 1 :]:
        if len(row) != len(head):
            break
        body.append(dict(zip(head, row, strict=True)))
    return body


def test_a_gene_s_report_holds_the_numbers_of_the_rankings_file(mine, root):
    page = read(workflows.gene_report(mine, "demo", "GFAP", "http://localhost/gene?gene=GFAP"))
    table = pd.read_parquet(root / "datasets/demo/rankings.parquet")
    row = table[table["symbol"] == "GFAP"].iloc[0]
    rank = int((table["signal"] > row["signal"]).sum()) + 1
    assert page.facts["Signal"] == f"{(1 + row['p95']) / (1 + row['mean']):.3f} (rank {rank} of {len(table)})"
    by_cosine = int((table["mean_cosine"] > row["mean_cosine"]).sum()) + 1
    assert page.facts["Mean cosine"] == f"{row['mean_cosine']:.3f} (rank {by_cosine} of {len(table)})"
    values = mine.dataset("demo").expression([table.index.get_loc(row.name)])[0].astype(float)
    assert page.facts["95th percentile"] == f"{np.percentile(values, 95):.3f}"
    assert page.facts["Mean"] == f"{values.mean():.3f}"
    assert page.facts["Length"] == f"{row['length_bp']:,.0f} bp"
    assert page.facts["address"] == "http://localhost/gene?gene=GFAP"
    assert page.facts["gene"] == "GFAP"
    assert "simulated" in page.text


def test_a_gene_s_report_lists_its_neighbourhood_as_the_dataset_stores_it(mine, root):
    page = read(workflows.gene_report(mine, "demo", "GFAP"))
    biosamples = pd.read_parquet(root / "datasets/demo/biosamples.parquet")
    genes = pd.read_parquet(root / "datasets/demo/rankings.parquet")
    members = np.load(root / "datasets/demo/members.npy")[genes.index[genes["symbol"] == "GFAP"][0]]
    ids = set(biosamples["sample_id"].iloc[members])
    assert page.facts["Members (k)"] == str(len(ids))
    rows = rows_of(page, "biosample", "labels", "title", "series", "expression", "mean cosine")
    assert len(rows) == 20
    assert {row["biosample"] for row in rows} < ids
    cosines = [float(row["mean cosine"]) for row in rows]
    assert cosines == sorted(cosines, reverse=True)
    series = Counter(biosamples["series_id"].iloc[members])
    name, most = series.most_common(1)[0]
    assert f"Most frequent series: {name}, {most / len(ids):.0%} of the members" in page.text


def test_a_gene_that_is_expressed_nowhere_has_a_report_that_says_so(mine, root):
    genes = pd.read_parquet(root / "datasets/demo/rankings.parquet")
    symbol = genes.loc[genes["mean_cosine"].isna(), "symbol"].iloc[0]
    page = read(workflows.gene_report(mine, "demo", symbol))
    assert (page.facts["Mean cosine"], page.facts["Co-rank"]) == ("undefined", "undefined")
    assert page.facts["Biosamples without counts"] == "100%"
    assert "expressed in no biosample" in page.text


def test_a_gene_of_a_dataset_without_labels_or_lengths_has_a_report(root, tmp_path):
    workspace = Workspace(tmp_path)
    request = workflows.BuildRequest(counts=root / "demo/demo.h5", name="bare", length_measure="none")
    workflows.build(workspace, request)
    page = read(workflows.gene_report(workspace, "bare", "GFAP"))
    assert page.facts["Label with the highest mean"] == "none"
    assert page.facts["Length"] == "not known"
    assert "no labels" in page.text
    assert "quantile-normalised across biosamples." in page.text
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)


def test_a_sample_s_report_says_what_the_classifier_says(mine):
    sample = mine.dataset("demo").biosamples["sample_id"].iloc[3]
    found = workflows.classify_biosamples(mine, "demo", [sample])[0]
    page = read(workflows.sample_report(mine, "demo", sample))
    said = "Reads most like" if found.abstained else "Predicted label"
    assert page.facts[said] == " + ".join(found.predicted)
    assert page.facts["Probability"] == f"{max(found.probabilities.values()):.3f}"
    assert page.facts["Genes matched"] == f"{found.genes_matched:,} of {found.genes_expected:,}"
    assert page.facts["model"] == run_of(mine, "classifier").id
    first = found.nearest.iloc[0]
    row = next(row for row in page.cells if row[0] == first["sample_id"])
    assert f"{first['cosine']:.4f}" in row
    assert HOSTILE in row
    for gene in found.deciding_genes["symbol"].head(15):
        assert gene in page.text


def test_titles_and_names_of_the_data_are_text_in_every_report(mine):
    gene = read(workflows.gene_report(mine, "demo", "GFAP"))
    assert [row[2] for row in gene.cells if len(row) == 6 and row[0].startswith("DEMO")] == [HOSTILE] * 20
    found = workflows.classify_biosamples(mine, "demo", [mine.dataset("demo").biosamples["sample_id"].iloc[0]])[0]
    upload = type(found)(**{**vars(found), "sample": HOSTILE, "reasons": [HOSTILE], "abstained": True})
    page = read(workflows.prediction_report(mine, "demo", upload))
    assert f"Sample {HOSTILE}" in page.text
    assert page.facts["sample"] == HOSTILE
    assert sum(HOSTILE in text for text in page.shown) > 20


def test_a_classifier_s_report_holds_the_scores_of_its_result(mine):
    run = run_of(mine, "classifier")
    page = read(workflows.run_report(mine, run.id))
    table = pd.read_parquet(run.path / "per_label.parquet")
    head = next(row for row in page.cells if row[:2] == ["split", "label"])
    rows = rows_of(page, *head)
    assert len(rows) == len(table)
    for row, expected in zip(rows, table.to_dict("records"), strict=True):
        assert (row["split"], row["label"]) == (expected["split"], expected["label"])
        assert row["f1"] == ("–" if np.isnan(expected["f1"]) else f"{expected['f1']:.3f}")
    splits = read_json(run.path / "result.json")["metrics"]["splits"]
    for split in ("random", "series"):
        assert f"{splits[split]['model']['samples_f1']:.3f}" in page.text
    assert (page.facts["run"], page.facts["trained_on"]) == (run.id, run.recipe["fingerprint"])


def test_a_confusion_s_sentence_counts_what_lies_on_the_diagonal(mine):
    run = run_of(mine, "classifier")
    page = read(workflows.run_report(mine, run.id))
    table = pd.read_parquet(run.path / "confusion.parquet")
    for _, rows in table.groupby("split"):
        right = sum(row["count"] for row in rows.to_dict("records") if row["true"] == row["predicted"])
        assert f"{right / rows['count'].sum():.0%} lie on the diagonal" in page.text


def test_a_generator_s_report_holds_its_scorecard_and_says_that_nothing_was_measured(mine):
    run = run_of(mine, "generator")
    page = read(workflows.run_report(mine, run.id))
    card = pd.read_parquet(run.path / "scorecard.parquet")
    rows = rows_of(page, "measure", "verdict", "synthetic", "real against real", "PCA-Gaussian", "target")
    assert [row["measure"] for row in rows] == card["title"].tolist()
    shown = [f"{value:,.3f}" if np.isfinite(value) else "–" for value in card["synthetic"].astype(float)]
    assert [row["synthetic"] for row in rows] == shown
    assert f"{(card['verdict'] == 'pass').sum()} of {len(card)} measures reach their target" in page.text
    assert "never" not in page.facts.values()
    assert "No profile that is called synthetic was ever measured." in page.text


def test_a_study_s_report_holds_its_verdicts_and_the_means_over_its_replicates(mine):
    run = run_of(mine, "augmentation")
    page = read(workflows.run_report(mine, run.id))
    for verdict in read_json(run.path / "result.json")["metrics"]["verdicts"]:
        assert verdict.replace("**", "") in page.text
    replicates = pd.read_parquet(run.path / "replicates.parquet")
    head = next(row for row in page.cells if "arm" in row)
    rows = rows_of(page, *head)
    assert sorted(row["arm"] for row in rows) == sorted(STUDY["arms"])
    means = {row["arm"]: replicates.loc[replicates["arm"] == row["arm"], "average_precision"].mean() for row in rows}
    assert any(np.isfinite(value) for value in means.values())
    for row in rows:
        mean = means[row["arm"]]
        assert row["average_precision"] == ("–" if np.isnan(mean) else f"{mean:.3f}")


def test_what_has_no_report_is_refused_with_the_reason(mine):
    with pytest.raises(NotFoundError, match="no run"):
        workflows.run_report(mine, "nothing")
    with pytest.raises(NotFoundError, match="NOGENE"):
        workflows.gene_report(mine, "demo", "NOGENE")
    with pytest.raises(NotFoundError, match="NOSAMPLE"):
        workflows.sample_report(mine, "demo", "NOSAMPLE")
    build = mine.runs.create("projection", "demo", {})
    failed = mine.runs.create("classifier", "demo", {})
    try:
        build.write_result("done")
        failed.write_result("failed", error="x")
        with pytest.raises(InputError, match="only trainings and studies"):
            workflows.run_report(mine, build.id)
        with pytest.raises(InputError, match="is failed"):
            workflows.run_report(mine, failed.id)
    finally:
        shutil.rmtree(build.path)
        shutil.rmtree(failed.path)


def test_a_prediction_without_evidence_is_refused(mine):
    sample = mine.dataset("demo").biosamples["sample_id"].iloc[0]
    found = workflows.classify_biosamples(mine, "demo", [sample])[0]
    bare = type(found)(**{**vars(found), "nearest": pd.DataFrame()})
    with pytest.raises(InputError, match="explain it first"):
        workflows.prediction_report(mine, "demo", bare)


def test_the_address_is_text_in_the_file(mine):
    content = workflows.gene_report(mine, "demo", "GFAP", 'http://x/?q="><script>alert(1)</script>').decode()
    assert html.escape('http://x/?q="><script>alert(1)</script>') in content
    read(content.encode())
