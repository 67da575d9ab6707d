"""What the tiles of the store cost with other codecs, shuffles and heights; for counts and for Y."""

from functools import partial
from typing import Any

import numcodecs
import numpy as np
import numpy.typing as npt
from numcodecs import blosc

from benchmarks.report import Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import race
from core.store.tiles import rows_a_tile
from core.workflows.build import MOST_ROWS

SHUFFLES = {"none": blosc.NOSHUFFLE, "bytes": blosc.SHUFFLE, "bits": blosc.BITSHUFFLE}
CODECS = (("lz4", 5), ("zstd", 1), ("zstd", 5))
HEADER = ("codec", "shuffle", "rows a tile", "ratio", "encode, MB/s", "decode, MB/s")
Matrix = npt.NDArray[Any]


def run(setting: Setting) -> Section:
    """Ratio and speeds on one block of the middle dataset, one thread."""
    dataset = setting.dataset(setting.middle)
    m = min(MOST_ROWS, setting.middle)
    counts = dataset.counts(slice(0, m))
    step = max(1, len(dataset.rankings) // 8)
    y = np.concatenate([dataset.expression(slice(a, a + step))[:, :m] for a in range(0, len(dataset.rankings), step)])
    height = rows_a_tile(m)
    tables = [
        _table(f"Counts, {m} biosamples x {counts.shape[1]:,}", counts, 1, (4, 16), "bytes", setting.rounds),
        _table(f"Y, {len(y):,} genes x {m}", y, height, (max(1, height // 8), height * 8), "bits", setting.rounds),
    ]
    note = "The store keeps counts as lz4, bytes, and Y as lz4, bits, with the number of rows of the first lines."
    return Section(tables=tables, notes=[note])


def _table(title: str, matrix: Matrix, height: int, heights: tuple[int, ...], shuffle: str, rounds: int) -> Table:
    """Every codec and shuffle at ``height`` rows a tile, then lz4 with ``shuffle`` at other heights."""
    cases = [(codec, level, name, height) for codec, level in CODECS for name in SHUFFLES]
    cases += [("lz4", 5, shuffle, other) for other in heights]
    return Table(title, HEADER, [_measure(matrix, *case, rounds) for case in cases])


def _measure(matrix: Matrix, codec: str, level: int, shuffle: str, height: int, rounds: int) -> tuple[str, ...]:
    coder = numcodecs.Blosc(codec, clevel=level, shuffle=SHUFFLES[shuffle])
    tiles = [matrix[a : a + height] for a in range(0, len(matrix), height)]
    packed = [coder.encode(tile) for tile in tiles]
    timed = race({"encode": partial(_encode, coder, tiles), "decode": partial(_decode, coder, packed, tiles)}, rounds)
    size = matrix.nbytes
    speeds = [f"{size / timed.median(name) / 1e6:,.0f}" for name in ("encode", "decode")]
    return (f"{codec}, level {level}", shuffle, str(height), f"{size / sum(map(len, packed)):.2f}", *speeds)


def _encode(coder: Any, tiles: list[Matrix]) -> int:
    return sum(len(coder.encode(tile)) for tile in tiles)


def _decode(coder: Any, packed: list[bytes], tiles: list[Matrix]) -> None:
    for data, tile in zip(packed, tiles, strict=True):
        coder.decode(data, np.empty_like(tile))
