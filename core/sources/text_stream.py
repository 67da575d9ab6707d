"""A text file too large to hold twice: checked in one pass through it, then read in further ones."""

import codecs
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import InputError
from core.sources.text_tables import opened, refuse_excel, unpacked

PIECE = 2**20
MAX_BYTES = 4 * 2**30
_BOM = codecs.BOM_UTF8
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class TextStream:
    """UTF-8 text, plain or gzip, of a path or an upload. ``name`` is for messages, ``error`` is what is raised."""

    source: Path | bytes
    name: str
    error: type[InputError]

    def binary(self) -> IO[bytes]:
        """The bytes from the start, without a byte order mark. Close it."""
        stream = unpacked(opened(self.source, self.name, self.error), self.name, self.error)
        if stream.peek(len(_BOM))[: len(_BOM)] == _BOM:
            stream.read(len(_BOM))
        return stream

    def text(self) -> io.TextIOWrapper:
        """The lines from the start; they end with ``\\n``, whatever the file has. Close it."""
        return io.TextIOWrapper(self.binary(), encoding="utf-8")

    def check(self, limit: int = MAX_BYTES) -> int:
        """Reads all of it; the number of line ends.

        Raises ``error`` where it is missing, empty, damaged gzip, Excel, binary, not UTF-8 (with the line), or longer
        than ``limit`` bytes.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        lines = size = 0
        blank, last = True, b""
        for piece in self._pieces():
            if size == 0:
                refuse_excel(piece, self.name, self.error)
            size += len(piece)
            if size > limit:
                raise self.error(
                    f"{self.name}: holds more than {limit / 2**20:,.0f} MB of text. Split it into smaller files."
                )
            self._decode(decoder, piece, lines)
            blank = blank and not piece.strip()
            lines += _line_ends(piece, last)
            last = piece[-1:]
        if blank:
            raise self.error(f"{self.name}: the file is empty.")
        self._decode(decoder, b"", lines, final=True)
        return lines

    def _pieces(self) -> Iterator[bytes]:
        try:
            with self.binary() as stream:
                while piece := stream.read(PIECE):
                    yield piece
        except (OSError, EOFError, zlib.error) as cause:
            raise self.error(f"{self.name}: damaged gzip file ({cause}). Pack or download it again.") from cause

    def _decode(self, decoder: codecs.IncrementalDecoder, piece: bytes, lines: int, final: bool = False) -> None:
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final)
        except UnicodeDecodeError as cause:
            line = lines + len(_LINE_END.findall(piece[: max(0, cause.start - waiting)])) + 1
            raise self.error(f"{self.name}, line {line}: not UTF-8 text. Save it as CSV or TSV in UTF-8.") from cause
        if b"\0" in piece:
            raise self.error(f"{self.name}: a binary file, not a table. Give CSV or TSV text, plain or gzip.")


def _line_ends(piece: bytes, before: bytes) -> int:
    """Line ends in a piece; one that is split between two pieces counts once."""
    count = piece.count(b"\n")
    if b"\r" in piece:
        count += piece.count(b"\r") - piece.count(b"\r\n")
    return count - (before == b"\r" and piece.startswith(b"\n"))
