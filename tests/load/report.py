"""What was expected and what was observed, as a table; how long each kind of action took, alone and in the crowd."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.load.behaviour import BROWSING, Log

SHOWN = 4  # of what went wrong, in words


@dataclass(frozen=True)
class Case:
    """A row of the table; ``ok`` None: nothing was expected."""

    name: str
    expected: str
    observed: str
    ok: bool | None = None


def table(cases: Iterable[Case]) -> str:
    """Cases as text in columns."""
    words = {True: "ok", False: "NOT MET", None: ""}
    return columns(
        [("case", "expected", "observed", ""), *((c.name, c.expected, c.observed, words[c.ok]) for c in cases)]
    )


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows (the first is the head) as text in columns of the width that they need."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def browsing(log: Log) -> list[float]:
    """Seconds of every action that is browsing."""
    return [seconds for kind in BROWSING for seconds in log.times.get(kind, [])]


def p95(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(seconds, 95)) if len(seconds) else float("nan")


def by_kind(alone: Log, crowd: Log) -> str:
    """Median and 95th percentile of each kind of action."""
    rows = [
        ("action", "one session", "", "", "all at once", "", ""),
        ("", "times", "p50", "p95", "times", "p50", "p95"),
    ]
    for kind in sorted({*alone.times, *crowd.times}):
        row = [kind]
        for log in (alone, crowd):
            seconds = log.times.get(kind, [])
            row += [str(len(seconds)), *(f"{np.percentile(seconds, q):.2f} s" if seconds else "" for q in (50, 95))]
        rows.append(tuple(row))
    return columns(rows)


def none_of(name: str, found: Sequence[str], of: str) -> Case:
    """A case that expects nothing to have been found; ``of``: among what."""
    some = "".join(f"; {text[:160]}" for text in found[:SHOWN])
    return Case(name, "0", f"{len(found)} {of}{some}", not found)


def just(name: str, expected: str, observed: str) -> Case:
    """A case that expects one thing alone."""
    return Case(name, expected, observed, expected == observed)


def at_most(name: str, limit: float, value: float, unit: str, more: str) -> Case:
    """A case that expects a figure within a limit."""
    return Case(name, f"at most {limit:g}{unit}", f"{value:.2f}{unit}: {more}", bool(value <= limit))
