"""The Train page, without a browser."""

from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core import workflows as wf
from core.store.workspace import Workspace
from tests.conftest import train
from tests.pages.conftest import Opener


@pytest.fixture
def second(page_root: Path) -> str:
    """Another classifier beside the first, which stays in use."""
    workspace = Workspace(page_root)
    wf.activate(workspace, first_id(page_root, "classifier"))
    return train(workspace, "classifier", trees=3, genes=20).id


def first_id(root: Path, kind: str) -> str:
    return str(wf.runs(Workspace(root), "demo", kind)["id"].iloc[-1])


def test_the_run_in_use_is_shown_with_both_splits_beside_the_baseline(open_page: Opener, page_root: Path) -> None:
    page = open_page("train")
    assert not page.exception
    splits = wf.run_view(Workspace(page_root), first_id(page_root, "classifier")).metrics["splits"]
    text = " ".join(each.value for each in page.main.markdown)
    for split in ("random", "series"):
        assert f"{splits[split]['model']['samples_f1']:.3f}" in text
        assert f"{splits[split]['majority']['samples_f1']:.3f}" in text
    assert any({"split", "model", "samples-averaged F1"} <= set(table.value.columns) for table in page.main.dataframe)


def test_a_training_starts_with_the_chosen_parameters(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: asked.append((kind, name, parameters)))
    page = open_page("train")
    page.main.number_input[0].set_value(70)
    page.main.button[0].click().run()
    kind, name, parameters = asked[0]
    assert (kind, name, parameters["trees"], parameters["split"]) == ("classifier", "demo", 70, "random")
    assert parameters["min_label_count"] is None


def test_a_generator_starts_for_the_chosen_label(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: asked.append(parameters))
    page = open_page("train", model="Synthetic samples")
    page.main.selectbox[0].set_value("cerebellum")
    page.main.selectbox[1].set_value("smote")
    page.main.button[0].click().run()
    assert asked == [{"label": "cerebellum", "model": "smote", "steps": 0, "seed": 1}]


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
    assert "Side by side" in [head.value for head in page.subheader]
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
