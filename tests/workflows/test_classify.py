import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from core import workflows
from core.errors import NotFoundError, SampleFileError
from core.models.classifier import TissueClassifier


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


def upload(dataset, position, genes=slice(None)):
    """Two-column CSV of one biosample of the dataset."""
    table = pd.DataFrame({"gene": dataset.genes["ensembl_gene_id"], "count": dataset.counts([position])[0]})
    return table.iloc[genes].to_csv(index=False).encode()


def test_an_upload_of_a_known_biosample_is_that_biosample(workspace, dataset):
    position = int(np.flatnonzero(dataset.label_matrix[:, dataset.label_names.index("liver")])[3])
    matched = workflows.read_upload(workspace, "demo", upload(dataset, position), "mine.csv")
    assert matched.matched.all()
    found = workflows.classify(workspace, "demo", matched)[0]
    same = workflows.classify_biosamples(workspace, "demo", [dataset.biosamples["sample_id"][position]])[0]
    assert "liver" in found.predicted
    assert found.probabilities == same.probabilities
    assert found.nearest["sample_id"][0] == dataset.biosamples["sample_id"][position]
    assert found.nearest["cosine"][0] == pytest.approx(1.0)
    assert same.nearest["sample_id"][0] != dataset.biosamples["sample_id"][position]
    values = dataset.profiles(slice(None)).astype(np.float64)
    similarity = cosine_similarity(values[position : position + 1], values)[0]
    np.testing.assert_allclose(found.nearest["cosine"], np.sort(similarity)[::-1][:20], atol=1e-5)  # sums in float32


def test_high_genes_are_high(workspace, dataset):
    position = int(np.flatnonzero(dataset.label_matrix[:, dataset.label_names.index("liver")])[3])
    counts = np.array(dataset.counts([position])[0], dtype=np.float64)
    gene = int(np.flatnonzero(dataset.genes["symbol"] == "GFAP")[0])
    counts[gene] = counts.max()
    table = pd.DataFrame({"gene": dataset.genes["ensembl_gene_id"], "count": counts}).to_csv(index=False)
    matched = workflows.read_upload(workspace, "demo", table.encode(), "mine.csv")
    high = workflows.classify(workspace, "demo", matched)[0].high_genes
    assert high["symbol"][0] == "GFAP"
    assert high["z_all"][0] > 5
    assert high["z_label"][0] > 5


def test_the_genes_that_decided_are_those_without_which_the_votes_fall(workspace, dataset):
    position = int(np.flatnonzero(dataset.label_matrix[:, dataset.label_names.index("liver")])[3])
    matched = workflows.read_upload(workspace, "demo", upload(dataset, position), "mine.csv")
    found = workflows.classify(workspace, "demo", matched)[0]
    genes = found.deciding_genes
    run = workspace.active(dataset, "classifier")
    assert found.model == run.id
    assert found.predicted[0] == "liver"
    assert genes["contribution"].abs().is_monotonic_decreasing
    assert genes["contribution"].iloc[0] > 0
    model = TissueClassifier.load(run.path / "model")
    q = model.normalise(dataset.counts([position]))
    liver = model.label_names.index("liver")
    without, others = q.copy(), q.copy()
    ids = dataset.genes["ensembl_gene_id"]
    decided = np.flatnonzero(ids.isin(genes["ensembl_gene_id"]))
    elsewhere = np.setdiff1d(model.gene_index, decided)[: len(decided)]
    without[0, decided] = np.nan  # a missing marker counts as usual
    others[0, elsewhere] = np.nan
    full = model.votes(q)[0, liver]
    assert full - model.votes(without)[0, liver] > 2 * abs(full - model.votes(others)[0, liver])
    np.testing.assert_allclose(
        genes["value"], q[0, [int(np.flatnonzero(ids == i)[0]) for i in genes["ensembl_gene_id"]]]
    )


def test_a_sample_that_lacks_genes_is_still_called(workspace, dataset):
    rng = np.random.default_rng(4)
    keep = np.sort(rng.choice(len(dataset.genes), int(0.7 * len(dataset.genes)), replace=False))
    liver = np.flatnonzero(dataset.label_matrix[:, dataset.label_names.index("liver")])[:10]
    calls = []
    for position in liver:
        matched = workflows.read_upload(workspace, "demo", upload(dataset, position, keep), "mine.csv")
        found = workflows.classify(workspace, "demo", matched)[0]
        assert found.genes_matched == len(keep)
        assert np.isfinite(found.nearest["cosine"]).all()
        calls.append("liver" in found.predicted)
    assert np.mean(calls) >= 0.9


def test_few_genes_are_a_reason_to_abstain(workspace, dataset):
    matched = workflows.read_upload(workspace, "demo", upload(dataset, 3, slice(0, 60)), "mine.csv")
    found = workflows.classify(workspace, "demo", matched)[0]
    assert found.abstained
    assert any("genes are in the file" in reason for reason in found.reasons)


def test_a_profile_unlike_all_is_novel(workspace, dataset):
    rng = np.random.default_rng(1)
    counts = rng.permutation(dataset.counts([0])[0])
    table = pd.DataFrame({"gene": dataset.genes["ensembl_gene_id"], "count": counts}).to_csv(index=False)
    matched = workflows.read_upload(workspace, "demo", table.encode(), "noise.csv")
    found = workflows.classify(workspace, "demo", matched)[0]
    known = workflows.classify_biosamples(workspace, "demo", dataset.biosamples["sample_id"].head(5).tolist())
    assert found.novelty > max(prediction.novelty for prediction in known)
    assert found.novelty > 0.95


def test_tables_for_scripts(workspace, dataset):
    ids = workflows.unlabelled(workspace, "demo")["sample_id"].head(3).tolist()
    assert (dataset.biosamples.set_index("sample_id").loc[ids, "labels"] == "").all()
    found = workflows.classify_biosamples(workspace, "demo", ids)
    table, rows = workflows.predictions_table(found), workflows.predictions_json(found)
    assert table["sample"].tolist() == ids
    assert [row["predicted"] for row in rows] == table["predicted"].tolist()
    assert all(row["probability"] == row["probabilities"][row["predicted"].split("|")[0]] for row in rows)


def test_mistakes_are_said(workspace):
    with pytest.raises(SampleFileError, match="mouse"):
        workflows.read_upload(workspace, "demo", b"gene,count\nGfap,3\nAlb,4\nMbp,1\n", "m.csv")
    matched = workflows.read_upload(workspace, "demo", b"gene,count\nGFAP,3\nALB,4\n", "m.csv")
    with pytest.raises(NotFoundError, match="no run"):
        workflows.classify(workspace, "demo", matched, "nope")
    generator = workspace.active(workspace.dataset("demo"), "generator")
    with pytest.raises(NotFoundError, match="no finished classifier"):
        workflows.classify(workspace, "demo", matched, generator.id)
