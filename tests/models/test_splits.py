"""Random and series-grouped splits."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from core.errors import RecipeError
from core.models.splits import random_split, series_folds, series_groups, spread_over_groups


@pytest.mark.parametrize(("n", "seed"), [(603, 1), (10, 7), (2, 1)])
def test_the_random_split_is_that_of_scikit_learn(n: int, seed: int) -> None:
    train, test = random_split(n, seed=seed)
    expected = train_test_split(np.arange(n), test_size=0.33, random_state=seed)
    assert train.tolist() == expected[0].tolist()
    assert test.tolist() == expected[1].tolist()


@pytest.mark.parametrize(("n", "share"), [(1, 0.33), (10, 0.0), (10, 1.0)])
def test_a_split_with_an_empty_side_is_refused(n: int, share: float) -> None:
    with pytest.raises(RecipeError, match="Cannot hold back"):
        random_split(n, share)


def test_series_that_share_a_biosample_are_one_group() -> None:
    # A-B by the third, B-C by the fourth; D alone; blanks (also a lone comma) together
    groups = series_groups(["A", "B", "A,B", "C, B", "D", "", " , ", "D"])
    assert groups.tolist() == [0, 0, 0, 0, 1, 2, 2, 1]


def brute_force_groups(series: list[str]) -> set[frozenset[int]]:
    """Groups by repeated merging of sets, however slow."""
    fields = [{name.strip() for name in field.split(",") if name.strip()} or {""} for field in series]
    groups = [({i}, names) for i, names in enumerate(fields)]
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if groups[i][1] & groups[j][1]:
                    groups[i] = (groups[i][0] | groups[j][0], groups[i][1] | groups[j][1])
                    del groups[j]
                    merged = True
                    break
            if merged:
                break
    return {frozenset(members) for members, _ in groups}


@pytest.mark.parametrize("seed", range(5))
def test_groups_and_folds_of_random_series_fields(seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = [",".join(f"GSE{i}" for i in rng.choice(30, rng.integers(1, 3))) for _ in range(40)]
    labels = rng.random((40, 5)) < 0.3
    expected = brute_force_groups(series)
    groups = series_groups(series)
    assert {frozenset(np.flatnonzero(groups == group).tolist()) for group in np.unique(groups)} == expected
    if len(expected) < 2:
        with pytest.raises(RecipeError):
            series_folds(series, labels)
        return
    folds = series_folds(series, labels, n_folds=4)
    assert len(folds) == min(4, len(expected))
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(40))
    for train, test in folds:
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(40))
        assert len(test) > 0
        tested = set(test.tolist())
        assert all(group <= tested or not group & tested for group in expected)


def test_folds_are_balanced_and_keep_labels_in_training() -> None:
    # 10 series of 10 biosamples, each of one of two labels: five folds of 20, both labels in each
    series = [f"GSE{i // 10}" for i in range(100)]
    labels = np.zeros((100, 2), dtype=bool)
    labels[np.arange(100), (np.arange(100) // 10) % 2] = True
    for train, test in series_folds(series, labels):
        assert len(test) == 20
        assert labels[test].sum(axis=0).tolist() == [10, 10]
        assert labels[train].sum(axis=0).tolist() == [40, 40]


def test_folds_follow_the_seed() -> None:
    series = [f"GSE{i // 3}" for i in range(60)]
    labels = np.ones((60, 1), dtype=bool)
    first, again, other = (series_folds(series, labels, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("series", [[], ["A", "A"], ["A", "B", "A,B"], ["", ""]])
def test_fewer_than_two_groups_are_refused(series: list[str]) -> None:
    with pytest.raises(RecipeError, match="at least 2 series"):
        series_folds(series, np.ones((len(series), 1), dtype=bool))


def test_two_series_make_two_folds_and_one_fold_is_refused() -> None:
    labels = np.ones((3, 1), dtype=bool)
    assert len(series_folds(["A", "B", "A"], labels)) == 2
    with pytest.raises(RecipeError, match="2 folds"):
        series_folds(["A", "B", "A"], labels, n_folds=1)


def test_drawing_takes_one_of_each_group_in_turn() -> None:
    groups = np.array([0] * 50 + [1] * 3 + [2] * 20)
    drawn = spread_over_groups(groups, 15, seed=1)
    assert np.bincount(groups[drawn]).tolist() == [6, 3, 6]
    assert np.all(np.diff(drawn) > 0)
    assert spread_over_groups(groups, 100, seed=1).tolist() == list(range(73))
