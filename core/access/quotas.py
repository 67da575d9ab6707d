"""How much one person may take of a shared server: jobs at once, disk, bytes of uploads in a session."""

import re
from dataclasses import dataclass, replace
from typing import Any

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)\s*", re.IGNORECASE)
KEYS = ("jobs", "disk", "upload")


@dataclass(frozen=True)
class Quota:
    """Limits; None where there is none. ``disk`` and ``upload`` in bytes."""

    jobs: int | None = None
    disk: int | None = None
    upload: int | None = None

    def with_values(self, values: dict[str, Any]) -> "Quota":
        """The same with some limits set anew. Raises ValueError, whose text names the key, for what is no limit."""
        read: dict[str, int | None] = {}
        for key, value in values.items():
            if key not in KEYS:
                raise ValueError(f"{key!r} is no quota: use {', '.join(KEYS)}")
            read[key] = None if value == "unlimited" else _count(value) if key == "jobs" else size(key, value)
        return replace(self, **read)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f'jobs = {value!r} is no number of jobs: use a whole number, or "unlimited"')
    return value


def size(key: str, value: Any) -> int:
    """Bytes of "20 GB", "512 MiB" or a plain number. Raises ValueError."""
    found = _SIZE.fullmatch(str(value))
    unit = found[2].lower() if found else "?"
    if isinstance(value, bool) or found is None or unit not in UNITS:
        raise ValueError(f'{key} = {value!r} is no size: write "20 GB", "500 MB" or "unlimited"')
    return int(float(found[1]) * UNITS[unit])


def in_words(size: float) -> str:
    """Bytes as people say them: "20 GB", "1.5 MB"."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{int(size)} bytes"
