"""Settings chosen inside the training part: by held-out series, and only where they matter."""

from typing import Any

import numpy as np
import pytest

from core.models import selection
from core.models.recipe import ClassifierRecipe
from core.models.selection import Settings, candidates, choose_settings
from tests.models.small_tissues import simulate


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.log2(1.0 + simulate().counts).astype(np.float32)


def test_only_what_the_recipe_leaves_open_is_tried() -> None:
    fixed = ClassifierRecipe(genes=60, min_leaf=2, balanced=False, trees=50)
    assert candidates(fixed) == [Settings(60, 2, False, trees=50)]
    assert {one.trees for one in candidates(ClassifierRecipe())} == {300, 600}
    assert {one.trees for one in candidates(ClassifierRecipe(family="linear"))} == {300}
    assert {one.genes for one in candidates(ClassifierRecipe())} == {2000, 500}
    assert {one.min_leaf for one in candidates(ClassifierRecipe(genes=60))} == {1, 3}
    assert len({one.penalty for one in candidates(ClassifierRecipe(family="linear"))}) == 3


def test_the_default_stays_where_nothing_is_better_than_the_noise(x: np.ndarray) -> None:
    data = simulate()
    recipe = ClassifierRecipe(trees=10, balanced=True, min_leaf=1)
    settings, table = choose_settings(x, data.labels, data.series, recipe)
    assert settings == Settings(300, trees=10)
    assert [row["chosen"] for row in table] == [True]  # 2000 and 500 genes are both all 300
    assert table[0]["macro_auprc"] is None


def test_a_setting_that_is_clearly_better_is_taken(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate()
    areas = {1: np.array([0.5, 0.6, 0.5, 0.6]), 3: np.array([0.7, 0.8, 0.7, 0.81])}
    monkeypatch.setattr(selection, "_held_out_auprc", lambda x, bits, fold, settings, recipe: areas[settings.min_leaf])
    settings, table = choose_settings(
        x, data.labels, data.series, ClassifierRecipe(genes=300, balanced=True, trees=300)
    )
    assert settings.min_leaf == 3
    assert table[1]["gain"] == pytest.approx(0.2025)
    areas[3] = np.array([0.9, 0.2, 0.9, 0.4])  # better on the whole, but by luck
    settings, table = choose_settings(
        x, data.labels, data.series, ClassifierRecipe(genes=300, balanced=True, trees=300)
    )
    assert settings.min_leaf == 1
    assert table[1]["gain"] > 0 and table[1]["noise"] > table[1]["gain"]


def test_whole_series_are_held_out(x: np.ndarray) -> None:
    data = simulate()
    fold = selection._inner_folds(data.labels, data.series, 1)
    for name in set(data.series):
        assert len({int(f) for f, s in zip(fold, data.series, strict=True) if s == name}) == 1
    assert len(set(fold.tolist())) == 3
    assert len(set(selection._inner_folds(data.labels, ["one"] * len(fold), 1).tolist())) == 3
    assert len(set(selection._inner_folds(data.labels, None, 1).tolist())) == 3


def test_more_trees_are_grown_where_they_pay(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data, grown = simulate(), []
    plain = selection.fit_model

    def watched(*args: Any, **more: Any) -> Any:
        grown.append(args[2].trees)
        return plain(*args, **more)

    monkeypatch.setattr(selection, "fit_model", watched)
    recipe = ClassifierRecipe(genes=300, balanced=True, min_leaf=1)
    _, table = choose_settings(x, data.labels, data.series, recipe)
    assert [row["trees"] for row in table] == [300, 600]
    assert sorted(grown) == [40] * 3 + [80] * 3  # small forests of the same proportion
    areas = {300: np.array([0.5, 0.6, 0.5, 0.6]), 600: np.array([0.6, 0.7, 0.6, 0.71])}
    monkeypatch.setattr(selection, "_held_out_auprc", lambda x, bits, fold, settings, recipe: areas[settings.trees])
    settings, _ = choose_settings(x, data.labels, data.series, recipe)
    assert settings.trees == 600
    assert len(plain(x, data.labels, settings, recipe, out_of_bag=False).trees.estimators_) == 600
