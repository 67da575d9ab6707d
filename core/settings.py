"""Where things lie and how much of the machine to take; every value can be set by an environment variable."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED_DATA = PROJECT / "data"
DEMO_NAME = "demo"


def data_dir() -> Path:
    """Folder of everything made at run time: ``ARCHSCOPE_DATA``, else ``data/local`` in the project."""
    return Path(os.environ.get("ARCHSCOPE_DATA") or SHIPPED_DATA / "local").resolve()


def n_threads() -> int:
    """Threads for numerical work: ``ARCHSCOPE_THREADS``, else every core."""
    return int(os.environ.get("ARCHSCOPE_THREADS") or os.cpu_count() or 1)


def job_slots() -> int:
    """Jobs that run at once; the rest wait in the queue: ``ARCHSCOPE_JOBS``, else half the cores but at least 2."""
    return int(os.environ.get("ARCHSCOPE_JOBS") or max(2, n_threads() // 2))
