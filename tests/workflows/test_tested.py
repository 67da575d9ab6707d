"""Biosamples behind the scores, held against what plain loops over the table of predictions find."""

import pandas as pd
import pytest

from core import workflows as wf
from core.errors import InputError
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace


@pytest.fixture
def dataset(workspace: Workspace) -> StoredDataset:
    return workspace.dataset("demo")


@pytest.fixture
def view(workspace: Workspace, dataset: StoredDataset) -> wf.RunView:
    run = workspace.active(dataset, "classifier")
    assert run is not None
    return wf.run_view(workspace, run.id)


def named(view: wf.RunView, split: str, kind: str, label: str) -> list[str]:
    """Ids by a loop over the rows."""
    found = []
    for row in view.tables["predictions"].to_dict("records"):
        has, got = label in row["true"].split("|"), label in row["predicted"].split("|")
        belongs = {"all": has, "missed": has and not got, "called": got, "wrong": got and not has}[kind]
        if row["split"] == split and belongs:
            found.append(str(row["sample_id"]))
    return sorted(found)


@pytest.mark.parametrize("split", ["random", "series"])
def test_lists_have_the_sizes_that_the_scores_say(view: wf.RunView, dataset: StoredDataset, split: str) -> None:
    predictions, per_label = view.tables["predictions"], view.tables["per_label"]
    for row in per_label[per_label["split"] == split].to_dict("records"):
        lists = {kind: wf.tested_biosamples(dataset, predictions, split, kind, row["label"]) for kind in wf.LISTED
                 if kind != "confused"}  # fmt: skip
        for kind, found in lists.items():
            assert sorted(found["sample_id"]) == named(view, split, kind, row["label"])
            assert found["probability"].is_monotonic_decreasing
        assert len(lists["all"]) == row["support"]
        assert len(lists["called"]) == row["predicted"]
        if row["support"]:
            assert 1 - len(lists["missed"]) / row["support"] == pytest.approx(row["recall"])
        if row["predicted"]:
            assert 1 - len(lists["wrong"]) / row["predicted"] == pytest.approx(row["precision"])


def test_a_cell_of_the_confusion_matrix_lists_as_many_as_it_counts(view: wf.RunView, dataset: StoredDataset) -> None:
    table = view.tables["confusion"]
    for row in table[table["split"] == "series"].to_dict("records"):
        found = wf.tested_biosamples(
            dataset, view.tables["predictions"], "series", "confused", row["true"], row["predicted"]
        )
        assert len(found) == row["count"]


def test_a_label_is_not_mistaken_for_one_that_contains_it(dataset: StoredDataset) -> None:
    predictions = pd.DataFrame(
        {"sample_id": ["x", "y"], "split": "series", "true": ["whole blood", "blood|liver"],
         "predicted": ["blood", "liver"], "first": ["blood", "liver"], "probability": [0.9, 0.8]}
    )  # fmt: skip
    missed = wf.tested_biosamples(dataset, predictions, "series", "missed", "blood")
    assert missed["sample_id"].tolist() == ["y"]
    assert wf.tested_biosamples(dataset, predictions, "series", "wrong", "blood")["sample_id"].tolist() == ["x"]
    assert missed[["series_id", "title"]].to_numpy().tolist() == [["", ""]]  # the dataset has no such biosample
    assert not {"novelty", "called", "correct"} & set(missed.columns)  # an older run did not write them


def test_series_and_titles_are_those_of_the_dataset(view: wf.RunView, dataset: StoredDataset) -> None:
    found = wf.tested_biosamples(dataset, view.tables["predictions"], "random", "all", "liver")
    facts = dataset.biosamples.set_index("sample_id")
    assert found["series_id"].tolist() == facts.loc[found["sample_id"], "series_id"].tolist()
    assert found["title"].tolist() == facts.loc[found["sample_id"], "title"].tolist()
    assert set(found["fold"]) == {1}


def test_an_unknown_kind_of_list_is_refused(view: wf.RunView, dataset: StoredDataset) -> None:
    with pytest.raises(InputError, match="missed"):
        wf.tested_biosamples(dataset, view.tables["predictions"], "random", "lost", "liver")


def test_the_coverage_curve_is_what_every_limit_gives(view: wf.RunView) -> None:
    predictions = view.tables["predictions"]
    curve = wf.coverage_curve(predictions)
    rows = [row for row in predictions.to_dict("records") if row["split"] == "series"]
    assert curve["threshold"].is_monotonic_decreasing
    assert curve["threshold"].is_unique
    for point in curve.iloc[[0, len(curve) // 2, -1]].to_dict("records"):
        called = [row for row in rows if row["probability"] >= point["threshold"]]
        assert point["calls"] == len(called)
        assert point["coverage"] == pytest.approx(len(called) / len(rows))
        assert point["precision"] == pytest.approx(sum(row["correct"] for row in called) / len(called))
    assert curve["coverage"].iloc[-1] == 1.0
    assert curve["precision"].iloc[-1] == pytest.approx(view.metrics["abstention"]["precision_without"])


def test_equal_probabilities_are_called_together() -> None:
    predictions = pd.DataFrame({"split": "series", "probability": [0.5, 0.9, 0.5], "correct": [False, True, True]})
    curve = wf.coverage_curve(predictions)
    assert curve["threshold"].tolist() == [0.9, 0.5]
    assert curve["precision"].tolist() == pytest.approx([1.0, 2 / 3])
    assert wf.coverage_curve(predictions, "random").empty


def test_a_prediction_of_any_true_label_is_no_error() -> None:
    predictions = pd.DataFrame(
        {"split": ["series"] * 4 + ["random"], "true": ["hela|cervix", "hela|cervix", "brain", "brain", "brain"],
         "first": ["cervix", "liver", "liver", "brain", "skin"], "correct": [True, False, False, True, False]}
    )  # fmt: skip
    found = wf.confusions(predictions, "series")
    assert {tuple(row) for row in found.itertuples(index=False)} == {
        ("hela", "liver", 1, 0.5), ("cervix", "liver", 1, 0.5), ("brain", "liver", 1, 0.5)
    }  # fmt: skip
    assert wf.confusions(predictions[predictions["correct"]], "series").empty
