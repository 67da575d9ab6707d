"""Zip files from strangers: opened only where their list of entries is not far longer than what is read."""

import io
import zipfile
from pathlib import Path
from typing import IO, cast

from core.errors import SampleFileError

_BYTES_AN_ENTRY = 512  # of the list at the end of a zip: 46 and the name, as a rule


class ZipFiles(zipfile.ZipFile):
    """A zip of at most ``most`` entries. Raises SampleFileError for a list of far more."""

    word = "zip"

    def __init__(self, source: Path | bytes, name: str, most: int) -> None:
        self._file = _Listed(source, name, most)
        try:
            super().__init__(cast(IO[bytes], self._file))
        except BaseException:
            self._file.close()
            raise
        self._file.listed = True

    def close(self) -> None:
        super().close()
        self._file.close()


class _Listed:
    """The file of a zip. Until it is ``listed``, no more is read at once than a list of entries takes: each entry
    becomes an object of a kilobyte, and a list may have millions.
    """

    def __init__(self, source: Path | bytes, name: str, most: int) -> None:
        self._file = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        self._name, self._most, self.listed = name, most, False
        self.seek, self.tell, self.seekable, self.close = (
            self._file.seek, self._file.tell, self._file.seekable, self._file.close,
        )  # fmt: skip

    def read(self, size: int = -1) -> bytes:
        if not self.listed and size > _BYTES_AN_ENTRY * self._most:
            raise SampleFileError(f"{self._name}: holds far more than {self._most:,} files, the most that are read.")
        return self._file.read(size)
