"""The section "Do they help?" of the Synthetic page, without a browser."""

import shutil
from pathlib import Path

import pytest

from core import jobs
from core import workflows as wf
from core.errors import CancelledError
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from tests.pages.conftest import Opener

QUICK = {"label": "brain", "seeds": 2, "sizes": (2, 5), "steps": 5, "trees": 10, "genes": 60}


def _created(root: Path, **more: object) -> tuple[Workspace, Run]:
    workspace = Workspace(root)
    parameters = wf.study_parameters(workspace, "demo", **(QUICK | more))
    return workspace, workspace.runs.create("augmentation", "demo", parameters, workspace.dataset("demo").fingerprint)


def _study(root: Path, **more: object) -> Run:
    workspace, run = _created(root, **more)
    wf.perform(workspace, run, silent)
    return run


def test_without_a_study_it_says_how_to_get_one_even_without_a_generator(open_page: Opener, page_root: Path) -> None:
    for folder in (page_root / "runs").glob("*generator*"):
        shutil.rmtree(folder)
    page = open_page("synthetic")
    assert not page.exception
    assert any("No study of this dataset yet" in box.value for box in page.main.info)
    assert page.selectbox(key="study_label").value == "brain"


def test_a_finished_study_shows_table_verdict_and_notes(open_page: Opener, page_root: Path) -> None:
    run = _study(page_root)
    page = open_page("synthetic", n="5")
    assert not page.exception
    table = next(each.value for each in page.main.dataframe if "difference" in each.value.columns)
    assert set(table["arm"]) == {
        "nothing done",
        "class weights",
        "oversampling",
        "SMOTE",
        "PCA-Gaussian",
        "GAN",
        "flow matching",
    }
    assert table.query("arm == 'GAN' and size == '2'")["status"].tolist() == ["too few"]
    assert table.query("arm == 'GAN' and size == '2'")["average_precision"].tolist() == [""]
    view = wf.study(Workspace(page_root), run.id)
    words = [each.value for each in page.main.markdown]
    assert all(f"- {text}" in words for text in view.verdicts)
    captions = " ".join(each.value for each in page.main.caption)
    assert all(note in captions for note in view.notes)


def test_the_address_names_the_study(open_page: Opener, page_root: Path) -> None:
    first = _study(page_root, arms=("none",))
    second = _study(page_root, arms=("smote",))
    page = open_page("synthetic", n="5", study=first.id)
    assert page.selectbox(key="pick_study").value == first.id
    page.selectbox(key="pick_study").set_value(second.id).run()
    assert page.query_params["study"] in (second.id, [second.id])
    table = next(each.value for each in page.main.dataframe if "difference" in each.value.columns)
    assert "SMOTE" in set(table["arm"])


def test_the_form_starts_a_study(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, dict[str, object]]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, *task: asked.append(task))
    page = open_page("synthetic", n="5")
    page.selectbox(key="study_label").set_value("liver")
    page.number_input(key="study_seeds").set_value(7)
    next(button for button in page.main.button if button.label == "Start the study").click().run()
    assert not page.exception
    ((kind, name, parameters),) = asked
    assert (kind, name) == ("augmentation", "demo")
    assert (parameters["label"], parameters["seeds"], parameters["steps"]) == ("liver", 7, 500)


def test_a_stopped_study_shows_what_it_has_and_goes_on(
    open_page: Opener, page_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = _created(page_root, arms=("none",))

    def stop(stage: str, done: float, total: float, **values: float | str) -> None:
        if done > 1.2:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        wf.perform(workspace, run, stop)
    launched: list[str] = []
    monkeypatch.setattr(jobs, "launch", lambda workspace, run: launched.append(run.id))
    page = open_page("synthetic", n="5")
    assert any("cancelled with 1 replicates finished" in box.value for box in page.main.warning)
    next(button for button in page.main.button if button.label == "Go on").click().run()
    assert launched == [run.id]
    assert not page.exception


def test_a_study_of_other_content_is_not_shown(open_page: Opener, page_root: Path) -> None:
    workspace, run = _created(page_root)
    shutil.rmtree(run.path)
    other = workspace.runs.create("augmentation", "demo", {"label": "brain"}, "another fingerprint")
    page = open_page("synthetic", n="5")
    assert any("No study of this dataset yet" in box.value for box in page.main.info)
    assert all(other.id not in str(each.options) for each in page.main.selectbox)
