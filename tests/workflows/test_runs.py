import json
import shutil

import pytest

from core import workflows
from core.errors import NotFoundError, RecipeError
from core.store.workspace import Workspace


def test_history_has_everything_a_comparison_needs(workspace):
    found = workflows.runs(workspace, "demo")
    assert set(found["kind"]) == {"classifier", "generator"}
    assert found["active"].all()
    assert (found["status"] == "done").all()
    classifier = found.set_index("kind").loc["classifier"]
    splits = classifier["metrics"]["splits"]
    for split in ("random", "series"):
        assert splits[split]["model"]["samples_f1"] > splits[split]["majority"]["samples_f1"]


def test_a_run_with_its_tables_and_card(workspace):
    dataset = workspace.dataset("demo")
    for kind, tables in (
        ("classifier", {"per_label", "confusion", "predictions"}),
        ("generator", {"history", "scorecard"}),
    ):
        run = workspace.active(dataset, kind)
        view = workflows.run_view(workspace, run.id)
        assert tables <= set(view.tables)
        assert view.metrics == run.result["metrics"]
        card = json.loads((run.path / "card.json").read_text())
        assert card["fingerprint"] == dataset.fingerprint
        assert card["versions"]["torch"]
        labelled = set(dataset.labels["sample_id"])
        assert set(card["training_biosamples"]) <= labelled
    held_out = set(card["held_out"])
    assert held_out
    assert not held_out & set(card["training_biosamples"])


def test_predictions_are_of_known_biosamples(workspace):
    run = workspace.active(workspace.dataset("demo"), "classifier")
    table = workflows.run_view(workspace, run.id).tables["predictions"]
    truth = workspace.dataset("demo").biosamples.set_index("sample_id")["labels"]
    sizes = table["split"].value_counts()
    assert sizes["random"] < sizes["series"]
    kept = set(run.result["metrics"]["labels"])
    for row in table.itertuples():
        assert set(row.true.split("|")) == set(truth[row.sample_id].split("|")) & kept


def test_activation_is_remembered(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    mine = Workspace(tmp_path / "data")
    old = mine.active(mine.dataset("demo"), "classifier")
    shutil.copytree(old.path, mine.runs_dir / "99990101-000000-classifier-aaaa")
    workflows.activate(mine, "99990101-000000-classifier-aaaa")
    assert workflows.runs(mine, "demo", "classifier").set_index("id")["active"].to_dict() == {
        old.id: False,
        "99990101-000000-classifier-aaaa": True,
    }


def test_defaults_and_mistakes(workspace):
    assert workflows.default_parameters("classifier")["trees"] is None
    assert workflows.default_parameters("generator")["model"] == "wgan-gp"
    with pytest.raises(RecipeError):
        workflows.default_parameters("oracle")
    with pytest.raises(NotFoundError):
        workflows.run_view(workspace, "nope")
