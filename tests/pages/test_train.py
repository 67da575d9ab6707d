"""The Train page, without a browser."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from core import jobs
from core import workflows as wf
from core.store.workspace import Workspace
from tests.conftest import train
from tests.pages.conftest import Opener
from tests.pages.opening import address


@pytest.fixture
def second(page_root: Path) -> str:
    """Another classifier beside the first, which stays in use."""
    workspace = Workspace(page_root)
    wf.activate(workspace, first_id(page_root, "classifier"))
    return train(workspace, "classifier", trees=3, genes=20).id


def first_id(root: Path, kind: str) -> str:
    return str(wf.runs(Workspace(root), "demo", kind)["id"].iloc[-1])


def the_view(root: Path) -> wf.RunView:
    return wf.run_view(Workspace(root), first_id(root, "classifier"))


def select(page: AppTest, widget_id: str, **selection: Any) -> AppTest:
    """What the browser sends when somebody chooses a cell of a table or a point of a chart."""
    states = page._tree.get_widget_states()
    states.widgets.append(WidgetState(id=widget_id, string_value=json.dumps({"selection": selection})))
    return page._run(states)


def choose_cell(page: AppTest, row: int, column: str) -> AppTest:
    """A click on a cell of the table of labels."""
    table = next(each for each in page.dataframe if str(each.key).startswith("labels-"))
    return select(page, table.proto.id, rows=[], columns=[], cells=[[row, column]])


def listed(page: AppTest) -> pd.DataFrame | None:
    """The list of biosamples, where there is one."""
    return next((table.value for table in page.main.dataframe if "classify" in table.value.columns), None)


def text_of(page: AppTest) -> str:
    return " ".join(each.value for each in [*page.main.markdown, *page.main.caption])


def test_the_run_in_use_is_shown_beside_the_baselines_for_a_new_study(open_page: Opener, page_root: Path) -> None:
    page = open_page("train")
    assert not page.exception
    splits = the_view(page_root).metrics["splits"]
    tiles = {tile.label: tile.value for tile in page.main.metric}
    assert tiles["Samples-F1"] == f"{splits['series']['model']['samples_f1']:.3f}"
    assert tiles["log2 AUPRC/prior"] == f"{splits['series']['model']['macro_log2_auprc_over_prior']:.3f}"
    text = text_of(page)
    for words, split, model in (
        ("majority label", "series", "majority"), ("published", "series", "published_forest"),
        ("random split", "random", "model"),
    ):  # fmt: skip
        assert f"{words} {splits[split][model]['samples_f1']:.3f}" in text
    for words in (wf.gap_words, wf.abstention_words, wf.novelty_words, wf.selection_words):
        assert words(the_view(page_root).metrics) in text
    scores = next(
        each.value for each in page.main.dataframe if {"split", "model", "samples-averaged F1"} <= set(each.value)
    )
    assert len(scores) == 6
    keys = ("confusion-", "calibration", "coverage", "novelty", "learning_curve", "per_label_f1")
    drawn = [chart.proto.id for chart in page.get("plotly_chart")]
    assert all(any(key in chart for chart in drawn) for key in keys)


def test_the_split_is_in_the_address(open_page: Opener, page_root: Path) -> None:
    page = open_page("train", split="random")
    score = the_view(page_root).metrics["splits"]["random"]["model"]["samples_f1"]
    assert {tile.label: tile.value for tile in page.main.metric}["Samples-F1"] == f"{score:.3f}"
    page.segmented_control(key="switch_split").set_value("series").run()
    assert address(page)["split"] == "series"
    score = the_view(page_root).metrics["splits"]["series"]["model"]["samples_f1"]
    assert {tile.label: tile.value for tile in page.main.metric}["Samples-F1"] == f"{score:.3f}"


@pytest.mark.parametrize(("column", "kind"), [("recall", "missed"), ("precision", "wrong"), ("support", "all")])
def test_a_cell_of_the_table_lists_its_biosamples_and_is_in_the_address(
    open_page: Opener, page_root: Path, column: str, kind: str
) -> None:
    view = the_view(page_root)
    rows = view.tables["per_label"].query("split == 'series'").reset_index(drop=True)
    row = int(rows["recall"].argmin()) if kind == "missed" else int(rows["precision"].argmin())
    label = rows["label"][row]
    page = choose_cell(open_page("train"), row, column)
    assert not page.exception
    assert (address(page)["show"], address(page)["label"]) == (kind, label)
    dataset = Workspace(page_root).dataset("demo")
    expected = wf.tested_biosamples(dataset, view.tables["predictions"], "series", kind, label)
    shown = listed(page)
    assert shown is not None
    assert len(shown)
    assert shown["sample_id"].tolist() == expected["sample_id"].tolist()
    first = expected["sample_id"].iloc[0]
    assert shown["classify"].iloc[0] == f"classify?dataset=demo&classifier={view.run.id}&biosample={first}"
    assert "geo" not in shown  # simulated biosamples have no record there
    assert {"series_id", "title", "true", "predicted", "probability", "novelty", "called"} <= set(shown)

    restored = listed(open_page("train", show=kind, label=label))
    assert restored is not None
    assert restored["sample_id"].tolist() == expected["sample_id"].tolist()


def test_a_cell_of_the_matrix_lists_its_biosamples(open_page: Opener, page_root: Path) -> None:
    view = the_view(page_root)
    cell = view.tables["confusion"].query("split == 'series'").iloc[0]
    page = open_page("train")
    chart = next(each for each in page.get("plotly_chart") if "confusion-" in each.proto.id)
    point = {"customdata": [cell["true"], cell["predicted"], int(cell["count"]), 0.5]}
    page = select(page, chart.proto.id, points=[point], point_indices=[0], box=[], lasso=[])
    assert not page.exception
    assert address(page)["show"] == "confused"
    shown = listed(page)
    assert shown is not None
    assert len(shown) == cell["count"]
    next(button for button in page.main.button if button.label == "Close the list").click().run()
    assert "show" not in page.query_params
    assert listed(page) is None


@pytest.mark.parametrize("params", [{"show": "missed", "label": "unicorn"}, {"show": "lost", "label": "brain"},
                                    {"show": "confused", "label": "brain", "predicted": "x"}])  # fmt: skip
def test_an_address_that_means_nothing_lists_nothing(open_page: Opener, params: dict[str, str]) -> None:
    page = open_page("train", split="third", **params)
    assert not page.exception
    assert listed(page) is None


def test_what_an_older_run_did_not_write_is_not_recorded(open_page: Opener, page_root: Path) -> None:
    folder = the_view(page_root).run.path
    result = json.loads((folder / "result.json").read_text())
    metrics = result["metrics"]
    for name in ("gap", "novelty", "learning_curve", "selection"):
        del metrics[name]
    metrics["abstention"] = {"threshold": 0.5, "coverage": 0.9, "precision": 0.95, "precision_without": 0.9}
    for split in metrics["splits"].values():
        for name in ("settings", "first_label_ece", "published_forest"):
            del split[name]
        del split["model"]["macro_log2_auprc_over_prior"]
    (folder / "result.json").write_text(json.dumps(result))
    for name in ("learning_curve", "novelty"):
        (folder / f"{name}.parquet").unlink()
    old = pd.read_parquet(folder / "predictions.parquet").drop(columns=["novelty", "called"])
    old.to_parquet(folder / "predictions.parquet")
    labels = pd.read_parquet(folder / "per_label.parquet").drop(columns=["published_f1", "published_auprc"])
    labels.to_parquet(folder / "per_label.parquet")
    page = open_page("train", show="all", label="brain")
    assert not page.exception
    for what in ("Gap between the splits", "Settings chosen inside the training part", "Fold by fold", "Learning curve",
                 "Whether it notices a tissue that it never saw"):  # fmt: skip
        assert f"{what}: not recorded." in text_of(page)
    assert "published not recorded" in text_of(page)
    assert "error of the first label: not recorded" in text_of(page)
    assert "Not recorded for this run: novelty, called." in text_of(page)
    for path in folder.glob("*.parquet"):
        path.unlink()
    page = open_page("train", show="all", label="brain")
    assert not page.exception
    assert "Scores of each label: not recorded." in text_of(page)
    shutil.copy(folder / "result.json", folder / "kept.json")
    (folder / "result.json").write_text(json.dumps(result | {"metrics": {}}))
    page = open_page("train")
    assert not page.exception
    assert any("not recorded" in box.value for box in page.main.info)


def test_without_a_series_split_the_page_says_why(open_page: Opener, page_root: Path) -> None:
    folder = the_view(page_root).run.path
    result = json.loads((folder / "result.json").read_text())
    why = "All biosamples are of one series."
    result["metrics"] |= {"series_split_missing": why, "gap": None}
    result["metrics"]["splits"]["series"] = None
    result["metrics"]["abstention"] = {"split": None, "goal": 0.95, "threshold": 0.0, "coverage": None,
                                       "precision": None, "folds": []}  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result))
    for name in ("predictions", "per_label", "confusion", "calibration", "learning_curve"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table[table["split"] == "random"].to_parquet(folder / f"{name}.parquet")
    page = open_page("train", split="series")
    assert not page.exception
    text = text_of(page)
    assert why in text
    assert "It never abstains" in text
    assert "There are no folds of whole series." in text
    score = result["metrics"]["splits"]["random"]["model"]["samples_f1"]
    assert {tile.label: tile.value for tile in page.main.metric}["Samples-F1"] == f"{score:.3f}"


def test_a_training_starts_with_the_chosen_parameters(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: asked.append((kind, name, parameters)))
    page = open_page("train")
    page.main.number_input[0].set_value(70)
    page.main.button[0].click().run()
    kind, name, parameters = asked[0]
    assert (kind, name, parameters["trees"], parameters["split"]) == ("classifier", "demo", 70, "random")
    assert {parameters[name] for name in ("genes", "min_leaf", "balanced", "min_label_count")} == {None}
    assert "family" not in parameters  # the default


def test_a_linear_model_has_no_trees(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: asked.append(parameters))
    page = open_page("train")
    page.main.radio(key="classifier_family").set_value("linear").run()
    fields = {field.label: field for field in page.main.number_input}
    assert fields["Trees"].disabled
    assert fields["Min. leaf size"].disabled
    fields["Marker genes"].set_value(50)
    page.main.button[0].click().run()
    assert asked == [
        {"family": "linear", "genes": 50, "balanced": None, "min_label_count": None, "seed": 1, "split": "random"}
    ]


def test_a_generator_starts_for_the_chosen_label(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: asked.append(parameters))
    page = open_page("train", model="Synthetic samples")
    page.main.selectbox[0].set_value("cerebellum")
    page.main.selectbox[1].set_value("smote")
    page.main.button[0].click().run()
    assert asked == [{"label": "cerebellum", "model": "smote", "steps": 0, "seed": 1}]
    next(field for field in page.main.number_input if field.label == "Distance").set_value(0.8)
    for model in ("wgan-gp", "flow-matching"):
        page.main.selectbox[1].set_value(model)
        page.main.button[0].click().run()
        assert asked[-1] == {"label": "cerebellum", "model": model, "steps": 0, "seed": 1, "least_distance": 0.8}
    page.main.selectbox[1].set_value("bootstrap")
    page.main.button[0].click().run()
    assert asked[-1] == {"label": "cerebellum", "model": "bootstrap", "steps": 0, "seed": 1}


def test_another_run_can_be_put_to_use(open_page: Opener, page_root: Path, second: str) -> None:
    page = open_page("train", classifier_runs=second)
    page.button(key=f"use_{second}").click().run()
    assert not page.exception
    workspace = Workspace(page_root)
    active = workspace.active(workspace.dataset("demo"), "classifier")
    assert active is not None and active.id == second


def test_two_runs_stand_side_by_side_from_the_address(open_page: Opener, page_root: Path, second: str) -> None:
    first = first_id(page_root, "classifier")
    page = open_page("train", classifier_runs=f"{first},{second}")
    assert not page.exception
    assert "Side by side" in [head.value for head in page.header]
    scores = next(
        table.value for table in page.main.dataframe if "run" in table.value.columns and len(table.value) == 4
    )
    assert set(scores["run"]) == {first[-4:], second[-4:]}


def test_choosing_runs_writes_their_ids_into_the_address(open_page: Opener, second: str) -> None:
    page = open_page("train")
    page.multiselect(key="pick_classifier_runs").set_value([second]).run()
    assert page.query_params["classifier_runs"] == second


def test_a_generator_shows_its_curve_and_scorecard(open_page: Opener, page_root: Path) -> None:
    page = open_page("train", model="Synthetic samples")
    assert not page.exception
    card = wf.run_view(Workspace(page_root), first_id(page_root, "generator")).tables["scorecard"]
    shown = next(table.value for table in page.main.dataframe if "verdict" in table.value.columns)
    assert shown["title"].tolist() == card["title"].tolist()
    assert any("Scorecard" in text.value for text in page.main.markdown)


def test_runs_that_are_under_way_can_be_cancelled(open_page: Opener, page_root: Path) -> None:
    run = jobs.start(Workspace(page_root), "generator", "demo", {"label": "brain", "steps": 100_000})
    try:
        page = open_page("train", model="Synthetic samples")
        assert not page.exception
        page.button(key=f"cancel-{run.id}").click().run()
        assert run.status == "cancelled"
    finally:
        jobs.cancel(run)


def test_without_any_run_the_form_is_still_there(open_page: Opener, page_root: Path) -> None:
    for folder in (page_root / "runs").iterdir():
        (folder / "recipe.json").unlink()
    page = open_page("train")
    assert not page.exception
    assert page.main.number_input
    assert "No classifier is trained" in page.main.info[0].value
