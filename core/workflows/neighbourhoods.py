"""Who gives a gene its signal: the biosamples around its 95th percentile, what they are, what is like one of them."""

import numpy as np
import pandas as pd

from core.expression import baselines as sets
from core.expression import composition
from core.expression import neighbourhood as hood
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray, NeighbourhoodView
from core.workflows.search import nearest_biosamples

BIOSAMPLE_VIEW = ["sample_id", "series_id", "title", "labels"]
METADATA = [
    "source_name_ch1", "characteristics_ch1", "singlecellprobability", "depth", "alignedreads", "zero_share",
]  # fmt: skip
COMPOSITION = [
    "name", "members", "dataset", "share", "dataset_share", "fold", "expected", "odds", "p", "q",
]  # fmt: skip


def neighbourhood(workspace: Workspace, name: str, symbol: str) -> NeighbourhoodView:
    """The biosamples around a gene's 95th percentile, and how alike they are. Raises NotFoundError."""
    dataset = workspace.dataset(name)
    row = dataset.gene(symbol)
    positions = np.asarray(dataset.members[row], dtype=np.intp)
    cosine = cosines_between(dataset, positions)
    linkage, leaves = cluster(cosine)
    inside = _members(dataset, row, positions, cosine)
    series = series_codes(dataset)
    _, apart, pairs_apart = sets.pair_means(cosine, series[positions])
    return NeighbourhoodView(
        row={str(key): value for key, value in dataset.rankings.iloc[row].to_dict().items()},
        members=inside.iloc[leaves].reset_index(drop=True),
        cosine=cosine[np.ix_(leaves, leaves)],
        linkage=linkage,
        labels=_labels(dataset, positions, series),
        series=_series(dataset, positions),
        random=np.array(dataset.manifest["random_cosine"], dtype=np.float64),
        unit=dataset.unit,
        apart=apart,
        pairs_apart=pairs_apart,
    )


def _members(dataset: StoredDataset, row: int, positions: IndexArray, cosine: DoubleArray) -> pd.DataFrame:
    values = dataset.expression([row])[0].astype(np.float64)
    there = [column for column in METADATA if column in dataset.biosamples]
    told = dataset.biosamples.iloc[positions].reset_index(drop=True)
    inside = told[BIOSAMPLE_VIEW].copy()
    inside["value"] = values[positions]
    inside["position"] = hood.window(len(values))[0] + np.arange(len(positions))
    # float32 may make values equal that are not: only a build, which has the exact ones, can say that some are tied
    inside["tied"] = np.isin(values[positions], np.delete(values, positions)) & (dataset.rankings["n_tied"][row] > 0)
    inside["mean_cosine"] = (cosine.sum(axis=1) - 1.0) / max(1, len(positions) - 1)
    return inside.join(told[there])


def series_codes(dataset: StoredDataset) -> IndexArray:
    """The series of each biosample as a number (n), -1 where it is unknown."""
    series = dataset.biosamples["series_id"]
    codes = pd.factorize(series)[0].astype(np.intp)
    codes[(series == "").to_numpy()] = -1
    return codes


def _labels(dataset: StoredDataset, positions: IndexArray, series: IndexArray) -> pd.DataFrame:
    """The labels that members carry, most frequent first, with the series that those members come from."""
    carried = dataset.label_matrix[positions]
    inside, everywhere = carried.sum(axis=0), dataset.label_matrix.sum(axis=0)
    names = pd.Series(dataset.label_names, dtype="str")
    table = _composition(names, inside, everywhere, len(positions), len(series))
    number, largest = composition.series_of_labels(carried, series[positions])
    order = names.isin(table["name"]).to_numpy()
    more = pd.DataFrame({"name": names[order], "n_series": number[order], "largest_series_share": largest[order]})
    return table.merge(more, on="name", how="left")


def _series(dataset: StoredDataset, positions: IndexArray) -> pd.DataFrame:
    everywhere = dataset.biosamples["series_id"].value_counts().rename("dataset")
    inside = dataset.biosamples["series_id"].iloc[positions].value_counts().rename("members")
    counts = pd.concat([everywhere, inside], axis=1).fillna(0).drop(index="", errors="ignore").astype(np.int64)
    names = pd.Series(counts.index.astype("str"))
    n = len(dataset.biosamples)
    return _composition(names, counts["members"].to_numpy(), counts["dataset"].to_numpy(), len(positions), n)


def _composition(names: pd.Series, inside: IndexArray, everywhere: IndexArray, k: int, n: int) -> pd.DataFrame:
    """What the members are, most frequent first; those without a member count as tests, and are not shown."""
    some = inside > 0
    found = composition.enrichment(inside[some], everywhere[some], k, n, int((everywhere > 0).sum()))
    table = pd.DataFrame({"name": names[some].to_numpy(), "members": inside[some], "dataset": everywhere[some]})
    table["share"], table["dataset_share"] = table["members"] / max(1, k), table["dataset"] / n
    for column in ("fold", "expected", "odds", "p", "q"):
        table[column] = getattr(found, column)
    return table.sort_values(["members", "fold"], ascending=False, ignore_index=True)[COMPOSITION]


def cosines_between(dataset: StoredDataset, positions: IndexArray) -> DoubleArray:
    """Cosine of every pair of the biosamples at ``positions`` (k x k), over whole normalised profiles."""
    return hood.pair_cosines(dataset.profiles(positions))


def cluster(cosine: DoubleArray) -> tuple[DoubleArray, IndexArray]:
    """Average linkage on 1 - cosine: scipy's linkage ((k - 1) x 4) and the order of the leaves (k)."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    if len(cosine) < 2:
        return np.empty((0, 4)), np.arange(len(cosine))
    distance = squareform(np.clip(1.0 - cosine, 0.0, None), checks=False)
    linkage = hierarchy.linkage(distance, method="average", optimal_ordering=True)
    return linkage, np.asarray(hierarchy.leaves_list(linkage), dtype=np.intp)


def similar_biosamples(workspace: Workspace, name: str, sample_id: str, top: int = 50) -> pd.DataFrame:
    """The ``top`` biosamples most like one. Raises NotFoundError.

    Columns sample_id, series_id, title, labels, cosine; shared_labels (joined by |, "" for none) and same_series
    compare each with the one.
    """
    dataset = workspace.dataset(name)
    row = dataset.biosample(sample_id)
    [(rows, cosines)] = nearest_biosamples(dataset, dataset.profiles([row]), top, own=np.array([row]))
    found = biosample_rows(dataset, rows, cosines)
    return found.join(compared(found, dataset.biosamples.iloc[row]))


def biosample_rows(dataset: StoredDataset, positions: IndexArray, cosines: DoubleArray) -> pd.DataFrame:
    """Biosamples at ``positions`` with their metadata and cosine."""
    return dataset.biosamples.iloc[positions][BIOSAMPLE_VIEW].reset_index(drop=True).assign(cosine=cosines)


def compared(biosamples: pd.DataFrame, one: pd.Series) -> pd.DataFrame:
    """What biosamples have in common with one: shared_labels (joined by |) and same_series (False if unknown)."""
    own = [label for label in str(one["labels"]).split("|") if label]
    shared = ["|".join(label for label in own if label in labels.split("|")) for labels in biosamples["labels"]]
    same = (biosamples["series_id"] == one["series_id"]) & bool(one["series_id"])
    return pd.DataFrame({"shared_labels": shared, "same_series": same.to_numpy()}, index=biosamples.index)


def trail(workspace: Workspace, name: str, sample_ids: list[str]) -> pd.DataFrame:
    """A walk from one biosample to the next: sample_id, series_id, title, labels of each, and what each step kept.

    ``cosine``, ``shared_labels`` and ``same_series`` compare a biosample with the one before; nothing (NaN, "", False)
    for the first. ``cosine_first`` is the cosine to where the walk began. Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    rows = np.array([dataset.biosample(sample_id) for sample_id in sample_ids], dtype=np.intp)
    walk = dataset.biosamples.iloc[rows][BIOSAMPLE_VIEW].reset_index(drop=True)
    if walk.empty:
        return walk
    cosine = cosines_between(dataset, rows)
    walk["cosine"] = [np.nan, *np.diagonal(cosine, 1)]
    walk["cosine_first"] = cosine[0]
    steps = [compared(walk.iloc[[at]], walk.iloc[at - 1]) for at in range(1, len(walk))]
    first = pd.DataFrame({"shared_labels": [""], "same_series": [False]})
    return walk.join(pd.concat([first, *steps], ignore_index=True))
