"""Some biosamples of an ARCHS4 file on a server: what they would cost, and fetching them.

A slice is fetched in parts, which are kept until the whole is written; so a stop loses little. What comes out is an
ordinary ARCHS4 file, which says where it is from.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.access import Role
from core.errors import InputError, NotFoundError, StoreError
from core.sources.archs4 import Archs4File
from core.sources.archs4_layouts import SIMULATED_KEY
from core.sources.archs4_write import write_archs4_blocks
from core.sources.remote_address import file_name
from core.sources.remote_archs4 import Origin, open_remote_archs4
from core.sources.remote_download import check_disk
from core.sources.remote_http import Patience
from core.sources.remote_ranges import CONNECTIONS, COUNTS, INDEX
from core.sources.remote_records import alone, read_record, write_record
from core.store.guard import guarded
from core.store.remote_cache import Listing, Parts, digest
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import CountMatrix, IndexArray, Progress, silent
from core.workflows.remote import downloads, read_listing, rough_bytes
from core.workflows.remote_choice import RemoteChoice, RemoteChosen, choose_remote

SAMPLED = 16  # biosamples whose chunks are looked up and fetched for an estimate
_PART_BYTES = 2**26  # of counts in memory; a stop loses no more than one part
_MOST_ROWS = 64


@dataclass(frozen=True)
class FetchRequest:
    """Which biosamples of which file: a release's id or an address; ``out``: where to, if not to the data folder."""

    source: str
    choice: RemoteChoice = field(default_factory=RemoteChoice)
    out: Path | None = None
    connections: int = CONNECTIONS
    patience: Patience | None = None


@dataclass(frozen=True)
class Estimate:
    """What fetching would take.

    ``bytes``: stored size of the ``chunks`` that hold the ``n`` biosamples, ``exact`` or from a sample of them;
    ``index_bytes``: of the index that says where they lie; ``seconds``: at the pace of the sample that was fetched.
    """

    n: int
    chunks: int
    bytes: int
    exact: bool
    index_bytes: int
    seconds: float
    bytes_per_second: float
    side_by_side: bool = True

    @property
    def words(self) -> str:
        """The same in a sentence or two."""
        about = "" if self.exact else "about "
        text = (
            f"{self.n:,} biosamples: {about}{self.bytes / 1e6:,.1f} MB of counts in {self.chunks:,} chunks and about "
            f"{self.index_bytes / 1e6:,.1f} MB of index; about {self.seconds:,.0f} s at the pace just measured "
            f"({self.bytes_per_second / 1e6:,.2f} MB/s)."
        )
        if self.side_by_side:
            return text
        return text + " The file has an index of another kind: its chunks come one after the other."


@dataclass(frozen=True)
class FetchOutcome:
    """A finished slice: ``bytes`` of counts and ``requests`` of this time; ``resumed`` biosamples were there before."""

    path: Path
    cached: bool
    n: int
    resumed: int
    bytes: int
    index_bytes: int
    requests: int
    seconds: float
    notes: list[str]

    @property
    def words(self) -> str:
        """The same in a sentence."""
        if self.cached:
            return f"{self.path} has these {self.n:,} biosamples already: nothing was fetched."
        before = f" ({self.resumed:,} of them were there from before)" if self.resumed else ""
        return (
            f"{self.path}: {self.n:,} biosamples{before}, {self.bytes / 1e6:,.1f} MB of counts and "
            f"{self.index_bytes / 1e6:,.1f} MB of index by {self.requests:,} requests in {self.seconds:,.0f} s."
        )


@guarded(Role.TRAINER, "estimate")
def estimate(workspace: Workspace, request: FetchRequest, progress: Progress = silent) -> Estimate:
    """What a request would take, measured on some of its biosamples.

    Raises InputError, RemoteError, CountsFileError.
    """
    listing = _listing(workspace, request, progress)
    rows = _chosen(listing, request).rows
    progress("measuring", 0, 1)
    with _open(listing, request) as (file, origin):
        return _estimate(file, origin, rows)


@guarded(Role.TRAINER, "fetch")
def fetch(workspace: Workspace, request: FetchRequest, progress: Progress = silent) -> FetchOutcome:
    """Writes the chosen biosamples as an ARCHS4 file that ``build`` takes; the same request again costs nothing.

    What a stop (a killed process, a lost connection) left is checked and used. Raises InputError, RemoteError,
    CountsFileError, StoreError.
    """
    begun = time.monotonic()
    listing = _listing(workspace, request, progress)
    chosen = _chosen(listing, request)
    key, notes = _key(listing, chosen.rows), [*chosen.notes, *chosen.unknown_words]
    path, n = _path(workspace, request, listing, chosen.rows), len(chosen.rows)
    if _finished(path, key):
        return FetchOutcome(path, True, n, n, 0, 0, 0, time.monotonic() - begun, notes)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = Parts(downloads(workspace) / ".parts" / key)
    with alone(parts.folder), _open(listing, request) as (file, origin):
        check_disk(path.parent, _disk_bytes(listing, n))
        resumed = _fetch_parts(file, origin, parts, chosen.rows, progress)
        requests, fetched = origin.source.traffic.requests, dict(origin.ranges.bytes)
        progress("writing", n, n + 1)
        _write(path, listing, request, chosen.rows, parts)
    seconds = time.monotonic() - begun
    write_record(_record(path), {"key": key, "size": path.stat().st_size, **_provenance(listing, request)})
    parts.drop()
    progress("done", 1, 1)
    return FetchOutcome(path, False, n, resumed, fetched[COUNTS], fetched[INDEX], requests, seconds, notes)


@guarded(Role.TRAINER, "fetch", recorded=False)
def is_fetched(workspace: Workspace, request: FetchRequest) -> bool:
    """Whether the slice is there already. Raises what ``fetch`` raises before it begins."""
    listing = _listing(workspace, request, silent)
    rows = _chosen(listing, request).rows
    return _finished(_path(workspace, request, listing, rows), _key(listing, rows))


def _listing(workspace: Workspace, request: FetchRequest, progress: Progress) -> Listing:
    def beginning(stage: str, done: float, total: float, **values: float | str) -> None:
        progress(stage, 0.02 * done / total, 1, **values)  # too early to say how long the rest takes

    return read_listing(workspace, request.source, beginning, request.patience, request.connections)


def _path(workspace: Workspace, request: FetchRequest, listing: Listing, rows: IndexArray) -> Path:
    stem, key = Path(file_name(listing.address)).stem, _key(listing, rows)
    return request.out or downloads(workspace) / f"{stem}-{len(rows)}-{key[:8]}.h5"


def _chosen(listing: Listing, request: FetchRequest) -> RemoteChosen:
    chosen = choose_remote(listing.biosamples, request.choice)
    if not len(chosen.rows):
        raise NotFoundError(f"No biosample of {listing.address} fits ({request.choice.words}): choose differently.")
    return chosen


def _open(listing: Listing, request: FetchRequest) -> AbstractContextManager[tuple[Archs4File, Origin]]:
    tables = (listing.genes, listing.biosamples)
    return open_remote_archs4(
        listing.address, listing.facts, tables, patience=request.patience, connections=request.connections
    )


def _estimate(file: Archs4File, origin: Origin, rows: IndexArray) -> Estimate:
    n = len(rows)
    sample = rows[np.linspace(0, n - 1, min(n, SAMPLED)).astype(int)]
    begun = time.monotonic()
    stored = file.stored(sample)
    file.read(sample)
    seconds = max(time.monotonic() - begun, 1e-6)
    fetched = origin.ranges.bytes
    if stored is None or not origin.indexed:  # h5py seeks chunk by chunk
        spent = sum(fetched.values())
        share = n / len(sample)
        return Estimate(n, 0, round(spent * share), False, 0, seconds * share, spent / seconds, False)
    everything = file.stored(rows, SAMPLED)
    chunks = everything.chunks if everything else stored.chunks
    share = chunks / stored.chunks
    return Estimate(
        n, chunks, round(stored.bytes * share), n == len(sample), round(fetched[INDEX] * share), seconds * share,
        sum(fetched.values()) / seconds,
    )  # fmt: skip


def _fetch_parts(file: Archs4File, origin: Origin, parts: Parts, rows: IndexArray, progress: Progress) -> int:
    """Sees to it that every part is there; how many biosamples were there already."""
    n_genes, resumed = file.shape[1], 0
    for number, (start, stop) in enumerate(_spans(len(rows), n_genes)):
        if parts.load(number, (stop - start, n_genes)) is not None:
            resumed += stop - start
        else:
            fetched = sum(origin.ranges.bytes.values())
            text = f"fetching counts, {start:,} of {len(rows):,} biosamples, {fetched / 1e6:,.1f} MB"
            progress(text, start, len(rows) * 1.1)
            parts.save(number, file.read(rows[start:stop]))
    return resumed


def _spans(n: int, n_genes: int) -> list[tuple[int, int]]:
    step = max(1, min(_MOST_ROWS, _PART_BYTES // (4 * n_genes)))
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def _write(path: Path, listing: Listing, request: FetchRequest, rows: IndexArray, parts: Parts) -> None:
    n_genes = len(listing.genes)

    def blocks() -> Iterator[tuple[int, CountMatrix]]:
        for number, (start, stop) in enumerate(_spans(len(rows), n_genes)):
            counts = parts.load(number, (stop - start, n_genes))
            if counts is None:
                raise StoreError(f"{parts.folder}: a part was lost while the slice was written: fetch again.")
            yield start, counts

    biosamples = listing.biosamples.iloc[rows].reset_index(drop=True).assign(source_row=rows)
    info = {key: str(value) for key, value in _provenance(listing, request).items() if value not in (None, "")}
    if listing.about["simulated"]:
        info[SIMULATED_KEY.rpartition("/")[2]] = "yes"
    write_archs4_blocks(path, blocks(), listing.genes, biosamples, info)


def _provenance(listing: Listing, request: FetchRequest) -> dict[str, Any]:
    facts = listing.facts
    return {
        "version": listing.about["version"], "organism": listing.about["organism"],
        "source_address": listing.address, "source_etag": facts.etag, "source_modified": facts.modified,
        "source_bytes": facts.size, "choice": request.choice.words, "fetched": now(),
    }  # fmt: skip


def _key(listing: Listing, rows: IndexArray) -> str:
    text = json.dumps([listing.key, hashlib.blake2b(rows.astype("<i8").tobytes(), digest_size=16).hexdigest()])
    return digest(text)


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _finished(path: Path, key: str) -> bool:
    """Whether this very slice is there. Raises InputError where something else stands in its place."""
    if not path.exists():
        return False
    known = read_record(_record(path))
    if known is None or known.get("key") != key or known.get("size") != path.stat().st_size:
        raise InputError(f"{path}: there is a file of that name with another content. Move it, or give another --out.")
    return True


def _disk_bytes(listing: Listing, n: int) -> int:
    """For the parts, which are packed more lightly, and the finished file."""
    return 4 * rough_bytes(listing, n)
