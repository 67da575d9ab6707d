"""Zip archives that a user uploads: the folder of a 10x matrix, or the tables that a quantifier wrote, one a sample.

Nothing is unpacked onto the disk. Entries, their declared sizes and the bytes that they really unpack to are limited.
"""

import contextlib
import gzip
import io
import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from core.errors import SampleFileError
from core.sources.sample_limits import check_size, distinct, few
from core.sources.sample_mtx import MatrixFiles, read_matrices
from core.sources.text_stream import MAX_BYTES
from core.sources.text_tables import MAX_BYTES as MAX_TABLE_BYTES
from core.sources.text_tables import refuse_excel
from core.types import Progress, SampleSet

MAX_ENTRIES = 5_000
Reader = Callable[[bytes, str, Progress], SampleSet]
_PATHS_OUT = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\0")
# Tables that programs write once a sample, the better one of each program first.
_QUANTIFIED = [
    r"(^|/)abundance\.tsv(\.gz)?$",
    r"(^|/)abundance\.h5$",
    r"(^|/)quant\.sf(\.gz)?$",
    r"ReadsPerGene\.out\.tab(\.gz)?$",
    r"\.genes\.results(\.gz)?$",
    r"augmented_star_gene_counts\.tsv(\.gz)?$",
    r"(^|/)quant\.genes\.sf(\.gz)?$",
    r"\.isoforms\.results(\.gz)?$",
]


class _Limited(io.RawIOBase):
    """A stream that gives no more bytes than are left to its archive."""

    def __init__(self, inner: IO[bytes], left: list[int], name: str) -> None:
        self._inner, self._left, self._name = inner, left, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        self._left[0] -= len(data)
        if self._left[0] < 0:
            raise SampleFileError(f"{self._name}: unpacks to more than {MAX_BYTES / 2**20:,.0f} MB. Give fewer files.")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


def read_archive(source: Path | bytes, name: str, progress: Progress, read: Reader) -> SampleSet:
    """Samples of a zip; ``read`` reads one file of it that is no matrix.

    Raises SampleFileError: damaged, encrypted, too many or too large entries, paths that lead out of the archive,
    links, a spreadsheet, nothing that can be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            members = _members(archive, name)
            return _read(archive, members, name, progress, read)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SampleFileError(f"{name}: damaged zip file ({reason}). Pack or download it again.") from error


def _members(archive: zipfile.ZipFile, name: str) -> list[str]:
    """Names of the files in it that may be read."""
    entries = archive.infolist()
    if any(entry.filename.startswith("xl/") or entry.filename == "content.xml" for entry in entries):
        refuse_excel(b"PK\x03\x04", name, SampleFileError)
    if len(entries) > MAX_ENTRIES:
        raise SampleFileError(f"{name}: holds {len(entries):,} files, but at most {MAX_ENTRIES:,} are read.")
    for entry in entries:
        if _PATHS_OUT.search(entry.filename) or stat.S_ISLNK(entry.external_attr >> 16):
            raise SampleFileError(f"{name}: {entry.filename[:80]!r} leads out of the archive. Pack the files again.")
        if entry.flag_bits & 1:
            raise SampleFileError(f"{name}: is encrypted. Pack it without a password.")
    size = sum(entry.file_size for entry in entries)
    if size > MAX_BYTES:
        raise SampleFileError(f"{name}: unpacks to more than {MAX_BYTES / 2**20:,.0f} MB. Give fewer files.")
    found = [entry.filename for entry in entries if not entry.is_dir() and not _hidden(entry.filename)]
    if len(set(found)) < len(found):
        raise SampleFileError(f"{name}: has two files of the same name. Pack the files again.")
    return found


def _hidden(path: str) -> bool:
    return path.startswith("__MACOSX/") or posixpath.basename(path).startswith(".")


def _read(archive: zipfile.ZipFile, members: list[str], name: str, progress: Progress, read: Reader) -> SampleSet:
    left = [MAX_BYTES]

    @contextlib.contextmanager
    def open_member(member: str) -> Iterator[IO[bytes]]:
        with archive.open(member) as packed:
            data = io.BufferedReader(_Limited(packed, left, name))
            is_gzip = data.peek(2)[:2] == b"\x1f\x8b"
            if not is_gzip:
                yield data
                return
            with io.BufferedReader(_Limited(gzip.GzipFile(fileobj=data), left, name)) as stream:  # type: ignore[arg-type]
                yield stream

    matrices = MatrixFiles.among(members, name)
    if matrices:
        return read_matrices(matrices, open_member, name, progress)
    wanted = _tables(members, name)
    sets = []
    for member in wanted:
        with archive.open(member) as packed, io.BufferedReader(_Limited(packed, left, name)) as stream:
            data = stream.read(MAX_TABLE_BYTES + 1)
        if len(data) > MAX_TABLE_BYTES:
            raise SampleFileError(f"{name}: {member} holds more than {MAX_TABLE_BYTES / 2**20:,.0f} MB.")
        if data.startswith(b"PK\x03\x04"):
            raise SampleFileError(f"{name}: {member} is an archive (or spreadsheet) itself. Unpack it first.")
        sets.append(read(data, f"{name}/{member}", progress))
    return sets[0] if len(sets) == 1 else _together(sets, wanted, name)


def _tables(members: list[str], name: str) -> list[str]:
    """The tables to read: what a quantifier wrote for each sample, else the only files there are."""
    for pattern in _QUANTIFIED:
        if found := [member for member in members if re.search(pattern, member)]:
            return sorted(found)
    if not members:
        raise SampleFileError(f"{name}: an empty zip file.")
    if len(members) > 1:
        raise SampleFileError(
            f"{name}: a zip of {few(members)} with neither matrix.mtx, features.tsv and barcodes.tsv of a 10x folder, "
            "nor one table, nor a quantifier's tables, one a sample. Pack what belongs together."
        )
    return members


def _together(sets: list[SampleSet], members: list[str], name: str) -> SampleSet:
    """Tables of one sample each as one set. Raises SampleFileError where they differ in their genes."""
    for one, member in zip(sets, members, strict=True):
        if one.gene_ids != sets[0].gene_ids:
            raise SampleFileError(
                f"{name}: {member} has other genes than {members[0]}, or in another order. Count all samples with the "
                "same annotation, or upload them one by one."
            )
    names = [sample for one in sets for sample in one.sample_names]
    if len(set(names)) < len(names):
        names = [posixpath.basename(posixpath.dirname(member)) or member for member in members]
    names = distinct(names if len(set(names)) == len(names) else members, name)
    check_size(len(names), len(sets[0].gene_ids), name)
    values = np.concatenate([one.values for one in sets])
    if values.dtype != np.uint32:
        values = values.astype(np.float32)
    notes = list(dict.fromkeys(note for one in sets for note in one.notes))
    kinds = ", ".join(dict.fromkeys(one.kind for one in sets))
    counted = all(one.counted for one in sets)
    return SampleSet(values, sets[0].gene_ids, names, f"zip of {len(sets)} tables ({kinds})", notes, counted)
