"""A dataset in the making: a folder beside the finished ones that a later attempt goes on from.

    datasets/.<name>.building/making.json     what is being built (fingerprint, recipe) and how it falls into blocks
                              manifest.json   there once everything is; then it only has to be tidied and published
                              plan.npz        what goes where
                              counts, expression, genes, sums   what the tasks of the build leave

One process at a time builds a dataset: it holds a lock that the system frees when the process dies. Input that cannot
be used takes the folder with it; whatever else ends a build (a kill, a full disk) leaves it, and the next build of the
same content with the same recipe takes up what is finished.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.array_files import read_arrays
from core.errors import InputError, StoreError
from core.store.files import read_json, write_json

Arrays = Mapping[str, npt.NDArray[Any]]
NOTES = ("rare.npz", "making.json", "plan.npz", "sets.npz", "sample.npz")
PARTS = ("counts", "expression", "genes", "sums")


@contextlib.contextmanager
def building(final: Path, what: Mapping[str, Any]) -> Iterator[Path]:
    """The folder in which the dataset ``final`` is made, with what an earlier attempt at the same ``what`` left.

    Raises InputError where another process is building a dataset of that name.
    """
    folder = final.with_name(f".{final.name}.building")
    with _lock(final.parent.parent / "slots" / f"{final.name}.lock", final.name):
        if not _same(folder, what):
            shutil.rmtree(folder, ignore_errors=True)
            for part in PARTS:
                (folder / part).mkdir(parents=True)
            write_json(folder / "making.json", dict(what))
        try:
            yield folder
        except InputError:
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextlib.contextmanager
def alone(final: Path) -> Iterator[None]:
    """Keeps every build of the dataset ``final`` out. Raises InputError where one is under way."""
    with _lock(final.parent.parent / "slots" / f"{final.name}.lock", final.name):
        yield


def finished(folder: Path, what: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a dataset in the making that wants nothing but its place among the finished ones; else None."""
    found = _read(folder / "manifest.json")
    return found if found and all(found.get(key) == value for key, value in what.items()) else None


def _same(folder: Path, what: Mapping[str, Any]) -> bool:
    found = _read(folder / "making.json")
    return finished(folder, what) is not None or all(found.get(key) == value for key, value in what.items())


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path)) if path.is_file() else {}
    except (StoreError, TypeError, ValueError):  # damaged: begin anew
        return {}


@contextlib.contextmanager
def _lock(path: Path, name: str) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"Dataset {name!r} is being built right now: wait, or cancel that build.") from error
        yield


def tidy(folder: Path) -> None:
    """Removes what only the build needed, and what a killed process had begun to write; again is harmless."""
    for part in ("genes", "sums"):
        shutil.rmtree(folder / part, ignore_errors=True)
    made = [*folder.glob("counts/*.npz"), *folder.glob("expression/*.npy"), *folder.rglob(".*")]
    for left in [*made, *(folder / name for name in NOTES)]:
        left.unlink(missing_ok=True)


def publish(aside: Path, final: Path) -> None:
    """Puts a finished build in place of an older one of that name; ``recover`` mends what a kill in between leaves."""
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    aside.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Puts a dataset back whose replacement was killed before the new one was in place; clears what one left after."""
    for old in folder.glob(".*.old"):
        final = folder / old.name[1 : -len(".old")]
        with contextlib.suppress(InputError, OSError), alone(final):  # being replaced right now, or a read-only folder
            if final.exists():
                shutil.rmtree(old, ignore_errors=True)
            elif old.exists():
                old.rename(final)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Arrays by name, written aside and renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    aside.replace(path)


def load_arrays(path: Path) -> Arrays:
    """The arrays that ``save_arrays`` wrote. Raises StoreError where they cannot be read."""
    try:
        return read_arrays(path)
    except ValueError as error:
        raise StoreError(f"{path} cannot be read ({error}): build the dataset again.") from error
