"""A remote file as Python's own kind of file, which h5py opens as if it were here.

For metadata: HDF5 reads those in small pieces, mostly one after the other. So whole blocks are fetched and kept for a
while, and the further a stretch was read on, the more is fetched ahead. Counts do not come this way, but chunk by
chunk (``core.sources.remote_index``).
"""

import io
import os
from collections import OrderedDict
from collections.abc import Callable

from core.sources.remote_http import RemoteSource
from core.sources.remote_ranges import METADATA, Ranges

BLOCK = 2**15
_KEPT = 2**26 // BLOCK  # 64 MB
_MOST_AHEAD = 2**23 // BLOCK  # 8 MB, over all connections
_STREAMS = 16  # stretches that are read on at the same time


class RemoteFile:
    """Reads a remote file; one thread at a time (h5py sees to that). ``told`` hears of the bytes so far."""

    def __init__(self, source: RemoteSource, ranges: Ranges, told: Callable[[int], None]) -> None:
        self._source, self._ranges, self._told = source, ranges, told
        self._size, self._at = source.facts.size, 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._ahead: OrderedDict[int, int] = OrderedDict()  # block that would come next -> blocks to fetch then
        self.failure: BaseException | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a byte."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """The byte that is read next."""
        return self._at

    def flush(self) -> None:
        """Nothing to do: nothing is written."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as there are."""
        wanted = bytearray(max(0, self._size - self._at) if size < 0 else size)
        return bytes(wanted[: self.readinto(wanted)])

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fills a buffer with the next bytes; how many there were. Raises RemoteError."""
        view = memoryview(buffer).cast("B")
        start, stop = self._at, min(self._at + len(view), self._size)
        try:
            for number in range(start // BLOCK, -(-stop // BLOCK)):
                block, base = self._block(number, -(-stop // BLOCK)), number * BLOCK
                a, b = max(start, base), min(stop, base + BLOCK)
                view[a - start : b - start] = block[a - base : b - base]
        except BaseException as error:
            self.failure = error  # h5py may make an OSError of it
            raise
        self._at = max(start, stop)
        return max(0, stop - start)

    def _block(self, number: int, needed: int) -> bytes:
        """A block; those up to ``needed`` come with it."""
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        ahead = self._ahead.pop(number, 1)
        last = min(max(number + ahead, needed), -(-self._size // BLOCK))
        data = self._ranges.stretch(number * BLOCK, min(last * BLOCK, self._size), METADATA)
        for place in range(number, last):
            begin = (place - number) * BLOCK
            self._blocks[place] = data[begin : begin + BLOCK]
        self._ahead[last] = min(2 * max(ahead, last - number), _MOST_AHEAD)
        while len(self._ahead) > _STREAMS:
            self._ahead.popitem(last=False)
        wanted = self._blocks[number]
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        self._told(self._ranges.bytes[METADATA])
        return wanted


io.RawIOBase.register(RemoteFile)
