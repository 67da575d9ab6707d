"""Reading a whole ARCHS4 file (2000 x 1 chunks, gzip): by ``Archs4File`` and by plain h5py."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import race, shown_seconds
from core.sources.archs4 import Archs4File
from core.store.tiles import spans

BLOCK = 256


def run(setting: Setting) -> Section:
    """Ratios at the middle size."""
    n = setting.middle
    path = setting.files(n).counts
    ours: dict[str, Callable[[], int]] = {
        "read(rows, threads=2)": lambda: by_read(path, 2),
        "read(rows, threads=1)": lambda: by_read(path, 1),
        "blocks(spans, threads=2)": lambda: by_blocks(path, 2),
    }
    timed = race({**ours, "h5py": lambda: by_h5py(path)}, setting.rounds)
    size = f"{n:,} x {setting.n_genes:,}"
    against = f"{shown_seconds(timed.median('h5py'))}: h5py, {BLOCK} columns at a time"
    judged = setting.judges(n, 4000)
    rows = [
        Row(
            f"Reading, `{name}`", size, shown_seconds(timed.median(name)), against, timed.shown("h5py", name),
            "at least 3x" if "2" in name else "",
            timed.ratio("h5py", name) >= 3 if judged and "2" in name else None,
        )
        for name in ours
    ]  # fmt: skip
    note = (
        f"The file holds {path.stat().st_size / n / setting.n_genes:.2f} bytes a count and is in the page cache. Each "
        "contender opens it and reads all of it; ARCHScope also reads the metadata, checks them and turns the matrix "
        "to biosamples x genes, h5py hands it over as it lies in the file."
    )
    return Section(rows, notes=[note])


def by_read(path: Path, threads: int) -> int:
    """Reads blocks of rows one by one; something of what was read."""
    with Archs4File(path) as file:
        blocks = (file.read(np.arange(a, b), threads=threads) for a, b in spans(file.shape[0], BLOCK))
        return max(int(block[-1, -1]) for block in blocks)


def by_blocks(path: Path, threads: int) -> int:
    """The same from blocks that are read ahead."""
    with Archs4File(path) as file:
        wanted = [slice(a, b) for a, b in spans(file.shape[0], BLOCK)]
        return max(int(block[-1, -1]) for block in file.blocks(wanted, threads=threads))


def by_h5py(path: Path) -> int:
    """The same by plain column slicing."""
    with h5py.File(path) as file:
        data = file["data/expression"]
        return max(int(data[:, a:b][-1, -1]) for a, b in spans(data.shape[1], BLOCK))
