"""What the pages ask of a built dataset: its rankings, a gene, a neighbourhood, a biosample, a map, its numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.expression import neighbourhood as hood
from core.expression import normalise, similar
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from core.store.workspace import Workspace
from core.types import DoubleArray, GeneView, IndexArray, NeighbourhoodView
from core.workflows.search import nearest_biosamples

PROJECTION_VERSION = 1
PROJECTION_GENES = 2000
BIOSAMPLE_VIEW = ["sample_id", "series_id", "title", "labels"]


def datasets(workspace: Workspace) -> pd.DataFrame:
    """One row a dataset: name, simulated, n_biosamples, n_genes, n_labels, n_series, created, fingerprint, counts."""
    rows = []
    for found in workspace.datasets():
        facts = found.manifest | found.label_facts
        row = {"name": found.name, "simulated": found.simulated}
        row |= {key: facts[key] for key in ("n_biosamples", "n_genes", "n_labels", "n_series", "created")}
        rows.append(row | {"fingerprint": found.fingerprint, "counts": facts["sources"]["counts"]})
    return pd.DataFrame(rows)


def rankings(workspace: Workspace, name: str, query: RankingQuery | None = None) -> pd.DataFrame:
    """The rankings of a dataset, as a query asks for them; also position, biotype and variance."""
    return workspace.results.rankings(workspace.dataset(name), query or RankingQuery())


def count_rankings(workspace: Workspace, name: str, query: RankingQuery) -> int:
    """How many genes pass the filters of a query."""
    return workspace.results.count(workspace.dataset(name), query)


def gene(workspace: Workspace, name: str, symbol: str) -> GeneView:
    """One gene over all biosamples. Raises NotFoundError."""
    dataset = workspace.dataset(name)
    row = dataset.gene(symbol)
    biosamples = dataset.biosamples[BIOSAMPLE_VIEW].copy()
    biosamples["value"] = dataset.expression([row])[0].astype(np.float64)
    biosamples["neighbour"] = False
    biosamples.loc[np.asarray(dataset.members[row]), "neighbour"] = True
    return GeneView(_row(dataset, row), biosamples, dataset.unit)


def neighbourhood(workspace: Workspace, name: str, symbol: str) -> NeighbourhoodView:
    """The biosamples around a gene's 95th percentile, and how alike they are. Raises NotFoundError."""
    dataset = workspace.dataset(name)
    row = dataset.gene(symbol)
    positions = np.asarray(dataset.members[row], dtype=np.intp)
    cosine = cosines_between(dataset, positions)
    linkage, leaves = cluster(cosine)
    values = dataset.expression([row])[0].astype(np.float64)
    inside = dataset.biosamples.iloc[positions][BIOSAMPLE_VIEW].reset_index(drop=True)
    inside["value"] = values[positions]
    inside["position"] = hood.window(len(values))[0] + np.arange(len(positions))
    # float32 may make values equal that are not: only a build, which has the exact ones, can say that some are tied
    inside["tied"] = np.isin(values[positions], np.delete(values, positions)) & (dataset.rankings["n_tied"][row] > 0)
    inside["mean_cosine"] = (cosine.sum(axis=1) - 1.0) / max(1, len(positions) - 1)
    labels = _composition(_split(inside["labels"]), _split(dataset.biosamples["labels"]), len(inside), len(values))
    series = _composition(inside["series_id"], dataset.biosamples["series_id"], len(inside), len(values))
    return NeighbourhoodView(
        row=_row(dataset, row),
        members=inside.iloc[leaves].reset_index(drop=True),
        cosine=cosine[np.ix_(leaves, leaves)],
        linkage=linkage,
        labels=labels,
        series=series,
        random=np.array(dataset.manifest["random_cosine"], dtype=np.float64),
        unit=dataset.unit,
    )


def cosines_between(dataset: StoredDataset, positions: IndexArray) -> DoubleArray:
    """Cosine of every pair of the biosamples at ``positions`` (k x k), over whole normalised profiles."""
    profiles = dataset.profiles(positions)
    return similar.cosine_between(profiles, profiles)


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
    """The ``top`` biosamples most like one: sample_id, series_id, title, labels, cosine. Raises NotFoundError."""
    dataset = workspace.dataset(name)
    row = dataset.biosample(sample_id)
    [(rows, cosines)] = nearest_biosamples(dataset, dataset.profiles([row]), top, own=np.array([row]))
    return biosample_rows(dataset, rows, cosines)


def biosample_rows(dataset: StoredDataset, positions: IndexArray, cosines: DoubleArray) -> pd.DataFrame:
    """Biosamples at ``positions`` with their metadata and cosine."""
    return dataset.biosamples.iloc[positions][BIOSAMPLE_VIEW].reset_index(drop=True).assign(cosine=cosines)


def projection(workspace: Workspace, name: str) -> pd.DataFrame:
    """All biosamples on principal components: sample_id, series_id, title, labels, PC1.. (and share of variance).

    PCA of Q (log2, quantile-normalised, before length) of the most variable genes; computed once and kept.
    """
    dataset = workspace.dataset(name)
    parameters = {"genes": PROJECTION_GENES, "components": 10, "seed": 1}
    found = workspace.results.cached(dataset, "projection", PROJECTION_VERSION, parameters, lambda: _project(dataset))
    return found.assign(labels=dataset.biosamples["labels"].to_numpy())  # they may have been edited since


def _project(dataset: StoredDataset) -> pd.DataFrame:
    variance = dataset.rankings["variance"].to_numpy() * dataset.lengths**2  # of Q
    chosen = np.sort(np.argsort(-variance, kind="stable")[:PROJECTION_GENES])
    q = dataset.expression(chosen) * dataset.lengths[chosen, None].astype(np.float32)
    scores, share = similar.principal_components(q.T)
    frame = dataset.biosamples[BIOSAMPLE_VIEW].reset_index(drop=True)
    for c in range(scores.shape[1]):
        frame[f"PC{c + 1}"] = scores[:, c]
    return frame.assign(**{f"share{c + 1}": value for c, value in enumerate(share[:2])})


@dataclass(frozen=True)
class Overview:
    """What a dataset is. ``distributions``: sample_id, stage, percentile, value, before and after, for some."""

    manifest: dict[str, Any]
    biosamples: pd.DataFrame
    labels: pd.DataFrame
    distributions: pd.DataFrame
    classifier: str | None
    generator: str | None


def overview(workspace: Workspace, name: str) -> Overview:
    """The numbers and distributions of a dataset, and which runs are in use."""
    dataset = workspace.dataset(name)
    sizes = dataset.labels.groupby("label").size().rename("biosamples").reset_index()
    active = {kind: workspace.active(dataset, kind) for kind in ("classifier", "generator")}
    distributions = workspace.results.cached(
        dataset, "distributions", 1, {"biosamples": 40, "seed": 1}, lambda: _distributions(dataset, 40)
    )
    return Overview(
        manifest=dataset.manifest | dataset.label_facts,
        biosamples=dataset.biosamples,
        labels=sizes.sort_values("biosamples", ascending=False, ignore_index=True),
        distributions=distributions,
        classifier=active["classifier"].id if active["classifier"] else None,
        generator=active["generator"].id if active["generator"] else None,
    )


def _distributions(dataset: StoredDataset, some: int) -> pd.DataFrame:
    n = len(dataset.biosamples)
    positions = np.sort(np.random.default_rng(1).choice(n, min(some, n), replace=False))
    counts = dataset.counts(positions)
    stages: dict[str, DoubleArray] = {
        "log2(1 + count)": normalise.log2p1(counts),
        "quantile-normalised": normalise.to_target(counts, dataset.target),
        "divided by length": dataset.profiles(positions).astype(np.float64),
    }
    share = np.linspace(0, 100, 101)
    frames = []
    for stage, values in stages.items():
        points = np.percentile(values, share, axis=1)
        wide = pd.DataFrame(points, index=share, columns=dataset.biosamples["sample_id"].iloc[positions])
        long = wide.rename_axis("percentile").reset_index().melt("percentile", var_name="sample_id", value_name="value")
        frames.append(long.assign(stage=stage))
    return pd.concat(frames, ignore_index=True)


def _row(dataset: StoredDataset, row: int) -> dict[str, Any]:
    return {str(key): value for key, value in dataset.rankings.iloc[row].to_dict().items()}


def _split(labels: pd.Series) -> pd.Series:
    """Every label of every biosample, one a row; biosamples without a label drop out."""
    exploded = labels.str.split("|").explode()
    return exploded[exploded != ""]


def _composition(inside: pd.Series, everywhere: pd.Series, k: int, n: int) -> pd.DataFrame:
    counts = pd.DataFrame({"members": inside.value_counts(), "dataset": everywhere.value_counts()}).fillna(0)
    counts = counts[(counts["members"] > 0) & (counts.index != "")].astype(int).rename_axis("name").reset_index()
    counts["share"] = counts["members"] / max(1, k)
    counts["dataset_share"] = counts["dataset"] / n
    counts["fold"] = counts["share"] / counts["dataset_share"]
    return counts.sort_values(["members", "fold"], ascending=False, ignore_index=True)
