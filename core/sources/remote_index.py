"""Where chunks lie in a remote HDF5 file, and their bytes; the remote kind of ``archs4_index.ChunkIndex``.

HDF5 finds a chunk by a B-tree, one small read after the other. Over a network each read costs a round trip, and a
hundred biosamples of ARCHS4 have 3,400 chunks. Here the tree is walked for all wanted chunks at once, level by level,
with the nodes of a level fetched side by side. Format: HDF5 File Format Specification, sections III.A.1 (version 1
B-trees) and IV.A (object headers). Files of a newer kind of index are read by h5py, slowly (``indexed`` says so).
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from core.errors import RemoteError
from core.sources.archs4_index import Entries, Grid, packed, unpacked
from core.sources.remote_ranges import COUNTS, INDEX, Integers, Ranges
from core.types import IndexArray

_CHUNKED, _BTREE_1, _LAYOUT_MESSAGE, _CONTINUATION = 2, 3, 0x0008, 0x0010
_UNDEFINED = 2**64 - 1
_MOST_LEVELS = 16
_MOST_LEAVES = 50_000  # about 1 KB each
_PLAIN_K = 32  # half the children of a node, where the superblock does not say


class RemoteIndex:
    """Finds and fetches the chunks of an open dataset; stands in for ``ChunkIndex`` in a ``ChunkReader``."""

    def __init__(self, dataset: Any, grid: Grid, ranges: Ranges) -> None:
        self._grid, self._ranges = grid, ranges
        height, width = grid.chunk
        self._chunk = np.array([height, width], dtype=np.uint64)
        self._columns = -(-int(dataset.shape[1]) // width)
        self._inner: dict[int, tuple[Integers, Integers]] = {}  # nodes above the leaves: first chunk and child of each
        self._leaves: OrderedDict[int, Entries] = OrderedDict()  # those that were read last
        self._base = int(dataset.file.userblock_size)
        self._root = self._find_root(dataset)

    @property
    def indexed(self) -> bool:
        """Whether chunks are found and fetched side by side."""
        return self._root is not None

    def close(self) -> None:
        """Nothing to let go of: the threads belong to the file."""

    def ask(self, n_bands: int) -> None:
        """Nothing to prepare."""

    def prefetch(self, bands: IndexArray) -> None:
        """Nothing to prepare."""

    def look_up(self, bands: IndexArray) -> Entries:
        """Entries (tiles x bands); 0 where there is none: another kind of index, nothing stored, stored in an odd way.

        Raises RemoteError.
        """
        tiles = np.arange(self._grid.n_tiles)[:, None]
        rows, columns = (tiles, bands[None, :]) if self._grid.genes_first else (bands[None, :], tiles)
        numbers = (rows * self._columns + columns).astype(np.int64)
        if self._root is None or not numbers.size:
            return np.zeros(numbers.shape, dtype=np.uint64)
        wanted, inverse = np.unique(numbers, return_inverse=True)
        return self._search(wanted)[inverse].reshape(numbers.shape)

    def fetch(self, entries: Entries) -> Iterator[memoryview]:
        """The stored bytes of each chunk; ``entries`` in ascending order, none 0."""
        return self._ranges.fetch(*unpacked(entries), COUNTS)

    def _search(self, wanted: Integers) -> Entries:
        """Entries of chunks by number (ascending); 0 where there is none."""
        found = np.zeros(len(wanted), dtype=np.uint64)
        level: list[tuple[int, int, int]] = [(self._root or 0, 0, len(wanted))]  # node, and which of the wanted it has
        for _ in range(_MOST_LEVELS):
            following: list[tuple[int, int, int]] = []
            for (_, a, b), node in zip(level, self._nodes([address for address, _, _ in level]), strict=True):
                if isinstance(node, tuple):
                    following += _children(*node, wanted, a, b)
                else:
                    numbers, entries = node[0].astype(np.int64), node[1]
                    place = np.searchsorted(numbers, wanted[a:b]).clip(max=max(0, len(numbers) - 1))
                    there = numbers[place] == wanted[a:b] if len(numbers) else np.zeros(b - a, dtype=bool)
                    found[a:b][there] = entries[place[there]]
            level = following
            if not level:
                return found
        raise RemoteError("The index of the file is damaged (it has no end): try another copy of the file.")

    def _nodes(self, addresses: list[int]) -> list[tuple[Integers, Integers] | Entries]:
        """Nodes in this order: of inner ones (first chunk, child), of leaves numbers and entries (2 x chunks)."""
        missing = np.array(sorted(set(addresses) - self._inner.keys() - self._leaves.keys()), dtype=np.int64)
        sizes = np.full(len(missing), self._node_bytes, dtype=np.int64)
        known: dict[int, tuple[Integers, Integers] | Entries] = {}
        for address, raw in zip(missing.tolist(), self._ranges.fetch(missing + self._base, sizes, INDEX), strict=True):
            node = known[address] = self._parse(raw, address)
            if isinstance(node, tuple):
                self._inner[address] = node
            else:
                self._leaves[address] = node
        for address in addresses:
            if address not in known:
                known[address] = self._inner[address] if address in self._inner else self._leaves[address]
        while len(self._leaves) > _MOST_LEAVES:
            self._leaves.popitem(last=False)
        return [known[address] for address in addresses]

    def _parse(self, raw: memoryview, address: int) -> tuple[Integers, Integers] | Entries:
        signature, kind, level, used = struct.unpack_from("<4sBBH", raw)
        if signature != b"TREE" or kind != 1 or used > self._most:
            raise RemoteError(f"The index of the file is damaged at byte {address}: try another copy of the file.")
        records = np.frombuffer(raw, _RECORD, used, 24)
        offsets = records["offset"][:, :2]
        numbers = (offsets[:, 0] // self._chunk[0] * np.uint64(self._columns) + offsets[:, 1] // self._chunk[1]).astype(
            np.int64
        )
        if level:
            return numbers, records["child"].astype(np.int64)
        entries = packed(records["child"] + np.uint64(self._base), records["size"].astype(np.uint64))
        entries[records["mask"] != 0] = 0
        return np.stack([numbers.astype(np.uint64), entries])

    # -- where the tree begins ---------------------------------------------------------------------------------------

    def _find_root(self, dataset: Any) -> int | None:
        """The address of the tree's first node; None where the index is of another kind."""
        if dataset.file.id.get_create_plist().get_sizes() != (8, 8) or dataset.ndim != 2:
            return None
        start = self._read(0, 26)
        self._most = 2 * (struct.unpack_from("<H", start, 24)[0] if start[8] == 1 else _PLAIN_K)
        self._node_bytes = 24 + (self._most + 1) * 32 + self._most * 8
        found = self._layout(_address_of(dataset))
        if found is None or len(found) < 11 or tuple(found[:2]) != (_BTREE_1, _CHUNKED) or found[2] != 3:
            return None
        root = int(struct.unpack_from("<Q", found, 3)[0])
        return None if root == _UNDEFINED else root

    def _layout(self, header: int) -> bytes | None:
        """The data layout message of a version 1 object header."""
        start = self._read(header, 16)
        version, _, _, _, length = struct.unpack_from("<BBHII", start)
        if version != 1:
            return None
        blocks = [(header + 16, length)]
        while blocks:
            raw, at = self._read(*blocks.pop(0)), 0
            while at + 8 <= len(raw):
                kind, size = struct.unpack_from("<HH", raw, at)
                body = raw[at + 8 : at + 8 + size]
                if kind == _LAYOUT_MESSAGE:
                    return body
                if kind == _CONTINUATION and size >= 16:
                    blocks.append(struct.unpack_from("<QQ", body))
                at += 8 + size
        return None

    def _read(self, offset: int, size: int) -> bytes:
        return self._ranges.stretch(offset + self._base, offset + self._base + size, INDEX)


_RECORD = np.dtype([("size", "<u4"), ("mask", "<u4"), ("offset", "<u8", (3,)), ("child", "<u8")])


def _address_of(dataset: Any) -> int:
    """Where the dataset's object header is. ``h5o.get_info`` would say so, too, but reads the whole index to do it."""
    return int(dataset.file.id.links.get_info(dataset.name.encode()).u)


def _children(numbers: Integers, children: Integers, wanted: Integers, a: int, b: int) -> list[tuple[int, int, int]]:
    """The children of an inner node that may have some of the wanted a..b, and which."""
    child = np.searchsorted(numbers, wanted[a:b], side="right") - 1
    edges = [0, *(np.flatnonzero(np.diff(child)) + 1).tolist(), b - a] if b > a else []
    spans = [(int(child[i]), a + i, a + j) for i, j in pairwise(edges)]
    return [(int(children[i]), first, last) for i, first, last in spans if i >= 0]
