"""How much memory a job is expected to take, from its kind and the size of its dataset, and how much it does take.

The estimates are upper ends of what was measured with whole workers (anonymous memory, without file-backed pages, the
libraries included): ``tests/jobs/test_memory.py`` holds them against real runs. They only have to be good enough for
jobs to share a machine; a job that takes more than was expected is watched (``core.jobs.watching``).
"""

from collections.abc import Mapping
from typing import Any

import psutil

from core import settings
from core.errors import RecipeError
from core.jobs.queue import gigabytes
from core.store.workspace import Workspace

WORKER = 480e6  # bytes: the interpreter with the libraries of models
LIGHT = 250e6  # the same without them
BLOCK = 280e6  # of a build: one block of 256 biosamples x 67,000 genes at work
DEMO = 150e6  # of the demo's build: few genes, few biosamples
READ_AT_ONCE = 2**23  # counts that a classifier reads at a time, in float64 and as they are
MARKERS = 2000  # genes that a classifier keeps, unless its recipe says otherwise


def expected(workspace: Workspace, kind: str, dataset: str, parameters: Mapping[str, Any]) -> int:
    """Bytes that a job of that kind is expected to take at its peak. Raises NotFoundError: no such dataset."""
    if kind == "demo":
        return int(LIGHT + DEMO)
    if kind in ("build", "add"):
        asked = settings.amount(str(parameters.get("memory") or "4GB")) or BLOCK
        return int(LIGHT + min(asked, BLOCK * (settings.n_threads() + 1)))
    if kind not in ("classifier", "generator", "augmentation", "projection"):
        return int(2 * LIGHT)
    manifest = workspace.dataset(dataset).manifest
    if kind == "projection":
        return int(WORKER + 2000.0 * manifest["n_biosamples"])
    n, n_genes = float(manifest["n_labelled"]), float(manifest["n_genes_all"])
    if kind == "classifier":  # the counts of a fold's training part, whole; what is read; Q of the markers, and copies
        kept = min(float(parameters.get("genes") or MARKERS), n_genes)
        return int(WORKER + 6 * n * n_genes + 24 * min(n * n_genes, READ_AT_ONCE) + 8 * n * kept)
    return int(WORKER + 25 * n * n_genes)  # all counts, Q of both parts, residuals, what is drawn to be compared


def check(workspace: Workspace, kind: str, dataset: str, parameters: Mapping[str, Any]) -> None:
    """Refuses a job that alone would take more than all jobs may. Raises RecipeError, NotFoundError."""
    needed, limit = expected(workspace, kind, dataset, parameters), settings.job_memory()
    if needed > limit:
        raise RecipeError(
            f"This job needs about {gigabytes(needed)} GB of memory, and jobs may take {gigabytes(limit)} GB together: "
            "work on a smaller dataset, or allow more with ARCHSCOPE_JOB_MEMORY where the machine has it."
        )


def taken(pid: int) -> int:
    """Bytes that a process and those it started take now, without file-backed pages; 0 where it is gone."""
    try:
        process = psutil.Process(pid)
        return sum(_anonymous(one) for one in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def _anonymous(process: psutil.Process) -> int:
    try:
        found = process.memory_info()
    except psutil.Error:
        return 0
    return int(found.rss - getattr(found, "shared", 0))
