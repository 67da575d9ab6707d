"""From an ARCHS4 file to a dataset that the pages can read: read, normalise, measure, store."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core import __version__
from core.engine import Engine, open_engine
from core.errors import RecipeError
from core.store.building import building
from core.store.datasets import FORMAT, is_built, publish
from core.store.files import read_json, write_json
from core.store.runs import now
from core.store.workspace import Workspace
from core.types import Progress, silent
from core.workflows import blocks
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


def build(workspace: Workspace, request: BuildRequest, progress: Progress = silent) -> BuildOutcome:
    """Builds a dataset, or says that this very build is there already. Nothing is changed by a build that fails.

    A build that was stopped (killed, a full disk) is taken up where it was. Raises InputError for input that cannot
    be used.
    """
    begun = time.monotonic()
    recipe = request.recipe()
    final = workspace.datasets_dir / request.name
    annotations = workspace.root / "annotations"
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(request.label_sources.fingerprint, request.inputs)
        plan = None if final.exists() else make_plan(request, annotations)  # most likely needed: beside the reading
        what = {"format": FORMAT, "fingerprint": reading.result(), "recipe": recipe}
    if is_built(final, what):
        warnings = list(workspace.dataset(request.name).manifest["warnings"])
        return BuildOutcome(request.name, True, time.monotonic() - begun, warnings)
    plan = plan or make_plan(request, annotations)
    try:
        with open_engine(request.engine, request.scheduler) as engine, building(final, what) as folder:
            most = block_rows(request.memory, len(plan.group), engine)
            starts = block_starts(folder, 0, len(plan.rows), min(most, -(-len(plan.rows) // engine.workers)))
            facts = Making(folder, request.counts, plan, starts, engine, Stages(progress, STAGES)).run()
            seconds = time.monotonic() - begun
            manifest = {**what, "name": request.name, "created": now(), "seconds": seconds, "version": __version__}
            write_json(folder / "manifest.json", manifest | {"engine": request.engine, **facts})
            publish(folder, final)
    finally:
        blocks.close_source()
    return BuildOutcome(request.name, False, seconds, facts["warnings"])


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
