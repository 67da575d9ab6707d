"""Many small pieces of a remote file by few requests, several at a time.

A request costs a round trip, whatever its size. So pieces that lie close together are fetched together, and what lies
between them is thrown away: the smallest gaps first, up to a quarter of the bytes that are wanted.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from core.sources.remote_http import RemoteSource
from core.types import IndexArray

Integers = npt.NDArray[np.int64]

METADATA, INDEX, COUNTS = "metadata", "index", "counts"  # what bytes are fetched for
CONNECTIONS = 8  # requests at a time
WASTE = 0.25  # of the wanted bytes, that may be fetched in vain
_MOST_BYTES = 2**21  # a request, so that several connections share a long stretch
_MOST_GAP = 2**16
_AHEAD = 2  # requests waiting, for each connection


class Ranges:
    """Reads pieces of one remote file; its threads end with ``close``.

    ``requests`` and ``bytes``: what was asked for so far, by purpose.
    """

    def __init__(self, source: RemoteSource, connections: int = CONNECTIONS) -> None:
        self._source, self._connections = source, connections
        self.bytes = {METADATA: 0, INDEX: 0, COUNTS: 0}
        self.requests = {METADATA: 0, INDEX: 0, COUNTS: 0}
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="fetch")

    def close(self) -> None:
        """Ends the threads; nothing that still waits is asked for."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def fetch(self, offsets: Integers, sizes: Integers, purpose: str) -> Iterator[memoryview]:
        """The bytes of each piece, in order of ``offsets`` (ascending; pieces do not overlap). Raises RemoteError."""
        spans = requests_for(offsets, sizes)
        waiting: deque[tuple[int, int, Future[bytes]]] = deque()
        try:
            for first, last in spans:
                stop = int(offsets[last - 1] + sizes[last - 1])
                waiting.append((first, last, self._pool.submit(self._source.read, int(offsets[first]), stop)))
                self.requests[purpose] += 1
                self.bytes[purpose] += stop - int(offsets[first])
                if len(waiting) > _AHEAD * self._connections:
                    yield from _cut(waiting.popleft(), offsets, sizes)
            while waiting:
                yield from _cut(waiting.popleft(), offsets, sizes)
        finally:
            for _, _, future in waiting:
                future.cancel()

    def stretch(self, start: int, stop: int, purpose: str) -> bytes:
        """One long stretch of bytes, shared among the connections."""
        edges = np.arange(start, stop, max(2**19, -(-(stop - start) // self._connections)), dtype=np.int64)
        ends = np.append(edges[1:], stop)
        self.requests[purpose] += len(edges)
        self.bytes[purpose] += stop - start
        parts = self._pool.map(self._source.read, edges.tolist(), ends.tolist())
        return b"".join(parts)


def requests_for(offsets: Integers, sizes: Integers, waste: float = WASTE) -> list[tuple[int, int]]:
    """Which pieces each request brings: places of the first and past the last.

    What is fetched in vain is at most ``waste`` times what is wanted, over all requests together.
    """
    if not len(offsets):
        return []
    gaps = offsets[1:] - (offsets + sizes)[:-1]
    order = np.argsort(gaps, kind="stable")
    affordable = np.cumsum(np.maximum(gaps[order], 0)) <= waste * float(sizes.sum())
    apart = np.ones(len(gaps), dtype=bool)
    apart[order] = ~(affordable & (gaps[order] <= _MOST_GAP))
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(offsets)]
    return [span for a, b in pairwise(edges) for span in _split(offsets, sizes, a, b)]


def _split(offsets: Integers, sizes: Integers, first: int, last: int) -> list[tuple[int, int]]:
    """Pieces first..last, which lie together, cut between pieces into requests of no more than about _MOST_BYTES."""
    number: IndexArray = (offsets[first:last] - offsets[first]) // _MOST_BYTES
    cuts = [first, *(np.flatnonzero(np.diff(number)) + 1 + first).tolist(), last]
    return list(pairwise(cuts))


def _cut(request: tuple[int, int, Future[bytes]], offsets: Integers, sizes: Integers) -> Iterator[memoryview]:
    first, last, future = request
    data = memoryview(future.result())
    begins = offsets[first:last] - offsets[first]
    for begin, size in zip(begins.tolist(), sizes[first:last].tolist(), strict=True):
        yield data[begin : begin + size]
