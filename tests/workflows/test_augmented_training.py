"""Synthetic samples in a classifier's training, from the command line to the model card."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.models.recipe import ClassifierRecipe
from core.store.files import read_json
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows.augmenting import augmentation_table, augmentation_time, augmentation_verdicts
from core.workflows.folds import score_stored_fold

ARGUMENTS = ("--trees", "8", "--genes", "60", "--min-leaf", "1", "--balanced")


@pytest.fixture(scope="module")
def root(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("augmented") / "data"
    shutil.copytree(demo_root, folder)
    return folder


def command(root: Path, *arguments: str) -> int:
    return main(["--data-dir", str(root), "train", "classifier", "demo", *ARGUMENTS, *arguments])


@pytest.fixture(scope="module")
def runs(root: Path) -> tuple[Run, Run]:
    """With synthetic heart and brain, and without."""
    found = []
    for arguments in (("--augment", "heart,brain", "--augment-to", "40"), ()):
        assert command(root, *arguments) == 0
        found.append(Workspace(root).runs.all("demo", "classifier")[0])
    return found[0], found[1]


def metrics(run: Run) -> dict[str, Any]:
    assert run.result is not None
    return dict(run.result["metrics"])


def test_tested_biosamples_are_the_real_ones_and_the_same_as_without(root: Path, runs: tuple[Run, Run]) -> None:
    with_, without = (pd.read_parquet(run.path / "predictions.parquet") for run in runs)
    columns = ["sample_id", "split", "fold", "true"]
    pd.testing.assert_frame_equal(with_[columns], without[columns])
    real = set(Workspace(root).dataset("demo").biosamples["sample_id"])
    assert set(with_["sample_id"]) <= real
    card, plain = (read_json(run.path / "card.json") for run in runs)
    assert card["training_biosamples"] == plain["training_biosamples"]
    assert card["biosamples_by_label"] == plain["biosamples_by_label"]  # synthetic samples are not counted as data


def test_without_is_the_run_that_was_trained_without(runs: tuple[Run, Run]) -> None:
    with_, without = map(metrics, runs)
    for split in ("random", "series"):
        assert with_["splits"][split]["without_augmentation"] == without["splits"][split]["model"]
    assert with_["novelty"] == without["novelty"]
    assert "augmentation" not in without


def test_the_card_and_the_list_of_runs_name_it(root: Path, runs: tuple[Run, Run]) -> None:
    card = workflows.model_card(Workspace(root), runs[0].id)
    text = workflows.card_markdown(card)
    assert "| `augment` | heart, brain |" in text
    assert "| `augment_to` | 40 |" in text and "augment_steps" not in text
    assert text.count("the same without synthetic samples") == 2
    assert "Part of what it learned of heart, brain is synthetic" in text
    for line in augmentation_verdicts(metrics(runs[0])):
        assert line in text
    names = workflows.runs(Workspace(root), "demo", "classifier").set_index("id")["parameters"].map(workflows.describe)
    assert "synthetic heart and brain added (pca-gaussian)" in names[runs[0].id]
    plain = workflows.card_markdown(workflows.model_card(Workspace(root), runs[1].id))
    assert "augment" not in plain and "without synthetic" not in plain


def test_the_final_model_says_what_it_learned_from(root: Path, runs: tuple[Run, Run]) -> None:
    final = metrics(runs[0])["augmentation"]["final"]
    counts = read_json(runs[0].path / "card.json")["biosamples_by_label"]
    assert final == [
        {"label": name, "real": counts[name], "added": 40 - counts[name], "status": "added"}
        for name in ("heart", "brain")
    ]
    assert (
        f"heart: {counts['heart']} real, {40 - counts['heart']} synthetic" in augmentation_verdicts(metrics(runs[0]))[0]
    )


def test_the_model_classifies_like_any_other(root: Path, runs: tuple[Run, Run], tmp_path: Path) -> None:
    workspace = Workspace(root)
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"].iloc[:3].tolist()
    found = workflows.classify_biosamples(workspace, "demo", ids, run_id=runs[0].id)
    assert [each.sample for each in found] == ids
    assert {each.model for each in found} == {runs[0].id}


def test_a_worker_is_given_the_labels_and_scores_the_same_fold(root: Path, runs: tuple[Run, Run]) -> None:
    """The task of a Dask worker, its parameters as they come over the wire."""
    dataset = Workspace(root).dataset("demo")
    recipe = ClassifierRecipe(**runs[0].recipe["parameters"]).validated()
    parameters = json.loads(json.dumps(dataclasses.asdict(recipe)))
    found = score_stored_fold(str(dataset.path), dataset.key, parameters, 1, dataset.edits)
    added = [row for row in metrics(runs[0])["augmentation"]["splits"]["series"]["added"] if row["fold"] == 1]
    assert [{"fold": 1, **row} for row in found.added] == added
    assert found.plain is not None and found.plain[0].shape == found.model[0].shape


def test_the_table_has_every_figure_of_the_metrics(runs: tuple[Run, Run]) -> None:
    table = augmentation_table(metrics(runs[0]))
    saved = pd.read_parquet(runs[0].path / "augmentation.parquet")
    assert saved["difference"].tolist() == pytest.approx(table["difference"].astype(float).tolist(), nan_ok=True)
    assert len(table) == 14
    for words, split in (("whole series held back", "series"), ("random split", "random")):
        for row in metrics(runs[0])["augmentation"]["splits"][split]["labels"]:
            shown = table[(table["split"] == words) & (table["label"] == row["label"])].set_index("measure")
            assert shown.loc["F1", "with"] == row["f1"]["with"]
            assert shown.loc["recall at 95 % precision", "without"] == row["recall_at_95"]["without"]
    assert augmentation_table(metrics(runs[1])).empty and augmentation_verdicts(metrics(runs[1])) == []


def figures(low: float | None, high: float | None) -> dict[str, float | None]:
    return {"with": 0.7, "without": 0.6, "difference": 0.1, "low": low, "high": high}


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("helps", "the synthetic samples help."), ("harms", "the synthetic samples do harm."),
        ("nothing", "no difference that matters."), ("open", "no difference is shown."),
        ("few", "3 test biosamples of 2 series are too few to say anything (average precision 0.700 with"),
    ],
)  # fmt: skip
def test_sentences_say_what_the_interval_says(verdict: str, words: str) -> None:
    row = {"label": "heart", "support": 3, "units": 2, "verdict": verdict, "average_precision": figures(-0.1, 0.3)}
    split = {"unit": "series", "n": 9, "labels": [row], "samples_f1": figures(-0.1, 0.1),
             "added": [{"label": "heart", "added": 5, "status": "added"}]}  # fmt: skip
    found = {"labels": ["heart"], "model": "wgan-gp", "to": 50, "steps": 500, "splits": {"series": split}, "final": []}
    first, heart, overall = augmentation_verdicts({"augmentation": found})
    assert "GAN of 500 steps" in first and "filled up to 50 biosamples" in first and "Nothing had to be added" in first
    assert heart.startswith("Heart, whole series held back: ") and words in heart
    assert overall.endswith("(+0.100; 95 % interval -0.100 to +0.100): no difference is shown.")
    split["added"] = [{"label": "heart", "added": 0, "status": "too few real ones"}]
    assert "nothing was added (too few real ones)" in augmentation_verdicts({"augmentation": found})[1]


def test_time_is_that_of_every_fit() -> None:
    assert augmentation_time({}) == ""
    words = augmentation_time({"augment": ["a", "b"], "augment_model": "wgan-gp", "augment_steps": 2500})
    assert "fitted 14 times" in words and "60 seconds each time: 14 minutes" in words
    assert "seconds; every classifier is trained twice" in augmentation_time({"augment": ["a"]})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--augment", "nonsense"), "'nonsense' cannot be filled up"), (("--augment-to", "40"), "give --augment LABEL"),
        (("--augment", "brain", "--augment-to", "2"), "augment_to is 2"),
        (("--augment", "brain", "--min-label-count", "100"), "and 100 are needed"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_leaves_no_run(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    before = len(Workspace(root).runs.all("demo"))
    assert command(root, *arguments) == 2
    assert words in capsys.readouterr().err
    assert len(Workspace(root).runs.all("demo")) == before


def test_the_command_says_how_long_it_takes_and_whether_it_helped(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root, "--augment", "heart", "--augment-model", "smote") == 0
    said = capsys.readouterr()
    found = json.loads(said.out)["metrics"]
    assert "A generator is fitted 7 times" in said.err
    for line in augmentation_verdicts(found):
        assert f"note: {line}" in said.err
