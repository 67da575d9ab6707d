"""Where the chunks of an HDF5 dataset lie in its file, and their bytes without HDF5; for ``archs4_chunks`` alone."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from core.types import IndexArray

Entries = npt.NDArray[np.uint64]

# An entry is offset << 24 | size: 8 bytes a chunk, 256 MB for the 32 million chunks of a full ARCHS4 file.
_SIZE_BITS, _OFFSET_BITS = 24, 40
_MAX_INDEXED = 2**26
# Finding one chunk through HDF5 costs about four entries of the index, which is only to be had whole.
_WORTH_IT = 4
_RUN_BYTES = 2**20  # the most that one read fetches, give or take a chunk
_GAP_BYTES = 4096  # a gap up to a page costs nothing: the disk delivers whole pages


class Grid:
    """How a matrix (``shape`` as in the file) is cut into chunks: ``n_tiles`` along the genes, ``n_bands`` across.

    A chunk holds ``height`` genes of ``width`` biosamples; those at the edges are stored whole, too.
    """

    def __init__(self, shape: tuple[int, int], chunk: tuple[int, int], genes_first: bool) -> None:
        self.chunk, self.genes_first = chunk, genes_first
        genes, samples = (0, 1) if genes_first else (1, 0)
        self.n_genes, self.height, self.width = shape[genes], chunk[genes], chunk[samples]
        self.n_tiles, self.n_bands = -(-self.n_genes // self.height), -(-shape[samples] // self.width)

    def corner(self, tile: int, band: int) -> tuple[int, int]:
        """The place of a chunk's first value in the file's matrix."""
        gene, sample = tile * self.height, band * self.width
        return (gene, sample) if self.genes_first else (sample, gene)

    def by_tile(self, flat: Entries) -> Entries:
        """One value a chunk in the file's order, as tiles x bands."""
        return flat.reshape(self.n_tiles, -1) if self.genes_first else flat.reshape(self.n_bands, -1).T


@dataclass(frozen=True)
class Stored:
    """Chunks that hold some biosamples: how many, how many of them were looked up, stored bytes of those."""

    chunks: int
    asked: int
    asked_bytes: int

    @property
    def exact(self) -> bool:
        """Whether every chunk was looked up."""
        return self.asked == self.chunks

    @property
    def bytes(self) -> int:
        """Stored bytes of all chunks; from those that were looked up, if not every one was."""
        return round(self.asked_bytes * self.chunks / self.asked) if self.asked else 0


class Index(Protocol):
    """What finds and fetches chunks for a ``ChunkReader``; see ``ChunkIndex`` for what each of these does."""

    def close(self) -> None: ...

    def ask(self, n_bands: int) -> None: ...

    def look_up(self, bands: IndexArray) -> Entries: ...

    def fetch(self, entries: Entries) -> Iterator[memoryview]: ...

    def prefetch(self, bands: IndexArray) -> None: ...


class ChunkIndex:
    """Finds chunks of an open dataset, once enough of them have been asked for; safe under threads."""

    def __init__(self, dataset: Any, grid: Grid) -> None:
        self._dataset, self._grid = dataset, grid
        self._lock = threading.Lock()
        self._asked = 0
        self._entries: Entries | None = None
        self._possible = hasattr(os, "pread") and grid.n_tiles * grid.n_bands <= _MAX_INDEXED
        self._fd = -1
        self._release: Callable[[], object] = lambda: None

    def close(self) -> None:
        """Lets go of the file; the dataset stays open."""
        self._fd = -1
        self._release()

    def ask(self, n_bands: int) -> None:
        """Says that the chunks of so many bands are wanted; indexes the dataset when that comes to pay."""
        with self._lock:
            self._asked += n_bands
            if self._possible and self._asked * _WORTH_IT >= self._grid.n_bands:
                self._possible = False
                self._entries = self._make()

    def look_up(self, bands: IndexArray) -> Entries:
        """Entries (tiles x bands); 0 where there is none: no index yet, nothing stored, or stored in an odd way."""
        if self._entries is None:
            return np.zeros((self._grid.n_tiles, len(bands)), dtype=np.uint64)
        return self._entries[:, bands]

    def fetch(self, entries: Entries) -> Iterator[memoryview]:
        """The stored bytes of each chunk; ``entries`` in ascending order, none 0. Too few where the file ends early."""
        offsets, sizes = unpacked(entries)
        for first, last in _runs(offsets, sizes):
            start = int(offsets[first])
            data = memoryview(os.pread(self._fd, int(offsets[last - 1] + sizes[last - 1]) - start, start))
            begins = offsets[first:last] - start
            for begin, end in zip(begins.tolist(), (begins + sizes[first:last]).tolist(), strict=True):
                yield data[begin:end]

    def prefetch(self, bands: IndexArray) -> None:
        """Asks the kernel to read these bands ahead; nothing where it takes no such advice, or without an index."""
        if self._entries is None or not hasattr(os, "posix_fadvise"):
            return
        entries = np.sort(self.look_up(bands), axis=None)
        offsets, sizes = unpacked(entries[entries > 0])
        for first, last in _runs(offsets, sizes):
            length = int(offsets[last - 1] + sizes[last - 1] - offsets[first])
            os.posix_fadvise(self._fd, int(offsets[first]), length, os.POSIX_FADV_WILLNEED)

    def _make(self) -> Entries | None:
        """All entries, tiles x bands; None where the file is damaged, so that chunks are sought one by one."""
        height, width = self._grid.chunk
        columns = -(-int(self._dataset.shape[1]) // width)
        found = np.zeros(self._grid.n_tiles * self._grid.n_bands, dtype=np.uint64)
        entries = found.data

        def note(chunk: Any) -> None:
            offset, size = chunk.byte_offset, chunk.size
            if not chunk.filter_mask and size >> _SIZE_BITS == 0 and offset >> _OFFSET_BITS == 0:
                y, x = chunk.chunk_offset
                entries[y // height * columns + x // width] = offset << _SIZE_BITS | size

        try:
            self._dataset.id.chunk_iter(note)
            return self._grid.by_tile(found) if self._open(found, columns) else None
        except (OSError, RuntimeError, IndexError):  # IndexError: a chunk that says it lies outside the matrix
            return None

    def _open(self, found: Entries, columns: int) -> bool:
        """Opens the file beside HDF5 and moves entries past a user block, which some versions of HDF5 leave out.

        False where the bytes there are not those that HDF5 reads.
        """
        known = np.flatnonzero(found)
        if not len(known):
            return False
        y, x = divmod(int(known[0]), columns)
        _, raw = self._dataset.id.read_direct_chunk((y * self._grid.chunk[0], x * self._grid.chunk[1]))
        fd = os.dup(self._dataset.file.id.get_vfd_handle())
        self._release = weakref.finalize(self, os.close, fd)
        for base in (0, self._dataset.file.userblock_size):
            if os.pread(fd, len(raw), (int(found[known[0]]) >> _SIZE_BITS) + base) == raw:
                found[known] += np.uint64(base << _SIZE_BITS)
                self._fd = fd
                return True
        return False


def packed(offsets: Entries, sizes: Entries) -> Entries:
    """Entries of chunks; 0 where the size or the place does not fit into one."""
    fits = (sizes >> np.uint64(_SIZE_BITS) == 0) & (offsets >> np.uint64(_OFFSET_BITS) == 0)
    return np.where(fits, offsets << np.uint64(_SIZE_BITS) | sizes, np.uint64(0))


def unpacked(entries: Entries) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Offsets and sizes in bytes."""
    offsets = (entries >> np.uint64(_SIZE_BITS)).astype(np.int64)
    return offsets, (entries & np.uint64(2**_SIZE_BITS - 1)).astype(np.int64)


def _runs(offsets: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and past-the-last places of chunks (in file order) that are fetched together."""
    apart = offsets[1:] - (offsets + sizes)[:-1] > _GAP_BYTES
    far = offsets[1:] // _RUN_BYTES != offsets[:-1] // _RUN_BYTES
    edges = [0, *(np.flatnonzero(apart | far) + 1).tolist(), len(offsets)] if len(offsets) else []
    return list(pairwise(edges))
