"""Tar archives, plain or gzipped, as ``sample_archives`` reads them: in memory, by name, without trust.

Ordinary files alone are read. Names, links and sizes are looked at before anything is: a header may promise what it
likes, but no more than the share of the archive is ever unpacked, and nothing on the disk.
"""

import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import IO, Any

from core.errors import SampleFileError

_MAGIC, _AT = b"ustar", 257  # POSIX and GNU write it into the first header
_MOST_HEADER = 2**20  # bytes that a long name may take


def is_tar(raw: IO[bytes], head: bytes) -> bool:
    """Whether a file, plain or gzipped, begins as a tar does; ``raw`` is at its start again afterwards."""
    try:
        stream: Any = gzip.GzipFile(fileobj=raw) if head.startswith(b"\x1f\x8b") else raw
        return bool(stream.read(_AT + len(_MAGIC))[_AT:] == _MAGIC)
    except (OSError, EOFError, zlib.error):
        return False
    finally:
        raw.seek(0)


class _Stream(io.RawIOBase):
    """The unpacked tar for ``tarfile``, which takes headers of any size that they promise into memory."""

    def __init__(self, inner: IO[bytes], name: str) -> None:
        self._inner, self._name, self.listing = inner, name, True

    def read(self, size: int = -1) -> bytes:
        if self.listing and not 0 <= size <= _MOST_HEADER:
            raise SampleFileError(f"{self._name}: a header of {size:,} bytes is no file's name. Pack the files again.")
        return self._inner.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def close(self) -> None:
        self._inner.close()
        super().close()


class TarFiles:
    """The ordinary files of a tar (``sizes`` by name, in the order in which they lie); use it in a ``with`` statement.

    Raises SampleFileError for anything but files and folders, and for more than ``most_files`` or ``most_bytes``;
    tarfile.TarError, EOFError, OSError, zlib.error where it is damaged.
    """

    word = "tar"

    def __init__(self, source: Path | bytes, name: str, most_files: int, most_bytes: int) -> None:
        raw: Any = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        inner: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        self._raw, self._stream = raw, _Stream(inner, name)
        self._name, self._most = name, most_bytes
        try:
            self._tar = tarfile.TarFile(fileobj=self._stream)
            self._members = self._list(most_files)
        except BaseException:
            self.close()
            raise
        self._stream.listing = False
        self.sizes = {member.name: member.size for member in self._members.values()}

    def _list(self, most_files: int) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        total, n = 0, 0
        while (member := self._tar.next()) is not None:
            n, total = n + 1, total + max(0, member.size)
            if n > most_files:
                raise SampleFileError(f"{self._name}: holds more than {most_files:,} files. Give fewer.")
            if not (member.isreg() or member.isdir()) or member.issparse() or member.size < 0:
                raise SampleFileError(
                    f"{self._name}: {member.name[:80]!r} is no ordinary file, which may lead out of the archive. Pack "
                    "the files themselves."
                )
            if total > self._most:
                raise SampleFileError(
                    f"{self._name}: unpacks to more than {self._most / 2**20:,.0f} MB. Give fewer files, or unpacked."
                )
            if member.isreg():
                if member.name in found:
                    raise SampleFileError(f"{self._name}: has two files of the same name. Pack the files again.")
                found[member.name] = member
        return found

    def open(self, name: str) -> IO[bytes]:
        """A file of it; one is read at a time, soonest in the order in which they lie."""
        file = self._tar.extractfile(self._members[name])
        if file is None:
            raise tarfile.TarError(f"{name} cannot be read")
        return file

    def close(self) -> None:
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> "TarFiles":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
