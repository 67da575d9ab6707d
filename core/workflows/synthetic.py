"""Synthetic samples: draw them, put them beside the real ones, take them away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import NotFoundError, RecipeError
from core.expression import normalise, similar
from core.models.generators import load_generator
from core.sources.matrix_write import SUFFIXES, OutMatrix, check_out, checked_suffix, write_matrix
from core.store.datasets import StoredDataset
from core.store.files import read_json
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import CountMatrix, DoubleArray, FloatMatrix, IndexArray
from core.workflows.provenance import provenance

MOST = 5000  # samples in one draw
CONTEXT = 400  # real biosamples of other labels in the projection
TOP_GENES = 40  # in the heatmap


@dataclass(frozen=True)
class SyntheticSet:
    """Synthetic samples of one label: ``q`` (n x G, log2 quantile-normalised) and the same as ``counts`` (n x G)."""

    q: FloatMatrix
    counts: CountMatrix
    sample_ids: list[str]
    label: str
    genes: pd.DataFrame


@dataclass(frozen=True)
class SyntheticView:
    """Synthetic samples beside real ones.

    ``projection``: sample_id, kind, label, PC1, PC2, nearest_real, nearest_cosine (the last two for synthetic rows).
    ``genes``: symbol, ensembl_gene_id, real and synthetic mean, sd and zero share, one row a gene.
    ``distances``: kind, distance, to the representative sample (the medoid of the real ones), as in the published work.
    ``heatmap``: z-scores, rows real then synthetic (``heatmap_kinds``), columns the label's top genes.
    ``scorecard``: metric, direction, synthetic, real_real, baseline, verdict. ``notes``: what a reader must know.
    """

    set: SyntheticSet
    projection: pd.DataFrame
    genes: pd.DataFrame
    distances: pd.DataFrame
    heatmap: pd.DataFrame
    heatmap_kinds: list[str]
    scorecard: pd.DataFrame
    notes: list[str]


def synthesize(workspace: Workspace, run_id: str, n: int, seed: int = 1) -> SyntheticSet:
    """Draws ``n`` synthetic samples from a finished run. Raises NotFoundError, RecipeError."""
    if not 1 <= n <= MOST:
        raise RecipeError(f"{n} synthetic samples cannot be drawn at once: ask for 1 to {MOST}.")
    run, dataset = _generator_run(workspace, run_id)
    label = str(read_json(run.path / "card.json")["recipe"]["label"])
    q = load_generator(run.path / "model").sample(n, label, seed)
    ids = [f"SYNTHETIC{number:05d}" for number in range(1, n + 1)]
    return SyntheticSet(q, to_counts(q), ids, label, dataset.genes)


def to_counts(q: FloatMatrix) -> CountMatrix:
    """Counts that Q stands for: 2^Q - 1, rounded (the inverse of log2(1 + X), at the depth of the target)."""
    return np.rint(np.exp2(q.astype(np.float64)) - 1.0).clip(0, np.iinfo(np.uint32).max).astype(np.uint32)


def export_synthetic(
    workspace: Workspace, run_id: str, made: SyntheticSet, path: Path, force: bool = False
) -> None:  # fmt: skip
    """Writes synthetic counts by suffix: .h5 (ARCHS4 v2 layout), .h5ad, .csv, .parquet or .gct.

    Raises RecipeError for another suffix, a folder that is not there, or a file that is there without ``force``.
    """
    checked_suffix(path.suffix, SUFFIXES, path.name)
    check_out(path, force)
    dataset = workspace.dataset(workspace.runs.get(run_id).dataset)
    about = {"synthetic": "yes", "run": run_id, "label": made.label}
    matrix = OutMatrix(
        genes=made.genes,
        biosamples=_synthetic_biosamples(made, run_id).assign(labels=made.label),
        read=lambda start, stop: made.counts[start:stop],
        dtype=np.uint32,
        values="synthetic counts",
        labels=pd.DataFrame({made.label: np.ones(len(made.counts), dtype=bool)}),
        provenance=provenance(dataset) | about | {"version": "synthetic"},
    )
    write_matrix(path, matrix)


def _synthetic_biosamples(made: SyntheticSet, run_id: str) -> pd.DataFrame:
    n = len(made.sample_ids)
    texts = {"series_id": "SYNTHETIC", "title": f"synthetic {made.label}", "source_name_ch1": made.label}
    texts |= {"characteristics_ch1": f"tissue: {made.label},synthetic: yes,run: {run_id}"}
    frame = pd.DataFrame({"sample_id": made.sample_ids, **{key: [text] * n for key, text in texts.items()}})
    return frame.assign(singlecellprobability=0.0, alignedreads=made.counts.sum(axis=1, dtype=np.float64))


def evaluate(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The evaluation of a generator run as its training left it. Raises NotFoundError."""
    run, _ = _generator_run(workspace, run_id)
    card = read_json(run.path / "card.json")
    held = {"training_biosamples": len(card["training_biosamples"]), "held_out": len(card["held_out"])}
    return {"run": run_id, "recipe": card["recipe"], **held, **read_json(run.path / "evaluation.json")}


def compare_synthetic(workspace: Workspace, run_id: str, n: int, seed: int = 1) -> SyntheticView:
    """Draws ``n`` synthetic samples and puts them beside the real ones of their label. Raises NotFoundError."""
    run, dataset = _generator_run(workspace, run_id)
    made = synthesize(workspace, run_id, n, seed)
    real = dataset.rows_with(made.label)
    if not len(real):
        raise NotFoundError(f"No biosample of {dataset.name!r} carries {made.label!r} any more: undo the label edits.")
    q_real = _q_of(dataset, real)
    evaluation = read_json(run.path / "evaluation.json")
    heatmap, kinds = _heatmap(dataset, made, q_real, real)
    return SyntheticView(
        set=made,
        projection=_project(dataset, made, real),
        genes=_gene_agreement(dataset, made, q_real, real),
        distances=_distances(made, q_real),
        heatmap=heatmap,
        heatmap_kinds=kinds,
        scorecard=pd.DataFrame(evaluation["scorecard"]),
        notes=list(evaluation.get("notes", [])),
    )


def _generator_run(workspace: Workspace, run_id: str) -> tuple[Run, StoredDataset]:
    run = workspace.runs.get(run_id)
    if run.kind != "generator" or run.status != "done":
        raise NotFoundError(f"Run {run_id!r} is no finished generator (it is a {run.status} {run.kind}): see 'runs'.")
    return run, workspace.dataset(run.dataset)


def _q_of(dataset: StoredDataset, positions: IndexArray) -> DoubleArray:
    return normalise.to_target(dataset.counts(positions), dataset.target)


def _project(dataset: StoredDataset, made: SyntheticSet, real: IndexArray) -> pd.DataFrame:
    """PCA fitted on real biosamples alone (the label's and some others); synthetic ones are put into it."""
    others = np.setdiff1d(np.arange(len(dataset.biosamples)), real)
    others = np.sort(np.random.default_rng(1).choice(others, min(CONTEXT, len(others)), replace=False))
    positions = np.concatenate([real, others])
    q = _q_of(dataset, positions)
    genes = similar.variable_genes(q, 2000)
    scores, project = similar.fit_components(q[:, genes], 2)
    frame = dataset.biosamples.iloc[positions][["sample_id", "labels"]].reset_index(drop=True)
    frame = frame.rename(columns={"labels": "label"}).assign(
        kind=[f"real {made.label}"] * len(real) + ["other"] * len(others)
    )
    nearest = similar.cosine_between(made.q, q[: len(real)])
    ids = dataset.biosamples["sample_id"].to_numpy()[real]
    added = pd.DataFrame({"sample_id": made.sample_ids, "label": made.label, "kind": f"synthetic {made.label}"})
    added["nearest_real"] = ids[nearest.argmax(axis=1)]
    added["nearest_cosine"] = nearest.max(axis=1)
    both = pd.concat([frame, added], ignore_index=True)
    return both.assign(**dict(zip(("PC1", "PC2"), np.vstack([scores, project(made.q[:, genes])]).T, strict=True)))


def _gene_agreement(dataset: StoredDataset, made: SyntheticSet, q_real: DoubleArray, real: IndexArray) -> pd.DataFrame:
    frame = dataset.genes[["symbol", "ensembl_gene_id"]].copy()
    for kind, q, counts in (("real", q_real, dataset.counts(real)), ("synthetic", made.q, made.counts)):
        frame[f"{kind}_mean"] = q.mean(axis=0, dtype=np.float64)
        frame[f"{kind}_sd"] = q.std(axis=0, ddof=1, dtype=np.float64) if len(q) > 1 else np.nan
        frame[f"{kind}_zero"] = (counts == 0).mean(axis=0)
    return frame


def _distances(made: SyntheticSet, q_real: DoubleArray) -> pd.DataFrame:
    """Euclidean distance in Q of every sample to the representative: the real one nearest to all other real ones."""
    squared = (q_real**2).sum(axis=1)
    between = np.sqrt(np.clip(squared[:, None] + squared - 2 * q_real @ q_real.T, 0, None))
    medoid = int(between.sum(axis=1).argmin())
    real = np.delete(between[medoid], medoid)
    synthetic = np.linalg.norm(made.q - q_real[medoid], axis=1)
    kinds = [f"real {made.label}"] * len(real) + [f"synthetic {made.label}"] * len(synthetic)
    return pd.DataFrame({"kind": kinds, "distance": np.concatenate([real, synthetic])})


def _heatmap(
    dataset: StoredDataset, made: SyntheticSet, q_real: DoubleArray, real: IndexArray, rows: int = 40
) -> tuple[pd.DataFrame, list[str]]:
    """z-scores against all biosamples, at the genes whose mean in the label lies furthest above all (in sd)."""
    some = np.sort(
        np.random.default_rng(1).choice(len(dataset.biosamples), min(CONTEXT, len(dataset.biosamples)), replace=False)
    )
    everyone = _q_of(dataset, some)
    mean, sd = everyone.mean(axis=0), everyone.std(axis=0)
    above = np.divide(q_real.mean(axis=0) - mean, sd, out=np.zeros(len(mean)), where=sd > 0.1)
    top = np.argsort(-above, kind="stable")[:TOP_GENES]
    values = np.vstack([q_real[:rows], made.q[:rows]])[:, top]
    ids = [*dataset.biosamples["sample_id"].to_numpy()[real][:rows], *made.sample_ids[:rows]]
    kinds = [f"real {made.label}"] * min(rows, len(real)) + [f"synthetic {made.label}"] * min(rows, len(made.q))
    frame = pd.DataFrame((values - mean[top]) / sd[top], index=ids, columns=dataset.genes["symbol"].to_numpy()[top])
    return frame, kinds
