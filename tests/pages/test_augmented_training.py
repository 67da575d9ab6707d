"""Synthetic samples in a classifier's training and stopped GAN trainings, on their pages, without a browser."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core import workflows as wf
from core.errors import CancelledError
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.conftest import train
from tests.pages.conftest import Opener
from tests.pages.test_train import text_of

PARAMETERS = {"trees": 5, "genes": 40, "augment": ["heart"], "augment_to": 40}


@pytest.fixture(scope="module")
def trained(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("augmented") / "data"
    shutil.copytree(demo_root, root)
    train(Workspace(root), "classifier", **PARAMETERS)
    return root


@pytest.fixture
def augmented(trained: Path, page_root: Path) -> Run:
    """The run of the module, in the page's own folder."""
    run = Workspace(trained).runs.all("demo", "classifier")[0]
    shutil.copytree(run.path, page_root / "runs" / run.id)
    return Workspace(page_root).runs.get(run.id)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, kind, name, parameters: found.append(parameters))
    return found


def test_the_evaluation_shows_with_and_without_side_by_side(open_page: Opener, augmented: Run) -> None:
    page = open_page("train", classifier_runs=augmented.id)
    assert not page.exception
    metrics = wf.run_view(Workspace(augmented.path.parent.parent), augmented.id).metrics
    text = text_of(page)
    assert "With and without synthetic samples" in [head.value for head in page.subheader]
    for line in wf.augmentation_verdicts(metrics):
        assert line in text
    table = next(each.value for each in page.main.dataframe if "without" in each.value.columns)
    of_series = metrics["augmentation"]["splits"]["series"]["labels"][0]["average_precision"]
    row = table[(table["split"] == "whole series held back") & (table["measure"] == "average precision")].iloc[0]
    assert (row["with"], row["without"]) == (of_series["with"], of_series["without"])
    assert len(table) == 8  # two splits: three measures of the label, and all labels
    scores = next(each.value for each in page.main.dataframe if "samples-averaged F1" in each.value.columns)
    assert "without synthetic samples" in set(scores["model"])
    assert any("augmented" in chart.proto.id for chart in page.get("plotly_chart"))


def test_a_run_without_them_says_nothing_of_it(open_page: Opener, page_root: Path) -> None:
    page = open_page("train")
    assert "With and without synthetic samples" not in [head.value for head in page.subheader]


def test_the_history_names_what_was_added(open_page: Opener, augmented: Run) -> None:
    page = open_page("train")
    history = next(each.value for each in page.main.dataframe if "parameters" in each.value.columns)
    words = history.set_index("id").loc[augmented.id, "parameters"]
    assert words == "5 trees, 40 genes, synthetic heart added (pca-gaussian)"


def test_labels_are_chosen_the_rarest_first_and_none_to_begin_with(
    open_page: Opener, asked: list[dict[str, Any]], page_root: Path
) -> None:
    page = open_page("train")
    labels = page.main.multiselect(key="augment_labels")
    assert labels.value == []
    sizes = Workspace(page_root).dataset("demo").labels.groupby("label").size()
    found = [int(option.rsplit("(", 1)[1].rstrip(")").replace(",", "")) for option in labels.options]
    assert found == sorted(size for size in sizes if size >= 5)
    page.main.button[0].click().run()
    assert not any(name.startswith("augment") for name in asked[0])


def test_a_training_starts_with_the_chosen_labels_and_generator(open_page: Opener, asked: list[dict[str, Any]]) -> None:
    page = open_page("train")
    page.main.multiselect(key="augment_labels").set_value(["heart", "brain"]).run()
    assert "seconds" in text_of(page)
    page.main.selectbox(key="augment_model").set_value("wgan-gp").run()
    assert "A GAN of 500 steps takes about 12 seconds each time: 3 minutes or so in all" in text_of(page)
    page.main.number_input(key="augment_to").set_value(60)
    page.main.number_input(key="augment_steps").set_value(200)
    next(button for button in page.main.button if button.label == "Start training").click().run()
    assert not page.exception
    [parameters] = asked
    chosen = {name: value for name, value in parameters.items() if name.startswith("augment")}
    assert chosen == {
        "augment": ["heart", "brain"], "augment_model": "wgan-gp", "augment_to": 60, "augment_steps": 200
    }  # fmt: skip


def test_what_cannot_be_trained_is_said_and_not_started(open_page: Opener, asked: list[dict[str, Any]]) -> None:
    page = open_page("train")
    page.main.multiselect(key="augment_labels").set_value(["brain"]).run()
    fields = {field.label: field for field in page.main.number_input}
    fields["Min. label count"].set_value(50)
    next(button for button in page.main.button if button.label == "Start training").click().run()
    assert not asked and not page.exception
    assert "Label 'brain' cannot be filled up" in page.main.error[0].value


@pytest.fixture
def stopped(page_root: Path) -> Run:
    """A GAN's training that was cancelled after ten steps."""
    workspace = Workspace(page_root)
    run = workspace.runs.create(
        "generator", "demo", {"label": "brain", "steps": 40}, workspace.dataset("demo").fingerprint
    )

    def cancel(stage: str, done: float, total: float, **values: float | str) -> None:
        if wf.steps_done(run)[0] >= 10:
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        wf.perform(workspace, run, cancel)
    return run


@pytest.mark.parametrize("name", ["train", "synthetic"])
def test_a_stopped_gan_can_be_resumed_on_both_pages(
    open_page: Opener, stopped: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[Run] = []
    monkeypatch.setattr(jobs, "launch", lambda workspace, run: launched.append(run))
    page = open_page(name, **({"model": "Synthetic samples", "generator_runs": stopped.id} if name == "train" else {}))
    assert not page.exception
    button = page.button(key=f"resume_{stopped.id}")
    assert button.label == "Resume from step 10 of 40"
    button.click().run()
    assert not page.exception
    assert [run.id for run in launched] == [stopped.id]
    assert not (stopped.path / "cancelled").exists()
    assert wf.steps_done(stopped) == (10, 40)  # what it goes on from is still there


def test_a_finished_gan_has_nothing_to_resume(open_page: Opener) -> None:
    for page in (open_page("train", model="Synthetic samples"), open_page("synthetic")):
        assert not [button for button in page.button if str(button.key).startswith("resume_")]
