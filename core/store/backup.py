"""A backup as one archive: plain tar that any tool opens, with a checksum for every file in it.

    archscope-backup.json   first: format, version, when, which datasets and runs, what was left out and why
    datasets/<name>/...     and runs/<id>/..., label_edits/..., as they lie in the data folder
    SHA256SUMS              last, as sha256sum writes it; an archive without it was cut short

Nothing of an archive is trusted: only ordinary files with plain relative names are taken out of it, each is checked
against its checksum, and whoever unpacks does it into a folder aside.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import psutil

from core.errors import InputError, StoreError
from core.sources.plain_names import is_plain
from core.sources.remote_download import check_disk
from core.store.staging import Member, stamp_of
from core.types import Progress, silent

FORMAT = 1
ABOUT, SUMS = "archscope-backup.json", "SHA256SUMS"
SUFFIXES = (".tar", ".tar.gz", ".tgz")
PIECE = 1 << 20
LARGEST_NOTE = 512 << 20  # bytes of the two files that are read into memory
UNREADABLE = (tarfile.TarError, zlib.error, EOFError, UnicodeDecodeError, ValueError)


# -- writing -----------------------------------------------------------------------------------------------------------


def checked_out(out: Path, stem: str) -> Path:
    """Where the archive goes: ``out``, or a file called ``stem`` in it where it is a folder. Raises InputError."""
    path = out / f"{stem}.tar" if out.is_dir() else out
    if not path.name.endswith(SUFFIXES):
        raise InputError(f"{path}: a backup is a .tar or a .tar.gz file: give such a name, or a folder.")
    if path.exists():
        raise InputError(f"{path} is there already: give another name, or move it away.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent}: make it, or give another place.")
    return path


def write_archive(
    out: Path, about: Mapping[str, Any], members: Iterable[Member], progress: Progress = silent
) -> int:  # fmt: skip
    """Writes the archive aside, reads all of it again against its checksums, then gives it its name; its bytes.

    Raises InputError where the disk is too small, StoreError where it cannot be written, or where a file changed.
    """
    members = list(members)
    total = sum(each.size for each in members)
    check_disk(out.parent, total if out.suffix == ".tar" else total // 8)
    _remove_leftovers(out)
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with aside.open("xb") as file:
            _write(file, "w|" if out.suffix == ".tar" else "w|gz", about, members, total, progress)
            file.flush()
            os.fsync(file.fileno())
        unpack(aside, None, progress=_second_half(progress))
        aside.replace(out)
    except OSError as error:
        raise StoreError(f"{out} cannot be written ({error.strerror or error}): nothing of it was kept.") from error
    finally:
        aside.unlink(missing_ok=True)
    return out.stat().st_size


def _second_half(progress: Progress) -> Progress:
    def checking(stage: str, done: float, total: float, **values: float | str) -> None:
        progress("checking", total + done, 2 * total)

    return checking


def _write(
    file: IO[bytes], mode: Literal["w|", "w|gz"], about: Mapping[str, Any], members: list[Member], total: int,
    progress: Progress,
) -> None:  # fmt: skip
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps({"format": FORMAT, **about}, indent=2, ensure_ascii=False).encode()
        sums, done = {ABOUT: _add(tar, ABOUT, io.BytesIO(text), len(text))}, 0
        for each in members:
            progress("writing", done, 2 * total)
            with each.path.open("rb") as source:
                if stamp_of(os.fstat(source.fileno())) != each.stamp:
                    raise StoreError(f"{each.name} changed while it was backed up: run the backup again.")
                sums[each.name] = _add(tar, each.name, source, each.size)
            done += each.size
        listing = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
        _add(tar, SUMS, io.BytesIO(listing), len(listing))


class _Hashed:
    """Reads through, and remembers what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._sum = source, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes."""
        piece = self._source.read(size)
        self._sum.update(piece)
        return piece

    @property
    def digest(self) -> str:
        """SHA-256 of what was read so far."""
        return self._sum.hexdigest()


def _add(tar: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> str:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, int(time.time()), 0o644
    hashed = _Hashed(source)
    tar.addfile(entry, hashed)  # type: ignore[arg-type]  # only read() is called
    return hashed.digest


def _remove_leftovers(out: Path) -> None:
    """What killed backups of that name left."""
    for left in out.parent.glob(f".{out.name}.*.part"):
        owner = left.name.split(".")[-2]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            left.unlink(missing_ok=True)


# -- reading -----------------------------------------------------------------------------------------------------------


def unpack(
    path: Path,
    into: Path | None,
    first: Callable[[dict[str, Any]], None] = lambda about: None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Reads an archive to its end against its checksums, into an empty folder where one is given; what it is about.

    ``first`` is told that as soon as it is known, and may refuse. Raises InputError for anything that is no whole,
    undamaged backup, or holds what a backup never holds; StoreError where a newer version wrote it.
    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            return _Reading(path, file, into, progress).all(tar, first)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}: check the path.") from error
    except UNREADABLE as error:
        raise InputError(
            f"{path} is no whole backup ({error}): take another copy of it. Nothing was changed."
        ) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be unpacked ({error.strerror or error}): nothing was changed.") from error


class _Reading:
    def __init__(self, path: Path, file: IO[bytes], into: Path | None, progress: Progress) -> None:
        self._path, self._file, self._into, self._progress = path, file, into, progress
        self._size = max(1, path.stat().st_size)
        self._sums: dict[str, str] = {}

    def all(self, tar: tarfile.TarFile, first: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        about: dict[str, Any] | None = None
        listed: dict[str, str] | None = None
        for entry in tar:
            self._check(entry)
            if listed is not None:
                raise self._bad(f"it goes on after {SUMS}")
            if about is None:
                about = self._about(tar, entry)
                first(about)
            elif entry.name == SUMS:
                listed = _parse(self._small(tar, entry))
            else:
                self._take(tar, entry)
        if about is None or listed is None:
            raise self._bad("it was cut short")
        self._compare(listed)
        return about

    def _about(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> dict[str, Any]:
        if entry.name != ABOUT:
            raise self._bad(f"it does not begin with {ABOUT}")
        content = self._small(tar, entry)
        self._sums[ABOUT] = hashlib.sha256(content).hexdigest()
        about = json.loads(content)
        if not isinstance(about, dict) or not isinstance(about.get("format"), int):
            raise self._bad(f"{ABOUT} cannot be read")
        if about["format"] > FORMAT:
            raise StoreError(f"{self._path} was written by a newer ARCHScope ({about.get('version')}): update first.")
        return about

    def _check(self, entry: tarfile.TarInfo) -> None:
        """Refuses what a backup never holds."""
        if not entry.isreg():
            raise self._bad(f"{entry.name!r} is no ordinary file (a link, a folder or a device)")
        if not is_portable(entry.name):
            raise self._bad(f"{entry.name!r} would leave the folder, or is no plain name")
        if entry.name in self._sums:
            raise self._bad(f"{entry.name!r} is in it twice")
        if self._into is not None and hasattr(tarfile, "data_filter"):  # Python 3.11.4
            tarfile.data_filter(entry, str(self._into))

    def _take(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        source = tar.extractfile(entry)
        assert source is not None  # an ordinary file has content
        total = hashlib.sha256()
        with contextlib.ExitStack() as stack:
            target: IO[bytes] | None = None
            if self._into is not None:
                check_disk(self._into, entry.size)
                place = self._into / entry.name
                place.parent.mkdir(parents=True, exist_ok=True)
                target = stack.enter_context(place.open("xb"))
            while piece := source.read(PIECE):
                total.update(piece)
                if target is not None:
                    target.write(piece)
                self._progress("unpacking", min(self._file.tell(), self._size), self._size)
        self._sums[entry.name] = total.hexdigest()

    def _small(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
        source = tar.extractfile(entry)
        if source is None or entry.size > LARGEST_NOTE:
            raise self._bad(f"{entry.name} is too large")
        return source.read()

    def _compare(self, listed: Mapping[str, str]) -> None:
        if odd := sorted(listed.keys() ^ self._sums.keys()):
            name = odd[0]
            raise self._bad(f"{name} is {'missing' if name in listed else f'not in {SUMS}'}")
        for name, digest in listed.items():
            if self._sums[name] != digest:
                raise self._bad(f"{name} is damaged: its checksum is another one")

    def _bad(self, why: str) -> InputError:
        return InputError(f"{self._path} is no whole backup ({why}): take another copy of it. Nothing was changed.")


def is_portable(name: str) -> bool:
    """Whether a name may stand in a backup: within the folder, no hidden part, nothing that cannot be shown."""
    return all(is_plain(part) for part in name.split("/"))


def _parse(content: bytes) -> dict[str, str]:
    sums = {}
    for line in content.decode().splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise ValueError(f"{SUMS} cannot be read")
        sums[name] = digest
    return sums
