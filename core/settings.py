"""Where things lie and how much of the machine to take; every value can be set by an environment variable."""

import contextlib
import os
import re
from pathlib import Path

import psutil

from core.errors import RecipeError

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED_DATA = PROJECT / "data"
DEMO_NAME = "demo"
JOB_SHARE = 0.6  # of the machine's memory, for jobs; the rest is for the app, the page cache and everybody else
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def data_dir() -> Path:
    """Folder of everything made at run time: ``ARCHSCOPE_DATA``, else ``data/local`` in the project."""
    return Path(os.environ.get("ARCHSCOPE_DATA") or SHIPPED_DATA / "local").resolve()


def n_threads() -> int:
    """Threads for numerical work: ``ARCHSCOPE_THREADS``, else every core."""
    return int(os.environ.get("ARCHSCOPE_THREADS") or os.cpu_count() or 1)


def job_slots() -> int:
    """Jobs that run at once; the rest wait in the queue: ``ARCHSCOPE_JOBS``, else half the cores but at least 2."""
    return int(os.environ.get("ARCHSCOPE_JOBS") or max(2, n_threads() // 2))


def job_memory() -> int:
    """Bytes of memory that all jobs at work may take together: ``ARCHSCOPE_JOB_MEMORY`` ("4GB"), else 60 % of what this
    machine has, or the container that it runs in.

    Raises RecipeError for what is no amount of memory.
    """
    asked = os.environ.get("ARCHSCOPE_JOB_MEMORY")
    if not asked:
        return int(JOB_SHARE * machine_memory())
    found = amount(asked)
    if found is None:
        raise RecipeError(f"ARCHSCOPE_JOB_MEMORY={asked!r} is no amount of memory: write it like 4GB or 800MB.")
    return found


def amount(text: str) -> int | None:
    """Bytes of an amount like "4GB" or "800 MB" (powers of 1000); None for what is none."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])i?B?\s*", text, re.IGNORECASE)
    return int(float(match[1]) * 1000 ** ("KMGT".find(match[2].upper()) + 1)) if match else None


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container (cgroup) that allows less."""
    total = int(psutil.virtual_memory().total)
    for path in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            total = min(total, int(path.read_text()))
    return total


def is_shared() -> bool:
    """Whether people sign in, so that pages are not used by the owner of the machine alone: ``ARCHSCOPE_ROLES``."""
    return bool(os.environ.get("ARCHSCOPE_ROLES"))


def allowed_folders() -> list[Path] | None:
    """Folders below which pages may open files: ``ARCHSCOPE_FOLDERS``, parted by ``os.pathsep``.

    None: everywhere. Unset, it is everywhere on a laptop, and nowhere (beside what pages themselves fetched or were
    given) where people sign in.
    """
    listed = os.environ.get("ARCHSCOPE_FOLDERS", "").split(os.pathsep)
    folders = [Path(each.strip()).expanduser().resolve() for each in listed if each.strip()]
    return folders if folders or is_shared() else None


def allowed_hosts() -> list[str] | None:
    """Servers (``name`` or ``name:port``) that pages may read from: ``ARCHSCOPE_HOSTS``, parted by commas.

    None: every one. Unset, it is every one on a laptop, and [] (those of the shipped catalogues) where people sign in.
    """
    hosts = [each.strip() for each in os.environ.get("ARCHSCOPE_HOSTS", "").split(",") if each.strip()]
    return hosts if hosts or is_shared() else None


def log_format() -> str:
    """How events are logged: ``ARCHSCOPE_LOG`` ("json", a line of JSON an event), else "text"."""
    return "json" if os.environ.get("ARCHSCOPE_LOG", "").strip().lower() == "json" else "text"


def log_level() -> str | None:
    """From which level on events are logged: ``ARCHSCOPE_LOG_LEVEL`` (debug, info, warning, error); None: the default,
    which is info for the app and its jobs and warning for the command line.
    """
    level = os.environ.get("ARCHSCOPE_LOG_LEVEL", "").strip().upper()
    return level if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") else None


def log_file() -> Path | None:
    """File that the app, its jobs and the command line add events to: ``ARCHSCOPE_LOG_FILE``; None: standard error."""
    path = os.environ.get("ARCHSCOPE_LOG_FILE", "").strip()
    return Path(path).expanduser().resolve() if path else None


def slow_seconds() -> float:
    """Seconds from which on an answer of a page is logged as slow: ``ARCHSCOPE_SLOW_S``, else 5."""
    return _number("ARCHSCOPE_SLOW_S", 5.0)


def least_free() -> float:
    """Bytes under which too little of the disk is free to be ready: ``ARCHSCOPE_LEAST_FREE`` ("2GB"), else 1 GB."""
    return float(amount(os.environ.get("ARCHSCOPE_LEAST_FREE", "")) or 10**9)


def metrics_token() -> str:
    """What a monitor has to show for /metrics (``Authorization: Bearer ...``): ``ARCHSCOPE_METRICS_TOKEN``; "": none.

    Without one nobody gets them.
    """
    return os.environ.get("ARCHSCOPE_METRICS_TOKEN", "").strip()


def _number(name: str, otherwise: float) -> float:
    try:
        return float(os.environ.get(name) or otherwise)
    except ValueError:
        return otherwise
