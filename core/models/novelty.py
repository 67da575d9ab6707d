"""How unlike the training data a biosample is: its distance to the nearest one, held against what is usual.

Distance = 1 - Pearson correlation over the best markers. Measured on 603 biosamples of 20 tissues by leaving out one
tissue at a time: correlation over 500 markers told new tissues from new studies better than over 2,000, over all genes,
after centring genes, in PCA space, by the residual of a PCA, or whitened within tissues (``unseen`` measures it anew in
every training).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.array_files import read_arrays
from core.errors import InputError, StoreError
from core.models.splits import series_groups, spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray

FILE = "novelty.npz"
MAX_ROWS = 4000
MAX_VALUES = 2**25
BLOCK = 1000
# With fewer biosamples to compare with, their distances say nothing about what is usual.
MIN_USUAL = 20
GENES = 500  # the best markers
TAIL = 0.05  # the share of the usual distances from which on a curve goes on where they end


def correlation_units(q: npt.NDArray[np.floating], columns: BoolArray | None = None) -> FloatMatrix:
    """Rows minus their mean, of length 1 (m x g): the product of two is their correlation; a constant row is zeros."""
    part = np.asarray(q if columns is None else q[:, columns], dtype=np.float64)
    centred = part - part.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: FloatMatrix = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-9).astype(np.float32)
    return unit


class Novelty:
    """Known biosamples to hold a new one against; ``Novelty().fit(q, series)``, then ``score``.

    ``units`` (r x g): training biosamples as ``correlation_units``; ``usual`` (ascending): their own distances.
    """

    units: FloatMatrix
    usual: DoubleArray

    def fit(
        self, q: npt.NDArray[np.floating], series: Sequence[str], labels: BoolArray | None = None, seed: int = 1
    ) -> "Novelty":
        """From Q of the genes to compare by (n x g) of the training biosamples, and their series.

        ``usual`` holds each biosample's distance to the nearest one of another series (of one series: to the nearest
        other one). With ``labels`` (n x L), only biosamples that share a label with another series count: for the
        others even the nearest is another tissue. At most 4,000 biosamples and 32 million values are kept, drawn
        evenly over series. Raises InputError where there are fewer than two biosamples.
        """
        groups = series_groups(series)
        rows = spread_over_groups(groups, max(2, min(MAX_ROWS, MAX_VALUES // q.shape[1])), seed)
        if len(rows) < 2:
            raise InputError("Novelty needs at least two training biosamples.")
        units, groups = correlation_units(q[rows]), groups[rows]
        if groups.max() == groups.min():
            groups = np.arange(len(rows), dtype=np.intp)
        distance, comparable = _nearest_of_other_group(units, groups, None if labels is None else labels[rows])
        self.units = units
        self.usual = np.sort(distance[comparable] if comparable.sum() >= MIN_USUAL else distance)
        return self

    def distance(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Distance (m) of biosamples (m x g, NaN where a gene is missing) to the nearest training biosample.

        Over the genes that are there, on both sides; infinite where there are fewer than two.
        """
        result = np.full(len(q), np.inf)
        patterns, pattern_of = np.unique(~np.isnan(q), axis=0, return_inverse=True)
        for i, present in enumerate(patterns):
            if present.sum() < 2:
                continue
            rows = np.flatnonzero(pattern_of.ravel() == i)
            known = self.units if present.all() else correlation_units(self.units, present)
            for start in range(0, len(rows), BLOCK):
                block = rows[start : start + BLOCK]
                result[block] = 1.0 - (correlation_units(q[block], present) @ known.T).max(axis=1)
        return result

    def score(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Novelty (m) in [0, 1] of biosamples (m x g): see ``of_distance``."""
        return self.of_distance(self.distance(q))

    def of_distance(self, distance: DoubleArray) -> DoubleArray:
        """The share of ``usual`` distances below a distance (m), from 0 at distance 0, rising all the way.

        Beyond the 95th percentile of ``usual``, 1 - 0.05 (1 + (d - d95) / 2s)^-2, with s the mean excess of those
        beyond it (peaks over a threshold, Pickands 1975, with the heavy tail of shape 1/2): among samples further away
        than all that is usual, the furthest still is the most novel.
        """
        start = float(np.quantile(self.usual, 1.0 - TAIL))
        beyond = self.usual[self.usual > start] - start
        spread = max(float(beyond.mean()) if len(beyond) else 0.0, 0.02 * start, 1e-9)
        steps = np.concatenate([[0.0], self.usual[self.usual <= start]])
        inside = np.interp(distance, steps, np.linspace(0.0, 1.0 - TAIL, len(steps)))
        tail = 1.0 - TAIL * (1.0 + np.maximum(distance - start, 0.0) / (2.0 * spread)) ** -2
        result: DoubleArray = np.where(distance > start, tail, inside)
        return result

    def arrays(self) -> dict[str, npt.NDArray[np.floating]]:
        """What ``from_arrays`` needs, named so that it may share an npz with a classifier."""
        return {"novelty_units": self.units, "novelty_usual": self.usual}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.floating]]) -> "Novelty":
        """Back from ``arrays``; raises KeyError where one is missing."""
        novelty = cls()
        novelty.units = arrays["novelty_units"].astype(np.float32)
        novelty.usual = arrays["novelty_usual"].astype(np.float64)
        return novelty

    def save(self, directory: Path) -> None:
        """Writes ``novelty.npz`` into the folder, which is made where it is missing."""
        directory.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(directory / FILE, allow_pickle=False, **self.arrays())

    @classmethod
    def load(cls, directory: Path) -> "Novelty":
        """Back from ``save``; raises StoreError where the file is missing or damaged."""
        try:
            return cls.from_arrays(read_arrays(directory / FILE))
        except (KeyError, ValueError) as error:
            raise StoreError(f"{directory / FILE} cannot be used ({error}): train the model again.") from error


def _nearest_of_other_group(
    units: FloatMatrix, groups: IndexArray, labels: BoolArray | None
) -> tuple[DoubleArray, BoolArray]:
    """Distance to the nearest member of another group, and whether another group shares a label (both r)."""
    distance = np.empty(len(units))
    comparable = np.ones(len(units), dtype=bool)
    bits = None if labels is None else labels.astype(np.float32)
    for start in range(0, len(units), BLOCK):
        block = slice(start, start + BLOCK)
        similarity = units[block] @ units.T
        same = groups[block, None] == groups[None, :]
        similarity[same] = -np.inf
        distance[block] = 1.0 - similarity.max(axis=1)
        if bits is not None:
            comparable[block] = ((bits[block] @ bits.T > 0) & ~same).any(axis=1)
    return distance, comparable
