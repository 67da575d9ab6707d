"""The biosamples of a dataset most like a profile, by the cosine of whole normalised profiles.

In a small dataset every cosine is computed. In a large one the unit profiles are kept as points on 128 principal axes
(uncentred, of up to 2,000 of them; ``core.workflows.making``). A scan of all points finds candidates, and the cosines
of those are computed from their whole profiles: what is shown is exact, and only who is a candidate is not certain.
Recall at 50 is measured in docs/benchmarks.md. A scan needs no graph: it takes milliseconds for 20,000 points, and
a fraction of a second for a million.
"""

import numpy as np

from core.expression import similar
from core.store.datasets import StoredDataset
from core.types import BoolArray, DoubleArray, IndexArray, Tile

CANDIDATES = 200  # whose cosines are computed for a list of up to 50
DEAR = 10  # making a candidate's whole profile costs about as much as going through so many stored ones


def nearest_biosamples(
    dataset: StoredDataset,
    profiles: Tile,
    top: int,
    present: BoolArray | None = None,
    own: IndexArray | None = None,
) -> list[tuple[IndexArray, DoubleArray]]:
    """For each profile (m x g) the rows of the ``top`` most similar biosamples and their cosines, highest first.

    ``present`` (g): the genes that the profiles have, where they lack some. ``own`` (m): each profile's own row, which
    is left out.
    """
    left_out = [None] * len(profiles) if own is None else [int(row) for row in own]
    candidates = max(CANDIDATES, 4 * top)
    if dataset.index is None or DEAR * candidates * len(profiles) > dataset.blocks[-1]:
        cosines = similar.cosine_to_all(profiles, dataset.gene_tiles(), dataset.norms, present)
        found = [similar.nearest(row, top, out) for row, out in zip(cosines, left_out, strict=True)]
        return [(rows, row[rows]) for rows, row in zip(found, cosines, strict=True)]
    return [
        _among_candidates(dataset, profile, top, candidates, present, out)
        for profile, out in zip(profiles, left_out, strict=True)
    ]


def _among_candidates(
    dataset: StoredDataset, profile: Tile, top: int, candidates: int, present: BoolArray | None, own: int | None
) -> tuple[IndexArray, DoubleArray]:
    assert dataset.index is not None
    axes, points = dataset.index
    known = slice(None) if present is None else np.flatnonzero(present)
    place = axes[:, known] @ np.asarray(profile[known], dtype=np.float32)
    closeness = (points @ place).astype(np.float64)
    rows = np.sort(similar.nearest(closeness, candidates, own))
    cosines = similar.cosine_between(profile[None, known], dataset.profiles(rows)[:, known])[0]
    best = similar.nearest(cosines, top)
    return rows[best], cosines[best]
