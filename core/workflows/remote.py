"""ARCHS4 files on servers: which there are, what is in them, some biosamples of one, or the whole file.

Nothing of a file of tens of gigabytes is fetched but its list of genes and biosamples (once; it is kept) and the chunks
of the biosamples that are asked for.
"""

import time
from pathlib import Path

import pandas as pd

from core.access import Role
from core.sources import confined
from core.sources.releases import Release, read_releases, resolve
from core.sources.remote_address import file_name
from core.sources.remote_archs4 import open_remote_archs4
from core.sources.remote_download import download
from core.sources.remote_http import Patience, RemoteSource
from core.sources.remote_ranges import CONNECTIONS
from core.store.guard import guarded
from core.store.remote_cache import Listing, RemoteCache
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import Progress, silent


class _Reading:
    """Progress over the columns of both tables, with the megabytes so far; a column of a full file takes a while."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._stage, self._fraction = progress, "", 0.0

    def column(self, stage: str, done: float, total: float, **values: float | str) -> None:
        """A new column; there are few genes beside the biosamples."""
        start, share = (0.0, 0.1) if stage.startswith("reading genes") else (0.1, 0.9)
        self._stage, self._fraction = stage, start + share * done / total
        self._progress(stage, self._fraction, 1, **values)

    def bytes(self, so_far: int) -> None:
        """Told at every fetch; said for every 10 MB."""
        if self._stage and so_far >= 10**7:
            self._progress(f"{self._stage}, {so_far // 10**7 * 10} MB so far", self._fraction, 1)


def releases() -> pd.DataFrame:
    """The published files: id, organism, level, version, biosamples, bytes, sha1, date, address."""
    names = ("id", "organism", "level", "version", "biosamples", "bytes", "sha1", "date", "address")
    table = pd.DataFrame([{name: getattr(release, name) or None for name in names} for release in read_releases()])
    return table.astype({"biosamples": "Int64", "bytes": "Int64"})


def known_listing(workspace: Workspace, source: str) -> Listing | None:
    """The list of biosamples of a file as it was read last, without asking the server; None where it never was.

    Raises InputError for a source that cannot be.
    """
    return _cache(workspace).get(_resolved(source)[0])


def listing_key(workspace: Workspace, source: str) -> str | None:
    """What tells that list from those of other contents, at no cost; None where it was never read.

    Raises InputError for a source that cannot be.
    """
    return _cache(workspace).latest(_resolved(source)[0])


@guarded(Role.TRAINER, "read listing")
def read_listing(
    workspace: Workspace,
    source: str,
    progress: Progress = silent,
    patience: Patience | None = None,
    connections: int = CONNECTIONS,
) -> Listing:
    """The list of genes and biosamples of a file: read from the server once for each content, then kept.

    Raises InputError, RemoteError, CountsFileError.
    """
    address, _ = _resolved(source)
    asked = RemoteSource(address, patience)
    asked.close()
    kept = _cache(workspace).get(address, asked.facts)
    if kept is not None:
        return kept
    begun = time.monotonic()
    reading = _Reading(progress)
    with open_remote_archs4(address, asked.facts, None, reading.column, patience, connections, reading.bytes) as (
        file,
        origin,
    ):
        about = {
            "version": file.version, "organism": file.organism, "layout": file.layout, "level": file.level,
            "simulated": file.simulated,
            "bytes": origin.source.traffic.bytes, "requests": origin.source.traffic.requests,
            "seconds": time.monotonic() - begun, "read": now(),
        }  # fmt: skip
        listing = Listing(address, origin.source.facts, about, file.genes, file.biosamples)
    _cache(workspace).put(listing)
    return listing


@guarded(Role.TRAINER, "download")
def download_file(
    workspace: Workspace,
    source: str,
    out: Path | None = None,
    progress: Progress = silent,
    patience: Patience | None = None,
) -> tuple[Path, bool]:
    """A whole file, into the data folder or to ``out``: where it is, and whether it was there already.

    Raises InputError, RemoteError, StoreError.
    """
    address, release = resolve(source)
    path = out or downloads(workspace) / file_name(address)
    if path.is_dir():
        path = path / file_name(address)
    fresh = download(address, path, release.sha1 if release else "", progress, patience)
    return path, not fresh


def downloads(workspace: Workspace) -> Path:
    """The folder of what was fetched."""
    folder = workspace.root / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def rough_bytes(listing: Listing, n: int) -> int:
    """About how many bytes ``n`` biosamples take: their share of the whole file. For a first guess, at no cost."""
    return round(listing.facts.size * n / max(1, len(listing.biosamples)))


def _resolved(source: str) -> tuple[str, Release | None]:
    address, release = resolve(source)
    confined.check_server(address)
    return address, release


def _cache(workspace: Workspace) -> RemoteCache:
    return RemoteCache(workspace.root / "remote")
