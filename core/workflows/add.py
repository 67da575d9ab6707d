"""Biosamples added to a dataset: a newer release of the file, or another slice of ARCHS4, without starting over.

What is exact is not done again: counts that are there are not read again, and the target is a sum over biosamples that
new ones are simply added to. But with new biosamples the target moves, and every normalised value with it. Two ways:

- the target moves (default): every biosample is normalised anew from the counts that are kept; the result is that of
  building from all biosamples at once, to the last bit;
- the target is kept: what was normalised stays as it is and new biosamples are mapped onto the same target, as an
  upload is. Values stay comparable with before; a build from all biosamples at once would differ.

Genes are measured and compared over all biosamples either way.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core import logs
from core.access import Role
from core.engine import open_engine
from core.errors import CountsFileError, NotFoundError
from core.sources import confined
from core.sources.archs4 import Archs4File
from core.sources.label_sources import LABEL_COLUMNS, LabelSources
from core.sources.unchanged import check_unchanged, stamps_of
from core.store.building import building, finished, publish, tidy
from core.store.datasets import FORMAT, StoredDataset
from core.store.disk import on_disk
from core.store.guard import guarded
from core.store.workspace import Workspace
from core.types import BIOSAMPLE_COLUMNS, IndexArray, Progress, silent
from core.workflows import blocks
from core.workflows.build import BuildOutcome, block_rows, block_starts, complete
from core.workflows.making import STAGES, Base, Making
from core.workflows.plan import Plan, count_facts, gene_keys
from core.workflows.stages import Stages
from core.workflows.transcripts import has_genes, sum_transcripts


@dataclass(frozen=True)
class AddRequest:
    """What to add: to which dataset, from which counts file, with which labels, and whether the target may move."""

    name: str
    counts: Path
    labels: Path | None = None
    keep_target: bool = False
    engine: str = "local"
    scheduler: str | None = None
    memory: str = "4GB"
    label_rules: Path | None = None  # as of BuildRequest; for the new biosamples
    label_parents: Path | None = None

    @property
    def inputs(self) -> list[Path]:
        """The files that the fingerprint covers byte by byte. Raises NotFoundError for an input that is not there."""
        confined.check_paths(self.counts, self.labels, self.label_rules, self.label_parents)
        if not self.counts.is_file():
            raise NotFoundError(f"There is no file {self.counts}: check the path.")
        return [self.counts, *self.label_sources.files]

    @property
    def label_sources(self) -> LabelSources:
        """Where labels come from."""
        return LabelSources(self.labels, self.label_rules, self.label_parents)


@guarded(Role.TRAINER, "add")
def add(workspace: Workspace, request: AddRequest, progress: Progress = silent) -> BuildOutcome:
    """Adds the biosamples of a file that a dataset does not have yet, or says that it has them all.

    Nothing is changed by an attempt that fails; one that was stopped is taken up where it was. Raises InputError for
    a file that does not go with the dataset, or that changed while it was read; StoreError where the disk is full or
    the folder cannot be written.
    """
    with on_disk(workspace.root):
        return _add(workspace, request, progress)


def _add(workspace: Workspace, request: AddRequest, progress: Progress) -> BuildOutcome:
    begun = time.monotonic()
    base = workspace.dataset(request.name)
    stamps = stamps_of(request.inputs)
    added = f"{base.fingerprint}{request.label_sources.fingerprint(request.inputs)}".encode()
    plan = _plan(base, request)
    check_unchanged(stamps)
    if not len(plan.rows):
        there = f"Every biosample of {request.counts} is in dataset {base.name!r} already."
        return BuildOutcome(base.name, True, time.monotonic() - begun, [there])
    recipe = {key: value for key, value in base.recipe.items() if key != "target_of"}
    if request.keep_target:  # the first of a chain of additions made the target
        recipe["target_of"] = base.recipe.get("target_of", base.fingerprint)
    fingerprint = hashlib.blake2b(added, digest_size=16).hexdigest()
    what = {"format": FORMAT, "fingerprint": fingerprint, "recipe": recipe}
    try:
        with open_engine(request.engine, request.scheduler) as engine, building(base.path, what) as folder:
            manifest = finished(folder, what)
            if manifest is None:  # else it was killed just before the end
                first = base.blocks[-1]
                step = min(block_rows(request.memory, len(plan.group), engine), -(-len(plan.rows) // engine.workers))
                starts = [*base.blocks[:-1], *block_starts(folder, first, len(plan.biosamples), step)]
                making = Making(folder, request.counts, plan, starts, engine, Stages(progress, STAGES),
                                Base(base, request.keep_target), stamps[request.counts])  # fmt: skip
                manifest = {**what, "name": base.name, "engine": request.engine, **making.run()}
                manifest["warnings"] = [*manifest["warnings"], _what_happened(base, folder, plan, request)]
                complete(folder, manifest, begun)
            tidy(folder)
            publish(folder, base.path)
    finally:
        blocks.close_source()
    logs.event("dataset.built", dataset=base.name, seconds=round(time.monotonic() - begun, 3), kind="add")
    return BuildOutcome(base.name, False, time.monotonic() - begun, manifest["warnings"])


def _plan(base: StoredDataset, request: AddRequest) -> Plan:
    with Archs4File(request.counts) as source:
        _check_kind(base, source, request.counts)
        single_cell = source.biosamples["singlecellprobability"].to_numpy(np.float64) >= base.recipe["max_singlecell"]
        there = source.biosamples["sample_id"].isin(base.biosamples["sample_id"]).to_numpy()
        rows = np.flatnonzero(~single_cell & ~there)
        group, told = _group(base, source, request.counts)
        new = source.biosamples.iloc[rows]
        left_out = set(source.biosamples["sample_id"][single_cell])
    biosamples = pd.concat([base.biosamples[list(BIOSAMPLE_COLUMNS)], new], ignore_index=True)
    labels = base.source_labels  # edits stay where they are
    more = request.label_sources.read(biosamples, left_out, rules_for=len(base.biosamples))
    # A dataset of an earlier version has labels without field and words.
    labels = labels.assign(**{name: "" for name in LABEL_COLUMNS if name not in labels})[list(LABEL_COLUMNS)]
    labels = pd.concat([labels, more.table], ignore_index=True).drop_duplicates(
        ["sample_id", "label"], ignore_index=True
    )
    facts = {key: base.manifest[key] for key in _KEPT}
    facts |= {key: base.manifest[key] for key in _KEPT_OF_TRANSCRIPTS if key in base.manifest}
    facts |= {"n_single_cell": facts["n_single_cell"] + int((single_cell & ~there).sum())}
    added = {"counts": str(request.counts.resolve()), "n_biosamples": len(rows), "kept_target": request.keep_target}
    added |= told
    facts["added"] = [*base.manifest.get("added", []), added]
    facts |= {"label_notes": more.notes}
    facts |= count_facts(biosamples, labels, facts)
    return Plan(rows, group, base.genes, biosamples, labels, base.transcripts, base.in_y, base.lengths, facts)


_KEPT = (
    "layout", "archs4_version", "organism", "simulated", "n_file_biosamples", "n_file_genes", "sources", "n_genes_all",
    "n_genes", "n_single_cell", "shared_symbols", "repeated_genes", "without_length",
)  # fmt: skip
_KEPT_OF_TRANSCRIPTS = ("level", "n_file_transcripts", "transcripts_without_gene", "summed")


def _check_kind(base: StoredDataset, source: Archs4File, path: Path) -> None:
    if source.simulated != base.simulated:
        kinds = ("simulated", "measured") if source.simulated else ("measured", "simulated")
        raise CountsFileError(f"{path}: holds {kinds[0]} biosamples, but dataset {base.name!r} has {kinds[1]} ones.")
    known = base.manifest["organism"]
    if source.organism and known and source.organism.lower() != known.lower():
        raise CountsFileError(f"{path}: is of {source.organism}, but dataset {base.name!r} is of {known}.")


def _group(base: StoredDataset, source: Archs4File, path: Path) -> tuple[IndexArray, dict[str, str]]:
    """Which gene of the dataset each gene of the file goes to; -1 for genes that the dataset does not have.

    Transcripts go where their gene goes: that of the file, else that of the GTF that the dataset was built with; what
    was done with them is told.
    """
    if source.level != "transcript":
        return _among(base, source.genes, path), {}
    known = base.transcripts
    if not has_genes(source.genes) and not known["ensembl_gene_id"].duplicated().any():  # at most one of each gene
        raise CountsFileError(
            f"{path}: counts transcripts, and neither the file nor dataset {base.name!r} knows of which genes. Build "
            "the dataset with --lengths and the GTF of the file's annotation, then add the file."
        )
    summed = sum_transcripts(source.genes, known, f"the transcripts of dataset {base.name!r}", path)
    genes = _among(base, summed.genes, path)
    return np.where(summed.group < 0, -1, genes[summed.group]), {"summed": summed.words}


def _among(base: StoredDataset, genes: pd.DataFrame, path: Path) -> IndexArray:
    """Where genes stand among those of the dataset; -1 for those that it does not have."""
    keys = gene_keys(base.genes)
    if base.recipe["repeated_genes"] == "keep":
        if gene_keys(genes).tolist() != keys.tolist():
            kept = "keeps repeated genes apart, so the file must have the very same genes in the same order"
            raise CountsFileError(f"{path}: dataset {base.name!r} {kept}.")
        return np.arange(len(keys))
    group = pd.Index(keys).get_indexer(pd.Index(gene_keys(genes)))
    missing = np.setdiff1d(np.arange(len(keys)), group)
    if len(missing):
        few = ", ".join(base.genes["symbol"].iloc[missing[:3]])
        raise CountsFileError(
            f"{path}: lacks {len(missing)} of the {len(keys)} genes of dataset {base.name!r} ({few}, ...): "
            "add a file of the same release, or build a dataset of its own."
        )
    return np.asarray(group, dtype=np.intp)


def _what_happened(base: StoredDataset, folder: Path, plan: Plan, request: AddRequest) -> str:
    added = f"Added {len(plan.rows)} biosamples of {request.counts.name} to the {base.blocks[-1]} that were there."
    if request.keep_target:
        return f"{added} The target was kept: earlier values are as they were; a build from all at once would differ."
    moved = float(np.abs(np.load(folder / "target.npy") - base.target).max())
    return (
        f"{added} The target moved (by up to {moved:.3g} in log2 units), so all were normalised anew: "
        "the result is that of a build from all at once."
    )
