import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.expression import metrics


@pytest.fixture
def tile(rng):
    values = rng.gamma(1.5, 2.0, (25, 47))
    values[rng.random(values.shape) < 0.4] = 0.0
    values[3] = 0.0
    return values.astype(np.float32)


@pytest.fixture
def labels(rng):
    matrix = rng.random((47, 4)) < 0.3
    matrix[:4] = np.eye(4, dtype=bool)
    return matrix


def statistics(tile, labels, names):
    return metrics.tile_statistics(tile, np.sort(tile, axis=1), metrics.Labels(names, *np.nonzero(labels)))


@pytest.mark.parametrize("n", [1, 2, 20, 21, 603])
def test_percentile_is_numpys(rng, n):
    tile = rng.random((6, n)).astype(np.float32)
    expected = np.percentile(tile.astype(np.float64), 95, axis=1)
    np.testing.assert_array_equal(metrics.percentile_sorted(np.sort(tile, axis=1)), expected)


def test_signal_is_the_percentile_of_the_ratio(tile):
    tile = tile.astype(np.float64)
    expected = [np.percentile((1 + row) / np.mean(1 + row), 95) for row in tile]
    p95 = metrics.percentile_sorted(np.sort(tile, axis=1))
    np.testing.assert_allclose(metrics.signal(p95, tile.mean(axis=1)), expected, rtol=1e-12)


def test_gini_by_pairs(tile):
    expected = []
    for row in tile.astype(np.float64):
        differences = sum(abs(a - b) for a in row for b in row)
        expected.append(differences / (2 * len(row) ** 2 * row.mean()) if row.any() else np.nan)
    np.testing.assert_allclose(metrics.describe_sorted(np.sort(tile, axis=1))[:, 2], expected, rtol=1e-10)


def test_tau_and_top_label_by_loops(tile, labels):
    names = ["a", "b", "c", "d"]
    found = statistics(tile, labels, names)
    for i, row in enumerate(tile.astype(np.float64)):
        means = [row[labels[:, label]].mean() for label in range(4)]
        if max(means) == 0:
            assert np.isnan(found["tau"][i])
            assert pd.isna(found["top_label"][i])
        else:
            assert found["tau"][i] == pytest.approx(sum(1 - m / max(means) for m in means) / 3)
            assert found["top_label"][i] == names[int(np.argmax(means))]


@pytest.mark.parametrize("n", [1, 2, 3, 46, 47])
def test_moments_and_medians(tile, labels, n):
    tile = np.ascontiguousarray(tile[:, :n])
    found = statistics(tile, labels[:n], list("abcd"))
    wide = tile.astype(np.float64)
    np.testing.assert_allclose(found["mean"], wide.mean(axis=1))
    expected = wide.var(axis=1, ddof=1) if n > 1 else np.full(len(wide), np.nan)
    np.testing.assert_allclose(found["variance"], expected, atol=1e-12)
    np.testing.assert_allclose(found["median"], np.median(wide, axis=1))
    np.testing.assert_allclose(found["deviation"], stats.median_abs_deviation(wide, axis=1), atol=1e-12)


def test_without_labels_tau_and_top_label_are_null(tile):
    found = statistics(tile, np.zeros((47, 0), dtype=bool), [])
    assert found["tau"].isna().all()
    assert found["top_label"].isna().all()


def test_one_biosample(rng):
    tile = rng.random((3, 1), dtype=np.float32)
    found = statistics(tile, np.ones((1, 1), dtype=bool), ["a"])
    np.testing.assert_allclose(found["p95"], tile[:, 0])
    np.testing.assert_allclose(found["signal"], 1.0)
    assert found["variance"].isna().all()


def test_ranks_share_ties_and_keep_nulls():
    frame = pd.DataFrame({"signal": [3.0, 5.0, 5.0, 1.0], "mean_cosine": [0.9, np.nan, 0.8, 0.9]})
    ranked = metrics.add_ranks(frame)
    assert ranked["signal_rank"].tolist() == [3, 1, 1, 4]
    assert ranked["cosine_rank"].tolist() == [1, pd.NA, 3, 1]
    both = [3 + 1, 1 + 3, 4 + 1]
    expected = stats.rankdata(both, method="min").astype(int).tolist()
    assert ranked["co_rank"].tolist() == [expected[0], pd.NA, expected[1], expected[2]]


def test_expressed_is_what_numpy_counts(rng):
    counts = rng.integers(0, 2**32, (9, 31), dtype=np.uint32) * (rng.random((9, 31)) < 0.5).astype(np.uint32)
    by_gene, depth, zero_share = metrics.expressed(counts)
    np.testing.assert_array_equal(by_gene, (counts > 0).sum(axis=0))
    np.testing.assert_array_equal(depth, counts.sum(axis=1, dtype=np.float64))
    np.testing.assert_allclose(zero_share, (counts == 0).mean(axis=1))
