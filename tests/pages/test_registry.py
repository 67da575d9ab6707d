"""The registry on the Train page, without a browser: what is in use, promote, roll back, delete, the card."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import workflows as wf
from core.store.workspace import Workspace
from pages.ui import registry
from tests.pages.conftest import Opener
from tests.pages.opening import address
from tests.store.test_registry import copies


@pytest.fixture
def ids(page_root: Path) -> list[str]:
    """Three classifiers, oldest first; the first is in use."""
    return copies(page_root, "bc")


def in_use(root: Path) -> str:
    workspace = Workspace(root)
    run = workspace.active(workspace.dataset("demo"), "classifier")
    assert run is not None
    return run.id


def strip(page: AppTest) -> str:
    """The line that names the run in use."""
    return next(each.value for each in page.main.markdown if each.value.startswith("**In use:**"))


def toasts(page: AppTest) -> list[str]:
    return [each.value for each in page.toast]


def test_the_run_in_use_is_named_with_its_day(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    page = open_page("train")
    assert not page.exception
    finished = (Workspace(page_root).runs.get(ids[0]).result or {})["finished"]
    assert f"run {ids[0][-4:]} (30 trees, 300 genes), since {wf.day(finished)}" in strip(page)
    assert page.button(key="rollback_classifier").disabled
    assert page.button(key=f"delete_{ids[0]}").disabled


def test_promote_then_roll_back(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    page = open_page("train", classifier_runs=ids[1])
    page.button(key=f"use_{ids[1]}").click().run()
    assert not page.exception
    assert in_use(page_root) == ids[1]
    assert toasts(page) == ["Run bbbb is in use now."]
    assert "run bbbb" in strip(page)
    page.button(key="rollback_classifier").click().run()
    assert in_use(page_root) == ids[0]
    assert toasts(page) == [f"Rolled back: run {ids[0][-4:]} is in use now."]
    assert page.button(key="rollback_classifier").disabled
    assert not toasts(page.run())


def test_what_was_in_use_is_listed_with_deleted_runs(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    mine = Workspace(page_root)
    wf.promote(mine, ids[1])
    wf.promote(mine, ids[2])
    wf.delete(mine, ids[1])
    page = open_page("train")
    table = next(each.value for each in page.main.dataframe if "action" in each.value.columns)
    assert table["id"].tolist() == [ids[2], ids[1], ids[0]]
    assert table["state"].tolist() == ["in use", "deleted", "kept"]
    assert table["until"].tolist()[0] == ""
    assert not page.button(key="rollback_classifier").disabled  # passes over the deleted one
    page.button(key="rollback_classifier").click().run()
    assert in_use(page_root) == ids[0]


def test_deleting_asks_by_name_and_leaves_the_address_clean(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    page = open_page("train", classifier_runs=f"{ids[1]},{ids[2]}")
    assert any("Delete run **bbbb** (30 trees, 300 genes) for good?" in each.value for each in page.main.markdown)
    page.button(key=f"delete_{ids[1]}").click().run()
    assert not page.exception
    assert toasts(page) == ["Run bbbb is deleted."]
    assert not (page_root / "runs" / ids[1]).exists()
    assert address(page)["classifier_runs"] == ids[2]
    history = next(each.value for each in page.main.dataframe if "status" in each.value.columns)
    assert set(history["id"]) == {ids[0], ids[2]}


def test_what_cannot_be_done_is_said_in_a_box_and_the_page_goes_on(
    open_page: Opener, page_root: Path, ids: list[str]
) -> None:
    page = open_page("train", classifier_runs=ids[1])
    wf.promote(Workspace(page_root), ids[1])  # somebody else, meanwhile
    page.button(key=f"delete_{ids[1]}").click().run()
    assert not page.exception
    assert [box.value for box in page.main.error] == [
        f"Run '{ids[1]}' is the classifier in use for 'demo': promote another or roll back first."
    ]
    assert "run bbbb" in strip(page)
    (page_root / "active" / "demo.json").unlink()
    shutil.rmtree(page_root / "runs" / ids[2])
    page.button(key="rollback_classifier").click().run()
    assert "No other classifier" in page.main.error[0].value


def test_a_failed_run_can_be_looked_at_and_deleted(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    mine = Workspace(page_root)
    failed = mine.runs.create("classifier", "demo", {"trees": 9}, mine.dataset("demo").fingerprint)
    failed.write_result("failed", error="no space left.")
    page = open_page("train", classifier_runs=failed.id)
    assert not page.exception
    assert "This training failed (no space left): it has no scores." in [box.value for box in page.main.info]
    assert not [each for each in page.button if each.key == f"use_{failed.id}"]
    page.query_params["classifier_runs"] = f"{failed.id},{ids[0]}"
    page.run()
    assert not page.exception
    page.button(key=f"delete_{failed.id}").click().run()
    assert not failed.path.exists()


def test_headline_scores_stand_side_by_side(open_page: Opener, page_root: Path, ids: list[str]) -> None:
    path = page_root / "runs" / ids[1] / "result.json"
    result = json.loads(path.read_text())
    result["metrics"]["splits"]["series"]["model"]["samples_f1"] = 0.12345
    path.write_text(json.dumps(result))
    page = open_page("train", classifier_runs=f"{ids[0]},{ids[1]}")
    splits = (Workspace(page_root).runs.get(ids[0]).result or {})["metrics"]["splits"]
    shown = [(each.label, each.value, each.delta) for each in page.main.metric]
    majority = f"majority {splits['series']['majority']['samples_f1']:.3f}"
    assert ("F1, series", f"{splits['series']['model']['samples_f1']:.3f}", majority) in shown
    assert ("F1, series", "0.123", majority) in shown
    assert len([each for each in shown if each[0] == "F1, random"]) == 2


def test_headline_tiles_without_scores() -> None:
    assert registry.headline_tiles("classifier", {}) == []
    assert registry.headline_tiles("generator", {}) == []
    only = {"splits": {"random": {"model": {"samples_f1": 0.5}, "majority": {"samples_f1": 0.25}}, "series": None}}
    assert [tile[:2] for tile in registry.headline_tiles("classifier", only)] == [("F1, random", "0.500")]
    card = {"scorecard": [{"verdict": "pass", "beats_baseline": None}, {"verdict": "fail", "beats_baseline": True}]}
    assert [tile[:2] for tile in registry.headline_tiles("generator", card)] == [
        ("Targets met", "1 of 2"),
        ("≥ PCA-Gaussian", "1 of 1"),
    ]


@pytest.mark.parametrize("kind", ["classifier", "generator"])
def test_the_card_is_shown_and_can_be_taken_away(open_page: Opener, page_root: Path, kind: str) -> None:
    tab = {"classifier": {}, "generator": {"model": "Synthetic samples"}}[kind]
    page = open_page("train", **tab)
    assert not page.exception
    mine = Workspace(page_root)
    run = mine.active(mine.dataset("demo"), kind)
    assert run is not None
    text = wf.card_markdown(wf.model_card(mine, run.id))
    shown = next(each.value for each in page.main.markdown if "Model card" in each.value)
    assert shown.replace("#", "").strip() == text.replace("#", "").strip()
    keys = {str(each.proto.id).split("-")[-1] for each in page.get("download_button")}
    assert {f"card_md_{run.id}".split("-")[-1], f"card_json_{run.id}".split("-")[-1]} <= keys
