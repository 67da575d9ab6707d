"""The fast way into the counts, held against plain h5py for every kind of storage and every kind of damage."""

import os
import threading
import zlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from core.errors import CountsFileError
from core.sources import archs4_index
from core.sources.archs4 import Archs4File
from core.sources.archs4_chunks import open_chunks, read_ahead

N, N_GENES = 45, 4100
FAST = {"none": {}, "gzip": {"compression": "gzip"}, "gzip and shuffle": {"compression": "gzip", "shuffle": True}}
PLAIN = {
    "shuffle": {"shuffle": True},
    "checksum": {"compression": "gzip", "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "zstd": hdf5plugin.Zstd(),
    "blosc": hdf5plugin.Blosc(),
    "bitshuffle": hdf5plugin.Bitshuffle(),
}
SHUFFLED = np.random.default_rng(2).permutation(N)
ROWS = {
    "all": np.arange(N),
    "one": np.array([N - 1]),
    "shuffled": SHUFFLED,
    "repeated": np.concatenate([SHUFFLED[:20], SHUFFLED[10:30], [3, 3, 3]]),
    "none": np.array([], dtype=np.intp),
}


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """n biosamples x genes: half zeros, small and huge values."""
    rng = np.random.default_rng(1)
    drawn = rng.negative_binomial(0.3, 0.002, (N, N_GENES)).astype(np.uint32)
    drawn[::7, ::11] = rng.integers(2**32, size=drawn[::7, ::11].shape, dtype=np.uint32)
    return drawn


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, counts: np.ndarray) -> Write:
    """A file with ``counts`` or another matrix; ``block`` is the size of its user block, the rest goes to h5py."""

    def make(stored: np.ndarray | None = None, flat: bool = False, block: int = 0, **storage: Any) -> Path:
        path = tmp_path / "human.h5"
        with h5py.File(path, "w", userblock_size=block, libver=storage.pop("libver", None)) as file:
            matrix = counts if stored is None else stored
            if "data" not in storage:
                storage["data"] = matrix if flat else matrix.T
            file.create_dataset("data/expression", **storage)
            file["meta/genes" if flat else "meta/genes/symbol"] = [f"G{i}" for i in range(N_GENES)]
            ids = "meta/Sample_geo_accession" if flat else "meta/samples/geo_accession"
            file[ids] = [f"GSM{i}" for i in range(N)]
        return path

    return make


def _agrees(path: Path, expected: np.ndarray, rows: np.ndarray, threads: int = 1) -> None:
    with Archs4File(path) as file:
        for _ in range(2):  # without an index, maybe, and with one
            found = file.read(rows, threads=threads)
            assert found.dtype == np.uint32 and found.flags.c_contiguous
            np.testing.assert_array_equal(found, expected[rows])
            if file._chunks:
                file._chunks.expect(N)


@pytest.mark.parametrize("flat", [False, True], ids=["genes first", "samples first"])
@pytest.mark.parametrize("chunk", [(2000, 1), (2000, 32), (4100, 45), (7, 3)], ids=str)
@pytest.mark.parametrize("kind", FAST)
def test_fast_storage(write: Write, counts: np.ndarray, kind: str, chunk: tuple[int, int], flat: bool) -> None:
    path = write(flat=flat, chunks=chunk[::-1] if flat else chunk, **FAST[kind])
    with Archs4File(path) as file:
        assert file._chunks is not None
    for rows in ROWS.values():
        _agrees(path, counts, rows)
    for threads in (2, 5):
        _agrees(path, counts, ROWS["repeated"], threads)


@pytest.mark.parametrize("flat", [False, True], ids=["genes first", "samples first"])
@pytest.mark.parametrize("kind", PLAIN)
def test_other_filters_go_through_h5py(write: Write, counts: np.ndarray, kind: str, flat: bool) -> None:
    path = write(flat=flat, chunks=(32, 2000) if flat else (2000, 32), **PLAIN[kind])
    with Archs4File(path) as file:
        assert file._chunks is None
    _agrees(path, counts, ROWS["repeated"], 2)


@pytest.mark.parametrize("dtype", ["int64", "float64", "uint16", ">u4", "uint64"])
@pytest.mark.parametrize("chunks", [None, (2000, 1)])
def test_other_numbers_and_no_chunks(write: Write, counts: np.ndarray, dtype: str, chunks: Any) -> None:
    small = (counts % 60000).astype(dtype)
    with Archs4File(path := write(stored=small, chunks=chunks)) as file:
        assert file._chunks is None
    _agrees(path, small.astype(np.uint32), ROWS["repeated"], 2)


def test_contiguous(write: Write, counts: np.ndarray) -> None:
    _agrees(write(), counts, ROWS["repeated"], 2)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("block", [512, 4096])
def test_user_block_and_new_formats(write: Write, counts: np.ndarray, block: int, libver: str) -> None:
    path = write(block=block, libver=libver, chunks=(2000, 1), compression="gzip")
    _agrees(path, counts, ROWS["shuffled"], 2)
    with Archs4File(path) as file:
        assert file._chunks is not None
        file._chunks.expect(N)
        assert file._chunks._index._entries is not None  # it was found, not left to h5py


@pytest.mark.parametrize("chunk", [(2000, 1), (2000, 32)], ids=str)
def test_missing_and_unfiltered_chunks(write: Write, counts: np.ndarray, chunk: tuple[int, int]) -> None:
    path = write(data=None, shape=(N_GENES, N), dtype="u4", chunks=chunk, compression="gzip", fillvalue=7)
    with h5py.File(path, "a") as file:
        dataset = file["data/expression"]
        dataset[:, :20] = counts[:20].T
        raw = np.arange(chunk[0] * chunk[1], dtype="<u4")
        dataset.id.write_direct_chunk((2000, 0), raw.tobytes(), filter_mask=1)
        expected = dataset[:].T
    assert (expected[32:] == 7).all() and expected[0, 2001] == chunk[1]
    for rows in ROWS.values():
        _agrees(path, expected, rows, 2)


def test_nothing_written_at_all(write: Write) -> None:
    path = write(data=None, shape=(N_GENES, N), dtype="u4", chunks=(2000, 1), compression="gzip")
    _agrees(path, np.zeros((N, N_GENES), np.uint32), ROWS["repeated"], 2)


def test_an_index_is_made_once_enough_was_read(write: Write) -> None:
    with Archs4File(write(chunks=(2000, 1), compression="gzip")) as file:
        assert file._chunks is not None
        index = file._chunks._index
        file.prefetch(slice(5))
        file.read(slice(3))
        assert index._entries is None
        file.read(slice(20))
        assert index._entries is not None and index._entries.shape == (3, N)
        file.prefetch(slice(None))
        with pytest.raises(IndexError, match="between 0 and 44"):
            file.prefetch(np.array([N]))


def test_bytes_that_hdf5_does_not_see_are_not_used(
    write: Write, counts: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: bytes(size))
    _agrees(write(chunks=(2000, 1), compression="gzip"), counts, ROWS["shuffled"], 2)


def test_runs_are_cut_where_chunks_lie_apart() -> None:
    gap, run = archs4_index._GAP_BYTES, archs4_index._RUN_BYTES
    offsets = np.array([0, 10, 20 + gap, 31 + 2 * gap, run, 2 * run - 1])
    assert archs4_index._runs(offsets, np.full(6, 10)) == [(0, 3), (3, 4), (4, 5), (5, 6)]
    assert archs4_index._runs(offsets[:0], offsets[:0]) == []


# -- damage ------------------------------------------------------------------------------------------------------------


def _chunk(path: Path, number: int) -> tuple[int, int]:
    with h5py.File(path) as file:
        info = file["data/expression"].id.get_chunk_info(number)
        return info.byte_offset, info.size


def _overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("chunk", [(2000, 1), (2000, 32)], ids=str)
@pytest.mark.parametrize("kind", ["gzip", "gzip and shuffle"])
@pytest.mark.parametrize("where", ["head", "middle", "checksum"])
@pytest.mark.parametrize("threads", [1, 2])
def test_damaged_streams(write: Write, kind: str, chunk: tuple[int, int], where: str, threads: int) -> None:
    path = write(chunks=chunk, **FAST[kind])
    offset, size = _chunk(path, 0)
    at = offset + {"head": 0, "middle": size // 2, "checksum": size - 1}[where]
    _overwrite(path, at, bytes([path.read_bytes()[at] ^ 0xFF]))
    with Archs4File(path) as file:
        for _ in range(2):
            with pytest.raises(CountsFileError, match=r"human\.h5: cannot read data/expression .*Download the file"):
                file.read(slice(None), threads=threads)
        last = file.read(np.array([N - 1]))  # others are fine
    with h5py.File(path) as plain:
        np.testing.assert_array_equal(last[0], plain["data/expression"][:, N - 1])


def test_any_change_of_a_stream_is_an_error_or_what_h5py_reads(write: Write) -> None:
    path = write(chunks=(2000, 1), compression="gzip")
    offset, size = _chunk(path, 0)
    whole, rng = path.read_bytes()[offset : offset + size], np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(size, size=rng.integers(1, 4)):
            data[at] = rng.integers(256)
        _overwrite(path, offset, bytes(data))
        try:
            with h5py.File(path) as plain:
                expected = plain["data/expression"][:, 0]
        except OSError:
            expected = None
        with Archs4File(path) as file:
            if expected is None:
                with pytest.raises(CountsFileError, match=r"human\.h5"):
                    file.read(np.array([0]))
            else:
                np.testing.assert_array_equal(file.read(np.array([0]))[0], expected)


@pytest.mark.parametrize("length", [0, 7996, 8004, 16000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_sound_streams_of_the_wrong_length(write: Write, length: int, shuffle: bool) -> None:
    path = write(chunks=(2000, 1), compression="gzip", shuffle=shuffle)
    with h5py.File(path, "a") as file:
        file["data/expression"].id.write_direct_chunk((2000, 4), zlib.compress(bytes(length)))
    with (
        Archs4File(path) as file,
        pytest.raises(CountsFileError, match=rf"human\.h5: .*chunk at \(2000, 4\) holds {length} bytes, not 8000"),
    ):
        file.read(slice(None), threads=2)


@pytest.mark.parametrize("kind", FAST)
def test_a_file_cut_off_while_it_is_open(write: Write, kind: str) -> None:
    path = write(chunks=(2000, 1), **FAST[kind])
    with Archs4File(path) as file:
        file.read(slice(None))
        os.truncate(path, _chunk(path, 60)[0] + 100)
        with pytest.raises(CountsFileError, match=r"human\.h5: cannot read data/expression"):
            file.read(slice(None), threads=2)


def test_a_closed_file(write: Write) -> None:
    with Archs4File(write(chunks=(2000, 1), compression="gzip")) as file:
        file.read(slice(None))
    with pytest.raises(CountsFileError, match="cannot read data/expression"):
        file.read(slice(None))


def test_huge_chunks_go_through_h5py(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        dataset = file.create_dataset("x", (2**20, 20), "u4", chunks=(2**20, 20), compression="gzip")
        assert open_chunks(dataset, genes_first=True) is None


# -- several at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gzip", "lzf"])
def test_threads_share_a_file(write: Write, counts: np.ndarray, kind: str) -> None:
    path = write(chunks=(2000, 1), **(FAST | PLAIN)[kind])
    with Archs4File(path) as file, ThreadPoolExecutor(6) as pool:
        rng = np.random.default_rng(4)
        asked = [rng.integers(N, size=12) for _ in range(40)]
        for rows, found in zip(asked, pool.map(lambda rows: file.read(rows, threads=2), asked), strict=True):
            np.testing.assert_array_equal(found, counts[rows])


@pytest.mark.parametrize("kind", ["gzip", "lzf"])
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks(write: Write, counts: np.ndarray, kind: str, threads: int) -> None:
    spans = [slice(0, 10), np.array([44, 3, 3]), slice(40, 40), slice(10, 45)]
    with Archs4File(write(chunks=(2000, 1), **(FAST | PLAIN)[kind])) as file:
        found = list(file.blocks(spans, threads))
        assert len(found) == 4
        for span, block in zip(spans, found, strict=True):
            np.testing.assert_array_equal(block, counts[span])
        assert list(file.blocks([], threads)) == []
        with pytest.raises(IndexError, match="between 0 and 44"):
            file.blocks([slice(3), np.array([45])])


def test_an_error_surfaces_at_its_block(write: Write, counts: np.ndarray) -> None:
    path = write(chunks=(2000, 1), compression="gzip")
    with h5py.File(path, "a") as file:
        file["data/expression"].id.write_direct_chunk((0, 21), b"nothing that inflates")
    with Archs4File(path) as file:
        blocks = file.blocks([slice(0, 10), slice(10, 20), slice(20, 30), slice(30, 40)])
        np.testing.assert_array_equal(next(blocks), counts[:10])
        np.testing.assert_array_equal(next(blocks), counts[10:20])
        with pytest.raises(CountsFileError, match=r"human\.h5: cannot read data/expression"):
            next(blocks)
        assert list(blocks) == []


def _counted(begun: list[int], release: threading.Event) -> Generator[int, None, None]:
    def read(i: int, stop: threading.Event) -> int:
        begun.append(i)
        if i == 2:
            release.wait(5)
            begun.append(-1 if stop.wait(5) else -2)
        return i

    return read_ahead(read, 5)


def test_one_block_ahead_and_no_more() -> None:
    begun: list[int] = []
    release = threading.Event()
    blocks = _counted(begun, release)
    assert begun == []  # nothing before the first is asked for
    assert next(blocks) == 0 and next(blocks) == 1
    release.set()
    blocks.close()
    assert begun == [0, 1, 2, -1]  # the third was told to stop, the fourth never began


@pytest.mark.parametrize("kind", ["gzip", "lzf"])
def test_closing_the_blocks_early(write: Write, counts: np.ndarray, kind: str) -> None:
    with Archs4File(write(chunks=(2000, 1), **(FAST | PLAIN)[kind])) as file:
        before = threading.active_count()
        blocks = file.blocks([slice(i, i + 5) for i in range(0, N, 5)], threads=2)
        next(blocks)
        blocks.close()
        assert threading.active_count() == before
        np.testing.assert_array_equal(file.read(slice(None)), counts)


def test_no_descriptor_is_left_open(write: Write) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("no list of open files here")
    path = write(chunks=(2000, 1), compression="gzip")

    def opened() -> int:
        return sum(link.resolve() == path.resolve() for link in Path("/proc/self/fd").iterdir())

    with Archs4File(path) as file:
        file.read(slice(None))
        assert opened() == 2
    assert opened() == 0
    kept = Archs4File(path)
    kept.read(slice(None))
    del kept
    assert opened() == 0
