"""The job tray in the sidebar, without a browser: what runs, what ended and how, its log, taking it off the list."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.store.files import write_json
from core.store.runs import Run
from core.store.workspace import Workspace
from pages.ui import state, tray
from tests.pages.conftest import Opener
from tests.pages.opening import address


def said(app: AppTest) -> str:
    """All text of the sidebar."""
    return "\n".join(str(each.value) for each in [*app.sidebar.markdown, *app.sidebar.caption])


def keys(app: AppTest, start: str) -> list[str]:
    return [str(button.key) for button in app.sidebar.button if str(button.key).startswith(start)]


def links(app: AppTest) -> list[tuple[str, str]]:
    """The page links of the sidebar: their words and where they lead."""
    return [(link.proto.label, link.proto.query_string) for link in app.sidebar.get("page_link")]


def bars(app: AppTest) -> list[tuple[int, str]]:
    """The progress bars of the sidebar: percent and words."""
    return [(bar.proto.value, bar.proto.text) for bar in app.sidebar.get("progress")]


@pytest.fixture
def live(page_root: Path) -> Iterator[Run]:
    """A training with a process of its own, a quarter done."""
    run = Workspace(page_root).runs.create("classifier", "demo", {})
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    run.claim(child.pid)
    jobs.FileProgress(run)("growing trees", 1, 4, trees=1)
    yield run
    child.kill()
    child.wait()


def ended(root: Path, kind: str, status: str, dataset: str = "demo", **content: object) -> Run:
    run = Workspace(root).runs.create(kind, dataset, {})
    run.write_result(status, **content)
    return run


def test_a_job_at_work_has_its_bar_and_is_cancelled_from_there(open_page: Opener, live: Run) -> None:
    app = open_page("overview")
    assert not app.exception
    assert [(value, text.split(":")[0]) for value, text in bars(app)] == [(25, "Classifier · demo")]
    assert "growing trees" in bars(app)[0][1]
    app.sidebar.button(key=f"tray-cancel-{live.id}").click().run()
    assert not app.exception
    assert live.status == "cancelled"
    assert live.process() is None
    again = open_page("overview")
    assert bars(again) == []
    assert "Classifier" in said(again)
    assert "cancelled" in said(again)


def test_what_ended_well_leads_to_its_result(open_page: Opener, page_root: Path) -> None:
    study = ended(page_root, "augmentation", "done", metrics={})
    app = open_page("data")
    found = dict(links(app))
    assert set(found) == {"Synthetic study", "Generator", "Classifier"}
    assert f"study={study.id}" in found["Synthetic study"]
    classifier = Workspace(page_root).runs.all("demo", "classifier")[0]
    assert f"classifier_runs={classifier.id}" in found["Classifier"]


def test_what_failed_is_no_link_and_one_of_another_dataset_is_named_with_it(open_page: Opener, page_root: Path) -> None:
    ended(page_root, "build", "failed", "other", error="x.h5 is no HDF5 file.")
    app = open_page("data")
    assert "Build · other: failed" in said(app)
    assert "Build" not in " ".join(words for words, _ in links(app))


def test_a_result_of_a_dataset_that_is_gone_is_no_link(open_page: Opener, page_root: Path) -> None:
    ended(page_root, "projection", "done", "gone", metrics={})
    app = open_page("data")
    assert "Map of biosamples · gone: done" in said(app)


def test_a_job_that_died_without_a_result_is_listed_as_failed(open_page: Opener, page_root: Path) -> None:
    run = Workspace(page_root).runs.create("generator", "demo", {})
    write_json(run.path / "process.json", {"pid": 2**22 - 1, "started": 0.0})
    app = open_page("data")
    assert not app.exception
    assert "Synthetic generator: failed" in said(app)


def test_clear_takes_everything_off_the_list_and_keeps_what_was_made(open_page: Opener, page_root: Path) -> None:
    app = open_page("overview")
    assert len(links(app)) == 2
    app.sidebar.button(key="tray-clear").click().run()
    assert links(app) == []
    assert keys(app, "tray-") == []
    assert [run.status for run in Workspace(page_root).runs.all()] == ["done", "done"]
    assert not open_page("overview").exception


def test_the_log_of_a_job_has_its_error_and_a_line_a_stage(page_root: Path) -> None:
    failed = ended(page_root, "generator", "failed", error="out of memory")
    for stage, done in (("reading", 1), ("training", 2), ("training", 3)):
        jobs.FileProgress(failed)(stage, done, 4, step=done)

    def log(run: "Run") -> None:  # its text alone is run
        from pages.ui import tray

        tray._show_log(run)

    app = AppTest.from_function(log, kwargs={"run": failed}).run()
    assert not app.exception
    assert [box.value for box in app.error] == ["out of memory"]
    assert [line.split(None, 1)[1] for line in app.code[0].value.split("\n")] == ["25%  reading", "75%  training"]
    assert f"run `{failed.id}`" in app.caption[0].value


def test_an_empty_tray_shows_nothing(open_page: Opener, page_root: Path) -> None:
    jobs.dismiss(Workspace(page_root).runs.all())
    app = open_page("overview")
    assert "Jobs" not in said(app)


def test_a_crowd_looks_less_often_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tray._pace(1) == tray._pace(tray.FEW) == tray.OFTEN
    assert tray._pace(50) == 5 * tray._pace(10)
    now = [0.0]
    seen: dict[str, float] = {}
    monkeypatch.setattr(tray, "_looks", lambda: seen)
    monkeypatch.setattr(tray.time, "monotonic", lambda: now[0])
    for number in range(3):
        monkeypatch.setattr(tray, "get_script_run_ctx", lambda number=number: SimpleNamespace(session_id=str(number)))
        assert tray._crowd() == number + 1
    now[0] = tray.HERE + 1
    assert tray._crowd() == 1  # the others have gone


def test_a_part_that_runs_alone_writes_nothing_into_the_address(
    open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("gene", gene="MARKER1")
    assert address(app)["gene"]
    del app.query_params["gene"]
    monkeypatch.setattr(state, "by_itself", lambda: True)
    app.run()
    assert "gene" not in address(app)
    monkeypatch.setattr(state, "by_itself", lambda: False)
    assert address(app.run())["gene"]
