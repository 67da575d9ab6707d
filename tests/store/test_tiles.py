from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StoreError
from core.store import tiles
from core.store.tiles import TiledMatrix, TileFile, block_path, rows_a_tile, spans, write_tiles


@pytest.fixture
def matrix():
    return np.random.default_rng(2).integers(0, 2**32, (37, 23), dtype=np.uint32)


@pytest.mark.parametrize("shuffle", ["bytes", "bits"])
@pytest.mark.parametrize("kind", [np.uint32, np.float32])
@pytest.mark.parametrize("tile_rows", [1, 8, 37, 64])
def test_any_rows_come_back_as_they_went_in(tmp_path, matrix, tile_rows, kind, shuffle):
    matrix = matrix.astype(kind)
    write_tiles(tmp_path / "x.tiles", matrix, tile_rows, shuffle)
    file = TileFile(tmp_path / "x.tiles")
    assert (file.shape, file.dtype) == (matrix.shape, matrix.dtype)
    for rows in (np.arange(37), np.array([36, 0, 0, 17, 16]), np.empty(0, dtype=np.intp)):
        out = np.empty((len(rows), 23), dtype=kind)
        file.read(rows, out)
        np.testing.assert_array_equal(out, matrix[rows])
    assert [path.name for path in tmp_path.iterdir()] == ["x.tiles"]


def test_special_values_survive(tmp_path):
    special = np.array([[np.nan, np.inf, -0.0, np.float32(1e-45), np.finfo(np.float32).max]], dtype=np.float32)
    write_tiles(tmp_path / "x.tiles", special, 4, "bits")
    out = np.empty_like(special)
    TileFile(tmp_path / "x.tiles").read(np.array([0]), out)
    assert out.tobytes() == special.tobytes()


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_matrix_of_blocks_is_one_matrix_whichever_way_it_lies(tmp_path_factory, n, g, data):
    matrix = np.arange(n * g, dtype=np.float32).reshape(n, g)
    cuts = data.draw(st.sets(st.integers(1, n - 1))) if n > 1 else set()
    starts = (0, *sorted(cuts), n)
    folder = tmp_path_factory.mktemp("matrix")
    for part in ("rows", "genes"):
        (folder / part).mkdir()
    for number, (a, b) in enumerate(pairwise(starts)):
        write_tiles(block_path(folder / "rows", number), matrix[a:b], 1, "bytes")
        write_tiles(block_path(folder / "genes", number), matrix[a:b].T, 3, "bits")
    by_biosample, by_gene = TiledMatrix(folder / "rows", starts), TiledMatrix(folder / "genes", starts)
    rows = data.draw(st.lists(st.integers(0, n - 1), max_size=9))
    genes = data.draw(st.lists(st.integers(0, g - 1), max_size=9))
    np.testing.assert_array_equal(by_biosample.biosamples(rows), matrix[rows])
    np.testing.assert_array_equal(by_biosample.biosamples(slice(1, None)), matrix[1:])
    np.testing.assert_array_equal(by_gene.genes(genes), matrix.T[genes])
    np.testing.assert_array_equal(by_gene.genes(slice(None)), matrix.T)


def test_threads_read_the_same(tmp_path, matrix, monkeypatch):
    for number, (a, b) in enumerate(spans(37, 5)):
        write_tiles(block_path(tmp_path, number), matrix[a:b], 1, "bytes")
    whole = TiledMatrix(tmp_path, (*range(0, 37, 5), 37))
    monkeypatch.setattr(tiles, "PARALLEL_BYTES", 0)
    monkeypatch.setenv("ARCHSCOPE_THREADS", "4")
    rows = np.random.default_rng(1).integers(0, 37, 500)
    np.testing.assert_array_equal(whole.biosamples(rows), matrix[rows])


def test_rows_outside_are_refused(tmp_path, matrix):
    write_tiles(block_path(tmp_path, 0), matrix, 4, "bytes")
    whole = TiledMatrix(tmp_path, (0, 37))
    for rows in ([37], [-1]):
        with pytest.raises(IndexError, match="between 0 and 36"):
            whole.biosamples(rows)
        with pytest.raises(IndexError, match="between 0 and 36"):
            whole.genes(rows)


def test_damage_is_named(tmp_path, matrix):
    path = tmp_path / "x.tiles"
    write_tiles(path, matrix, 8, "bits")
    whole = path.read_bytes()
    out = np.empty((37, 23), dtype=np.uint32)
    for content in (b"", b"junk" * 9, whole[:60], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"x\.tiles is damaged .*build the dataset again"):
            TileFile(path)
    path.write_bytes(whole)
    file = TileFile(path)
    path.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    with pytest.raises(StoreError, match="damaged"):
        file.read(np.arange(37), out)
    path.unlink()
    with pytest.raises(StoreError, match="damaged"):
        file.read(np.arange(37), out)


def test_tiles_are_about_64_kib():
    assert rows_a_tile(256) == 64
    assert rows_a_tile(10**9) == 1
