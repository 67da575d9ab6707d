"""Which biosamples train and which test: at random, or with whole series kept together.

Biosamples of one series share a laboratory, a protocol and often donors, so a random split tests on near-copies of the
training data; folds of whole series show what a study never seen before will get.
"""

from collections.abc import Sequence

import numpy as np

from core.errors import RecipeError
from core.types import BoolArray, DoubleArray, IndexArray

Split = tuple[IndexArray, IndexArray]


def random_split(n: int, test_share: float = 0.33, seed: int = 1) -> Split:
    """Positions (train, test) of a random split of n biosamples, the very one of scikit-learn's ``train_test_split``.

    The defaults are those of the published work. Raises RecipeError where one side would be empty.
    """
    if not 0.0 < test_share < 1.0 or n < 2:
        raise RecipeError(f"Cannot hold back {test_share:.0%} of {n} biosamples: give a share in (0, 1).")
    from sklearn.model_selection import train_test_split  # takes half a second to import

    train, test = train_test_split(np.arange(n), test_size=test_share, random_state=seed)
    return np.asarray(train, dtype=np.intp), np.asarray(test, dtype=np.intp)


def series_groups(series: Sequence[str]) -> IndexArray:
    """Group number (n) of each biosample; biosamples of one series, or of series that share a biosample, are together.

    A field may list several series ("GSE1,GSE2"). Biosamples without a series form one group: nobody knows that they
    are independent.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    members = [[name.strip() for name in field.split(",") if name.strip()] or [""] for field in series]
    for names in members:
        for name in names[1:]:
            parent[root(name)] = root(names[0])
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(root(names[0]), len(numbers)) for names in members], dtype=np.intp)


def series_folds(series: Sequence[str], labels: BoolArray, n_folds: int = 5, seed: int = 1) -> list[Split]:
    """Folds (train, test) that never part a series; every biosample is tested exactly once.

    Groups are dealt out from the largest to the smallest, each to the fold where it adds least to the sum of squared
    shares of every label (``labels`` n x L) and of all biosamples: folds of like size, and a label's series spread
    over folds, so that it stays in the training parts. Fewer groups than folds give fewer folds.
    Raises RecipeError where there are fewer than two groups.
    """
    if n_folds < 2:
        raise RecipeError(f"Cross-validation needs at least 2 folds, not {n_folds}.")
    groups = series_groups(series)
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    if n_groups < 2:
        raise RecipeError("Folds of whole series need at least 2 series that share no biosample.")
    shares = _label_shares(groups, n_groups, labels)
    size = np.bincount(groups, minlength=n_groups)
    shuffled = np.random.default_rng(seed).permutation(n_groups)
    filled = np.zeros((min(n_folds, n_groups), shares.shape[1]))
    fold_of = np.empty(n_groups, dtype=np.intp)
    for group in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        # (a + b)^2 - a^2 - b^2 = 2ab: what the group adds to a fold beyond what it would add anywhere
        fold_of[group] = int(np.argmin(filled @ shares[group]))
        filled[fold_of[group]] += shares[group]
    tested = fold_of[groups]
    return [(np.flatnonzero(tested != fold), np.flatnonzero(tested == fold)) for fold in range(len(filled))]


def _label_shares(groups: IndexArray, n_groups: int, labels: BoolArray) -> DoubleArray:
    """Share of each label, and (last column, weighing as much as all labels) of all biosamples, in each group."""
    columns = np.column_stack([labels, np.ones(len(groups))]).astype(np.float64)
    totals = np.zeros((n_groups, columns.shape[1]))
    np.add.at(totals, groups, columns)
    totals /= np.maximum(columns.sum(axis=0), 1.0)
    totals[:, -1] *= np.sqrt(max(labels.shape[1], 1))
    return totals


def spread_over_groups(groups: IndexArray, limit: int, seed: int) -> IndexArray:
    """Positions, ascending, of at most ``limit`` members: each group gives one in turn until the limit is reached."""
    if len(groups) <= limit:
        return np.arange(len(groups), dtype=np.intp)
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
    starts = np.flatnonzero(np.diff(groups[by_group], prepend=-1))
    turn = np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))
    return np.sort(by_group[np.argsort(turn, kind="stable")[:limit]])


def dealt(labels: BoolArray, n_folds: int, seed: int) -> IndexArray:
    """Fold (n) of each biosample: those of a label set (n x L) are dealt out in turn, in seeded order."""
    _, set_of = np.unique(labels, axis=0, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    fold = np.empty(len(labels), dtype=np.intp)
    fold[shuffled[np.argsort(set_of.ravel()[shuffled], kind="stable")]] = np.arange(len(labels)) % n_folds
    return fold
