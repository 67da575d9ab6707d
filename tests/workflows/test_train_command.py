"""The command that trains a classifier: its arguments reach the recipe, and bad ones leave no run behind."""

import json
import shutil
from pathlib import Path

import pytest

from core.__main__ import main
from core.store.workspace import Workspace


@pytest.fixture
def mine(demo_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo_root, tmp_path / "data")
    return tmp_path / "data"


def train(root: Path, *arguments: object) -> int:
    return main([str(part) for part in ("--data-dir", root, "train", "classifier", "demo", *arguments)])


def test_arguments_become_the_recipe(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--family", "extra-trees", "--trees", 5, "--genes", 40, "--min-leaf", 2, "--no-balanced")
    assert train(mine, *given) == 0
    result = json.loads(capsys.readouterr().out)
    recipe = Workspace(mine).runs.get(result["run"]).recipe["parameters"]
    assert recipe == {
        "family": "extra-trees", "trees": 5, "genes": 40, "min_leaf": 2, "balanced": False, "seed": 1, "split": "random"
    }  # fmt: skip
    [settings] = result["metrics"]["selection"]  # nothing was left to choose
    assert (settings["genes"], settings["min_leaf"], settings["balanced"]) == (40, 2, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--genes", 0), "genes is 0"), (("--min-leaf", 0), "min_leaf is 0"), (("--trees", 9999), "trees is 9999")],
)
def test_values_out_of_range_exit_with_2(
    mine: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], words: str
) -> None:
    before = len(Workspace(mine).runs.all("demo"))
    assert train(mine, *arguments) == 2
    assert words in capsys.readouterr().err
    assert len(Workspace(mine).runs.all("demo")) == before


@pytest.mark.parametrize("arguments", [("--family", "tree"), ("--genes", "many"), ("--balanced=maybe",)])
def test_values_of_the_wrong_kind_exit_with_2(mine: Path, arguments: tuple[object, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train(mine, *arguments)
    assert stopped.value.code == 2
