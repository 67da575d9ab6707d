"""Forests and linear models over label sets: votes, out-of-bag votes, and what each gene contributes."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.models.forest import Forest
from core.models.label_sets import to_label_sets
from core.models.linear import fit_linear, held_out_votes
from tests.models.small_tissues import simulate


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.log2(1.0 + simulate().counts).astype(np.float32)


@pytest.fixture(scope="module")
def bits() -> np.ndarray:
    return simulate().labels


def test_label_sets_are_the_different_rows(bits: np.ndarray) -> None:
    sets, rows, codes = to_label_sets(bits)
    assert rows.tolist() == list(range(len(bits)))
    np.testing.assert_array_equal(sets.sets[codes], bits)
    assert len(np.unique(sets.sets, axis=0)) == len(sets.sets)
    p = np.random.default_rng(0).dirichlet(np.ones(len(sets.sets)), 5)
    by_hand = [[sum(row[s] for s in range(len(sets.sets)) if sets.sets[s, label]) for label in range(4)] for row in p]
    np.testing.assert_allclose(sets.marginals(p), by_hand)


def test_of_too_many_label_sets_the_rare_ones_are_taken_apart() -> None:
    rng = np.random.default_rng(1)
    bits = rng.random((400, 5)) < 0.4
    bits[~bits.any(axis=1), 0] = True
    sets, rows, codes = to_label_sets(bits)
    distinct, counts = np.unique(bits, axis=0, return_counts=True)
    assert len(distinct) > 20
    kept = {row.tobytes() for row in distinct[np.argsort(-counts, kind="stable")[:20]]}
    for row in range(400):
        of_row = sets.sets[codes[rows == row]]
        if bits[row].tobytes() in kept:
            assert of_row.tolist() == [bits[row].tolist()]
        else:
            assert (of_row.sum(axis=1) == 1).all()
            np.testing.assert_array_equal(of_row.any(axis=0), bits[row])
    assert sorted(set(codes.tolist())) == list(range(len(sets.sets)))


@pytest.mark.parametrize("extra", [False, True])
def test_contributions_and_base_add_up_to_the_votes(x: np.ndarray, bits: np.ndarray, extra: bool) -> None:
    forest = Forest.grown(x, bits, 15, 1, extra=extra)
    votes = forest.votes(x[:6])
    for i in range(6):
        for label in range(4):
            genes, base = forest.contributions(x[i], label)
            assert base + genes.sum() == pytest.approx(votes[i, label], abs=1e-9)
    genes, _ = forest.contributions(x[0], int(bits[0].argmax()))
    assert np.argsort(-genes)[0] // 15 == bits[0].argmax()  # a marker of the label carries most


def test_a_single_tree_by_hand() -> None:
    x = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]] * 3, dtype=np.float32)
    bits = np.array([[True, False], [True, False], [False, True], [False, True]] * 3)
    forest = Forest.grown(x, bits, 1, 3, balanced=False)
    tree = forest.trees.estimators_[0].tree_
    node, shares = 0, [tree.value[0, 0] @ forest.sets.sets[:, 1] / tree.value[0, 0].sum()]
    while tree.children_left[node] != -1:
        left = x[3, tree.feature[node]] <= tree.threshold[node]
        node = tree.children_left[node] if left else tree.children_right[node]
        shares.append(tree.value[node, 0] @ forest.sets.sets[:, 1] / tree.value[node, 0].sum())
    genes, base = forest.contributions(x[3], 1)
    np.testing.assert_allclose(genes, [shares[-1] - shares[0], 0.0])
    assert base == shares[0]


def test_out_of_bag_votes_are_those_of_trees_that_did_not_see_the_biosample(x: np.ndarray, bits: np.ndarray) -> None:
    forest = Forest.grown(x, bits, 8, 2, balanced=False)
    votes, judged = forest.out_of_bag(len(x))
    by_hand, seen_by_all = np.zeros(bits.shape), np.zeros(len(x), dtype=bool)
    n_trees = np.zeros(len(x))
    for tree, sample in zip(forest.trees.estimators_, forest.trees.estimators_samples_, strict=True):
        outside = np.setdiff1d(np.arange(len(x)), sample)
        by_hand[outside] += forest.sets.marginals(tree.predict_proba(x[outside]))
        n_trees[outside] += 1
    seen_by_all = n_trees == 0
    np.testing.assert_array_equal(judged, ~seen_by_all)
    np.testing.assert_allclose(votes[judged], by_hand[judged] / n_trees[judged, None], atol=1e-9)


def test_a_biosample_that_was_taken_apart_is_not_judged_out_of_bag() -> None:
    rng = np.random.default_rng(1)
    bits = rng.random((300, 4)) < 0.5
    bits[~bits.any(axis=1), 0] = True
    x = (bits @ rng.normal(size=(4, 30)) + rng.normal(size=(300, 30))).astype(np.float32)
    bits[0] = [True, True, True, True]
    _, rows, _ = to_label_sets(bits)
    split = np.unique(rows, return_counts=True)[1] > 1
    _, judged = Forest.grown(x, bits, 30, 1).out_of_bag(300)
    assert not judged[split].any()
    assert judged[~split].mean() > 0.95


def test_the_linear_model_is_the_ridge_optimum_of_scikit_learn(x: np.ndarray, bits: np.ndarray) -> None:
    """With more genes than biosamples the fit is turned; both ways have one optimum."""
    sets, _, codes = to_label_sets(bits)
    ours = fit_linear(x, bits, penalty=0.05, balanced=False)
    standard = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.05)
    plain = LogisticRegression(C=0.05, max_iter=5000, tol=1e-8).fit(standard, codes)
    np.testing.assert_allclose(ours.votes(x), sets.marginals(plain.predict_proba(standard)), atol=2e-3)
    few = fit_linear(x[:, :40], bits, penalty=0.05, balanced=False)
    plain = LogisticRegression(C=0.05, max_iter=5000, tol=1e-8).fit(standard[:, :40], codes)
    np.testing.assert_allclose(few.votes(x[:, :40]), sets.marginals(plain.predict_proba(standard[:, :40])), atol=2e-3)


def test_linear_contributions_add_up_to_the_difference_of_scores(x: np.ndarray, bits: np.ndarray) -> None:
    model = fit_linear(x, bits)
    for label in range(4):
        genes, base = model.contributions(x[7], label)
        standard = (x[7].astype(float) - model.mean) / model.scale
        scores = standard @ model.weights.T.astype(float) + model.intercept
        holds = model.sets.sets[:, label]
        assert base + genes.sum() == pytest.approx(scores[holds].max() - scores[~holds].max(), rel=1e-6)


def test_two_classes_are_a_model_like_any_other(x: np.ndarray, bits: np.ndarray) -> None:
    two = np.column_stack([bits[:, 0], ~bits[:, 0]])
    model = fit_linear(x, two)
    assert model.weights.shape == (2, x.shape[1])
    np.testing.assert_allclose(model.votes(x).sum(axis=1), 1.0)
    assert ((model.votes(x)[:, 0] > 0.5) == two[:, 0]).mean() > 0.95


def test_held_out_votes_never_come_from_a_model_that_saw_the_biosample(x: np.ndarray, bits: np.ndarray) -> None:
    before = held_out_votes(x, bits, 0.01, True, 1)
    flipped = bits.copy()
    flipped[5] = np.roll(bits[5], 1)
    assert before.shape == bits.shape
    alone = held_out_votes(np.where(np.arange(len(x))[:, None] == 5, 0.0, x).astype(np.float32), bits, 0.01, True, 1)
    assert not np.allclose(before[5], alone[5])
    assert (before.argmax(axis=1) == bits.argmax(axis=1)).mean() > 0.6
