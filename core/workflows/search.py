"""The biosamples of a dataset most like a profile, by the cosine of whole normalised profiles.

In a small dataset every cosine is computed. In a large one the unit profiles are kept as points on 128 principal axes
(uncentred, of 1,000 of them; ``core.workflows.making``). A scan of all points finds candidates, and the cosines of
those are computed from their whole profiles: what is shown is exact, and only who is a candidate is not certain.
Recall at 50 is measured in docs/benchmarks.md. A scan needs no graph: it takes milliseconds for 20,000 points, and a
fraction of a second for a million.
"""

import numpy as np

from core.engine import LocalEngine
from core.expression import similar
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Tile

CANDIDATES = (200, 800)  # whose cosines are computed for a list of 50: a twenty-fifth of all, but at least, at most
DEAR = 2.5  # making a candidate's whole profile costs about as much as going through so many stored ones
PIECE = 16  # candidates a thread makes at a time

Found = list[tuple[IndexArray, DoubleArray]]


def nearest_biosamples(
    dataset: StoredDataset,
    profiles: Tile,
    top: int,
    present: BoolArray | None = None,
    own: IndexArray | None = None,
) -> Found:
    """For each profile (m x g) the rows of the ``top`` most similar biosamples and their cosines, highest first.

    ``present`` (g): the genes that the profiles have, where they lack some. ``own`` (m): each profile's own row, which
    is left out.
    """
    units = similar.unit_profiles(profiles, present)
    left_out = [None] * len(units) if own is None else [int(row) for row in own]
    n = dataset.blocks[-1]
    candidates = max(4 * top, int(np.clip(n // 25, *CANDIDATES)))
    if dataset.index is None or DEAR * candidates * len(units) > n:
        cosines = cosines_to_all(dataset, units, present)
        found = [similar.nearest(row, top, out) for row, out in zip(cosines, left_out, strict=True)]
        return [(rows, row[rows]) for rows, row in zip(found, cosines, strict=True)]
    axes, points = dataset.index
    places = (axes @ units.T).T
    return [
        _among(dataset, unit, similar.nearest((points @ place).astype(np.float64), candidates, out), top, present)
        for unit, place, out in zip(units, places, left_out, strict=True)
    ]


def cosines_to_all(dataset: StoredDataset, units: FloatMatrix, present: BoolArray | None) -> DoubleArray:
    """Cosine of unit profiles (m x g) to every biosample: m x n, from all of the store."""
    cosines = np.empty((len(units), dataset.blocks[-1]))

    def fill(number: int) -> None:
        block = slice(*dataset.blocks[number : number + 2])
        cosines[:, block] = similar.cosine_to_block(units, dataset.block(number), dataset.norms[block], present)

    list(LocalEngine().map(fill, [(number,) for number in range(len(dataset.blocks) - 1)]))
    return cosines


def _among(
    dataset: StoredDataset, unit: FloatMatrix, candidates: IndexArray, top: int, present: BoolArray | None
) -> tuple[IndexArray, DoubleArray]:
    """The best of the candidates, by their whole profiles."""
    rows = np.sort(candidates)
    cosines = np.empty(len(rows))

    def fill(start: int, stop: int) -> None:
        y = dataset.exact_profiles(rows[start:stop])
        norms = dataset.norms[rows[start:stop]] if present is None else np.linalg.norm(y[:, present], axis=1)
        cosines[start:stop] = (y @ unit.astype(np.float64)) / np.where(norms > 0, norms, 1.0)

    list(LocalEngine().map(fill, spans(len(rows), PIECE)))
    best = similar.nearest(cosines, top)
    return rows[best], cosines[best]
