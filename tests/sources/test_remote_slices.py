"""Chunks of a remote file of 20,000 biosamples against h5py's own reading of it, and what they cost."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.sources.archs4 import Archs4File
from core.sources.remote_archs4 import open_remote_archs4
from core.sources.remote_http import Patience
from core.sources.remote_ranges import COUNTS, INDEX, METADATA, requests_for
from tests.sources.conftest import MakeH5
from tests.sources.large_archs4 import write_large_archs4
from tests.sources.range_server import RangeServer

QUICK = Patience(timeout=5.0, tries=4, pause=0.01)
N, N_GENES, MOST_AT_ONCE = 20_000, 4_000, 8


@pytest.fixture(scope="session")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 biosamples x 4,000 genes in chunks of (2000, 1), gzip, as ARCHS4 stores them."""
    return write_large_archs4(tmp_path_factory.mktemp("large") / "large.h5", N, N_GENES)


@pytest.fixture
def server(large_file: Path) -> Iterator[RangeServer]:
    with RangeServer(large_file.parent) as running:
        yield running


def stored_bytes(path: Path, rows: np.ndarray) -> int:
    """Compressed bytes of the chunks of these biosamples, chunk by chunk as HDF5 tells them."""
    wanted = set(rows.tolist())
    with h5py.File(path) as file:
        dataset = file["data/expression"]
        sizes: dict[tuple[int, ...], int] = {}
        dataset.id.chunk_iter(lambda chunk: sizes.update({chunk.chunk_offset: chunk.size}))
    return sum(size for (_, sample), size in sizes.items() if sample in wanted)


def in_a_row() -> np.ndarray:
    return np.arange(7_300, 7_500)


def scattered() -> np.ndarray:
    return np.sort(np.random.default_rng(3).choice(N, 200, replace=False))


@pytest.mark.parametrize("choose", [in_a_row, scattered])
def test_little_more_than_the_chunks_that_are_needed_is_fetched(server: RangeServer, large_file: Path, choose) -> None:
    rows = choose()
    with open_remote_archs4(server.url("large.h5"), patience=QUICK) as (file, origin):
        assert file.shape == (N, N_GENES) and origin.indexed
        before_rows, server_before = dict(origin.ranges.bytes), server.seen.bytes
        assert before_rows[COUNTS] == 0
        requests_before = server.seen.requests
        counts = file.read(rows)
        of_index = origin.ranges.bytes[INDEX] - before_rows[INDEX]
        given = server.seen.bytes - server_before
        requests = server.seen.requests - requests_before
        fetched = origin.ranges.bytes[COUNTS]
    needed = stored_bytes(large_file, rows)
    assert given == fetched + of_index  # what the reader says it fetched is what the server gave
    assert needed <= fetched <= 1.3 * needed
    n_chunks = len(rows) * N_GENES // 2000
    assert requests <= 2 * n_chunks + 20  # at most one for a chunk, one for the leaf of the index that it stands in
    assert server.seen.most_at_once <= MOST_AT_ONCE
    with h5py.File(large_file) as plain:
        np.testing.assert_array_equal(counts, plain["data/expression"][:, rows].T)


def test_biosamples_that_lie_together_come_by_few_requests(server: RangeServer) -> None:
    with open_remote_archs4(server.url("large.h5"), patience=QUICK) as (file, origin):
        before = dict(origin.ranges.requests)
        file.read(np.arange(7_000, 7_500))  # written together: 1,000 chunks
        assert origin.ranges.requests[COUNTS] <= 8
        assert origin.ranges.requests[INDEX] - before[INDEX] <= 60


def test_opening_costs_the_metadata_and_a_known_list_costs_next_to_nothing(
    server: RangeServer, large_file: Path
) -> None:
    with open_remote_archs4(server.url("large.h5"), patience=QUICK) as (file, origin):
        genes, biosamples = file.genes, file.biosamples
        assert origin.ranges.bytes[METADATA] < large_file.stat().st_size / 8
    server.forget()
    with open_remote_archs4(server.url("large.h5"), tables=(genes, biosamples), patience=QUICK):
        assert server.seen.bytes < 2**20 and server.seen.requests < 40
    with Archs4File(large_file) as local:
        assert local.genes.equals(genes) and local.biosamples.equals(biosamples)


def test_stored_bytes_are_exact_where_all_are_looked_up_and_close_where_some_are(
    server: RangeServer, large_file: Path
) -> None:
    rows = scattered()
    with open_remote_archs4(server.url("large.h5"), patience=QUICK) as (file, _):
        exact, sampled = file.stored(rows), file.stored(rows, 16)
    assert exact is not None and sampled is not None
    assert exact.exact and exact.bytes == stored_bytes(large_file, rows) and exact.chunks == 400
    assert not sampled.exact and sampled.chunks == 400 and sampled.asked == 32
    assert abs(sampled.bytes - exact.bytes) < 0.1 * exact.bytes


@pytest.mark.parametrize("variant", ["v1 flat", "v1 nested", "v2.1", "v2.2", "v2.5", "v2.6", "trial"])
@pytest.mark.parametrize(
    "storage", [{}, {"chunks": (4, 2), "compression": "gzip", "shuffle": True}, {"chunks": (5, 3)}]
)
def test_every_layout_and_storage_reads_as_it_does_here(make_h5: MakeH5, variant: str, storage: dict) -> None:
    path = make_h5(variant, n=23, **storage)
    rows = np.array([20, 3, 3, 0, 22, 11])
    with (
        RangeServer(path.parent) as running,
        Archs4File(path) as local,
        open_remote_archs4(running.url(path.name), patience=QUICK) as (file, _),
    ):
        np.testing.assert_array_equal(file.read(rows), local.read(rows))
        assert file.biosamples.equals(local.biosamples) and file.genes.equals(local.genes)
        assert (file.layout, file.version, file.organism) == (local.layout, local.version, local.organism)


@pytest.mark.parametrize("how", [{"libver": "latest"}, {"userblock_size": 1024}, {"fs_strategy": "page"}])
def test_files_written_in_other_ways_are_read_right(tmp_path: Path, make_h5: MakeH5, how: dict) -> None:
    plain = make_h5("v2.6", n=60)
    path = tmp_path / "other.h5"
    with h5py.File(plain) as old, h5py.File(path, "w", **how) as new:
        old.copy("meta", new)
        stored = old["data/expression"][:]
        new.create_dataset("data/expression", data=stored, chunks=(5, 1), compression="gzip")
    rows = np.array([59, 0, 31, 32])
    with (
        RangeServer(tmp_path) as running,
        open_remote_archs4(running.url("other.h5"), patience=QUICK) as (file, origin),
    ):
        np.testing.assert_array_equal(file.read(rows), stored[:, rows].T)
        assert origin.indexed == ("libver" not in how)


def test_chunks_that_were_never_written_are_zero(tmp_path: Path, make_h5: MakeH5) -> None:
    path = make_h5("v2.6", n=300, chunks=(5, 1), compression="gzip")
    with h5py.File(path, "r+") as file:
        del file["data/expression"]
        dataset = file.create_dataset("data/expression", (12, 300), np.uint32, chunks=(5, 1), compression="gzip")
        dataset[:, 250] = np.arange(12)
        dataset[7, 10] = 5
    with RangeServer(path.parent) as running, open_remote_archs4(running.url(path.name), patience=QUICK) as (file, _):
        counts = file.read(np.array([10, 250, 299]))
    expected = np.zeros((3, 12), dtype=np.uint32)
    expected[0, 7], expected[1] = 5, np.arange(12)
    np.testing.assert_array_equal(counts, expected)


def test_what_is_fetched_in_vain_stays_within_its_bound() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        sizes = rng.integers(1, 3000, 40)
        gaps = np.where(rng.random(40) < 0.5, 0, rng.integers(0, 5000, 40))
        offsets = np.cumsum(sizes + gaps) - sizes
        spans = requests_for(offsets, sizes, 0.25)
        assert [i for a, b in spans for i in range(a, b)] == list(range(40))
        fetched = sum(int(offsets[b - 1] + sizes[b - 1] - offsets[a]) for a, b in spans)
        assert sizes.sum() <= fetched <= 1.25 * sizes.sum()


@pytest.mark.real
def test_real_counts_read_the_same_over_http(real_data: Path) -> None:
    path = real_data / "human_tissue_counts.h5"
    rows = np.array([602, 5, 77, 78, 300])
    with (
        RangeServer(path.parent) as running,
        Archs4File(path) as local,
        open_remote_archs4(running.url(path.name), patience=QUICK) as (file, origin),
    ):
        np.testing.assert_array_equal(file.read(rows), local.read(rows))
        assert origin.indexed and file.biosamples.equals(local.biosamples) and file.genes.equals(local.genes)
