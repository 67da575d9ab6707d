"""Genes over a sample of biosamples, ready to be correlated: kept in the dataset's folder, made when first asked for.

    datasets/<name>/correlation/unit-2000.npy      g x s float16: Y over s biosamples, each row centred and of length 1
                                moments-2000.npy   g x 2 float32: what rounding left of each row's sum and length

All biosamples where there are no more than 2,000, else 2,000 of them drawn with a seed. A dataset that is built anew
gets a new folder, so the file never outlives the build that it belongs to.
"""

import os
import threading
from pathlib import Path

import numpy as np

from core.array_files import read_array
from core.errors import StoreError
from core.expression.correlation import HalfMatrix, moments, unit_rows
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.types import FloatMatrix, IndexArray

SAMPLE = 2000
SEED = 1
PIECE = 128  # biosamples mapped at a time
GENES = 4096  # genes standardised at a time
LARGEST = 6e4  # what half precision holds


def sampled(n: int, most: int = SAMPLE) -> IndexArray:
    """Rows of the biosamples that correlations go over, ascending: all, or ``most`` of them."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(SEED).choice(n, most, replace=False))


def unit_sample(dataset: StoredDataset) -> tuple[HalfMatrix, FloatMatrix]:
    """Unit rows of all genes over the sampled biosamples, g x s, memory-mapped, and their moments, g x 2.

    Raises StoreError where the files can be neither read nor written.
    """
    folder = dataset.path / "correlation"
    units, rest = folder / f"unit-{SAMPLE}.npy", folder / f"moments-{SAMPLE}.npy"
    try:
        if not units.is_file():
            folder.mkdir(exist_ok=True)
            own = f"{os.getpid()}-{threading.get_ident()}.npy"  # two sessions may make it at once
            asides = folder / f".moments-{own}", folder / f".unit-{own}"
            np.save(asides[0], _make(dataset, asides[1]))
            for aside, path in zip(asides, (rest, units), strict=True):  # the one that is looked for comes last
                aside.replace(path)
        rows: HalfMatrix = read_array(units, mapped=True)
        return rows, read_array(rest)
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} cannot be used ({error}): free some room on the disk, or delete it.") from error


def _make(dataset: StoredDataset, path: Path) -> FloatMatrix:
    """Writes the unit rows; returns their moments."""
    rows = sampled(dataset.blocks[-1])
    shape = (len(dataset.lengths), len(rows))
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    everybody = len(rows) == dataset.blocks[-1]
    if not everybody:
        _draw(dataset, rows, out)
    known = []
    for start, stop in spans(len(out), GENES):
        values = dataset.expression(slice(start, stop)) if everybody else out[start:stop].astype(np.float32)
        out[start:stop] = unit_rows(values)
        known.append(moments(out[start:stop]))
    out.flush()
    return np.concatenate(known)


def _draw(dataset: StoredDataset, rows: IndexArray, out: HalfMatrix) -> None:
    """Y of some biosamples, standardised by each gene's own mean and spread: half precision needs that."""
    mean = dataset.rankings["mean"].to_numpy(np.float32)
    spread = np.sqrt(dataset.rankings["variance"].to_numpy(np.float64)).astype(np.float32)
    spread[~(spread > 0)] = 1.0
    for start, stop in spans(len(rows), PIECE):
        standard = (dataset.profiles(rows[start:stop]) - mean) / spread
        out[:, start:stop] = np.clip(standard, -LARGEST, LARGEST).T
