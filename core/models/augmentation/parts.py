"""Which biosamples a replicate trains on and which it is judged by: whole series apart, wherever that can be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError, RecipeError
from core.models.splits import dealt, series_folds, series_groups, spread_over_groups
from core.types import BoolArray, IndexArray

MIN_LABEL = 4  # biosamples of the label: 2 to train on, and at least 1 to test on
FOLDS = 3  # a third is held out


@dataclass(frozen=True)
class Parts:
    """Positions of biosamples: ``pool`` (of the label, to be drawn from, in seeded order), ``others`` (training
    biosamples without the label) and ``test`` (held out, with and without the label).

    ``held_out``: the label's series that are held out, none where it has one series alone; then ``shared`` is true:
    the label's test biosamples are of a series that is trained on, too. ``shared_labels``: other labels of which the
    same is true. ``rule`` in words.
    """

    pool: IndexArray
    others: IndexArray
    test: IndexArray
    held_out: list[str]
    shared: bool
    shared_labels: int
    rule: str


def hold_out(
    has_label: BoolArray, labels: BoolArray, series: Sequence[str], sizes: Sequence[int], most: int, seed: int
) -> Parts:
    """Parts of n biosamples: ``has_label`` (n), ``labels`` (n x L), ``series`` (n).

    Where the label has two series or more, about a third of its biosamples is held out by whole series, and so is a
    third of the others: no series is in both parts. Series are held out so that the training part keeps the largest of
    ``sizes`` (0: all) or two thirds of the label, whichever is less, where any choice of series can.
    Where the label has one series alone, a random third of its biosamples is held out, and likewise of every other
    label that has one series alone (else it would be in one part only); all other series stay whole.
    At most ``most`` biosamples without the label are in each part. Raises InputError where a part would be empty.
    """
    total = int(has_label.sum())
    if total < MIN_LABEL:
        raise InputError(
            f"The label has {total} biosamples, but a study needs at least {MIN_LABEL}: choose a label with more."
        )
    rng = np.random.default_rng([seed, 1])
    groups = series_groups(series)
    own = np.unique(groups[has_label])
    if len(own) > 1:
        taken = _own_series(groups[has_label], own, sizes, rng)
        test = np.isin(groups, taken)
        test |= _series_third(~np.isin(groups, own), labels, series, seed, rng)
        names = sorted({series[int(row)] for row in np.flatnonzero(has_label & test)})
        shared_labels = 0
        rule = "whole series, of the label and of all others: no series is in both parts"
    else:
        test, shared_labels = _random_third(has_label, labels, groups, series, seed, rng)
        names, rule = [], "a random third of the label's biosamples, which are all of one series"
    return _parts(has_label, labels, test, most, seed, rng, names, shared_labels, rule)


def _parts(
    has_label: BoolArray, labels: BoolArray, test: BoolArray, most: int, seed: int, rng: np.random.Generator,
    names: list[str], shared_labels: int, rule: str,
) -> Parts:  # fmt: skip
    others, negatives = np.flatnonzero(~test & ~has_label), np.flatnonzero(test & ~has_label)
    if not len(others) or not len(negatives):
        raise InputError(
            "Biosamples without the label are needed in the training part and in the test part, but all of them are "
            "in one: the label's series hold nearly all biosamples. Choose another label."
        )
    others, negatives = (rows[spread_over_groups(labels[rows].argmax(axis=1), most, seed)]
                         for rows in (others, negatives))  # fmt: skip
    return Parts(
        pool=rng.permutation(np.flatnonzero(has_label & ~test)),
        others=others,
        test=np.sort(np.concatenate([negatives, np.flatnonzero(has_label & test)])),
        held_out=names,
        shared=not names,
        shared_labels=shared_labels,
        rule=rule,
    )


def _own_series(groups: IndexArray, own: IndexArray, sizes: Sequence[int], rng: np.random.Generator) -> list[np.intp]:
    """Groups of the label to hold out, in seeded order: each that brings the held out share nearer to a third and
    leaves enough; the smallest where none does. ``groups`` of the label's biosamples alone.
    """
    count = {group: int((groups == group).sum()) for group in rng.permutation(own)}
    total, smallest = len(groups), min(count, key=lambda group: count[group])
    largest = total if 0 in sizes else max(sizes)
    keep = min(largest, -(-2 * total // FOLDS), total - count[smallest])
    taken: list[np.intp] = []
    held = 0
    for group, size in count.items():
        nearer = abs(held + size - total / FOLDS) <= abs(held - total / FOLDS)
        if nearer and total - held - size >= keep:
            taken.append(group)
            held += size
    return taken or [smallest]


def _series_third(
    among: BoolArray, labels: BoolArray, series: Sequence[str], seed: int, rng: np.random.Generator
) -> BoolArray:
    """Which biosamples (n) are in the one of three folds of whole series that is drawn; none where series do not do."""
    chosen = np.zeros(len(labels), dtype=bool)
    rows = np.flatnonzero(among)
    try:
        folds = series_folds([series[int(row)] for row in rows], labels[rows], FOLDS, seed)
    except RecipeError:
        return chosen
    chosen[rows[folds[int(rng.integers(len(folds)))][1]]] = True
    return chosen


def _random_third(
    has_label: BoolArray, labels: BoolArray, groups: IndexArray, series: Sequence[str], seed: int,
    rng: np.random.Generator,
) -> tuple[BoolArray, int]:  # fmt: skip
    """Which biosamples (n) are held out where the label has one series; and how many other labels are split alike."""
    alone = [column for column in labels.T if column.any() and len(np.unique(groups[column])) == 1]
    bound = np.isin(groups, np.unique([groups[np.flatnonzero(column)[0]] for column in alone]))
    test = _series_third(~bound, labels, series, seed, rng)
    rows = np.flatnonzero(bound & ~has_label)
    test[rows] = dealt(labels[rows], FOLDS, seed) == 0
    own = np.flatnonzero(has_label)
    test[rng.permutation(own)[: max(1, round(len(own) / FOLDS))]] = True
    return test, sum(not np.array_equal(column, has_label) for column in alone)
