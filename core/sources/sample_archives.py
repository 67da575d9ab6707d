"""Archives (zip, tar) that a user uploads: the folder of a 10x matrix, or a quantifier's tables, one a sample.

Nothing is unpacked onto the disk. Entries, their declared sizes and the bytes that they really unpack to are limited.
"""

import contextlib
import gzip
import io
import lzma
import posixpath
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from core.errors import SampleFileError
from core.sources.sample_limits import check_size, distinct, few
from core.sources.sample_mtx import MatrixFiles, read_matrices
from core.sources.sample_tars import TarFiles, is_tar
from core.sources.sample_zips import ZipFiles
from core.sources.text_stream import MAX_BYTES
from core.sources.text_tables import MAX_BYTES as MAX_TABLE_BYTES
from core.sources.text_tables import Bounded, most_unpacked, refuse_excel
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


class _Member(Bounded):
    """What an archive holds, unpacked as it is read, up to what is ``left`` of the archive's share."""

    def __init__(self, inner: IO[bytes], left: list[int], name: str, word: str) -> None:
        super().__init__(inner, left, name, SampleFileError)
        self._word = word

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        with _damage(self.name, self._word):
            return super().readinto(buffer)


@contextlib.contextmanager
def _damage(name: str, word: str) -> Iterator[None]:
    """Whatever the readers of archives say of a damaged one, in one line."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError,
            RuntimeError, ValueError, LookupError, OverflowError) as error:  # fmt: skip
        raise SampleFileError(
            f"{name}: damaged {word} file ({str(error)[:120]}). Pack or download it again."
        ) from error


def read_archive(source: Path | bytes, name: str, progress: Progress, read: Reader) -> SampleSet:
    """Samples of a zip; ``read`` reads one file of it that is no matrix.

    Raises SampleFileError: damaged, encrypted, too many or too large entries, paths that lead out of the archive,
    links, a spreadsheet, nothing that can be read.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    with _damage(name, "zip"):
        archive = ZipFiles(source, name, MAX_ENTRIES)
    with archive:
        most = min(MAX_BYTES, most_unpacked(size))
        return _read(archive, _members(archive, most, name), [most], name, progress, read)


def read_tar(source: Path | bytes, name: str, progress: Progress, read: Reader) -> SampleSet:
    """Samples of a tar, plain or gzipped, by the same rules. Raises SampleFileError."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    most = min(MAX_BYTES, most_unpacked(size))
    with _damage(name, "tar"):
        archive = TarFiles(source, name, MAX_ENTRIES, most)
    with archive:
        _check_paths(list(archive.sizes), name)
        members = [member for member in archive.sizes if not _hidden(member)]
        return _read(archive, members, [most], name, progress, read)


def _check_paths(paths: list[str], name: str) -> None:
    for path in paths:
        if _PATHS_OUT.search(path):
            raise SampleFileError(f"{name}: {path[:80]!r} leads out of the archive. Pack the files again.")


def _members(archive: zipfile.ZipFile, most: int, name: str) -> list[str]:
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
    if sum(entry.file_size for entry in entries) > most:
        raise SampleFileError(f"{name}: unpacks to more than {most / 2**20:,.0f} MB. Give fewer files, or unpacked.")
    named = [entry for entry in entries if entry.filename]  # a name may be empty, which zipfile does not expect
    found = [entry.filename for entry in named if not entry.is_dir() and not _hidden(entry.filename)]
    if len(set(found)) < len(found):
        raise SampleFileError(f"{name}: has two files of the same name. Pack the files again.")
    return found


def _hidden(path: str) -> bool:
    return path.startswith("__MACOSX/") or posixpath.basename(path).startswith(".")


def _read(
    archive: ZipFiles | TarFiles, members: list[str], left: list[int], name: str, progress: Progress, read: Reader
) -> SampleSet:
    @contextlib.contextmanager
    def open_member(member: str) -> Iterator[IO[bytes]]:
        with _damage(name, archive.word):
            packed = archive.open(member)
        with packed:
            data = io.BufferedReader(_Member(packed, left, name, archive.word))
            is_gzip = data.peek(2)[:2] == b"\x1f\x8b"
            if not is_gzip:
                yield data
                return
            with io.BufferedReader(_Member(gzip.GzipFile(fileobj=data), left, name, archive.word)) as stream:  # type: ignore[arg-type]
                yield stream

    matrices = MatrixFiles.among(members, name)
    if matrices:
        return read_matrices(matrices, open_member, name, progress, archive.word)
    wanted, found = _tables(members, name, archive.word), {}
    for member in sorted(wanted, key=members.index):  # a tar is read from its start to its end
        with _damage(name, archive.word):
            packed = archive.open(member)
        with packed, io.BufferedReader(_Member(packed, left, name, archive.word)) as stream:
            data = stream.read(MAX_TABLE_BYTES + 1)
        if len(data) > MAX_TABLE_BYTES:
            raise SampleFileError(f"{name}: {member} holds more than {MAX_TABLE_BYTES / 2**20:,.0f} MB.")
        if data.startswith(b"PK\x03\x04") or is_tar(io.BytesIO(data), data[:2]):
            raise SampleFileError(f"{name}: {member} is an archive (or spreadsheet) itself. Unpack it first.")
        found[member] = read(data, f"{name}/{member}", progress)
    sets = [found[member] for member in wanted]
    return sets[0] if len(sets) == 1 else _together(sets, wanted, name, archive.word)


def _tables(members: list[str], name: str, word: str) -> list[str]:
    """The tables to read: what a quantifier wrote for each sample, else the only files there are."""
    for pattern in _QUANTIFIED:
        if found := [member for member in members if re.search(pattern, member)]:
            return sorted(found)
    if not members:
        raise SampleFileError(f"{name}: an empty {word} file.")
    if len(members) > 1:
        raise SampleFileError(
            f"{name}: a {word} of {few(members)} with neither matrix.mtx, features.tsv and barcodes.tsv of a 10x "
            "folder, nor one table, nor a quantifier's tables, one a sample. Pack what belongs together."
        )
    return members


def _together(sets: list[SampleSet], members: list[str], name: str, word: str) -> SampleSet:
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
    return SampleSet(values, sets[0].gene_ids, names, f"{word} of {len(sets)} tables ({kinds})", notes, counted)
