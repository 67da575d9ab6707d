"""What a disk refuses is told in one line: what, where, how much room is left, and what to do."""

import errno
import os
from pathlib import Path

import pytest

from core.errors import RecipeError, StoreError
from core.store.disk import on_disk, refusal, room


def told(folder: Path, error: Exception) -> str:
    with pytest.raises(StoreError) as caught, on_disk(folder):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk of {} is full"), (errno.EDQUOT, "The disk of {} is full"),
        (errno.EFBIG, "A file in {} may not grow any more"), (errno.EROFS, "{} is read-only"),
        (errno.EACCES, "{} may not be written by this user"), (errno.EIO, "{}: Input/output error"),
    ],
)  # fmt: skip
def test_each_reason_has_its_line(tmp_path: Path, number: int, words: str) -> None:
    said = told(tmp_path, OSError(number, os.strerror(number)))
    assert said.startswith(words.format(tmp_path))
    assert "\n" not in said
    assert " free)" in said


def test_a_library_that_says_it_in_words_of_its_own_is_understood(tmp_path: Path) -> None:
    assert "is full" in told(tmp_path, RuntimeError("I/O error: No space left on device (os error 28)"))


def test_a_file_elsewhere_is_not_taken_for_the_data_folder(tmp_path: Path) -> None:
    said = told(tmp_path / "data", PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "labels.tsv")))
    assert (
        said == f"{tmp_path / 'labels.tsv'} cannot be opened (Permission denied): check the path and its permissions."
    )


def test_what_is_no_matter_of_a_disk_passes(tmp_path: Path) -> None:
    with pytest.raises(RecipeError), on_disk(tmp_path):
        raise RecipeError("0 trees")
    with pytest.raises(ZeroDivisionError), on_disk(tmp_path):
        raise ZeroDivisionError
    with pytest.raises(BrokenPipeError), on_disk(tmp_path):
        raise BrokenPipeError


def test_a_folder_that_can_be_written_is_refused_nothing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "new") == ""
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(tmp_path / "file")


def test_room_is_told_of_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    assert room(tmp_path / "a" / "b").endswith(" free")
