import subprocess
import sys

import numpy as np
import pytest

from core.errors import InputError
from core.settings import PROJECT
from core.store.building import alone, building, finished, load_arrays, publish, recover, save_arrays, tidy
from core.store.files import write_json

WHAT = {"fingerprint": "f", "recipe": {"unit": "kb"}}


@pytest.fixture
def final(tmp_path):
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets" / "mine"


def test_another_attempt_finds_what_the_last_one_left(final):
    with pytest.raises(OSError, match="full"), building(final, WHAT) as folder:
        (folder / "counts" / "000000.tiles").touch()
        raise OSError("disk full")
    with building(final, WHAT) as folder:
        assert (folder / "counts" / "000000.tiles").exists()
    with building(final, {**WHAT, "recipe": {"unit": "bp"}}) as folder:
        assert not (folder / "counts" / "000000.tiles").exists()


def test_bad_input_leaves_nothing(final):
    with pytest.raises(InputError), building(final, WHAT):
        raise InputError("no such gene")
    assert list(final.parent.iterdir()) == []


def test_one_process_at_a_time(final):
    with building(final, WHAT):
        with pytest.raises(InputError, match="'mine' is being built right now"), building(final, WHAT):
            pass
        with building(final.with_name("other"), WHAT):
            pass
    with building(final, WHAT):
        pass


def test_a_killed_process_gives_the_lock_back(final):
    code = f"""
import os, pathlib
from core.store.building import building
with building(pathlib.Path({str(final)!r}), {WHAT!r}) as folder:
    (folder / "mark").touch()
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == -9
    with building(final, WHAT) as folder:
        assert (folder / "mark").exists()


def test_arrays_come_back_and_nothing_is_left_aside(tmp_path):
    save_arrays(tmp_path / "x.npz", {"a": np.arange(3), "b": np.array(["x", "yy"])})
    found = load_arrays(tmp_path / "x.npz")
    assert found["a"].tolist() == [0, 1, 2]
    assert found["b"].tolist() == ["x", "yy"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_tidy_keeps_what_a_dataset_is_made_of(final):
    with building(final, WHAT) as folder:
        for name in (
            "counts/000000.tiles",
            "counts/000000.npz",
            "expression/000000.npy",
            "plan.npz",
            "target.npy",
            "counts/.x.tiles.9",
        ):
            (folder / name).touch()
        tidy(folder)
        left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {"counts/000000.tiles", "target.npy"}


def test_one_that_wanted_nothing_but_its_place_is_found_finished(final):
    with building(final, WHAT) as folder:
        assert finished(folder, WHAT) is None
        write_json(folder / "manifest.json", {**WHAT, "name": "mine"})
        tidy(folder)
    with building(final, WHAT) as folder:
        assert finished(folder, WHAT)["name"] == "mine"
        tidy(folder)  # again is harmless
        publish(folder, final)
    assert [path.name for path in final.parent.iterdir()] == ["mine"]
    with building(final, {**WHAT, "fingerprint": "other"}) as folder:
        assert finished(folder, WHAT) is None


def test_a_damaged_note_of_an_earlier_attempt_is_begun_anew(final):
    with pytest.raises(OSError, match="full"), building(final, WHAT) as folder:
        (folder / "counts" / "000000.tiles").touch()
        (folder / "making.json").write_text("{")
        raise OSError("disk full")
    with building(final, WHAT) as folder:
        assert not (folder / "counts" / "000000.tiles").exists()


def test_a_dataset_whose_replacement_was_killed_comes_back(final):
    old = final.with_name(".mine.old")
    old.mkdir()
    with alone(final):  # somebody is at it right now
        recover(final.parent)
        assert old.exists()
    recover(final.parent)
    assert (final.exists(), old.exists()) == (True, False)
    old.mkdir()
    recover(final.parent)  # left over after the new one was in place
    assert (final.exists(), old.exists()) == (True, False)
