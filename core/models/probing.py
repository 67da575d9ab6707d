"""Two questions to a recipe beyond its scores: does it notice a tissue that it never saw, and would more data help?

Both are asked on the folds of the evaluation, with at most 1,500 biosamples on either side of each. The quantile target
is that of a fold's whole training part (it knows distributions of counts, not genes); markers and all that follows are
fitted anew on what is left of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from core.expression.normalise import fit_target, to_target_rounded
from core.models import scores
from core.models.abstention import NOVEL
from core.models.augmented import Reader
from core.models.classifier import BLOCK_VALUES
from core.models.folds import Fold, FoldPlan
from core.models.markers import LabelMoments, choose_markers
from core.models.novelty import GENES, Novelty
from core.models.recipe import ClassifierRecipe
from core.models.selection import Settings, fit_model
from core.models.splits import spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Progress, silent

ROWS = 1500
SIZES = (3, 10, 30, 100, 300)  # biosamples a label at most
TREES = 50
TESTED_FROM = 20  # biosamples of a label


@dataclass(frozen=True)
class _Part:
    """Q (m x G), labels (m x L) and series (m) of some biosamples."""

    q: FloatMatrix
    bits: BoolArray
    series: list[str]

    def take(self, rows: IndexArray) -> "_Part":
        return _Part(self.q[rows], self.bits[rows], [self.series[int(row)] for row in rows])


@dataclass
class _Found:
    """What the folds of one split gave so far: by label, novelty of known biosamples and of those never seen; by size,
    truth, votes and the majority's."""

    novelty: dict[int, list[tuple[DoubleArray, DoubleArray]]] = field(default_factory=dict)
    votes: dict[int, list[tuple[BoolArray, DoubleArray, DoubleArray]]] = field(default_factory=dict)


def probe(plan: FoldPlan, read: Reader, progress: Progress = silent) -> dict[str, Any]:
    """``novelty``: by label, and ``learning_curve``: by split and size; JSON-able.

    Novelty leaves out one label of 20 or more biosamples at a time, and asks how well the novelty score tells its
    biosamples from tested ones of labels that are known: AUROC, and the share of both that is flagged. The curve trains
    on at most so many biosamples a label and gives samples-F1 and macro AUPRC beside the majority's.
    """
    found = {name: _Found() for name in dict.fromkeys(fold.split for fold in plan.folds)}
    asked = [int(i) for i in np.flatnonzero(plan.labels.sum(axis=0) >= TESTED_FROM)]
    largest = int(plan.labels.sum(axis=0).max())
    sizes = [*(size for size in SIZES if size < largest), largest]
    for number, fold in enumerate(plan.folds):
        train, test = _parts(plan, fold, read)
        _leave_out(train, test, asked, found[fold.split], plan.recipe.seed)
        _grow(train, test, sizes, plan.recipe, found[fold.split])
        progress("probing", number + 1, len(plan.folds))
    return {"novelty": _novelty(plan.label_names, asked, found), "learning_curve": _curve(found)}


def _parts(plan: FoldPlan, fold: Fold, read: Reader) -> tuple[_Part, _Part]:
    train, test = (
        rows[spread_over_groups(plan.labels[rows].argmax(axis=1), ROWS, 1)] for rows in (fold.train, fold.test)
    )
    size = max(1, BLOCK_VALUES // read(train[:1]).shape[1])
    target = fit_target(read(train[start : start + size]) for start in range(0, len(train), size))

    def part(rows: IndexArray) -> _Part:
        blocks = [to_target_rounded(read(rows[start : start + size]), target) for start in range(0, len(rows), size)]
        return _Part(np.concatenate(blocks), plan.labels[rows], [plan.series[int(row)] for row in rows])

    return part(train), part(test)


def _moments(part: _Part) -> LabelMoments:
    moments = LabelMoments.empty(part.bits.shape[1], part.q.shape[1])
    moments.update(part.q, part.bits)
    return moments


# -- a tissue never seen -----------------------------------------------------------------------------------------------


def _leave_out(train: _Part, test: _Part, asked: Sequence[int], found: _Found, seed: int) -> None:
    moments = _moments(train)
    for label in asked:
        own, unseen = train.bits[:, label], test.bits[:, label]
        left = np.flatnonzero(~own)
        foreign = test.bits & ~train.bits[left].any(axis=0)
        known = np.asarray(~foreign.any(axis=1) & ~unseen)
        if len(left) < 2 or not (known.any() or unseen.any()):
            continue
        genes = choose_markers(moments.without(train.q[own], train.bits[own]), GENES)
        rest = train.take(left)
        novelty = Novelty().fit(rest.q[:, genes], rest.series, rest.bits, seed)
        scored = (novelty.score(test.q[np.ix_(rows, genes)]) for rows in (known, unseen))
        found.novelty.setdefault(label, []).append((next(scored), next(scored)))


def _novelty(names: list[str], asked: list[int], found: dict[str, _Found]) -> dict[str, Any]:
    rows = []
    for label in asked:
        row: dict[str, Any] = {"label": names[label]}
        for split, of_split in found.items():
            pairs = of_split.novelty.get(label, [])
            known, unseen = (np.concatenate([pair[side] for pair in pairs] or [np.empty(0)]) for side in (0, 1))
            row[f"{split}_auroc"] = _auroc(known, unseen)
            row[f"{split}_flagged"] = float((unseen >= NOVEL).mean()) if len(unseen) else None
            row[f"{split}_known_flagged"] = float((known >= NOVEL).mean()) if len(known) else None
        rows.append(row)
    means = {f"{split}_mean_auroc": _mean([row[f"{split}_auroc"] for row in rows]) for split in found}
    return {"minimum": TESTED_FROM, "limit": NOVEL, **means, "labels": rows}


def _auroc(known: DoubleArray, unseen: DoubleArray) -> float | None:
    if not len(known) or not len(unseen):
        return None
    return float(roc_auc_score(np.repeat([0, 1], [len(known), len(unseen)]), np.concatenate([known, unseen])))


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


# -- more data ---------------------------------------------------------------------------------------------------------


def _grow(train: _Part, test: _Part, sizes: list[int], recipe: ClassifierRecipe, found: _Found) -> None:
    rows: IndexArray = np.empty(0, dtype=np.intp)
    tested = (test.bits, *np.zeros((2, *test.bits.shape)))
    for size in sizes:
        chosen = _at_most(train.bits, size, recipe.seed)
        if len(chosen) > len(rows):  # else no label has more
            rows, part = chosen, train.take(chosen)
            prior = scores.majority_baseline(part.bits).probabilities(len(test.bits))
            tested = (test.bits, _votes(part, test, recipe), prior)
        found.votes.setdefault(size, []).append(tested)


def _votes(train: _Part, test: _Part, recipe: ClassifierRecipe) -> DoubleArray:
    known = np.flatnonzero(train.bits.any(axis=0))
    genes = choose_markers(_moments(train), recipe.genes or Settings().genes)
    trees = min(TREES, recipe.trees or TREES)
    settings = Settings(len(genes), recipe.min_leaf or 1, recipe.balanced is not False, trees=trees)
    model = fit_model(train.q[:, genes], train.bits[:, known], settings, recipe, out_of_bag=False)
    votes = np.zeros(test.bits.shape)
    votes[:, known] = model.votes(test.q[:, genes])
    return votes


def _at_most(bits: BoolArray, size: int, seed: int) -> IndexArray:
    """Positions (ascending): of each label's biosamples at most ``size``, in seeded order."""
    order = np.random.default_rng(seed).permutation(len(bits))
    before = np.cumsum(bits[order], axis=0)
    wanted = (bits[order] & (before <= size)).any(axis=1)
    return np.sort(order[wanted]).astype(np.intp)


def _curve(found: dict[str, _Found]) -> list[dict[str, Any]]:
    """A row by split and size; the last size is all that there is."""
    rows = []
    for split, of_split in found.items():
        for size, parts in of_split.votes.items():
            truth, votes, prior = (np.concatenate(part) for part in zip(*parts, strict=True))
            ours, base = _scored(truth, votes), _scored(truth, prior, "majority_")
            rows.append({"split": split, "at_most": size, **ours, **base})
    return rows


def _scored(truth: BoolArray, probabilities: DoubleArray, name: str = "") -> dict[str, float]:
    calls = probabilities == probabilities.max(axis=1, keepdims=True)
    area = scores.auprc(truth, probabilities)
    tested = truth.any(axis=0)
    return {f"{name}samples_f1": scores.samples_f1(truth, calls), f"{name}macro_auprc": float(area[tested].mean())}
