"""From an ARCHS4 file to a dataset that the pages can read: read, normalise, measure, store."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import __version__
from core.engine import Engine, open_engine
from core.errors import CountsFileError, NotFoundError, RecipeError
from core.expression import metrics, neighbourhood
from core.sources import annotation, gencode
from core.sources.archs4 import Archs4File
from core.sources.fingerprint import content_fingerprint
from core.store.datasets import FORMAT, publish
from core.store.files import write_json, write_parquet
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import DoubleArray, IndexArray, Progress, silent
from core.workflows import blocks
from core.workflows.stages import Stages

RECIPE_VERSION = 1
STAGES = {"reading": 3.0, "normalising": 2.0, "measuring genes": 2.0, "comparing biosamples": 1.5, "storing": 0.2}
BYTES_A_CELL = 40  # peak of a block: counts, a sorted copy, their float64 logs, indices and results


@dataclass(frozen=True)
class BuildRequest:
    """What to build: the counts file, what goes with it, and how to normalise."""

    counts: Path
    name: str
    labels: Path | None = None
    lengths: Path | None = None
    length_measure: str = "spliced"
    length_unit: str = "kb"
    repeated_genes: str = "sum"
    max_singlecell: float = 0.5
    engine: str = "local"
    scheduler: str | None = None
    memory: str = "4GB"

    def recipe(self) -> dict[str, Any]:
        """What the result depends on, checked. Raises RecipeError for a value out of its range."""
        _choose("length measure", self.length_measure, ("spliced", "genomic_span", "none"))
        _choose("length unit", self.length_unit, ("kb", "bp"))
        _choose("treatment of repeated genes", self.repeated_genes, ("sum", "keep"))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", self.name):
            raise RecipeError(f"{self.name!r} is no name for a dataset: use letters, digits, '-', '_' and '.' (64 at most).")
        if self.lengths is None and self.length_measure != "none":
            raise RecipeError(
                "Gene lengths are missing: give a table or GTF with --lengths, or switch the step off with --length-measure none."
            )
        return {
            "version": RECIPE_VERSION,
            "length_measure": self.length_measure,
            "length_unit": self.length_unit,
            "repeated_genes": self.repeated_genes,
            "max_singlecell": self.max_singlecell,
            "neighbourhood_size": neighbourhood.SIZE,
        }

    @property
    def inputs(self) -> list[Path]:
        """The files that the content's fingerprint covers. Raises NotFoundError for one that is not there."""
        files = [path for path in (self.counts, self.labels, self.lengths) if path is not None]
        for path in files:
            if not path.is_file():
                raise NotFoundError(f"There is no file {path}: check the path.")
        return files


@dataclass(frozen=True)
class BuildOutcome:
    """What a build did: the dataset's name, whether it was there already, how long it took, what to know."""

    name: str
    cached: bool
    seconds: float
    warnings: list[str]


@dataclass(frozen=True)
class _Plan:
    """What is read from the counts file, and where it goes."""

    rows: IndexArray  # positions in the file of the n biosamples that are kept
    group: IndexArray  # file gene -> gene of the dataset
    genes: pd.DataFrame  # G rows
    biosamples: pd.DataFrame  # n rows
    labels: pd.DataFrame
    transcripts: pd.DataFrame
    keep: IndexArray  # genes of the dataset that are in Y
    length: DoubleArray  # what Q is divided by, for those genes
    facts: dict[str, Any]


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
    plan = _plan(request)
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


def _plan(request: BuildRequest) -> _Plan:
    with Archs4File(request.counts) as source:
        single_cell = source.biosamples["singlecellprobability"].to_numpy(dtype=np.float64) >= request.max_singlecell
        rows = np.flatnonzero(~single_cell)
        if len(rows) == 0:
            raise CountsFileError(f"{request.counts}: every biosample counts as single-cell: raise the limit to keep some.")
        group, genes, repeated = group_genes(source.genes, request.repeated_genes)
        biosamples = source.biosamples.iloc[rows].reset_index(drop=True)
        left_out = source.biosamples["sample_id"][single_cell]
        facts: dict[str, Any] = {"layout": source.layout, "archs4_version": source.version, "organism": source.organism}
        facts |= {"simulated": source.simulated, "n_file_biosamples": source.shape[0], "n_file_genes": source.shape[1]}
    labels = _labels(request.labels, biosamples, set(left_out))
    bp = _lengths_bp(request, genes)
    genes = genes.assign(length_bp=bp, normalised=np.isfinite(bp) | (request.length_measure == "none"))
    keep = np.flatnonzero(genes["normalised"])
    if len(keep) == 0:
        raise RecipeError(f"No gene of {request.counts} has a length in {request.lengths}: check that both are of one species.")
    divisor = np.ones(len(keep)) if request.length_measure == "none" else bp[keep] / (1000.0 if request.length_unit == "kb" else 1.0)
    transcripts = gencode.read_transcripts(request.lengths) if request.lengths else gencode.no_transcripts()
    no_length = [] if request.length_measure == "none" else genes.loc[~genes["normalised"], "symbol"].tolist()
    facts |= {"sources": {key: str(value) for key, value in asdict(request).items() if isinstance(value, Path)}}
    facts |= {"n_biosamples": len(rows), "n_genes_all": len(genes), "n_genes": len(keep), "n_labels": labels["label"].nunique()}
    facts |= {"n_series": biosamples["series_id"].replace("", np.nan).nunique(), "n_single_cell": int(single_cell.sum())}
    facts |= {"n_labelled": labels["sample_id"].nunique(), "repeated_genes": repeated, "without_length": no_length}
    facts["warnings"] = _warnings(facts)
    return _Plan(rows, group, genes, biosamples, labels, transcripts, keep, divisor, facts)


def group_genes(genes: pd.DataFrame, treatment: str) -> tuple[IndexArray, pd.DataFrame, list[str]]:
    """Which dataset gene each file gene goes to, the dataset's genes, and the names of those that repeat.

    Genes are keyed by Ensembl id where there is one, else by symbol; repeats of a key are summed, or kept apart.
    """
    plain = genes["ensembl_gene_id"].str.replace(r"\.\d+$", "", regex=True)
    key = plain.where(plain != "", "symbol:" + genes["symbol"])
    repeated = sorted(genes.loc[key.duplicated(), "symbol"].unique())
    if treatment == "keep":
        return np.arange(len(genes)), genes.assign(ensembl_gene_id=plain), repeated
    codes, _ = pd.factorize(key)
    first = ~key.duplicated()
    return codes.astype(np.intp), genes.assign(ensembl_gene_id=plain)[first].reset_index(drop=True), repeated


def _lengths_bp(request: BuildRequest, genes: pd.DataFrame) -> DoubleArray:
    if request.lengths is None:
        return np.full(len(genes), np.nan)
    measure = "genomic_span" if request.length_measure == "genomic_span" else "spliced"
    return gencode.match_lengths(genes, gencode.read_lengths(request.lengths), measure)


def _labels(path: Path | None, biosamples: pd.DataFrame, left_out: set[str]) -> pd.DataFrame:
    if path is None:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("sample_id", "label", "source")})
    labels = annotation.read_labels(path, biosamples["sample_id"].tolist(), left_out)
    return labels[labels["sample_id"].isin(biosamples["sample_id"])].reset_index(drop=True)


def _warnings(facts: dict[str, Any]) -> list[str]:
    found = []
    if facts["n_single_cell"]:
        found.append(f"{facts['n_single_cell']} biosamples left out as single-cell.")
    if facts["repeated_genes"]:
        found.append(f"{len(facts['repeated_genes'])} genes stand in the file more than once.")
    if facts["without_length"]:
        found.append(f"{len(facts['without_length'])} genes have no length and are kept out of Y.")
    if not facts["n_labels"]:
        found.append("No labels: rankings work, but tissue figures, the classifier and the GAN need them.")
    elif facts["n_labelled"] < facts["n_biosamples"]:
        found.append(f"{facts['n_biosamples'] - facts['n_labelled']} biosamples have no label.")
    return found


def _ingest(folder: Path, source: Path, plan: _Plan, engine: Engine, step: int, progress: Progress) -> None:
    n, n_genes = len(plan.rows), len(plan.genes)
    np.lib.format.open_memmap(folder / "counts.npy", "w+", np.uint32, (n, n_genes)).flush()
    stamp = source.stat().st_mtime_ns
    out = str(folder / "counts.npy")
    tasks = [
        (str(source.resolve()), stamp, plan.rows[a:b], plan.group, n_genes, out, a) for a, b in spans(n, step)
    ]
    total = np.zeros(n_genes)
    for number, part in enumerate(engine.map(blocks.ingest, tasks), 1):
        total += part
        progress("reading", number, len(tasks))
    np.save(folder / "target.npy", total / n)


def _normalise(folder: Path, plan: _Plan, engine: Engine, step: int, progress: Progress) -> None:
    n, g = len(plan.rows), len(plan.keep)
    for name, kind, shape in (("normalised", "f4", (n, g)), ("by_gene", "f4", (g, n)), ("exact", "f8", (g, n))):
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.dtype(kind), shape).flush()
    tasks = [(str(folder), plan.keep, plan.length, a, b) for a, b in spans(n, step)]
    for number, _ in enumerate(engine.map(blocks.normalise_rows, tasks), 1):
        progress("normalising", number, len(tasks))


def _measure(folder: Path, plan: _Plan, engine: Engine, stages: Stages) -> tuple[pd.DataFrame, dict[str, Any]]:
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


def _describe_biosamples(plan: _Plan, counts: np.ndarray) -> pd.DataFrame:
    joined = plan.labels.groupby("sample_id")["label"].agg("|".join)
    step = spans(len(counts), 256)
    depth = np.concatenate([counts[a:b].sum(axis=1, dtype=np.float64) for a, b in step])
    zeros = np.concatenate([(counts[a:b] == 0).mean(axis=1) for a, b in step])
    labels = plan.biosamples["sample_id"].map(joined).fillna("").astype("str")
    return plan.biosamples.assign(depth=depth, zero_share=zeros, labels=labels)


def _quartiles(values: pd.Series) -> dict[str, float]:
    return {name: float(values.quantile(q)) for name, q in (("min", 0), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("max", 1))}


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


def _choose(what: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise RecipeError(f"{value!r} is no {what}: choose one of {', '.join(options)}.")
