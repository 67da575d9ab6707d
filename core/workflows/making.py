"""The stages of a build, each as tasks over blocks of biosamples or of genes, on any engine.

Whatever a sum is taken over (biosamples of a block, genes of a task) is either a sum of whole numbers or split in one
fixed way, so that results do not depend on the size of the blocks, the number of threads or the engine.
"""

import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.engine import Engine, LocalEngine
from core.expression import metrics, neighbourhood, normalise, similar
from core.expression.rare import is_rare
from core.sources.unchanged import Stamp, stamp_of
from core.store.building import Arrays, save_arrays
from core.store.datasets import StoredDataset
from core.store.files import write_parquet
from core.store.tiles import block_path, spans
from core.types import DoubleArray, FloatMatrix, IndexArray
from core.workflows import blocks
from core.workflows.plan import Plan
from core.workflows.stages import Stages

STAGES = {
    "reading": 3.0, "normalising": 1.5, "measuring genes": 3.0, "comparing biosamples": 1.5, "indexing": 1.0,
    "storing": 0.2,
}  # fmt: skip
GENES_A_MEASURE = 1024  # at most
TASKS_OF_COSINES = 8  # each adds up an n x n matrix
GENES_A_GRAM = 8192
GENES_A_SUM = 2048
INDEX_FROM = 3_000  # biosamples; below it an exact search takes less than 300 ms (docs/benchmarks.md)
INDEX_SAMPLE = 1_000  # biosamples that the axes are made from
INDEX_AXES = 128


@dataclass(frozen=True)
class Base:
    """A dataset that biosamples are added to. ``keep_target``: its target stays, and so does what was normalised."""

    dataset: StoredDataset
    keep_target: bool


class Making:
    """One build. ``starts``: where the blocks of biosamples start, those of the base first (see TiledMatrix)."""

    def __init__(
        self, folder: Path, source: Path, plan: Plan, starts: list[int], engine: Engine, stages: Stages,
        base: Base | None = None, stamp: Stamp | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._source, self._plan, self._starts = folder, source, plan, starts
        self._engine, self._stages, self._base = engine, stages, base
        self._stamp = stamp or stamp_of(source)  # of the source before its fingerprint was taken
        self._old = len(base.dataset.blocks) - 1 if base else 0
        self._sample = np.unique(np.linspace(0, starts[-1] - 1, min(starts[-1], INDEX_SAMPLE)).astype(np.intp))
        self._sampled: FloatMatrix | None = None  # the cosines of the sample, where those of everybody were computed
        save_arrays(folder / "plan.npz", plan.arrays(starts))

    def run(self) -> dict[str, Any]:
        """Every stage; what the manifest says of them."""
        totals = self._read()
        self._normalise(totals)
        self._note_rare_genes(totals)
        rankings, members, cosines = self._measure(totals["expressed"])
        means, random = self._mean_cosines(members, cosines)
        self._index()
        plan = self._plan
        rankings["mean_cosine"] = neighbourhood.apply_definition(means, totals["expressed"][plan.keep])
        named = plan.genes.iloc[plan.keep][["symbol", "ensembl_gene_id", "biotype", "length_bp"]]
        rankings = metrics.add_ranks(pd.concat([named.reset_index(drop=True), rankings], axis=1))
        self._stages.stage("storing")
        biosamples = _describe_biosamples(plan, totals)
        tables = {"genes": plan.genes, "rankings": rankings, "biosamples": biosamples, "labels": plan.labels}
        for name, frame in (tables | {"transcripts": plan.transcripts}).items():
            write_parquet(self._folder / f"{name}.parquet", frame)
        save_arrays(self._folder / "totals.npz", {name: totals[name] for name in ("steps", "expressed")})
        zero_share, depth = float(biosamples["zero_share"].mean()), _quartiles(biosamples["depth"])
        facts = {"zero_share": zero_share, "depth": depth, "random_cosine": random.tolist(), "blocks": self._starts}
        return {**plan.facts, **facts}

    def _map(self, stage: str, function: Callable[..., Any], tasks: list[tuple[Any, ...]]) -> list[Any]:
        progress = self._stages.stage(stage)
        results = []
        for number, result in enumerate(self._engine.map(function, tasks), 1):
            results.append(result)
            progress(stage, number, len(tasks))
        return results

    # -- biosamples ------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, npt.NDArray[Any]]:
        """Counts of every block; their sums over biosamples, and depth and share of zeros of each (n)."""
        edges, first = list(pairwise(self._starts)), self._starts[self._old]
        self._link("counts")
        fixed = (str(self._folder), str(self._source.resolve()), self._stamp)
        tasks = [(*fixed, number, a - first, b - first) for number, (a, b) in enumerate(edges) if number >= self._old]
        self._map("reading", blocks.ingest, tasks)
        parts: list[Arrays] = [self._sums_of_base()] if self._base else []
        parts += blocks.parts(self._folder, "counts", range(self._old, len(edges)))
        sums = {name: np.sum([part[name] for part in parts], axis=0) for name in ("steps", "expressed")}
        of_each = {name: np.concatenate([part[name] for part in parts]) for name in ("depth", "zero_share")}
        return {**sums, **of_each}

    def _sums_of_base(self) -> dict[str, npt.NDArray[Any]]:
        assert self._base is not None
        biosamples = self._base.dataset.biosamples
        of_each = {name: biosamples[name].to_numpy() for name in ("depth", "zero_share")}
        return {**self._base.dataset.totals, **of_each}

    def _link(self, part: str) -> None:
        """Takes over the base's blocks without copying them, where the disk can."""
        for number in range(self._old):
            assert self._base is not None
            old, new = (block_path(folder / part, number) for folder in (self._base.dataset.path, self._folder))
            if not new.exists():
                try:
                    os.link(old, new)
                except OSError:
                    aside = new.with_name(f".{new.name}.{os.getpid()}")  # a killed copy must not pass for a whole one
                    shutil.copyfile(old, aside)
                    aside.replace(new)

    def _normalise(self, totals: dict[str, npt.NDArray[Any]]) -> None:
        kept = self._base.dataset if self._base and self._base.keep_target else None
        norms = []
        if kept:
            self._link("expression")
            norms = [kept.norms]
        target = normalise.target_of(totals["steps"], self._starts[-1]) if kept is None else kept.target
        np.save(self._folder / "target.npy", target)
        numbers = range(self._old if kept else 0, len(self._starts) - 1)
        self._map("normalising", blocks.normalise_block, [(str(self._folder), number) for number in numbers])
        norms += [np.load(self._folder / "expression" / f"{number:06d}.npy") for number in numbers]
        np.save(self._folder / "norms.npy", np.concatenate(norms))

    # -- genes -----------------------------------------------------------------------------------------------------

    def _measure(self, expressed: IndexArray) -> tuple[pd.DataFrame, neighbourhood.Members, FloatMatrix | None]:
        """Everything about each gene but its mean cosine; its neighbourhood; and the cosines of all pairs of biosamples
        (lower triangle), where they are few: these are made in the same pass over Y.
        """
        n, g = self._starts[-1], len(self._plan.keep)
        compare = n <= neighbourhood.GRAM_LIMIT
        step = 64 * math.ceil(g / (64 * TASKS_OF_COSINES)) if compare else min(GENES_A_MEASURE, blocks.genes_at_once(n))
        tasks = [(str(self._folder), *task, compare) for task in _numbered(g, step)]
        cosines: FloatMatrix | None = np.zeros((n, n), dtype=np.float32) if compare else None
        progress = self._stages.stage("measuring genes")
        for number, part in enumerate(self._engine.map(blocks.measure_genes, tasks), 1):
            if cosines is not None and part is not None:
                cosines += part
            progress("measuring genes", number, len(tasks))
        parts = list(blocks.parts(self._folder, "genes", range(len(tasks))))
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        frame = blocks.frames(self._folder, len(tasks))
        members = found["members"]
        frame["n_tied"] += self._settle(found)
        frame["same_series_share"] = neighbourhood.same_series_share(members, blocks.plan_of(self._folder)["series"])
        frame["zero_share"] = 1.0 - expressed[self._plan.keep] / n
        np.save(self._folder / "members.npy", members)
        np.save(self._folder / "medians.npy", np.column_stack([frame.pop("median"), frame.pop("deviation")]))
        return frame, members, cosines

    def _settle(self, found: Arrays) -> npt.NDArray[np.int32]:
        """Settles neighbourhoods whose edge float32 cannot tell, by exact values; how many members tie there (g)."""
        genes, edges, biosamples = found["unsettled"], found["edges"], found["on_edge"]
        tied = np.zeros(len(found["members"]), dtype=np.int32)
        exact = self._exact(np.repeat(genes, edges[:, :2].sum(axis=1)), biosamples)
        ends = np.cumsum(edges[:, :2].ravel()).reshape(-1, 2)
        for gene, (n_low, n_high, skip, take), (middle, end) in zip(genes, edges, ends, strict=True):
            low, high = slice(middle - n_low, middle), slice(end - n_high, end)
            edge = neighbourhood.Edge(biosamples[low], biosamples[high], skip, take)
            tied[gene] = neighbourhood.settle(found["members"][gene], edge, exact[low], exact[high])
        return tied

    def _exact(self, genes: IndexArray, biosamples: IndexArray) -> DoubleArray:
        """Y in float64 of pairs of a gene and a biosample."""
        order = np.argsort(biosamples, kind="stable")
        at = np.searchsorted(biosamples[order], self._starts)
        groups = {number: order[a:b] for number, (a, b) in enumerate(pairwise(at)) if b > a}
        tasks = [
            (str(self._folder), number, biosamples[some] - self._starts[number], genes[some])
            for number, some in groups.items()
        ]
        values = np.empty(len(genes))
        for some, exact in zip(groups.values(), self._engine.map(blocks.exact_values, tasks), strict=True):
            values[some] = exact
        return values

    # -- neighbourhoods --------------------------------------------------------------------------------------------

    def _note_rare_genes(self, totals: dict[str, npt.NDArray[Any]]) -> None:
        """Which genes of Y few biosamples express, and Q of a count of 0 in each biosample."""
        zeros = np.rint(totals["zero_share"] * len(self._plan.genes)).astype(np.intp)
        floor = normalise.value_of_zero(zeros, np.load(self._folder / "target.npy"))
        rare = is_rare(totals["expressed"][self._plan.keep], self._starts[-1])
        save_arrays(self._folder / "rare.npz", {"floor": floor, "rare": rare})

    def _mean_cosines(
        self, members: neighbourhood.Members, cosines: FloatMatrix | None
    ) -> tuple[DoubleArray, DoubleArray]:
        """Mean cosine of every neighbourhood, and of random sets; from all cosines where there are any."""
        sets = {"genes": members, "random": neighbourhood.random_sets(self._starts[-1])}
        means = self._by_sums(sets) if cosines is None else self._by_cosines(sets, cosines)
        return means["genes"], means["random"]

    def _by_cosines(self, sets: dict[str, neighbourhood.Members], cosines: FloatMatrix) -> dict[str, DoubleArray]:
        progress = self._stages.stage("comparing biosamples")
        progress("comparing biosamples", 0, 1)
        self._sampled = cosines[np.ix_(self._sample, self._sample)]
        means = {}
        with LocalEngine() as here:  # the cosines are in the memory of this process
            for name, some in sets.items():
                pieces = [(some[a:b], cosines) for a, b in spans(len(some), 512)]
                means[name] = np.concatenate(list(here.map(neighbourhood.mean_cosine_gram, pieces)))
        return means

    def _cosines(self, rows: IndexArray) -> FloatMatrix:
        """Cosine of every pair of the biosamples at ``rows`` (lower triangle)."""
        total: FloatMatrix = np.zeros((len(rows), len(rows)), dtype=np.float32)
        for part in self._engine.map(blocks.gram, [(str(self._folder), a, b, rows) for a, b in self._spans()]):
            total += part
        return total

    def _spans(self) -> list[tuple[int, int]]:
        return spans(len(self._plan.keep), GENES_A_GRAM)

    def _by_sums(self, sets: dict[str, neighbourhood.Members]) -> dict[str, DoubleArray]:
        save_arrays(self._folder / "sets.npz", sets)
        tasks = [(str(self._folder), *task) for task in _numbered(len(self._plan.keep), GENES_A_SUM)]
        self._map("comparing biosamples", blocks.sum_profiles, tasks)
        squared = {name: np.zeros(len(some)) for name, some in sets.items()}
        for part in blocks.parts(self._folder, "sums", range(len(tasks))):
            for name in sets:
                squared[name] += part[name]
        norms = np.load(self._folder / "norms.npy")
        return {name: neighbourhood.mean_cosine_sums(sets[name], squared[name], norms) for name in sets}

    # -- similar biosamples ----------------------------------------------------------------------------------------

    def _index(self) -> None:
        """Where every profile lies on the principal axes of some of them, for a quick search; not where few are."""
        n = self._starts[-1]
        if n < INDEX_FROM:
            return
        (self._folder / "index").mkdir(exist_ok=True)
        rows = self._sample
        cosines = self._cosines(rows) if self._sampled is None else self._sampled
        weights = similar.principal_axes(cosines, INDEX_AXES)
        save_arrays(self._folder / "sample.npz", {"rows": rows, "weights": weights})
        tasks = [(str(self._folder), a, b) for a, b in self._spans()]
        axes, points = [], np.zeros((n, len(weights)), dtype=np.float32)
        progress = self._stages.stage("indexing")
        for number, (part, added) in enumerate(self._engine.map(blocks.project, tasks), 1):
            axes.append(part)
            points += added
            progress("indexing", number, len(tasks))
        np.save(self._folder / "index" / "axes.npy", np.concatenate(axes, axis=1))
        np.save(self._folder / "index" / "points.npy", points)


def _numbered(total: int, step: int) -> list[tuple[int, int, int]]:
    return [(number, a, b) for number, (a, b) in enumerate(spans(total, step))]


def _describe_biosamples(plan: Plan, totals: Arrays) -> pd.DataFrame:
    joined = plan.labels.groupby("sample_id")["label"].agg("|".join).to_dict()
    labels = pd.Series([joined.get(sample_id, "") for sample_id in plan.biosamples["sample_id"]], dtype="str")
    return plan.biosamples.assign(depth=totals["depth"], zero_share=totals["zero_share"], labels=labels)


def _quartiles(values: pd.Series) -> dict[str, float]:
    return {
        name: float(values.quantile(q))
        for name, q in (("min", 0), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("max", 1))
    }
