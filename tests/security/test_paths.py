"""Paths that a page names lie below configured folders, however spelt, when asked for and when opened."""

import os
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs, workflows
from core.__main__ import main
from core.errors import InputError, NotFoundError
from core.settings import PROJECT
from core.sources import confined
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from pages.ui import adding, building
from tests.pages.opening import errors, open_page
from tests.security.conftest import Places


def message(text: str) -> str:
    with pytest.raises(NotFoundError) as caught:
        confined.real_path(text)
    return str(caught.value)


def test_a_file_below_a_configured_folder_is_opened_by_its_real_path(places: Places) -> None:
    (places.allowed / "link.h5").symlink_to(places.allowed / "counts.h5")
    for spelt in ("counts.h5", "./counts.h5", "../allowed/counts.h5", "link.h5", " counts.h5 "):
        assert confined.real_path(f"{places.allowed}/{spelt}".replace("/ ", "/")) == places.allowed / "counts.h5"


def hostile(places: Places) -> list[str]:
    """Ways out of the folder: all of these name something that is there, and could be read."""
    link, folder = places.allowed / "out.h5", places.allowed / "inner"
    link.symlink_to(places.outside / "counts.h5")
    folder.symlink_to(places.outside)
    twice = places.allowed / "twice.h5"
    twice.symlink_to(link)
    return [
        str(places.outside / "counts.h5"), f"{places.allowed}/../allowed-not/counts.h5", str(link), str(twice),
        f"{folder}/counts.h5", f"{places.allowed}-not/counts.h5", "/etc/passwd", "/proc/self/environ", "/dev/zero",
        f"//{places.outside}/counts.h5", os.path.relpath(places.outside / "counts.h5"), "~root", "~/../..",
        str(places.root / "datasets/demo/manifest.json"), str(places.root / "runs"), str(PROJECT / "core/settings.py"),
        str(PROJECT / "data/../core/settings.py"),
    ]  # fmt: skip


def test_no_way_out_of_the_folders_is_taken(places: Places) -> None:
    for path in hostile(places):
        assert "that may be opened from here" in message(path)


@pytest.mark.parametrize("path", ["a\0b", "\0", "~nobody-of-that-name/x", "x" * 5000, "a/" * 3000, "\udcff", "", "."])
def test_what_is_no_path_is_refused_in_the_same_words(places: Places, path: str) -> None:
    assert "that may be opened from here" in message(path)


def test_forbidden_and_missing_are_told_in_the_same_words(places: Places) -> None:
    there, missing = places.outside / "counts.h5", places.outside / "nothing.h5"
    assert message(str(there)).replace("counts", "nothing") == message(str(missing))
    inside = places.allowed / "nothing.h5"
    assert message(str(inside)).replace(str(places.allowed), str(places.outside)) == message(str(missing))


def test_without_configured_folders_a_laptop_opens_what_its_user_may(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARCHSCOPE_FOLDERS")
    assert confined.real_path(str(places.outside / "counts.h5")) == places.outside / "counts.h5"
    assert confined.real_path("~/x.h5") == Path("~/x.h5").expanduser()
    for path in ("~nobody-of-that-name/x", ""):
        assert not isinstance(_refused(path), RuntimeError)


def _refused(path: str) -> Exception | None:
    try:
        confined.real_path(path)
    except InputError as error:
        return error
    return None


def test_where_people_sign_in_nothing_is_open_but_what_pages_put_there(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARCHSCOPE_FOLDERS")
    monkeypatch.setenv("ARCHSCOPE_ROLES", str(places.root / "roles.toml"))
    (places.root / "roles.toml").write_text("secret = true")
    (places.root / "downloads").mkdir()
    shutil.copy(places.allowed / "counts.h5", places.root / "downloads" / "slice.h5")
    assert confined.real_path(str(places.root / "downloads" / "slice.h5"))
    assert confined.real_path(str(PROJECT / "data" / "label_vocabulary.tsv"))
    for path in (places.allowed / "counts.h5", places.root / "roles.toml", places.root / "archscope.duckdb"):
        assert "that may be opened from here" in message(str(path))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Jobs that pages ask for; nothing works on them."""
    found: list[Run] = []

    def start(workspace: Workspace, kind: str, dataset: str, parameters: dict[str, object]) -> Run:
        found.append(workspace.runs.create(kind, dataset, parameters))
        return found[-1]

    monkeypatch.setattr(jobs, "start", start)
    st.cache_data.clear()
    st.cache_resource.clear()
    return found


def fill(app: AppTest, button: str, **paths: Path | str) -> AppTest:
    for key, path in paths.items():
        app.text_input(key=f"{key}_path").set_value(str(path))
    return next(each for each in app.button if each.label == button).click().run()


def form(name: str, **paths: Path | str) -> AppTest:
    app = open_page("data", dataset="demo")
    app.text_input(key="build_name").set_value(name)
    return fill(app, "Build", **paths)


@pytest.mark.parametrize("field", ["counts", "labels", "lengths"])
def test_the_build_form_takes_no_file_from_outside(places: Places, asked: list[Run], field: str) -> None:
    good = {"counts": "counts.h5", "labels": "labels.tsv", "lengths": "lengths.tsv"}
    paths = {key: places.allowed / file for key, file in good.items()}
    app = form("mine", **paths | {field: places.outside / good[field]})
    assert ["that may be opened from here" in text for text in errors(app)] == [True]
    assert asked == []
    assert not errors(form("mine", **paths))
    assert asked[0].recipe["parameters"][field] == str(paths[field])


@pytest.mark.parametrize("field", ["counts", "labels"])
def test_the_form_that_adds_takes_no_file_from_outside(places: Places, asked: list[Run], field: str) -> None:
    paths = {"add_counts": places.allowed / "counts.h5", "add_labels": places.allowed / "labels.tsv"}
    outside = places.outside / paths[f"add_{field}"].name
    app = fill(open_page("data", dataset="demo"), "Add", **paths | {f"add_{field}": outside})
    assert ["that may be opened from here" in text for text in errors(app)] == [True]
    assert asked == []


def sources(places: Places, **more: Path) -> dict[str, building.Source]:
    paths = {key: places.allowed / f"{key}.{end}" for key, end in (("counts", "h5"), ("lengths", "tsv"))} | more
    return {key: building.Source(str(path)) for key, path in paths.items()}


SETTINGS = {"length_measure": "spliced", "length_unit": "kb", "repeated_genes": "sum", "max_singlecell": 0.5}


@pytest.mark.parametrize("field", ["label_rules", "label_parents"])
def test_rules_and_parents_from_outside_are_refused_as_well(places: Places, asked: list[Run], field: str) -> None:
    with pytest.raises(NotFoundError, match="that may be opened from here"):
        building.start(
            Workspace(places.root), "mine", sources(places, **{field: places.outside / "labels.tsv"}), SETTINGS
        )
    assert asked == []


def label_folder(places: Places) -> Path:
    folder = places.allowed / "tissues"
    (folder / "brain").mkdir(parents=True)
    ids = Workspace(places.root).dataset("demo").biosamples["sample_id"]
    (folder / "brain" / "all.tsv").write_text("gene\t" + "\t".join(ids[:5]) + "\n")
    return folder


@pytest.mark.parametrize("what", ["table", "label", "group"])
def test_a_link_that_leads_out_of_a_label_folder_is_refused(places: Places, asked: list[Run], what: str) -> None:
    folder, workspace = label_folder(places), Workspace(places.root)
    building.start(workspace, "mine", sources(places, labels=folder), SETTINGS)
    (places.outside / "liver").mkdir()
    shutil.copy(folder / "brain" / "all.tsv", places.outside / "liver" / "all.tsv")
    link, to = {
        "table": (folder / "brain" / "more.tsv", places.outside / "liver" / "all.tsv"),
        "label": (folder / "liver", places.outside / "liver"),
        "group": (folder / "tissue", places.outside),
    }[what]
    link.symlink_to(to)
    with pytest.raises(NotFoundError, match="that may be opened from here"):
        building.start(workspace, "other", sources(places, labels=folder), SETTINGS)
    link.unlink()
    link.symlink_to(places.allowed / "labels.tsv")  # a link to what may be opened anyway
    building.start(workspace, "other", sources(places, labels=folder), SETTINGS)


def test_a_link_put_in_place_of_a_file_after_it_was_asked_for_is_not_followed(places: Places, asked: list[Run]) -> None:
    workspace = Workspace(places.root)
    run = building.start(workspace, "mine", sources(places), SETTINGS)
    (places.allowed / "counts.h5").rename(places.allowed / "elsewhere.h5")
    for target in (places.outside / "counts.h5", places.allowed / "elsewhere.h5"):
        (places.allowed / "counts.h5").unlink(missing_ok=True)
        (places.allowed / "counts.h5").symlink_to(target)
        with pytest.raises(NotFoundError, match="that may be opened from here"):
            workflows.perform(workspace, run, silent)
        assert run.status == "failed"
    assert [found.name for found in workspace.datasets()] == ["demo"]


@pytest.mark.parametrize("kind", ["build", "add"])
def test_a_recipe_that_names_a_file_outside_is_refused_by_the_worker(places: Places, kind: str) -> None:
    workspace = Workspace(places.root)
    paths = {"counts": str(places.outside / "counts.h5"), "label_rules": str(PROJECT / "data/label_vocabulary.tsv")}
    more = {"length_measure": "none"} if kind == "build" else {}
    run = workspace.runs.create(kind, "demo", paths | more)
    jobs.launch(workspace, run).process().wait(120)
    assert run.status == "failed"
    assert "that may be opened from here" in run.error


def test_the_command_line_is_not_confined(places: Places) -> None:
    files = {key: places.outside / f"{key}.{end}" for key, end in (("lengths", "tsv"), ("labels", "tsv"))}
    given = [part for key, path in files.items() for part in (f"--{key}", str(path))]
    assert (
        main(["--data-dir", str(places.root), "build", str(places.outside / "counts.h5"), "--name", "mine", *given])
        == 0
    )
    assert "that may be opened from here" in message(str(places.outside / "counts.h5"))  # and afterwards they are again


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../evil.h5", "evil.h5"), ("..\\..\\evil.h5", "evil.h5"), ("/etc/cron.d/evil", "evil"), ("..", "upload"),
        ("", "upload"), (".bashrc", "bashrc"), ("a\0b.h5", "a_b.h5"), ("C:evil.h5", "C_evil.h5"),
        ("x" * 400 + ".tsv.gz", "x" * 113 + ".tsv.gz"), ("\N{FULLWIDTH SOLIDUS}etc.h5", "_etc.h5"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}5h.exe", "_5h.exe"), ("naïve données.h5", "naïve_données.h5"),
    ],
)  # fmt: skip
def test_an_upload_is_written_where_uploads_belong_whatever_it_is_called(
    places: Places, asked: list[Run], name: str, kept: str
) -> None:
    class Upload:
        def __init__(self) -> None:
            content = (places.allowed / "counts.h5").read_bytes()
            self.name, self.size, self._left = name, len(content), [content, b""]

        def read(self, _size: int) -> bytes:
            return self._left.pop(0)

    adding.start(Workspace(places.root), "demo", building.Source(upload=Upload()), building.Source(), False)
    written = Path(asked[0].recipe["parameters"]["counts"])
    assert written.relative_to(places.root / "uploads" / "demo").parts[1:] == ("counts", kept)
    assert written.is_file()
