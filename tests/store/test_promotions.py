import json
import subprocess
import sys

import pytest

from core.errors import StoreError
from core.settings import PROJECT
from core.store.promotions import BACK, FIRST, PROMOTED, Promotion, Promotions


@pytest.fixture
def book(tmp_path):
    return Promotions(tmp_path / "active")


def note(book, *runs, action=PROMOTED, kind="classifier"):
    for run in runs:
        with book.lock("demo"):
            book.record("demo", kind, [Promotion(run, action, "2026-01-01T00:00:00+00:00")])


def at_once(commands):
    """Runs processes that say when they are ready, all let go at the same moment."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": PROJECT}
    started = [subprocess.Popen(command, **pipes) for command in commands]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=100)
    assert [process.returncode for process in started] == [0] * len(started)


def test_nothing_is_chosen_at_first(book):
    assert book.chosen("demo", "classifier") is None
    assert book.history("demo", "classifier") == []
    assert book.before("demo", "classifier") == []


def test_kinds_and_datasets_are_apart(book):
    note(book, "a", "b")
    note(book, "g", kind="generator")
    assert (book.chosen("demo", "classifier"), book.chosen("demo", "generator")) == ("b", "g")
    assert book.before("demo", "classifier") == ["a"]
    assert book.before("demo", "generator") == []
    assert book.chosen("other", "classifier") is None


@pytest.mark.parametrize(
    ("steps", "before"),
    [
        ("a b c", ["b", "a"]),
        ("a b c <b", ["a"]),
        ("a b c <b <a", []),
        ("a b c <b d", ["b", "a"]),  # c was given up: the way back does not pass it again
        ("a b c <a d", ["a"]),  # b was passed over
        ("a b a", ["b", "a"]),
        ("a b a <b", ["a"]),
        ("a b a b <a c <a <b", ["a"]),
    ],
)
def test_the_way_back(book, steps, before):
    for step in steps.split():
        note(book, step.lstrip("<"), action=BACK if step.startswith("<") else PROMOTED)
    assert book.before("demo", "classifier") == before
    assert [entry.run for entry in book.history("demo", "classifier")] == steps.replace("<", "").split()


def test_a_file_of_an_older_version_is_read_and_goes_on(book):
    book.folder.mkdir()
    path = book.folder / "demo.json"
    path.write_text(json.dumps({"classifier": "old", "generator": "g"}))
    assert book.history("demo", "classifier") == [Promotion("old", PROMOTED, None)]
    note(book, "new")
    assert book.before("demo", "classifier") == ["old"]
    assert book.chosen("demo", "generator") == "g"
    content = json.loads(path.read_text())
    assert content["classifier"] == "new"  # where an older version looks
    path.write_text(json.dumps({**content, "classifier": "older"}))  # as an older version would write it
    assert book.chosen("demo", "classifier") == "older"
    assert book.before("demo", "classifier") == ["new", "old"]


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"history": []}', '{"history": {"classifier": [1]}}', '{"history": {"classifier": [{}]}}']
)
def test_a_damaged_file_says_so(book, content):
    book.folder.mkdir()
    (book.folder / "demo.json").write_text(content)
    with pytest.raises(StoreError, match=r"demo\.json"):
        book.history("demo", "classifier")


def test_a_folder_that_cannot_be_made_says_so(book):
    book.folder.write_text("a file lies in its place")
    with pytest.raises(StoreError, match="make the folder writable"), book.lock("demo"):
        raise AssertionError("not reached")


def test_processes_wait_for_one_another(book):
    code = (
        "import sys, pathlib; from core.store.promotions import *\n"
        "book, name = Promotions(pathlib.Path(sys.argv[1])), sys.argv[2]\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(40):\n"
        "    with book.lock('demo'): book.record('demo', 'classifier', [Promotion(f'{name}{n}', FIRST, None)])\n"
    )
    command = [sys.executable, "-c", code, str(book.folder)]
    at_once([[*command, name] for name in "ab"])
    found = [entry.run for entry in book.history("demo", "classifier")]
    for name in "ab":
        assert [run for run in found if run.startswith(name)] == [f"{name}{n}" for n in range(40)]
    assert found[-1] == book.chosen("demo", "classifier")
    assert FIRST in {entry.action for entry in book.history("demo", "classifier")}
