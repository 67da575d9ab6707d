"""Text as users deliver it, plain or gzip, to decoded lines and rows; every complaint names the file and the line."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from core.errors import InputError

if TYPE_CHECKING:
    from _csv import Reader

MAX_BYTES = 500 * 2**20
# Tables pack about 20 to 1: what is large and unpacks to more than so many times its size was made to fill memory.
MOST_PACKED, SMALL_BYTES = 200, 2**26
_BUFFER = 2**18
_GZIP = b"\x1f\x8b"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_bytes(source: Path | bytes, name: str, error: type[InputError], limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file or an upload, unpacked where they are gzip.

    Raises ``error`` where the file is missing, empty, damaged, or unpacks to more than ``limit`` bytes.
    """
    with opened(source, name, error) as raw:
        try:
            data = unpacked(raw, name, error).read(limit + 1)
        except (OSError, EOFError, zlib.error) as cause:
            raise error(f"{name}: damaged gzip file ({cause}). Pack or download it again.") from cause
    if len(data) > limit:
        raise error(f"{name}: holds more than {limit / 2**20:,.0f} MB of text. Split it into smaller files.")
    if not data[:4096].strip() and not data.strip():
        raise error(f"{name}: the file is empty.")
    return data


def decode(data: bytes, name: str, error: type[InputError]) -> str:
    """Text of UTF-8 bytes (a byte order mark is dropped). Raises ``error`` for Excel and other binary files.

    Line ends come back as ``\\n``.
    """
    refuse_excel(data, name, error)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        raise error(f"{name}, line {line}: not UTF-8 text. Save it as CSV or TSV in UTF-8.") from cause
    if "\0" in text:
        raise error(f"{name}: a binary file, not a table. Give CSV or TSV text, plain or gzip.")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def refuse_excel(data: bytes, name: str, error: type[InputError]) -> None:
    """Raises ``error`` where these first bytes are those of an Excel or zip file."""
    if data.startswith(_EXCEL):
        raise error(
            f"{name}: this is an Excel or zip file. Save the sheet as CSV; beware that Excel turns gene names into "
            "dates (MARCH1 to 1-Mar): where you can, give the CSV or TSV that the sheet was made from."
        )


def is_hdf5(data: bytes) -> bool:
    """Whether these first bytes are those of an HDF5 file."""
    return data.startswith(_HDF5)


def delimiter_of(line: str) -> str | None:
    """Tab, comma or semicolon, as the line has it; None for a single column."""
    if "\t" in line:
        return "\t"
    found = max(",;", key=line.count)
    return found if found in line else None


def read_rows(path: Path, error: type[InputError]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header and (line number, cells) of a CSV or TSV file; blank lines and leading ``#`` lines are passed over.

    Cells are stripped. Raises ``error`` where a row has more or fewer cells than the header.
    """
    text = decode(read_bytes(path, str(path), error), str(path), error)
    lines = io.StringIO(text)
    first, top = next(((i, line) for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), (0, ""))
    if not top:
        raise error(f"{path}: has no rows.")
    delimiter = delimiter_of(top)
    if delimiter is None:
        raise error(f"{path}, line {first + 1}: one column only. Separate the columns by tabs or commas.")
    rows = _rows(csv.reader(chain([top], lines), delimiter=delimiter), first, path, error)
    head = next(rows, None)
    if head is None:
        raise error(f"{path}, line {first + 1}: the header names no column. Give every column a name.")
    return head[1], _even(rows, len(head[1]), path, error)


def _rows(reader: "Reader", skipped: int, path: Path, error: type[InputError]) -> Iterator[tuple[int, list[str]]]:
    try:
        for row in reader:
            if "\n" in "".join(row).rstrip("\n"):
                raise error(
                    f"{path}, line {reader.line_num + skipped}: a quoted cell runs over lines. Close the quote."
                )
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num + skipped, cells
    except csv.Error as cause:
        raise error(f"{path}, line {reader.line_num + skipped}: not a table row ({cause}).") from cause


def _even(
    rows: Iterator[tuple[int, list[str]]], width: int, path: Path, error: type[InputError]
) -> Iterator[tuple[int, list[str]]]:
    for line, cells in rows:
        if len(cells) != width:
            raise error(f"{path}, line {line}: {len(cells)} columns, but the header has {width}.")
        yield line, cells


def stream_lines(path: Path, error: type[InputError]) -> Iterator[str]:
    """Lines of a text file, plain or gzip, one at a time: for files too large to hold.

    Raises ``error`` where the file is missing, damaged or not UTF-8.
    """
    with opened(path, str(path), error) as raw:
        try:
            yield from io.TextIOWrapper(unpacked(raw, str(path), error), encoding="utf-8-sig")
        except UnicodeDecodeError as cause:
            raise error(f"{path}: not UTF-8 text.") from cause
        except (OSError, EOFError, zlib.error) as cause:
            raise error(f"{path}: damaged gzip file ({cause}). Pack or download it again.") from cause


def opened(source: Path | bytes, name: str, error: type[InputError]) -> IO[bytes]:
    """A file or an upload, open for reading. Raises ``error`` where it is missing or cannot be read."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not source.is_file():
        raise error(f"{name}: no such file. Check the path.")
    try:
        return source.open("rb")
    except OSError as cause:
        raise error(f"{name}: cannot be read ({cause.strerror}). Check its permissions.") from cause


def unpacked(raw: IO[bytes], name: str, error: type[InputError]) -> io.BufferedReader:
    """The stream, unpacked on the way where it is gzip; reading raises ``error`` where it unpacks to far too much."""
    packed = raw.read(2) == _GZIP
    size = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    if not packed:
        return raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    packed_stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    return io.BufferedReader(Bounded(packed_stream, [most_unpacked(size)], name, error, raw), _BUFFER)


def most_unpacked(size: int) -> int:
    """Bytes to which a packed file of so many bytes may unpack."""
    return max(SMALL_BYTES, MOST_PACKED * size)


class Bounded(io.RawIOBase):
    """A stream that gives no more bytes than are ``left`` (one number, which several streams may share).

    ``packed``: what it is unpacked from, so that far too much is noticed on the way, and not at the end.
    """

    def __init__(self, inner: IO[bytes], left: list[int], name: str, error: type[InputError],
                 packed: IO[bytes] | None = None) -> None:  # fmt: skip
        self._inner, self._left, self._most, self.name, self._error = inner, left, left[0], name, error
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        self._left[0] -= len(data)
        most = min(self._most, most_unpacked(self._packed.tell())) if self._packed else self._most
        if self._most - self._left[0] > most:
            raise self._error(
                f"{self.name}: unpacks to more than {most / 2**20:,.0f} MB, which is too much for its size. Give it "
                "unpacked, or in parts."
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()
