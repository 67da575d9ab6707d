"""An ARCHS4 file on a server, read by the very reader of local files: ``open_remote_archs4``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from core.sources.archs4 import Archs4File, Tables
from core.sources.archs4_index import Grid, Index
from core.sources.remote_file import RemoteFile
from core.sources.remote_http import Patience, RemoteFacts, RemoteSource
from core.sources.remote_index import RemoteIndex
from core.sources.remote_ranges import CONNECTIONS, Ranges
from core.types import Progress, silent


class Origin:
    """A remote file as ``Archs4File`` takes it: a file for h5py, and an index for the chunks."""

    def __init__(self, source: RemoteSource, connections: int, told: Callable[[int], None]) -> None:
        self.source, self.ranges = source, Ranges(source, connections)
        self.file = RemoteFile(source, self.ranges, told)
        self.chunks: RemoteIndex | None = None

    @property
    def failure(self) -> BaseException | None:
        """Why the last read failed."""
        return self.file.failure

    def index(self, dataset: h5py.Dataset, grid: Grid) -> Index:
        """Finds and fetches chunks."""
        self.chunks = RemoteIndex(dataset, grid, self.ranges)
        return self.chunks

    @property
    def indexed(self) -> bool:
        """Whether chunks come side by side; else h5py seeks each of them."""
        return self.chunks is not None and self.chunks.indexed


@contextmanager
def open_remote_archs4(
    address: str,
    pinned: RemoteFacts | None = None,
    tables: Tables | None = None,
    progress: Progress = silent,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
    told: Callable[[int], None] = lambda so_far: None,
) -> Iterator[tuple[Archs4File, Origin]]:
    """The file at an address, and where it comes from (with what was asked of the server).

    ``pinned``: the content that it must still have. ``tables``: genes and biosamples, where they are known already.
    Raises InputError for an address that is not taken, RemoteError, CountsFileError.
    """
    source = RemoteSource(address, patience, pinned)
    try:
        source.need_ranges()
        origin = Origin(source, connections, told)
        try:
            with Archs4File(Path(address), source.address, origin, tables, progress) as file:
                yield file, origin
        finally:
            source.end()
            origin.ranges.close()
    finally:
        source.close()
