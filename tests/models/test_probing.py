"""Labels left out one at a time, and the learning curve, against a plain loop."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.expression.normalise import fit_target, to_target_rounded
from core.models import probing
from core.models.folds import FoldPlan, plan_folds
from core.models.markers import LabelMoments, choose_markers
from core.models.novelty import Novelty
from core.models.recipe import ClassifierRecipe
from tests.models.small_tissues import NAMES, Tissues, simulate

RECIPE = ClassifierRecipe(trees=10, genes=60, n_folds=3)


@pytest.fixture(scope="module")
def data() -> Tissues:
    return simulate(160, n_series=9)


@pytest.fixture(scope="module")
def plan(data: Tissues) -> FoldPlan:
    return plan_folds(data.labels, NAMES, data.series, RECIPE)


@pytest.fixture(scope="module")
def found(data: Tissues, plan: FoldPlan) -> dict:
    return probing.probe(plan, data.counts.__getitem__)


def test_novelty_by_a_plain_loop(data: Tissues, plan: FoldPlan, found: dict) -> None:
    label = 1
    known, unseen = [], []
    for fold in plan.folds[1:]:
        q = to_target_rounded(data.counts, fit_target([data.counts[fold.train]]))
        train = [int(i) for i in fold.train if not data.labels[i, label]]
        moments = LabelMoments.empty(4, q.shape[1])
        moments.update(q[train], data.labels[train])
        genes = choose_markers(moments, 500)
        novelty = Novelty().fit(q[train][:, genes], [data.series[i] for i in train], data.labels[train])
        score = novelty.score(q[fold.test][:, genes])
        own = data.labels[fold.test, label]
        known += score[~own].tolist()
        unseen += score[own].tolist()
    row = next(row for row in found["novelty"]["labels"] if row["label"] == NAMES[label])
    expected = roc_auc_score([0] * len(known) + [1] * len(unseen), known + unseen)
    assert row["series_auroc"] == pytest.approx(expected, abs=0.01)
    assert row["series_flagged"] == pytest.approx(np.mean(np.array(unseen) >= 0.99), abs=0.02)


def test_means_are_those_of_the_rows(found: dict) -> None:
    assert json.loads(json.dumps(found)) == found
    rows = found["novelty"]["labels"]
    assert [row["label"] for row in rows] == NAMES
    for split in ("random", "series"):
        mean = np.mean([row[f"{split}_auroc"] for row in rows])
        assert found["novelty"][f"{split}_mean_auroc"] == pytest.approx(mean)


def test_the_curve_rises_and_ends_with_everything(data: Tissues, found: dict) -> None:
    curve = found["learning_curve"]
    for split in ("random", "series"):
        rows = [row for row in curve if row["split"] == split]
        assert [row["at_most"] for row in rows] == [3, 10, 30, int(data.labels.sum(axis=0).max())]
        assert rows[-1]["samples_f1"] > rows[0]["samples_f1"]
        assert rows[-1]["samples_f1"] > rows[-1]["majority_samples_f1"] + 0.2


def test_no_label_has_more_than_its_share(data: Tissues) -> None:
    chosen = probing._at_most(data.labels, 7, 1)
    alone = data.labels.sum(axis=1) == 1
    counts = data.labels[chosen].sum(axis=0)
    assert (counts >= 7).all()
    assert (data.labels[chosen][alone[chosen]].sum(axis=0) <= 7).all()
    assert set(chosen.tolist()) <= set(probing._at_most(data.labels, 20, 1).tolist())


def test_large_parts_are_drawn_from(data: Tissues, plan: FoldPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ROWS", 30)
    asked: list[int] = []

    def read(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return data.counts[rows]

    probing.probe(plan, read)
    assert max(asked) == 30
