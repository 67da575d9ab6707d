"""From an ARCHS4 file to a dataset that the pages can read: read, normalise, measure, store."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import __version__
from core.engine import Engine, open_engine
from core.errors import RecipeError
from core.expression import metrics, neighbourhood
from core.sources import annotation
from core.sources.fingerprint import content_fingerprint
from core.store.datasets import FORMAT, publish
from core.store.files import write_json, write_parquet
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows import blocks
from core.workflows.plan import BuildRequest, Plan, make_plan
from core.workflows.stages import Stages

STAGES = {"reading": 3.0, "normalising": 2.0, "measuring genes": 2.0, "comparing biosamples": 1.5, "storing": 0.2}
BYTES_A_CELL = 40  # peak of a block: counts, a sorted copy, their float64 logs, indices and results


@dataclass(frozen=True)
class BuildOutcome:
    """What a build did: the dataset's name, whether it was there already, how long it took, what to know."""

    name: str
    cached: bool
    seconds: float
    warnings: list[str]


def build(workspace: Workspace, request: BuildRequest, progress: Progress = silent) -> BuildOutcome:
    """Builds a dataset, or says that this very build is there already. Nothing is changed by a build that fails.

    Raises InputError for input that cannot be used.
    """
    begun = time.monotonic()
    recipe = request.recipe()
    inputs = request.inputs
    fingerprint = content_fingerprint(inputs)
    final = workspace.datasets_dir / request.name
    if (final / "manifest.json").is_file():
        there = workspace.dataset(request.name)
        if there.fingerprint == fingerprint and there.recipe == recipe:
            return BuildOutcome(request.name, True, time.monotonic() - begun, list(there.manifest["warnings"]))
    aside = workspace.datasets_dir / f".{request.name}.building"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        with open_engine(request.engine, request.scheduler) as engine:
            facts = _build_into(aside, request, engine, Stages(progress, STAGES))
        seconds = time.monotonic() - begun
        manifest = {"format": FORMAT, "name": request.name, "fingerprint": fingerprint, "recipe": recipe}
        manifest |= {"created": now(), "seconds": seconds, "version": __version__, "engine": request.engine, **facts}
        write_json(aside / "manifest.json", manifest)
        publish(aside, final)
    finally:
        blocks.close_source()
        shutil.rmtree(aside, ignore_errors=True)
    return BuildOutcome(request.name, False, seconds, facts["warnings"])


def _build_into(folder: Path, request: BuildRequest, engine: Engine, stages: Stages) -> dict[str, Any]:
    plan = make_plan(request)
    step = block_rows(request.memory, len(plan.genes), engine)
    _ingest(folder, request.counts, plan, engine, step, stages.stage("reading"))
    _normalise(folder, plan, engine, step, stages.stage("normalising"))
    rankings, extra = _measure(folder, plan, engine, stages)
    stages.stage("storing")
    counts = np.load(folder / "counts.npy", mmap_mode="r")
    biosamples = _describe_biosamples(plan, counts)
    for name, frame in (
        ("genes", plan.genes),
        ("rankings", rankings),
        ("biosamples", biosamples),
        ("labels", plan.labels),
        ("transcripts", plan.transcripts),
    ):
        write_parquet(folder / f"{name}.parquet", frame)
    zero_share = float(biosamples["zero_share"].mean())
    return {**plan.facts, **extra, "zero_share": zero_share, "depth": _quartiles(biosamples["depth"])}


def _ingest(folder: Path, source: Path, plan: Plan, engine: Engine, step: int, progress: Progress) -> None:
    n, n_genes = len(plan.rows), len(plan.genes)
    np.lib.format.open_memmap(folder / "counts.npy", "w+", np.uint32, (n, n_genes)).flush()
    stamp = source.stat().st_mtime_ns
    out = str(folder / "counts.npy")
    tasks = [(str(source.resolve()), stamp, plan.rows[a:b], plan.group, n_genes, out, a) for a, b in spans(n, step)]
    total = np.zeros(n_genes)
    for number, part in enumerate(engine.map(blocks.ingest, tasks), 1):
        total += part
        progress("reading", number, len(tasks))
    np.save(folder / "target.npy", total / n)


def _normalise(folder: Path, plan: Plan, engine: Engine, step: int, progress: Progress) -> None:
    n, g = len(plan.rows), len(plan.keep)
    for name, kind, shape in (("normalised", "f4", (n, g)), ("by_gene", "f4", (g, n)), ("exact", "f8", (g, n))):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.dtype(kind), shape).flush()
    tasks = [(str(folder), plan.keep, plan.length, a, b) for a, b in spans(n, step)]
    for number, _ in enumerate(engine.map(blocks.normalise_rows, tasks), 1):
        progress("normalising", number, len(tasks))


def _measure(folder: Path, plan: Plan, engine: Engine, stages: Stages) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rankings, and the random baseline of the mean cosine; the neighbourhoods are written beside."""
    n, g = len(plan.rows), len(plan.keep)
    matrix, names = annotation.label_matrix(plan.labels, plan.biosamples["sample_id"].tolist())
    series, _ = pd.factorize(plan.biosamples["series_id"].replace("", np.nan))
    measuring = stages.stage("measuring genes")
    step = max(1, min(1024, (64 << 20) // (8 * n)))
    tasks = [(str(folder), plan.keep, matrix, names, series, a, b) for a, b in spans(g, step)]
    frames, members = [], []
    for number, (frame, inside) in enumerate(engine.map(blocks.measure_genes, tasks), 1):
        frames.append(frame)
        members.append(inside)
        measuring("measuring genes", number, len(tasks))
    everyone = np.concatenate(members)
    np.save(folder / "members.npy", everyone)
    (folder / "exact.npy").unlink()
    cosine = neighbourhood.Cosines(np.load(folder / "by_gene.npy", mmap_mode="r"), stages.stage("comparing biosamples"))
    measured = pd.concat(frames, ignore_index=True)
    expressed = measured.pop("expressed_in").to_numpy()
    measured["mean_cosine"] = neighbourhood.apply_definition(cosine.mean_of(everyone), expressed)
    named = plan.genes.iloc[plan.keep][["symbol", "ensembl_gene_id", "biotype", "length_bp"]].reset_index(drop=True)
    rankings = metrics.add_ranks(pd.concat([named, measured], axis=1))
    return rankings, {"random_cosine": cosine.mean_of(neighbourhood.random_sets(n)).tolist()}


def _describe_biosamples(plan: Plan, counts: np.ndarray) -> pd.DataFrame:
    joined = plan.labels.groupby("sample_id")["label"].agg("|".join).to_dict()
    step = spans(len(counts), 256)
    depth = np.concatenate([counts[a:b].sum(axis=1, dtype=np.float64) for a, b in step])
    zeros = np.concatenate([(counts[a:b] == 0).mean(axis=1) for a, b in step])
    labels = pd.Series([joined.get(sample_id, "") for sample_id in plan.biosamples["sample_id"]], dtype="str")
    return plan.biosamples.assign(depth=depth, zero_share=zeros, labels=labels)


def _quartiles(values: pd.Series) -> dict[str, float]:
    return {
        name: float(values.quantile(q))
        for name, q in (("min", 0), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("max", 1))
    }


def block_rows(memory: str, n_genes: int, engine: Engine) -> int:
    """Biosamples a block, so that all blocks in flight stay within ``memory`` ("4GB", "800MB").

    Raises RecipeError for a size that is no size, or too small for a single biosample.
    """
    match = re.fullmatch(r"\s*([\d.]+)\s*([KMGT]?)i?B?\s*", memory, re.IGNORECASE)
    if not match:
        raise RecipeError(f"{memory!r} is no amount of memory: write it like 4GB or 800MB.")
    size = float(match[1]) * 1000 ** ("KMGT".find(match[2].upper()) + 1)
    rows = int(size / (BYTES_A_CELL * n_genes * (engine.workers + 1)))
    if rows < 1:
        raise RecipeError(f"{memory} of memory does not hold one biosample of {n_genes:,} genes: allow more.")
    return min(rows, 256)


def spans(total: int, step: int) -> list[tuple[int, int]]:
    """(start, stop) pairs that cover 0..total in steps."""
    return [(start, min(start + step, total)) for start in range(0, total, step)]
