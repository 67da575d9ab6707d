"""Matrices on disk in compressed tiles: a folder of files, one for each block of biosamples.

A file holds some rows of a matrix together as a tile, each tile compressed by itself (lz4 after a byte or bit shuffle,
the codec that measurement chose: docs/benchmarks.md), so that a few rows are read without the rest. The counts are
kept one biosample a tile; the normalised expression is kept gene by gene, a block of biosamples wide.

    8 bytes "ASTILES1"; 4 bytes: length of the header; the header (JSON); offsets of the tiles (int64) and of the end;
    CRC-32 of each packed tile (uint32); the tiles

A file appears whole or not at all, so a build that was killed goes on from the files that are there.
"""

import contextlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import deflate
import numpy as np
import numpy.typing as npt
from numcodecs import blosc

from core.array_files import DAMAGE
from core.errors import StoreError
from core.settings import n_threads
from core.types import IndexArray

blosc.use_threads = False  # tiles are small, and readers have threads of their own

MAGIC = b"ASTILES1"
MOST_BYTES = 2**30  # of a tile, for files that say they have larger ones
TILE_BYTES = 64 << 10
PARALLEL_BYTES = 4 << 20  # reading less than this is quicker without a second thread
Shuffle = Literal["bytes", "bits"]
Run = tuple[int, slice, slice | IndexArray]
_SHUFFLES = {"bytes": blosc.SHUFFLE, "bits": blosc.BITSHUFFLE}


def write_tiles(path: Path, matrix: npt.NDArray[Any], tile_rows: int, shuffle: Shuffle) -> None:
    """A matrix (r x c, C order or any other) as a file of tiles of ``tile_rows`` rows."""
    pieces = (np.ascontiguousarray(matrix[a : a + tile_rows]) for a in range(0, len(matrix), tile_rows))
    tiles = [blosc.compress(piece, b"lz4", 5, _SHUFFLES[shuffle]) for piece in pieces]
    header = {"dtype": matrix.dtype.str, "shape": matrix.shape, "tile_rows": tile_rows}
    text = json.dumps(header).encode()
    sums = np.array([deflate.crc32(tile) for tile in tiles], dtype="<u4")
    begin = len(MAGIC) + 4 + len(text) + 8 * (len(tiles) + 1) + sums.nbytes
    offsets = np.cumsum([begin, *map(len, tiles)], dtype="<i8")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        file.write(MAGIC + struct.pack("<I", len(text)) + text + offsets.tobytes() + sums.tobytes())
        file.writelines(tiles)
    aside.replace(path)


def rows_a_tile(columns: int, itemsize: int = 4) -> int:
    """How many rows of ``columns`` values make a tile of about 64 KiB."""
    return max(1, TILE_BYTES // (columns * itemsize))


class TileFile:
    """One file of tiles, opened for each read, so that no number of files runs out of handles.

    Raises StoreError where the file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _damage(path), path.open("rb") as file:
            magic, length = struct.unpack("<8sI", file.read(12))
            if magic != MAGIC:
                raise ValueError("not a file of tiles")
            header = json.loads(file.read(length))
            self.shape: tuple[int, int] = (int(header["shape"][0]), int(header["shape"][1]))
            self.dtype = np.dtype(header["dtype"])
            self.tile_rows = int(header["tile_rows"])
            if self.dtype.kind not in "uif" or min(*self.shape, self.tile_rows) < 1:
                raise ValueError("not tiles of numbers")
            if self.tile_rows * self.shape[1] * self.dtype.itemsize > MOST_BYTES:
                raise ValueError("a tile is too large")
            count = -(-self.shape[0] // self.tile_rows)
            self._offsets: list[int] = np.frombuffer(file.read(8 * (count + 1)), dtype="<i8").tolist()
            self._sums: list[int] = np.frombuffer(file.read(4 * count), dtype="<u4").tolist()
            if len(self._offsets) != count + 1 or self._offsets[-1] != path.stat().st_size:
                raise ValueError("truncated")

    def read(self, rows: IndexArray, out: npt.NDArray[Any]) -> None:
        """Fills ``out`` (m x c) with these rows, in the order asked for."""
        self.read_runs(runs_of(rows, self.tile_rows), out)

    def read_runs(self, runs: Sequence[Run], out: npt.NDArray[Any]) -> None:
        """The same for rows whose ``runs_of`` tiles are known: many files of a matrix are asked for the same rows."""
        with _damage(self.path):
            handle = os.open(self.path, os.O_RDONLY)
            try:
                for number, place, within in runs:
                    out[place] = self._tile(handle, number)[within]
            finally:
                os.close(handle)

    def _tile(self, handle: int, number: int) -> npt.NDArray[Any]:
        start, stop = int(self._offsets[number]), int(self._offsets[number + 1])
        packed = os.pread(handle, stop - start, start)
        if deflate.crc32(packed) != self._sums[number]:
            raise ValueError(f"tile {number} is not what was written")
        height = min(self.tile_rows, self.shape[0] - number * self.tile_rows)
        tile = np.empty((height, self.shape[1]), dtype=self.dtype)
        blosc.decompress(packed, tile)
        return tile


def runs_of(rows: IndexArray, tile_rows: int) -> list[Run]:
    """Rows as runs that lie in one tile each: which tile, where they go, and which rows of the tile they are."""
    numbers = rows // tile_rows
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(rows)]
    runs: list[Run] = []
    for a, b in pairwise(edges):
        if b > a:
            number = int(numbers[a])
            within = rows[a:b] - number * tile_rows
            together = b - a == int(within[-1]) - int(within[0]) + 1 and bool((np.diff(within) == 1).all())
            runs.append((number, slice(a, b), slice(int(within[0]), int(within[-1]) + 1) if together else within))
    return runs


@dataclass(frozen=True)
class TiledMatrix:
    """All blocks of a matrix. ``starts``: position of each block's first biosample, and last the number of biosamples.

    ``by_gene``: the rows of each file are genes, its columns biosamples (else the other way round).
    """

    folder: Path
    starts: tuple[int, ...]

    @cached_property
    def _files(self) -> list[TileFile]:
        return [TileFile(block_path(self.folder, number)) for number in range(len(self.starts) - 1)]

    @property
    def n(self) -> int:
        """Biosamples."""
        return self.starts[-1]

    def biosamples(self, rows: IndexArray | Sequence[int] | slice) -> npt.NDArray[Any]:
        """Rows of a matrix kept biosample by biosample: m x c, in the order asked for."""
        files = self._files
        wanted = _positions(rows, self.n)
        out = np.empty((len(wanted), files[0].shape[1]), dtype=files[0].dtype)
        order = np.argsort(wanted, kind="stable")
        at = np.searchsorted(wanted[order], self.starts)

        def fill(number: int) -> None:
            mine = order[at[number] : at[number + 1]]
            if len(mine):
                block = np.empty((len(mine), out.shape[1]), dtype=out.dtype)
                files[number].read(wanted[mine] - self.starts[number], block)
                out[mine] = block

        in_threads(fill, [(number,) for number in range(len(files))], _least(out))
        return out

    def genes(self, rows: IndexArray | Sequence[int] | slice) -> npt.NDArray[Any]:
        """Rows of a matrix kept gene by gene, over all biosamples: t x n, in the order asked for."""
        files = self._files
        wanted = _positions(rows, files[0].shape[0])
        order = np.argsort(wanted, kind="stable")
        out = np.empty((len(wanted), self.n), dtype=files[0].dtype)
        ascending = bool((np.diff(wanted) > 0).all())
        runs = {height: runs_of(wanted[order], height) for height in {file.tile_rows for file in files}}

        def fill(number: int) -> None:
            part = out[:, self.starts[number] : self.starts[number + 1]]
            block = part if ascending else np.empty(part.shape, dtype=out.dtype)
            files[number].read_runs(runs[files[number].tile_rows], block)
            if not ascending:
                part[order] = block

        in_threads(fill, [(number,) for number in range(len(files))], _least(out))
        return out

    def piece(self, number: int, start: int, stop: int) -> npt.NDArray[Any]:
        """Rows start..stop of one block's file."""
        file = self._files[number]
        out = np.empty((stop - start, file.shape[1]), dtype=file.dtype)
        file.read(np.arange(start, stop), out)
        return out


def block_path(folder: Path, number: int) -> Path:
    """Where the tiles of a block lie."""
    return folder / f"{number:06d}.tiles"


def spans(total: int, step: int) -> list[tuple[int, int]]:
    """(start, stop) pairs that cover 0..total in steps."""
    return list(pairwise([*range(0, total, step), total]))


def _positions(rows: IndexArray | Sequence[int] | slice, total: int) -> IndexArray:
    if isinstance(rows, slice):
        return np.arange(total)[rows]
    wanted = np.asarray(rows, dtype=np.intp)
    if len(wanted) and not (wanted.min() >= 0 and wanted.max() < total):
        raise IndexError(f"rows must be between 0 and {total - 1}, got {wanted.min()} to {wanted.max()}")
    return wanted


def _least(out: npt.NDArray[Any]) -> int:
    return 2 if out.nbytes >= PARALLEL_BYTES else 1_000_000


def in_threads(work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], least: int = 2) -> None:
    """Calls ``work(*task)`` for each task, in threads where there are at least so many."""
    if len(tasks) < least:
        for task in tasks:
            work(*task)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(lambda task: work(*task), tasks))


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, RuntimeError, struct.error) as error:
        raise StoreError(f"{path} is damaged ({error}): build the dataset again.") from error
