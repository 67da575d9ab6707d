import numpy as np
import pytest

from core.errors import InputError
from core.models.augmentation.parts import hold_out


def labelled(sizes):
    """labels (n x L) and series (n) from {label: {series: biosamples}}."""
    names = list(sizes)
    rows = [(names.index(name), series) for name, held in sizes.items() for series, n in held.items() for _ in range(n)]
    labels = np.zeros((len(rows), len(names)), dtype=bool)
    labels[np.arange(len(rows)), [label for label, _ in rows]] = True
    return labels, [series for _, series in rows]


TISSUES = {
    "rare": {"A": 6, "B": 5, "C": 7, "D": 4},
    "one": {"A": 5, "E": 20, "F": 20, "G": 15},
    "two": {"H": 20, "I": 20, "D": 3, "J": 9},
}
ALONE = {"rare": {"A": 9}, "near": {"B": 30}, "many": {"C": 10, "D": 10, "E": 10, "F": 10}}


@pytest.mark.parametrize("seed", range(12))
def test_no_series_is_in_both_parts(seed):
    labels, series = labelled(TISSUES)
    parts = hold_out(labels[:, 0], labels, series, (2, 5), 1000, seed)
    train = np.concatenate([parts.pool, parts.others])
    assert not {series[i] for i in train} & {series[i] for i in parts.test}
    assert sorted([*train, *parts.test]) == list(range(len(series)))
    assert labels[parts.pool, 0].all()
    assert not labels[parts.others, 0].any()
    assert set(parts.held_out) == {series[i] for i in parts.test if labels[i, 0]}
    assert (parts.shared, parts.shared_labels) == (False, 0)
    assert "whole series" in parts.rule
    assert abs(labels[parts.test, 0].sum() - 22 / 3) < 3
    assert (~labels[parts.test, 0]).sum() >= 0.15 * (~labels[:, 0]).sum()


def test_seeds_hold_out_other_series_and_draw_other_biosamples():
    labels, series = labelled(TISSUES)
    found = [hold_out(labels[:, 0], labels, series, (2, 5), 1000, seed) for seed in range(12)]
    assert len({tuple(parts.held_out) for parts in found}) > 1
    same = [parts for parts in found if parts.held_out == found[0].held_out]
    assert len(same) == 1 or len({tuple(parts.pool[:5]) for parts in same}) > 1
    again = hold_out(labels[:, 0], labels, series, (2, 5), 1000, 3)
    np.testing.assert_array_equal(again.pool, found[3].pool)
    np.testing.assert_array_equal(again.test, found[3].test)


@pytest.mark.parametrize("seed", range(6))
def test_the_training_part_keeps_the_largest_size_where_it_can(seed):
    labels, series = labelled({"rare": {"A": 37, "B": 2}, "other": {"C": 20, "D": 20, "E": 20}})
    parts = hold_out(labels[:, 0], labels, series, (2, 5, 10, 25), 1000, seed)
    assert parts.held_out == ["B"]
    assert len(parts.pool) == 37


def test_only_as_much_as_is_asked_for_has_to_stay():
    labels, series = labelled({"rare": {"A": 20, "B": 20}, "other": {"C": 20, "D": 20, "E": 20}})
    held = {tuple(hold_out(labels[:, 0], labels, series, (2, 20), 1000, seed).held_out) for seed in range(10)}
    assert held == {("A",), ("B",)}


@pytest.mark.parametrize("seed", range(6))
def test_a_label_of_one_series_gives_a_random_third_and_says_so(seed):
    labels, series = labelled(ALONE)
    parts = hold_out(labels[:, 0], labels, series, (2, 0), 1000, seed)
    assert labels[parts.test].sum(axis=0)[:2].tolist() == [3, 10]  # a third of "rare" and of "near"
    assert len(parts.pool) == 6
    assert parts.shared
    assert parts.held_out == []
    assert parts.shared_labels == 1
    assert "random third" in parts.rule
    whole = {series[i] for i in parts.test if labels[i, 2]}
    assert not whole & {series[i] for i in parts.others}
    assert len(whole) in (1, 2)


def test_without_series_all_is_one():
    labels, _ = labelled(TISSUES)
    parts = hold_out(labels[:, 0], labels, [""] * len(labels), (5,), 1000, 1)
    assert parts.shared
    assert labels[parts.test].sum(axis=0).tolist() == [7, 20, 17] or abs(len(parts.test) - len(labels) / 3) < 3


def test_others_are_capped_in_both_parts_and_spread_over_labels():
    labels, series = labelled(TISSUES)
    parts = hold_out(labels[:, 0], labels, series, (5,), 10, 1)
    assert len(parts.others) == 10
    assert (~labels[parts.test, 0]).sum() == 10
    assert labels[parts.others].sum(axis=0).tolist() == [0, 5, 5]


def test_too_few_biosamples_and_nothing_to_tell_from():
    labels, series = labelled({"rare": {"A": 3}, "other": {"B": 20, "C": 20}})
    with pytest.raises(InputError, match="has 3 biosamples"):
        hold_out(labels[:, 0], labels, series, (2,), 100, 1)
    labels, series = labelled({"rare": {"A": 5, "B": 5}})
    with pytest.raises(InputError, match="without the label"):
        hold_out(labels[:, 0], labels, series, (2,), 100, 1)
