import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from core import workflows
from core.errors import NotFoundError
from core.store.results import RankingQuery


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


def test_datasets_are_listed(workspace):
    listed = workflows.datasets(workspace)
    assert listed["name"].tolist() == ["demo"]
    assert listed["simulated"].all()
    assert listed["n_biosamples"].iloc[0] == 320


def test_a_gene_over_all_biosamples(workspace, dataset):
    view = workflows.gene(workspace, "demo", "ALB")
    row = dataset.gene("ALB")
    np.testing.assert_array_equal(view.biosamples["value"], dataset.expression([row])[0])
    marked = np.flatnonzero(view.biosamples["neighbour"])
    assert sorted(dataset.members[row].tolist()) == marked.tolist()
    assert view.row["p95"] == pytest.approx(np.percentile(view.biosamples["value"], 95), rel=1e-5)
    by_label = view.biosamples.groupby("labels")["value"].median()
    assert by_label.idxmax() in ("liver", "hepg2|liver")


def test_a_neighbourhood_is_what_the_definition_says(workspace, dataset):
    view = workflows.neighbourhood(workspace, "demo", "ALB")
    n = len(dataset.biosamples)
    positions = [dataset.biosample(sample) for sample in view.members["sample_id"]]
    expected = cosine_similarity(dataset.profiles(positions).astype(np.float64))
    np.testing.assert_allclose(view.cosine, expected, atol=1e-9)
    pairs = np.triu_indices(len(positions), 1)
    assert view.row["mean_cosine"] == pytest.approx(expected[pairs].mean(), rel=1e-6)
    assert view.members["mean_cosine"].mean() == pytest.approx(view.row["mean_cosine"], rel=1e-6)
    start = int(0.95 * (n + 1)) - len(positions) // 2
    assert sorted(view.members["position"]) == list(range(start, start + len(positions)))
    assert sorted(view.members["value"]) == view.members.sort_values("position")["value"].tolist()
    assert int(view.members["tied"].sum()) == view.row["n_tied"]
    assert view.linkage.shape == (len(positions) - 1, 4)


def test_composition_counts_labels_and_series(workspace, dataset):
    view = workflows.neighbourhood(workspace, "demo", "ALB")
    split = view.members["labels"].str.split("|")
    for row in view.labels.itertuples():
        assert row.members == sum(row.name in labels for labels in split)
        assert row.dataset == int((dataset.labels["label"] == row.name).sum())
        assert row.fold == pytest.approx((row.members / len(view.members)) / (row.dataset / 320))
    assert view.series["members"].sum() == len(view.members)
    codes = view.members["series_id"].tolist()
    k = len(codes)
    same = [codes[i] == codes[j] for i in range(k) for j in range(i)]
    assert view.row["same_series_share"] == pytest.approx(np.mean(same))


def test_random_sets_are_the_baseline(workspace, dataset):
    view = workflows.neighbourhood(workspace, "demo", "ALB")
    similarity = cosine_similarity(dataset.profiles(slice(None)).astype(np.float64))
    everyone = similarity[np.triu_indices(320, 1)].mean()
    assert len(view.random) == 100
    assert view.random.mean() == pytest.approx(everyone, abs=0.005)


def test_similar_biosamples_by_sklearn(workspace, dataset):
    found = workflows.similar_biosamples(workspace, "demo", dataset.biosamples["sample_id"][5], top=7)
    values = dataset.profiles(slice(None)).astype(np.float64)
    expected = cosine_similarity(values[5:6], values)[0]
    expected[5] = -1
    assert found["sample_id"].tolist() == dataset.biosamples["sample_id"].iloc[np.argsort(-expected)[:7]].tolist()
    with pytest.raises(NotFoundError):
        workflows.similar_biosamples(workspace, "demo", "GSM0")


def test_the_projection_covers_everybody_and_is_kept(workspace, dataset):
    found = workflows.projection(workspace, "demo")
    assert found["sample_id"].tolist() == dataset.biosamples["sample_id"].tolist()
    assert found["PC1"].var() > found["PC2"].var() > found["PC3"].var()
    rows = workspace.results.cursor().execute("SELECT analysis FROM results").fetchall()
    assert ("projection",) in rows


def test_overview_shows_what_normalisation_did(workspace):
    found = workflows.overview(workspace, "demo")
    wide = found.distributions.pivot_table(index=["stage", "percentile"], columns="sample_id", values="value")
    spread = wide.std(axis=1)
    before, after = spread["log2(1 + count)"], spread["quantile-normalised"]
    assert after.loc[90] < 0.01 < before.loc[90]
    assert found.classifier
    assert found.generator
    assert found.labels["biosamples"].is_monotonic_decreasing


def test_rankings_can_be_asked_for_a_page(workspace):
    page = workflows.rankings(workspace, "demo", RankingQuery(limit=4, offset=2))
    everything = workflows.rankings(workspace, "demo")
    assert page["symbol"].tolist() == everything["symbol"].iloc[2:6].tolist()
    assert workflows.count_rankings(workspace, "demo", RankingQuery()) == len(everything)
