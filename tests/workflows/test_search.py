"""The quick search of a large dataset, against scikit-learn over whole profiles."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from core import workflows
from core.store.workspace import Workspace
from core.workflows import BuildRequest, build, making, search
from core.workflows.search import nearest_biosamples

# A search through everything sums products in float32, in an order that the machine's BLAS chooses.
FLOAT32_SUMS = 1e-5


@pytest.fixture(scope="module")
def dataset(demo_root, tmp_path_factory):
    """The small demo, built as if it were large."""
    root = tmp_path_factory.mktemp("indexed")
    files = demo_root / "demo"
    request = BuildRequest(files / "demo.h5", "large", files / "demo_labels.tsv", files / "demo_lengths.tsv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "INDEX_FROM", 1)
        patch.setattr(making, "INDEX_SAMPLE", 150)
        patch.setattr(making, "INDEX_AXES", 40)
        patch.setattr(making, "GENES_A_SUM", 300)
        build(Workspace(root), request)
    return Workspace(root).dataset("large")


@pytest.fixture
def few(monkeypatch):
    """A fifth of the biosamples as candidates: enough of a shortlist to miss somebody."""
    monkeypatch.setattr(search, "CANDIDATES", (60, 60))
    monkeypatch.setattr(search, "DEAR", 0)


def exact(dataset, rows, present=slice(None)):
    y = dataset.profiles(slice(None)).astype(np.float64)[:, present]
    return cosine_similarity(y[rows], y)


def test_points_keep_the_cosines_of_whole_profiles(dataset):
    axes, points = dataset.index
    assert axes.shape[1] == len(dataset.rankings)
    assert points.shape == (320, len(axes))
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-2)  # rare genes have no part in them
    units = dataset.profiles(slice(None)) / dataset.norms[:, None]
    np.testing.assert_allclose(points, units @ np.asarray(axes).T, atol=1e-5)
    apart = ~np.eye(320, dtype=bool)  # with itself a profile keeps less than 1: what lies off the axes is lost
    assert np.abs(points @ points.T - cosine_similarity(units))[apart].max() < 0.02


def test_what_is_shown_is_exact_and_hardly_anybody_is_missed(dataset, few):
    rows = np.arange(0, 320, 5)
    found = nearest_biosamples(dataset, dataset.profiles(rows), 15, own=rows)
    expected = exact(dataset, rows)
    expected[np.arange(len(rows)), rows] = -1
    hits = 0
    for (positions, cosines), row, own in zip(found, expected, rows, strict=True):
        assert own not in positions
        assert (np.diff(cosines) <= 0).all()
        np.testing.assert_allclose(cosines, row[positions], atol=1e-6)
        hits += len(set(positions) & set(np.argsort(-row)[:15]))
    assert hits / (15 * len(rows)) >= 0.98


def test_over_the_genes_that_a_sample_has(dataset, few):
    present = np.random.default_rng(3).random(len(dataset.rankings)) < 0.7
    profile = np.where(present, dataset.profiles([7]), np.nan)
    [(positions, cosines)] = nearest_biosamples(dataset, profile, 10, present)
    expected = exact(dataset, [7], present)[0]
    assert positions[0] == 7
    np.testing.assert_allclose(cosines, expected[positions], atol=1e-6)
    assert len(set(positions) & set(np.argsort(-expected)[:10])) >= 9


def test_a_small_dataset_or_many_profiles_need_no_shortlist(dataset, workspace):
    assert workspace.dataset("demo").index is None
    rows = np.arange(3)
    for which in (dataset, workspace.dataset("demo")):
        found = nearest_biosamples(which, which.profiles(rows), 50, own=rows)
        for (positions, cosines), row in zip(found, exact(which, rows), strict=True):
            row[row > 1 - 1e-9] = -1
            np.testing.assert_allclose(cosines, np.sort(row)[::-1][:50], atol=FLOAT32_SUMS)
            assert len(positions) == 50


def test_the_page_asks_the_same_of_both(dataset, workspace, monkeypatch):
    monkeypatch.setattr(search, "DEAR", 0)
    sample = dataset.biosamples["sample_id"][11]
    monkeypatch.setattr(workspace, "dataset", lambda name: dataset)
    quick = workflows.similar_biosamples(workspace, "large", sample, top=20)
    monkeypatch.setattr(search, "DEAR", 10**9)
    slow = workflows.similar_biosamples(workspace, "large", sample, top=20)
    assert quick["sample_id"].tolist() == slow["sample_id"].tolist()
    np.testing.assert_allclose(quick["cosine"], slow["cosine"], atol=FLOAT32_SUMS)
