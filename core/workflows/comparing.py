"""Is a neighbourhood more alike than chance, than its labels, than its series would have it? Sets to compare it with.

In a large dataset the cosines of the sets come from the stored principal axes of unit profiles (those of the quick
search): the gene's own value is then taken from the same axes, so that like is compared with like. In a small one they
are those of whole profiles, computed for all pairs once.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.expression import baselines as sets
from core.expression import neighbourhood as hood
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.store.workspace import Workspace
from core.types import FloatMatrix, IndexArray
from core.workflows.neighbourhoods import series_codes

VERSION = 1
SEED = 1
GENES_AT_A_TIME = 1024
KINDS = {
    "random": "drawn at random",
    "labels": "same labels",
    "series": "one biosample a series",
}


@dataclass(frozen=True)
class Baselines:
    """Sets of biosamples beside a gene's neighbourhood.

    ``sets``: baseline ("random", "labels", "series"), set, size, mean_cosine (all pairs), apart (mean over pairs of
    different series). ``summary``: baseline, pairs ("all" or "different series"), sets, size, mean, sd, value (of the
    gene), z, percentile. ``exact``: whether the cosines are those of whole profiles. ``seed`` of the draws.
    """

    sets: pd.DataFrame
    summary: pd.DataFrame
    exact: bool
    seed: int


def baselines(workspace: Workspace, name: str, symbol: str) -> Baselines:
    """Sets to hold a gene's neighbourhood against; drawn once and kept. Raises NotFoundError."""
    dataset = workspace.dataset(name)
    row = dataset.gene(symbol)
    parameters = {"gene": row, "labels": dataset.labels_hash, "seed": SEED, "draws": sets.DRAWS}
    found = workspace.results.cached(
        dataset, "neighbourhood baselines", VERSION, parameters, lambda: _draw(workspace, dataset, row)
    )
    gene = found[found["baseline"] == "gene"].iloc[0]
    drawn = found[found["baseline"] != "gene"].reset_index(drop=True)
    return Baselines(drawn, _summary(drawn, gene), dataset.index is None, SEED)


def _draw(workspace: Workspace, dataset: StoredDataset, row: int) -> pd.DataFrame:
    members = np.asarray(dataset.members[row], dtype=np.intp)
    n, k, series = len(dataset.biosamples), len(members), series_codes(dataset)
    strata = pd.factorize(dataset.biosamples["labels"])[0].astype(np.intp)
    collections = {
        "gene": [members],
        "random": sets.random_sets(n, k, SEED),
        "labels": sets.matched_sets(strata, members, SEED),
        "series": sets.one_a_series(series, k, SEED),
    }
    means = _means(workspace, dataset)
    rows = [
        (kind, number, len(drawn), *means(drawn, series[drawn])[:2])
        for kind, collection in collections.items()
        for number, drawn in enumerate(collection)
    ]
    return pd.DataFrame(rows, columns=["baseline", "set", "size", "mean_cosine", "apart"])


def _means(workspace: Workspace, dataset: StoredDataset) -> sets.Means:
    if dataset.index is not None:
        return sets.from_points(dataset.index[1])
    kept = workspace.results.cached(dataset, "cosines", VERSION, {}, lambda: _all_pairs(dataset))
    n = len(dataset.biosamples)
    full = np.zeros((n, n), dtype=np.float32)
    full[np.tril_indices(n)] = kept["cosine"].to_numpy()
    return sets.from_all(full)


def _all_pairs(dataset: StoredDataset) -> pd.DataFrame:
    """The lower triangle of the cosines of all biosamples, row by row, diagonal included."""

    def tiles() -> list[IndexArray]:
        return [np.arange(start, stop) for start, stop in spans(len(dataset.lengths), GENES_AT_A_TIME)]

    cosines: FloatMatrix = hood.gram((dataset.expression(genes) for genes in tiles()), dataset.norms)
    return pd.DataFrame({"cosine": cosines[np.tril_indices(len(cosines))]})


def _summary(drawn: pd.DataFrame, gene: pd.Series) -> pd.DataFrame:
    rows = []
    for kind in KINDS:
        mine = drawn[drawn["baseline"] == kind]
        for pairs, column in (("all", "mean_cosine"), ("different series", "apart")):
            if len(mine) and (kind, pairs) != ("series", "all"):  # its pairs are all of different series
                found = sets.standing(float(gene[column]), mine[column].to_numpy(dtype=np.float64))
                rows.append({"baseline": kind, "pairs": pairs, "size": int(mine["size"].iloc[0]), **vars(found)})
    columns = ["baseline", "pairs", "sets", "size", "mean", "sd", "value", "z", "percentile"]
    return pd.DataFrame(rows, columns=columns)
