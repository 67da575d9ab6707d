"""Small disks and read-only folders, for real: mounted where that is allowed, else by other means of the system."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A tmpfs of that size; the test is skipped where this user may not mount one (``limit_files`` still is tried)."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def grow(folder: Path, kilobytes: int) -> None:
    """Makes a small disk larger, as somebody does who frees some room."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


def limit_files(size: int) -> Callable[[], None]:
    """For a child before it begins: no file may grow over ``size`` bytes, which needs no rights at all."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """The folder, read-only: mounted so by root, whom modes do not stop; by modes for anybody else."""
    if os.geteuid() == 0:
        _mount("--bind", str(folder), str(folder))
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    modes = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")] if path.is_dir()}
    try:
        for path in modes:
            path.chmod(0o555)
        yield folder
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this user may not mount ({done.stderr.strip()}): the other ways to run out of room are tested")
