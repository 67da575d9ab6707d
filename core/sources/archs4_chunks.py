"""The counts of an HDF5 file, chunk by chunk, decoded on several threads; used by ``core.sources.archs4`` alone.

HDF5 decodes on one thread, behind one lock. Here each chunk's bytes are fetched as they lie in the file (many chunks
in one read), decoded without the interpreter's lock, and turned into a biosamples x genes matrix on the way.
Whatever is out of the ordinary, a whole dataset or a single chunk, is left to plain h5py.
"""

import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import deflate
import h5py
import hdf5plugin  # noqa: F401  (registers the zstd, blosc and lz4 filters)
import numpy as np
import numpy.typing as npt

from core.sources.archs4_index import ChunkIndex, Entries, Grid, Index, Stored, unpacked
from core.types import CountMatrix, IndexArray

T = TypeVar("T")
Raw = bytes | bytearray | memoryview
Places = slice | IndexArray
MakeIndex = Callable[[h5py.Dataset, Grid], Index]

_SHUFFLE, _GZIP = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE
_MAX_CHUNK_BYTES = 2**26
_LONGEST = 4  # times a chunk's size that are unpacked of a stream that is too long, to say how long it is
_COUNT_LIMIT = 2**32
_PIECE_BYTES = 2**28
_ALL = 2**31
_PARTS_A_THREAD = 4  # more than one, so that a slow thread holds nobody up


@dataclass(frozen=True)
class _Band:
    """One column of chunks: which of its biosamples are wanted (``inside``), and the rows of the result they fill."""

    number: int
    inside: Places
    into: Places


@dataclass(frozen=True)
class _Part:
    """Chunks for one thread, in file order: number along the genes, column, index entry (0: h5py has to find it)."""

    tiles: list[int]
    bands: list[_Band]
    entries: Entries


class ChunkReader:
    """Reads chunks of little-endian uint32, stored plain, gzipped, or shuffled and gzipped; made by ``open_chunks``.

    Any number of threads may use one reader.
    """

    def __init__(self, dataset: h5py.Dataset, genes_first: bool, filters: tuple[int, ...], index: MakeIndex) -> None:
        self._dataset, self._filters = dataset, filters
        self._grid = Grid(dataset.shape, dataset.chunks, genes_first)
        self._index = index(dataset, self._grid)
        self._bytes = self._grid.height * self._grid.width * 4

    def close(self) -> None:
        """Lets go of the file; nobody may be reading."""
        self._index.close()

    def expect(self, n_rows: int) -> None:
        """Says that so many biosamples will be read, so that the file is indexed now if that pays."""
        self._index.ask(-(-n_rows // self._grid.width))

    def stored(self, rows: IndexArray, most: int = _ALL) -> Stored:
        """What is stored of ``rows``, from the index; ``most``: columns of chunks that are looked up, evenly spread."""
        bands = np.unique(rows // self._grid.width)
        asked = bands if len(bands) <= most else bands[np.linspace(0, len(bands) - 1, most).astype(int)]
        entries = self._index.look_up(asked)
        _, sizes = unpacked(entries[entries > 0])
        return Stored(len(bands) * self._grid.n_tiles, entries.size, int(sizes.sum()))

    def prefetch(self, rows: IndexArray) -> None:
        """Asks the kernel to read the chunks of ``rows`` ahead, where it can and the file is indexed."""
        self._index.prefetch(np.unique(rows // self._grid.width))

    def fill(self, out: CountMatrix, rows: IndexArray, threads: int, stop: threading.Event) -> None:
        """Counts of ``rows`` (m, in range, in any order, repeats allowed) into ``out`` (m x G, C order).

        ``stop`` ends it early, with ``out`` unfinished. Raises OSError, RuntimeError, ValueError on a damaged file.
        """
        if not len(rows):
            return
        unique, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
        parts = self._parts(self._bands(unique, first), threads)
        if threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda part: self._work(out, part, stop), parts))
        else:
            for part in parts:
                self._work(out, part, stop)
        repeats = np.setdiff1d(np.arange(len(rows)), first)
        out[repeats] = out[first[inverse[repeats]]]

    def _bands(self, rows: IndexArray, into: IndexArray) -> list[_Band]:
        """Bands of ``rows`` (sorted, no repeats), each of which goes to its row of the result in ``into``."""
        numbers = rows // self._grid.width
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(rows)]
        inside = rows - numbers * self._grid.width
        return [_Band(int(numbers[a]), _places(inside[a:b]), _places(into[a:b])) for a, b in pairwise(edges)]

    def _parts(self, bands: list[_Band], threads: int) -> list[_Part]:
        """All chunks of the bands, in the order in which they lie in the file, cut for the threads."""
        self._index.ask(len(bands))
        entries = self._index.look_up(np.array([band.number for band in bands])).reshape(-1)
        order = np.argsort(entries, kind="stable")
        tiles, columns = np.divmod(order, len(bands))
        edges = np.linspace(0, len(order), _PARTS_A_THREAD * threads + 1 if threads > 1 else 2).astype(int)
        return [
            _Part(tiles[a:b].tolist(), [bands[i] for i in columns[a:b].tolist()], entries[order[a:b]])
            for a, b in pairwise(edges)
            if b > a
        ]

    def _work(self, out: CountMatrix, part: _Part, stop: threading.Event) -> None:
        flat, starts, lengths = out.data.cast("B"), *self._targets(part)
        for i, raw in enumerate(self._fetch(part)):
            if stop.is_set():
                return
            data = None if raw is None else self._decode(raw)
            if data is None:
                self._put(out, part.tiles[i], part.bands[i], self._through_h5py(part.tiles[i], part.bands[i]))
            elif len(data) != self._bytes:
                corner = self._grid.corner(part.tiles[i], part.bands[i].number)
                raise ValueError(f"the chunk at {corner} holds {len(data)} bytes, not {self._bytes}")
            elif starts:
                flat[starts[i] : starts[i] + lengths[i]] = data[: lengths[i]]
            else:
                values = np.frombuffer(data, dtype=np.uint32).reshape(self._grid.chunk)
                self._put(out, part.tiles[i], part.bands[i], values)

    def _targets(self, part: _Part) -> tuple[list[int], list[int]]:
        """Where each chunk starts in the result, and how much of it counts, in bytes; empty for wide chunks.

        A chunk of one biosample needs no turning. Copying its bytes takes a fifth of the time that numpy takes, and the
        interpreter's lock is held meanwhile.
        """
        if self._grid.width > 1:
            return [], []
        first = np.array(part.tiles) * self._grid.height
        rows = np.array([band.into.start for band in part.bands if isinstance(band.into, slice)])
        n_genes = self._grid.n_genes
        lengths = np.minimum(self._grid.height, n_genes - first)
        return ((rows * n_genes + first) * 4).tolist(), (lengths * 4).tolist()

    def _put(self, out: CountMatrix, tile: int, band: _Band, values: CountMatrix) -> None:
        """``values``: a chunk as it lies in the file; at the edge of the matrix it may be cut off or whole."""
        first = tile * self._grid.height
        genes = min(self._grid.height, self._grid.n_genes - first)
        turned = values.T if self._grid.genes_first else values
        out[band.into, first : first + genes] = turned[band.inside, :genes]

    def _fetch(self, part: _Part) -> Iterator[Raw | None]:
        """The stored bytes of each chunk of a part; None where h5py has to read the values."""
        unknown = int(np.searchsorted(part.entries, 1))  # they are sorted
        for tile, band in zip(part.tiles[:unknown], part.bands[:unknown], strict=True):
            yield self._fetch_one(self._grid.corner(tile, band.number))
        yield from self._index.fetch(part.entries[unknown:])

    def _fetch_one(self, corner: tuple[int, int]) -> Raw | None:
        try:
            mask, raw = self._dataset.id.read_direct_chunk(corner)
        except (OSError, RuntimeError, MemoryError):  # MemoryError: h5py's answer where no chunk was ever written
            return None  # missing, or damaged: plain h5py fills it in, or says what is wrong
        return None if mask else raw

    def _decode(self, raw: Raw) -> Raw | None:
        """A chunk's values as bytes; None where the stream is broken or its checksum wrong: h5py then says so."""
        if _GZIP not in self._filters:
            return raw
        try:
            # libdeflate: measured faster than isal and zlib-ng
            data: Raw | None = deflate.zlib_decompress(raw, self._bytes)
        except deflate.DeflateError:
            data = _longer(raw, self._bytes)
        if data is None or len(data) != self._bytes or _SHUFFLE not in self._filters:
            return data
        return _unshuffled(data)

    def _through_h5py(self, tile: int, band: _Band) -> CountMatrix:
        (y, x), (height, width) = self._grid.corner(tile, band.number), self._grid.chunk
        return np.asarray(self._dataset[y : y + height, x : x + width], dtype=np.uint32)


def open_chunks(dataset: h5py.Dataset, genes_first: bool, index: MakeIndex = ChunkIndex) -> ChunkReader | None:
    """A reader of the dataset's chunks; None where only plain h5py can read it. ``index`` says how they are found."""
    if not dataset.chunks or not dataset.dtype.isnative or not dataset.id.get_type().equal(h5py.h5t.STD_U32LE):
        return None
    plan = dataset.id.get_create_plist()
    filters = tuple(int(plan.get_filter(i)[0]) for i in range(plan.get_nfilters()))
    # Not shuffle alone: chunks at the edge may be stored unfiltered, and only gzip's checksum tells.
    plain = filters not in ((), (_GZIP,), (_SHUFFLE, _GZIP)) or 4 * np.prod(dataset.chunks) > _MAX_CHUNK_BYTES
    return None if plain else ChunkReader(dataset, genes_first, filters, index)


def plain_pieces(
    dataset: h5py.Dataset, genes_first: bool, rows: IndexArray, stop: threading.Event
) -> Iterator[tuple[IndexArray, npt.NDArray[Any]]]:
    """Plain h5py: places in ``rows`` and their values (biosamples x genes, the file's own type), until ``stop``."""
    order = np.argsort(rows, kind="stable")
    # One read a chunk of biosamples: h5py's own index lists cost more than the decompression.
    cuts = np.flatnonzero(np.diff(rows[order] // _piece_width(dataset, genes_first))) + 1
    for places in np.split(order, cuts) if len(order) else []:
        if stop.is_set():
            return
        block = rows[places]
        first, last = int(block[0]), int(block[-1]) + 1
        values = np.asarray(dataset[:, first:last]).T if genes_first else np.asarray(dataset[first:last])
        yield places, values[block - first]


def first_bad(values: npt.NDArray[Any]) -> tuple[int, int] | None:
    """Place of the first value that is no count: negative, not whole, not finite, or over 2^32 - 1."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 4:
        return None
    with np.errstate(over="ignore"):  # the limit is infinite to a type as short as float16
        bad = ~((values >= 0) & (values < _COUNT_LIMIT))  # NaN compares false
    if values.dtype.kind == "f":
        bad |= values != np.floor(values)
    if not bad.any():
        return None
    row, column = np.argwhere(bad)[0].tolist()
    return row, column


def _piece_width(dataset: h5py.Dataset, genes_first: bool) -> int:
    width = int(dataset.chunks[1 if genes_first else 0]) if dataset.chunks else 64
    n_genes = int(dataset.shape[0 if genes_first else 1])
    return max(1, min(width, _PIECE_BYTES // (n_genes * int(dataset.dtype.itemsize))))


def read_ahead(read: Callable[[int, threading.Event], T], n: int) -> Generator[T, None, None]:
    """``read(i, stop)`` for i = 0 to n - 1, the next one always under way in the background.

    An error surfaces where its result is due. Closing the generator sets ``stop`` and waits for the rest.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(1) as background:
        try:
            waiting: Future[T] | None = background.submit(read, 0, stop) if n else None
            following = 1
            while waiting:
                result = waiting.result()
                waiting = background.submit(read, following, stop) if following < n else None
                following += 1
                yield result
                del result  # or two would lie here while the caller waits for the next
        finally:
            stop.set()


def _places(numbers: IndexArray) -> Places:
    """The same places as a slice where they are consecutive: numpy copies those several times faster."""
    first, n = int(numbers[0]), len(numbers)
    return slice(first, first + n) if n == 1 or (np.diff(numbers) == 1).all() else numbers


def _longer(raw: Raw, size: int) -> bytes | None:
    """More than ``size`` bytes of a stream that libdeflate refuses for being longer; None where it is broken."""
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(raw, _LONGEST * size)
    except zlib.error:
        return None
    return data if len(data) > size else None


def _unshuffled(data: Raw) -> memoryview:
    """HDF5's shuffle undone: first bytes of all values, then second bytes, ..."""
    planes = np.frombuffer(data, dtype=np.uint8).reshape(4, -1)
    values = np.empty((planes.shape[1], 4), dtype=np.uint8)
    for byte in range(4):  # twice as fast as one copy of the transpose
        values[:, byte] = planes[byte]
    flat: memoryview = values.data.cast("B")
    return flat
