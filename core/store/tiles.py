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

import numcodecs
import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from numcodecs import blosc

from core.errors import StoreError
from core.settings import n_threads
from core.types import IndexArray

blosc.use_threads = False  # tiles are small, and readers have threads of their own

MAGIC = b"ASTILES1"
TILE_BYTES = 64 << 10
PARALLEL_BYTES = 4 << 20  # reading less than this is quicker without a second thread
Shuffle = Literal["bytes", "bits"]
_CODECS = {
    "bytes": numcodecs.Blosc("lz4", clevel=5, shuffle=blosc.SHUFFLE),
    "bits": numcodecs.Blosc("lz4", clevel=5, shuffle=blosc.BITSHUFFLE),
}


def write_tiles(path: Path, matrix: npt.NDArray[Any], tile_rows: int, shuffle: Shuffle) -> None:
    """A matrix (r x c, C order or any other) as a file of tiles of ``tile_rows`` rows."""
    codec = _CODECS[shuffle]
    tiles = [codec.encode(np.ascontiguousarray(matrix[a : a + tile_rows])) for a in range(0, len(matrix), tile_rows)]
    header = {"dtype": matrix.dtype.str, "shape": matrix.shape, "tile_rows": tile_rows, "shuffle": shuffle}
    text = json.dumps(header).encode()
    sums = np.array([isal_zlib.crc32(tile) for tile in tiles], dtype="<u4")
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
            self._tile_rows = int(header["tile_rows"])
            self._codec = _CODECS[header["shuffle"]]
            count = -(-self.shape[0] // self._tile_rows)
            self._offsets = np.frombuffer(file.read(8 * (count + 1)), dtype="<i8")
            self._sums = np.frombuffer(file.read(4 * count), dtype="<u4")
            if len(self._offsets) != count + 1 or self._offsets[-1] != path.stat().st_size:
                raise ValueError("truncated")

    def read(self, rows: IndexArray, out: npt.NDArray[Any]) -> None:
        """Fills ``out`` (m x c) with these rows, in the order asked for."""
        with _damage(self.path), self.path.open("rb", buffering=0) as file:
            for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows // self._tile_rows)) + 1):
                if len(run):
                    number = int(rows[run[0]]) // self._tile_rows
                    out[run] = self._tile(file.fileno(), number)[rows[run] - number * self._tile_rows]

    def _tile(self, handle: int, number: int) -> npt.NDArray[Any]:
        start, stop = (int(offset) for offset in self._offsets[number : number + 2])
        height = min(self._tile_rows, self.shape[0] - number * self._tile_rows)
        packed = os.pread(handle, stop - start, start)
        if isal_zlib.crc32(packed) != self._sums[number]:
            raise ValueError(f"tile {number} is not what was written")
        tile = np.empty((height, self.shape[1]), dtype=self.dtype)
        self._codec.decode(packed, tile)
        return tile


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

        _each(fill, len(files), out.nbytes)
        return out

    def genes(self, rows: IndexArray | Sequence[int] | slice) -> npt.NDArray[Any]:
        """Rows of a matrix kept gene by gene, over all biosamples: t x n, in the order asked for."""
        files = self._files
        wanted = _positions(rows, files[0].shape[0])
        order = np.argsort(wanted, kind="stable")
        out = np.empty((len(wanted), self.n), dtype=files[0].dtype)

        def fill(number: int) -> None:
            block = np.empty((len(wanted), files[number].shape[1]), dtype=out.dtype)
            files[number].read(wanted[order], block)
            out[order, self.starts[number] : self.starts[number + 1]] = block

        _each(fill, len(files), out.nbytes)
        return out

    def gene_tiles(self, step: int = 256) -> Iterator[npt.NDArray[Any]]:
        """The whole matrix in tiles of ``step`` genes (t x n)."""
        for start in range(0, self._files[0].shape[0], step):
            yield self.genes(slice(start, start + step))


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


def _each(work: Callable[[int], None], count: int, size: int) -> None:
    """Calls ``work`` for 0 .. count, in threads where there is enough to do."""
    if size < PARALLEL_BYTES or count == 1:
        for number in range(count):
            work(number)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(work, range(count)))


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, struct.error) as error:
        raise StoreError(f"{path} is damaged ({error}): build the dataset again.") from error
