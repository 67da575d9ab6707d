"""From an ARCHS4 file to a dataset that the pages can read: read, normalise, measure, store."""

import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import __version__, logs
from core.access import Role
from core.engine import Engine, open_engine
from core.errors import RecipeError
from core.sources.unchanged import check_unchanged, stamps_of
from core.store.building import building, finished, publish, tidy
from core.store.datasets import FORMAT
from core.store.disk import on_disk
from core.store.files import read_json, write_json
from core.store.guard import guarded
from core.store.manifest import is_built
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows import blocks
from core.workflows.annotations import annotation_file
from core.workflows.making import STAGES, Making
from core.workflows.plan import BuildRequest, make_plan
from core.workflows.stages import Stages

BYTES_A_CELL = 16  # peak of a block: what was read, what is made of it, both packed
MOST_ROWS = 256  # biosamples a block; more saves nothing


@dataclass(frozen=True)
class BuildOutcome:
    """What a build did: the dataset's name, whether it was there already, how long it took, what to know."""

    name: str
    cached: bool
    seconds: float
    warnings: list[str]


@guarded(Role.TRAINER, "build")
def build(workspace: Workspace, request: BuildRequest, progress: Progress = silent) -> BuildOutcome:
    """Builds a dataset, or says that this very build is there already. Nothing is changed by a build that fails.

    A build that was stopped (killed, a full disk) is taken up where it was. Raises InputError for input that cannot
    be used, or that changed while it was read; StoreError where the disk is full or the folder cannot be written.
    """
    with on_disk(workspace.root):
        request = replace(request, lengths=annotation_file(workspace, request.lengths, progress))
        return _build(workspace, request, progress)


def _build(workspace: Workspace, request: BuildRequest, progress: Progress) -> BuildOutcome:
    begun = time.monotonic()
    recipe = request.recipe()
    final = workspace.datasets_dir / request.name
    annotations = workspace.root / "annotations"
    stamps = stamps_of(request.inputs)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(request.label_sources.fingerprint, request.inputs)
        plan = None if final.exists() else make_plan(request, annotations)  # most likely needed: beside the reading
        what = {"format": FORMAT, "fingerprint": reading.result(), "recipe": recipe}
    if is_built(final, what):
        warnings = list(workspace.dataset(request.name).manifest["warnings"])
        return BuildOutcome(request.name, True, time.monotonic() - begun, warnings)
    plan = plan or make_plan(request, annotations)
    check_unchanged(stamps)
    try:
        with open_engine(request.engine, request.scheduler) as engine, building(final, what) as folder:
            manifest = finished(folder, what)
            if manifest is None:  # else it was killed just before the end
                most = block_rows(request.memory, len(plan.group), engine)
                starts = block_starts(folder, 0, len(plan.rows), min(most, -(-len(plan.rows) // engine.workers)))
                stages = Stages(progress, STAGES)
                making = Making(folder, request.counts, plan, starts, engine, stages, stamp=stamps[request.counts])
                manifest = {**what, "name": request.name, "engine": request.engine, **making.run()}
                complete(folder, manifest, begun)
            tidy(folder)
            publish(folder, final)
    finally:
        blocks.close_source()
    logs.event("dataset.built", dataset=request.name, seconds=round(time.monotonic() - begun, 3), kind="build")
    return BuildOutcome(request.name, False, time.monotonic() - begun, manifest["warnings"])


def complete(folder: Path, manifest: Mapping[str, Any], begun: float) -> None:
    """Writes the manifest of a dataset in the making, as the last of its files; ``begun``: by time.monotonic."""
    seconds = time.monotonic() - begun
    facts = {"created": now(), "seconds": seconds, "version": __version__}
    write_json(folder / "manifest.json", {**manifest, **facts})


def block_starts(folder: Path, first: int, n: int, step: int) -> list[int]:
    """Where blocks of ``step`` biosamples start that cover first..n, and n; an earlier attempt's stay as they were."""
    path = folder / "making.json"
    making = read_json(path)
    if "starts" not in making:
        making["starts"] = [*range(first, n, step), n]
        write_json(path, making)
    starts: list[int] = making["starts"]
    return starts


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
    return min(rows, MOST_ROWS)
