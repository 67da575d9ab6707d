"""Opening an HDF5 file, here or on a server, and what is in it; for readers of HDF5 alone."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import h5py

from core.errors import ArchscopeError, CountsFileError
from core.sources.archs4_index import Grid, Index


class RemoteOrigin(Protocol):
    """A file that is not on this machine: see ``core.sources.remote_archs4``."""

    @property
    def file(self) -> Any:
        """Python's kind of file, for h5py."""

    @property
    def failure(self) -> BaseException | None:
        """Why the last read failed; h5py may have made something else of it."""

    def index(self, dataset: h5py.Dataset, grid: Grid) -> Index:
        """Finds and fetches chunks."""


def open_remote(origin: RemoteOrigin, name: str) -> h5py.File:
    """The file behind ``origin``. Raises CountsFileError, or what went wrong on the way."""
    try:
        return h5py.File(origin.file, "r")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(origin.failure, ArchscopeError):
            raise origin.failure from error
        problem = "is not an HDF5 file" if "signature not found" in str(error) else f"cannot be opened ({line(error)})"
        raise CountsFileError(f"{name}: {problem}. Check the address.") from error


def open_local(path: Path, name: str) -> h5py.File:
    if not path.is_file():
        raise CountsFileError(f"{name}: no such file. Check the path.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if path.stat().st_size == 0:
            problem = "is empty"
        elif "truncated" in str(error):
            problem = "is truncated"
        elif "signature not found" in str(error):
            problem = "is not an HDF5 file"
        else:
            problem = f"cannot be opened ({line(error)})"
        raise CountsFileError(f"{name}: {problem}. Download the ARCHS4 file again, or check the path.") from error


def walk(group: h5py.Group, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Key and kind ("dataset", or what makes it unreadable) of everything under a group; links are not followed."""
    for name in group:
        if not isinstance(name, str):  # bytes that are no UTF-8: nothing that is looked for
            continue
        key = prefix + name
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            yield key, "link to elsewhere"
            continue
        item = group[name]
        if isinstance(item, h5py.Dataset):
            yield key, _kind(item)
        elif isinstance(item, h5py.Group) and depth < 4:
            yield from walk(item, key + "/", depth + 1)


def _kind(item: h5py.Dataset) -> str:
    if item.is_virtual:
        return "virtual dataset"
    if item.external:
        return "dataset stored outside"
    return "dataset that was cut short" if is_cut_short(item) else "dataset"


def is_cut_short(item: h5py.Dataset) -> bool:
    """Whether values in one piece have less room than their shape needs; libhdf5 then gives some for others."""
    if item.chunks is not None or item.shape is None:
        return False
    stored = int(item.id.get_storage_size())
    needed = int(math.prod(item.shape)) * int(item.id.get_type().get_size())
    return 0 < stored < needed


def line(error: BaseException) -> str:
    """An error's words without line ends, cut short."""
    return " ".join(str(error).split())[:160]
