"""Models beside each other: means over runs by a plain loop, the recommendation follows the targets."""

import json

import numpy as np
import pytest

from core import workflows
from core.errors import NotFoundError
from core.models.evaluation import mean_scorecard
from core.store.files import read_json
from tests.conftest import train


def _planted(workspace, run, model, changes):
    """A copy of a finished run that says it is of another model, with other figures."""
    made = workspace.runs.create("generator", "demo", {"label": "brain", "model": model}, run.recipe["fingerprint"])
    evaluation = read_json(run.path / "evaluation.json")
    evaluation["model"] = model
    evaluation["recipe"]["seed"] = changes.pop("seed", 1)
    for row in evaluation["scorecard"]:
        row.update(changes.get(row["metric"], {}))
    (made.path / "evaluation.json").write_text(json.dumps(evaluation))
    (made.path / "result.json").write_text((run.path / "result.json").read_text())
    return made


@pytest.fixture
def mine(tmp_path, demo_root):
    """A copy of the demo to add runs to."""
    import shutil

    from core.store.workspace import Workspace

    root = tmp_path / "data"
    shutil.copytree(demo_root, root)
    return Workspace(root)


def test_the_mean_over_runs_by_a_plain_loop(mine):
    first = mine.active(mine.dataset("demo"), "generator")
    _planted(mine, first, "wgan-gp", {"seed": 2, "precision": {"synthetic": 0.25}})
    choice = workflows.compare_generators(mine, "demo", "brain")
    cards = [read_json(run.path / "evaluation.json")["scorecard"] for run in mine.runs.all("demo")
             if run.kind == "generator"]  # fmt: skip
    for row in choice.measures.to_dict("records"):
        values = [each["synthetic"] for card in cards for each in card if each["metric"] == row["metric"]]
        assert len(values) == 2 and row["wgan-gp"] == pytest.approx(np.mean(values)), row["metric"]
    assert choice.models.loc[0, "runs"] == 2 and choice.models.loc[0, "seeds"] == "1, 2"
    assert "Only wgan-gp" in choice.words and "under 3 runs" in choice.words


def test_the_model_that_reaches_more_targets_is_recommended(mine):
    first = mine.active(mine.dataset("demo"), "generator")
    card = read_json(first.path / "evaluation.json")["scorecard"]
    perfect = {row["metric"]: {"synthetic": row["real_real"]} for row in card}
    _planted(mine, first, "smote", perfect)
    choice = workflows.compare_generators(mine, "demo", "brain")
    assert choice.best == "smote" and "smote is recommended" in choice.words
    row = choice.models.set_index("model").loc["smote"]
    assert row["reached"] == row["measures"] == len(card)
    assert set(choice.measures["smote_verdict"]) == {"pass"}


def test_a_trained_baseline_stands_beside_the_gan(mine):
    train(mine, "generator", label="brain", model="pca-gaussian")
    choice = workflows.compare_generators(mine, "demo", "brain")
    assert set(choice.models["model"]) == {"wgan-gp", "pca-gaussian"}
    assert choice.models.set_index("model").loc["pca-gaussian", "compared"] == 0
    beside = choice.measures.set_index("metric")
    gan = mean_scorecard(
        [read_json(mine.active(mine.dataset("demo"), "generator").path / "evaluation.json")["scorecard"]]
    )
    same = {row["metric"]: row["pca_gaussian"] for row in gan}
    assert beside["pca-gaussian"].to_dict() == pytest.approx(same, rel=1e-6)  # the same seed, split and draws


def test_labels_without_a_generator_are_named(workspace):
    with pytest.raises(NotFoundError, match="no finished generator of 'spleen'"):
        workflows.compare_generators(workspace, "demo", "spleen")
    assert workflows.generator_labels(workspace, "demo") == ["brain"]


def test_samples_kept_away_from_training_biosamples_are_a_model_of_their_own(mine):
    for model in ("wgan-gp", "flow-matching"):
        train(mine, "generator", label="brain", model=model, steps=5, least_distance=0.8)
    choice = workflows.compare_generators(mine, "demo", "brain")
    assert set(choice.models["model"]) == {"wgan-gp", "wgan-gp (0.8 away)", "flow-matching (0.8 away)"}
    assert choice.models["runs"].tolist() == [1, 1, 1]
    assert {"wgan-gp (0.8 away)", "wgan-gp (0.8 away)_verdict"} <= set(choice.measures.columns)
