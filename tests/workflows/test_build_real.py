"""The build on real counts, held against independent implementations for every gene."""

import h5py
import numpy as np
import pandas as pd
import pytest
import qnorm
from sklearn.metrics.pairwise import cosine_similarity

from core.store.workspace import Workspace
from core.workflows import BuildRequest, build

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def raw(real_data):
    with h5py.File(real_data / "human_tissue_counts.h5") as file:
        counts = file["data/expression"][:]
        ids = file["meta/genes/ensembl_gene_id"][:].astype(str)
    lengths = pd.read_csv(real_data / "gene_lengths.tsv", sep="\t").set_index("ensembl_gene_id").loc[ids]
    logs = qnorm.quantile_normalize(np.log2(1.0 + counts))
    return counts, ids, lengths, logs


def built(real_data, root, **options):
    workspace = Workspace(root)
    counts, labels, lengths = (
        real_data / name for name in ("human_tissue_counts.h5", "human_tissue_labels.tsv", "gene_lengths.tsv")
    )
    build(workspace, BuildRequest(counts, "real", labels, lengths, **options))
    return workspace.dataset("real")


def agree(dataset, counts, y):
    """Y, p95, signal and mean cosine of every gene against plain numpy, numpy.percentile and scikit-learn."""
    np.testing.assert_allclose(dataset.expression(slice(None)), y, rtol=1e-6, atol=1e-12)
    p95 = np.array([np.percentile(row, 95) for row in y])
    signal = np.array([np.percentile((1 + row) / np.mean(1 + row), 95) for row in y])
    np.testing.assert_allclose(dataset.rankings["p95"], p95, rtol=1e-6)
    np.testing.assert_allclose(dataset.rankings["signal"], signal, rtol=1e-6)
    similarity = cosine_similarity(y.T)
    n = y.shape[1]
    r = int(0.95 * (n + 1))
    k = min(100, 2 * (n - r))
    pairs = np.triu_indices(k, 1)
    expected = []
    for row in y:
        inside = np.argsort(row, kind="stable")[r - k // 2 : r + k // 2]
        expected.append(similarity[np.ix_(inside, inside)][pairs].mean())
    expressed = (counts > 0).sum(axis=1)
    expected = np.where(expressed == 0, np.nan, np.where(expressed == 1, 0.0, expected))
    np.testing.assert_allclose(dataset.rankings["mean_cosine"], expected, rtol=1e-6)
    assert (dataset.rankings["n_neighbours"] == k).all()
    np.testing.assert_allclose(dataset.rankings["zero_share"], (counts == 0).mean(axis=1))


def test_default_recipe(real_data, raw, tmp_path):
    counts, ids, lengths, logs = raw
    dataset = built(real_data, tmp_path)
    assert dataset.rankings["ensembl_gene_id"].tolist() == ids.tolist()
    agree(dataset, counts, logs / (lengths["longest_transcript_spliced_length"].to_numpy()[:, None] / 1000))


def test_published_recipe(real_data, raw, tmp_path):
    counts, ids, lengths, logs = raw
    dataset = built(real_data, tmp_path, length_measure="genomic_span", length_unit="bp")
    span = lengths["longest_transcript_genomic_span"].to_numpy()
    has = np.isin(ids, dataset.rankings["ensembl_gene_id"])
    known = np.isfinite(span)
    assert (has[known]).all()
    assert len(dataset.manifest["without_length"]) == int((~has).sum())
    use = known & has
    rows = np.flatnonzero(known[has])
    assert len(rows) == len(dataset.rankings), "a gene without a span of its own id got one by symbol"
    agree(dataset, counts[use], logs[use] / span[use, None])
