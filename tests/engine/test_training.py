"""The evaluation of a classifier: the same numbers wherever its folds run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.engine import DaskEngine, LocalEngine
from core.errors import CancelledError, RecipeError, StoreError
from core.models.recipe import ClassifierRecipe
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from core.workflows.folds import evaluate_on, score_stored_fold

RECIPE = ClassifierRecipe(trees=20, genes=200, n_folds=3)


@pytest.fixture(scope="module")
def mine(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small demo's dataset, without runs."""
    root = tmp_path_factory.mktemp("mine")
    shutil.copytree(demo_root / "datasets", root / "datasets")
    return Workspace(root)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[DaskEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHSCOPE_THREADS", "2")
        with DaskEngine() as engine:
            yield engine


def test_scores_are_the_same_on_both_engines(
    mine: Workspace, two_workers: DaskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_THREADS", "2")  # here two threads grow a forest, on a worker one does
    dataset = mine.dataset("demo")
    here, there = (evaluate_on(engine, dataset, RECIPE) for engine in (LocalEngine(), two_workers))
    assert here.summary == there.summary
    pd.testing.assert_frame_equal(here.predictions, there.predictions, check_exact=True)


def test_progress_goes_by_finished_folds_on_workers_and_within_them_here(
    mine: Workspace, two_workers: DaskEngine
) -> None:
    steps: list[tuple[float, float, object]] = []

    def watch(stage: str, done: float, total: float, **values: float | str) -> None:
        steps.append((done, total, values.get("fold")))

    evaluate_on(two_workers, mine.dataset("demo"), RECIPE, watch)
    assert steps == [(0, 4, None), (1, 4, 1), (2, 4, 1), (3, 4, 2), (4, 4, 3)]  # the random split, three folds
    steps.clear()
    evaluate_on(LocalEngine(), mine.dataset("demo"), RECIPE, watch)
    assert len(steps) > 20
    assert (steps[0][0], steps[-1][0]) == (0, 4)


def test_a_cancelled_evaluation_leaves_the_workers_free(mine: Workspace, two_workers: DaskEngine) -> None:
    def cancel(stage: str, done: float, total: float, **values: float | str) -> None:
        if done:
            raise CancelledError("Run was cancelled.")

    with pytest.raises(CancelledError):
        evaluate_on(two_workers, mine.dataset("demo"), RECIPE, cancel)
    assert list(two_workers.map(abs, [(-1,)])) == [1]


def test_what_a_worker_is_given_is_small_and_checked(mine: Workspace) -> None:
    dataset = mine.dataset("demo")
    found = score_stored_fold(str(dataset.path), dataset.key, {"trees": 2, "genes": 50}, 0)
    assert found.novelty.ndim == 1
    with pytest.raises(StoreError, match="built anew while"):
        score_stored_fold(str(dataset.path), "another", {"trees": 2, "genes": 50}, 0)


def tables(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path.glob("*.parquet")}


def test_training_on_the_command_line(mine: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSCOPE_THREADS", "2")
    train = ["--data-dir", str(mine.root), "train", "classifier", "demo", "--trees", "10"]
    assert main(train) == 0
    assert main([*train, "--engine", "dask"]) == 0
    there, here = mine.runs.all("demo", "classifier")[:2]
    assert here.recipe["parameters"] == there.recipe["parameters"]  # where it ran is no part of what it is
    assert (here.result or {})["metrics"] == (there.result or {})["metrics"]
    assert tables(here) == tables(there)
    assert len(tables(here)) == 6
    assert '"engine": "dask"' in (there.path / "card.json").read_text()


def test_an_engine_that_cannot_be_had_fails_the_run(mine: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["--data-dir", str(mine.root), "train", "classifier", "demo", "--trees", "10"]
    assert main([*train, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "--engine dask" in capsys.readouterr().err
    run = mine.runs.all("demo", "classifier")[0]
    assert (run.status, "--engine dask" in run.error) == ("failed", True)
    fresh = mine.runs.create("classifier", "demo", {"trees": 2}, mine.dataset("demo").fingerprint)
    with pytest.raises(RecipeError, match="Unknown engine"):
        workflows.perform(mine, fresh, silent, engine="spark")
