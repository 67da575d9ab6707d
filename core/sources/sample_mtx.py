"""The three files of a 10x folder (matrix.mtx, features.tsv or genes.tsv, barcodes.tsv; plain or gzip), added up.

Matrix Market as Cell Ranger, STARsolo and GEO deliver it: features x barcodes, "coordinate" form.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd

from core.errors import SampleFileError
from core.sources.sample_cells import MAX_CELLS, MAX_FEATURES, CellSums, Features, pseudo_bulk
from core.sources.sample_columns import check_counts
from core.sources.sample_limits import check_size, stem
from core.types import BoolArray, DoubleArray, Progress, SampleSet

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]
CHUNK_ROWS = 2_000_000
MAX_LINE = 65_536
MAX_LIST_BYTES = 256 * 2**20
_PART = re.compile(r"(.*?)(matrix\.mtx|features\.tsv|genes\.tsv|barcodes\.tsv)(\.gz)?", re.IGNORECASE)
# Folders that say nothing of the sample.
_FOLDERS = re.compile(
    r"(filtered|raw)(_(feature|gene)_bc_matri(x|ces))?|outs|gene(full)?|solo\.out|hg19|grch38|mm10", re.I
)


@dataclass(frozen=True)
class MatrixFiles:
    """Where the three files of a matrix lie in an archive; ``name`` of the sample, "" where the archive's will do."""

    matrix: str
    features: str
    barcodes: str
    name: str

    @staticmethod
    def among(members: list[str], archive: str) -> list["MatrixFiles"]:
        """Every matrix of an archive with its companions, filtered ones where there are raw ones, too.

        Raises SampleFileError where a companion is missing.
        """
        found: dict[str, dict[str, str]] = {}
        for member in members:
            if match := _PART.fullmatch(posixpath.basename(member)):
                place = posixpath.join(posixpath.dirname(member), match[1])
                part = match[2].lower().replace("genes", "features")
                found.setdefault(place, {})[part] = member
        places = [place for place, parts in found.items() if "matrix.mtx" in parts]
        for place in places:
            for part in ("features.tsv", "barcodes.tsv"):
                if part not in found[place]:
                    other = " (or genes.tsv)" if part == "features.tsv" else ""
                    raise SampleFileError(f"{archive}: {found[place]['matrix.mtx']} has no {part}{other} beside it.")
        filtered = [place for place in places if re.search("filtered", place, re.IGNORECASE)]
        raw = [place for place in places if re.search(r"(^|/)raw(_|/|$)", place, re.IGNORECASE)]
        kept = [place for place in places if not (filtered and place in raw)]
        names = _names(kept)
        return [
            MatrixFiles(found[place]["matrix.mtx"], found[place]["features.tsv"], found[place]["barcodes.tsv"], sample)
            for place, sample in zip(kept, names, strict=True)
        ]


def _names(places: list[str]) -> list[str]:
    """Names of the samples by the prefix of their files, else by the nearest folder that tells them apart."""
    short = []
    for place in places:
        folder, prefix = posixpath.split(place)
        telling = [part for part in folder.split("/") if part and not _FOLDERS.fullmatch(part)]
        short.append(prefix.strip("._-") or (telling[-1] if telling else ""))
    if len(places) == 1:
        return short
    return short if len(set(short)) == len(short) and all(short) else [place.strip("/._-") for place in places]


def read_matrices(
    files: list[MatrixFiles], open_member: Opener, name: str, progress: Progress, word: str = "zip"
) -> SampleSet:
    """The cells of each matrix as one sample.

    Raises SampleFileError where the files do not fit each other, hold no counts, or differ in their features.
    """
    parts: list[CellSums] = []
    notes: list[str] = []
    first: Features | None = None
    for one in files:
        features = _features(open_member, one.features, name)
        if first is not None and features.ids != first.ids:
            raise SampleFileError(
                f"{name}: {one.features} has other features than {files[0].features}. Upload the matrices one by one."
            )
        first = first or features
        check_size(len(files), len(features.ids), name)
        parts.append(_sums(one, len(features.ids), open_member, name, progress, notes))
    assert first is not None
    return pseudo_bulk(parts, first, f"10x folder ({word})", notes, name)


def _features(open_member: Opener, member: str, name: str) -> Features:
    with open_member(member) as stream:
        data = stream.read(MAX_LIST_BYTES + 1)
    try:
        lines = [line.split("\t") for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise SampleFileError(f"{name}: {member} is not UTF-8 text.") from error
    if not lines or len(lines) > MAX_FEATURES or len(data) > MAX_LIST_BYTES:
        raise SampleFileError(f"{name}: {member} names {len(lines):,} features: expected 1 to {MAX_FEATURES:,}.")
    columns = [[cells[i].strip() if i < len(cells) else "" for cells in lines] for i in range(3)]
    return Features(columns[0], columns[1], columns[2])


def _sums(
    files: MatrixFiles, n_features: int, open_member: Opener, name: str, progress: Progress, notes: list[str]
) -> CellSums:
    n_cells = _count_lines(open_member, files.barcodes, name)
    with open_member(files.matrix) as stream:
        rows, columns, n_values = _sizes(stream, f"{name}: {files.matrix}")
        turned = (rows, columns) != (n_features, n_cells)
        if turned and (columns, rows) != (n_features, n_cells):
            raise SampleFileError(
                f"{name}: {files.matrix} is {rows:,} x {columns:,}, but there are {n_features:,} features and "
                f"{n_cells:,} barcodes. Pack the three files of one matrix."
            )
        if turned:
            notes.append(f"{files.matrix} has cells as rows: it was turned.")
        sums, filled = _add_up(stream, n_features, n_cells, n_values, turned, f"{name}: {files.matrix}", progress)
    return CellSums(sums, n_cells, int(filled.sum()), files.name or stem(name))


def _count_lines(open_member: Opener, member: str, name: str) -> int:
    count = 0
    with open_member(member) as stream:
        while line := stream.readline(MAX_LINE):
            count += bool(line.strip())
            if count > MAX_CELLS:
                raise SampleFileError(f"{name}: {member} names more than {MAX_CELLS:,} barcodes.")
    return count


def _sizes(stream: IO[bytes], where: str) -> tuple[int, int, int]:
    """Rows, columns and number of values, of a Matrix Market header; the stream is then at the first value."""
    words = stream.readline(MAX_LINE).decode(errors="replace").lower().split()
    if words[:2] != ["%%matrixmarket", "matrix"] or words[2:3] != ["coordinate"] or len(words) != 5:
        raise SampleFileError(f"{where} is no sparse Matrix Market file (%%MatrixMarket matrix coordinate ...).")
    if words[3] not in ("integer", "real") or words[4] != "general":
        raise SampleFileError(f"{where} is of the kind {' '.join(words[3:])[:60]}: expected integer or real, general.")
    line = stream.readline(MAX_LINE)
    while line.startswith(b"%"):
        line = stream.readline(MAX_LINE)
    cells = line.split()
    if len(cells) != 3 or not all(cell.isdigit() and len(cell) < 16 for cell in cells):
        raise SampleFileError(f"{where} lacks its dimensions (rows, columns, values).")
    return int(cells[0]), int(cells[1]), int(cells[2])


def _add_up(
    stream: IO[bytes], n_features: int, n_cells: int, n_values: int, turned: bool, where: str, progress: Progress
) -> tuple[DoubleArray, BoolArray]:
    """Sum of each feature over the cells, and which cells have a count. Indices in the file start at 1."""
    sums, filled, done = np.zeros(n_features), np.zeros(n_cells, dtype=np.bool_), 0
    for frame in _frames(stream, where):
        if frame.shape[1] != 3 or any(dtype.kind not in "iuf" for dtype in frame.dtypes):
            raise SampleFileError(f"{where} has a line that is not row, column and value after line {done:,}.")
        told = frame[[1, 0] if turned else [0, 1]].to_numpy(dtype=np.float64)
        if not ((told >= 1).all() and (told <= [n_features, n_cells]).all()):
            raise SampleFileError(f"{where} points outside its {n_features:,} features and {n_cells:,} barcodes.")
        places = told.astype(np.int64) - 1
        if (places + 1 != told).any():
            raise SampleFileError(f"{where} has a row or column that is no whole number after line {done:,}.")
        values = frame[2].to_numpy(dtype=np.float64)
        check_counts(values, where)
        sums += np.bincount(places[:, 0], weights=values, minlength=n_features)
        filled[places[values > 0, 1]] = True
        done += len(values)
        progress("adding up the cells", min(done, n_values), n_values)
    if done != n_values:
        raise SampleFileError(
            f"{where} promises {n_values:,} values, but has {done:,}. It was cut short: copy it again."
        )
    return sums, filled


def _frames(stream: IO[bytes], where: str) -> Iterator[pd.DataFrame]:
    try:
        yield from pd.read_csv(
            stream, sep=r"\s+", header=None, chunksize=CHUNK_ROWS, compression=None, na_filter=False, low_memory=False
        )
    except pd.errors.EmptyDataError:
        return
    except (pd.errors.ParserError, ValueError) as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")[:120]
        raise SampleFileError(f"{where} cannot be read ({reason}). Copy or download it again.") from error
