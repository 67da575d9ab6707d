"""What the pages ask of a built dataset: its rankings, one gene over all biosamples, its numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.expression import normalise
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from core.store.workspace import Workspace
from core.types import DoubleArray, GeneView
from core.workflows.neighbourhoods import BIOSAMPLE_VIEW
from core.workflows.neighbourhoods import neighbourhood as neighbourhood  # asked for beside the gene


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
    found = {str(key): value for key, value in dataset.rankings.iloc[row].to_dict().items()}
    return GeneView(found, biosamples, dataset.unit)


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
