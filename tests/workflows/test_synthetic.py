import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from core import workflows
from core.errors import NotFoundError, RecipeError
from core.expression.normalise import to_target
from core.workflows.synthetic import to_counts


@pytest.fixture
def run(workspace):
    return workspace.active(workspace.dataset("demo"), "generator")


@pytest.fixture
def view(workspace, run):
    return workflows.compare_synthetic(workspace, run.id, 12, seed=4)


@pytest.fixture
def real(workspace):
    dataset = workspace.dataset("demo")
    rows = np.flatnonzero(dataset.label_matrix[:, dataset.label_names.index("brain")])
    return dataset, rows, to_target(dataset.counts(rows), dataset.target)


def test_draws_are_seeded_and_cover_every_gene(workspace, run):
    dataset = workspace.dataset("demo")
    one, same = (workflows.synthesize(workspace, run.id, 5, seed=2) for _ in range(2))
    other = workflows.synthesize(workspace, run.id, 5, seed=3)
    assert one.counts.shape == (5, len(dataset.genes))
    np.testing.assert_array_equal(one.q, same.q)
    assert not np.array_equal(one.q, other.q)
    assert np.isfinite(one.q).all()
    assert (one.q >= 0).all()


def test_counts_invert_the_log():
    counts = np.array([[0, 1, 5, 1000, 100_000]])
    np.testing.assert_array_equal(to_counts(np.log2(1 + counts).astype(np.float32)), counts)
    assert to_counts(np.array([[40.0]], dtype=np.float32))[0, 0] == 4294967295


def test_gene_agreement_by_numpy(view, real):
    q = real[2]
    np.testing.assert_allclose(view.genes["real_mean"], q.mean(axis=0))
    np.testing.assert_allclose(view.genes["real_sd"], q.std(axis=0, ddof=1))
    np.testing.assert_allclose(view.genes["synthetic_mean"], view.set.q.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(view.genes["synthetic_zero"], (view.set.counts == 0).mean(axis=0))


def test_distances_go_to_the_medoid(view, real):
    q = real[2]
    between = np.array([[np.linalg.norm(a - b) for b in q] for a in q])
    medoid = between.sum(axis=1).argmin()
    found = view.distances
    expected = np.delete(between[medoid], medoid)
    np.testing.assert_allclose(found.loc[found["kind"] == "real brain", "distance"], expected, rtol=1e-6)
    synthetic = [np.linalg.norm(row - q[medoid]) for row in view.set.q]
    np.testing.assert_allclose(found.loc[found["kind"] == "synthetic brain", "distance"], synthetic, rtol=1e-6)


def test_the_nearest_real_one_by_sklearn(view, real):
    dataset, rows, q = real
    similarity = cosine_similarity(view.set.q.astype(np.float64), q)
    synthetic = view.projection[view.projection["kind"] == "synthetic brain"]
    expected = dataset.biosamples["sample_id"].to_numpy()[rows][similarity.argmax(axis=1)]
    assert synthetic["nearest_real"].tolist() == expected.tolist()
    np.testing.assert_allclose(synthetic["nearest_cosine"], similarity.max(axis=1))
    assert view.projection["kind"].value_counts()["real brain"] == len(rows)


def test_synthetic_brain_lies_with_brain(view):
    centre = view.projection.groupby("kind")[["PC1", "PC2"]].mean()
    to_brain = np.linalg.norm(centre.loc["synthetic brain"] - centre.loc["real brain"])
    to_others = np.linalg.norm(centre.loc["synthetic brain"] - centre.loc["other"])
    assert to_brain < 0.5 * to_others


def test_the_heatmap_shows_genes_that_mark_the_label(view):
    assert len(view.heatmap) == len(view.heatmap_kinds)
    kinds = np.array(view.heatmap_kinds)
    assert (view.heatmap[kinds == "real brain"].mean() > 1).all()
    known = {"GFAP", "MBP", "SNAP25", "SYT1", "PLP1", "MOG", "GRIN1", "NEUROD6", "OLIG2", "AQP4"}
    assert len(known & set(view.heatmap.columns)) >= 3


def test_evaluation_names_its_references(workspace, run):
    found = workflows.evaluate(workspace, run.id)
    card = pd.DataFrame(found["scorecard"])
    assert {"precision", "recall", "coverage", "density"} <= set(card["metric"])
    assert card[["synthetic", "real_real", "pca_gaussian"]].notna().all(axis=None)
    dataset = workspace.dataset("demo")
    held = found["held_out"]
    assert 0 < held < int(dataset.label_matrix[:, dataset.label_names.index("brain")].sum())


def test_mistakes(workspace, run, tmp_path):
    classifier = workspace.active(workspace.dataset("demo"), "classifier")
    with pytest.raises(NotFoundError, match="no finished generator"):
        workflows.synthesize(workspace, classifier.id, 3)
    with pytest.raises(RecipeError, match="1 to 5000"):
        workflows.synthesize(workspace, run.id, 5001)
    made = workflows.synthesize(workspace, run.id, 1)
    for path in (tmp_path / "x.txt", tmp_path / "nowhere" / "x.csv"):
        with pytest.raises(RecipeError):
            workflows.export_synthetic(workspace, run.id, made, path)
