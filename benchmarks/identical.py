"""Whether a build gives the same numbers whatever the block size, the number of threads and the engine."""

import numpy as np
import pandas as pd

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import say

VARIANTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "ARCHSCOPE_THREADS=1": ((), {"ARCHSCOPE_THREADS": "1"}),
    "ARCHSCOPE_THREADS=3": ((), {"ARCHSCOPE_THREADS": "3"}),
    "small blocks": (("--memory", "{small}"), {}),
    "single biosamples": (("--memory", "{single}"), {}),
    "Dask, 2 processes": (("--engine", "dask"), {"ARCHSCOPE_THREADS": "2"}),
    "Dask, small blocks": (("--engine", "dask", "--memory", "{small}"), {"ARCHSCOPE_THREADS": "2"}),
}


def run(setting: Setting) -> Section:
    """A first build with 2 threads and the default memory, and how each variant differs from it."""
    n = setting.small
    setting.build(n, name="first", environment={"ARCHSCOPE_THREADS": "2"})
    first = setting.workspace.dataset("first")
    rows = []
    for name, (options, environment) in VARIANTS.items():
        say(f"  {name}")
        sizes = {"small": _memory(setting, 37), "single": _memory(setting, 2)}
        setting.build(n, *(option.format(**sizes) for option in options), name="other", environment=environment)
        other = setting.workspace.dataset("other")
        rows.append(_row(setting, name, compare(first.rankings, other.rankings), first.members, other.members))
    for name in ("first", "other"):
        setting.drop(name)
    note = (
        "`rankings.parquet` and `members.npy` against those of a build with 2 threads and the default memory. Ranks, "
        "members, labels and counts have to be the same bit by bit; of the other columns the largest relative "
        "difference is given. Small blocks are of about 37 biosamples."
    )
    return Section(rows, notes=[note])


def _memory(setting: Setting, rows: int) -> str:
    """What to allow so that blocks are of about so many biosamples, with 2 workers."""
    return f"{16 * setting.n_genes * 3 * rows / 1e6 + 0.1:.1f}MB"


def compare(one: pd.DataFrame, other: pd.DataFrame) -> tuple[list[str], float, list[str]]:
    """Exact columns that differ; largest relative difference of the others, and which of those differ at all."""
    wrong, uneven, largest = [], [], 0.0
    for column in one.columns:
        if pd.api.types.is_float_dtype(one[column]):
            a, b = one[column].to_numpy(np.float64), other[column].to_numpy(np.float64)
            if not np.array_equal(a, b, equal_nan=True):
                uneven.append(str(column))
                largest = max(largest, _relative(a, b))
        elif not one[column].equals(other[column]):
            wrong.append(str(column))
    return wrong, largest, uneven


def _relative(a: np.ndarray, b: np.ndarray) -> float:
    if (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.nanmax(np.divide(np.abs(a - b), scale, out=np.zeros(len(a)), where=scale > 0)))


def _row(
    setting: Setting, name: str, found: tuple[list[str], float, list[str]], members: np.ndarray, others: np.ndarray
) -> Row:
    wrong, largest, uneven = found
    moved = int((np.asarray(members) != np.asarray(others)).any(axis=1).sum())
    exact = "ranks and members the same" if not wrong and not moved else f"{moved} genes' members, {wrong} differ"
    values = f"values differ by {largest:.1e} in {', '.join(uneven)}" if uneven else "values the same bit by bit"
    return Row(
        "Same results", f"{setting.small:,} x {setting.n_genes:,}", name, "2 threads, 4GB", f"{exact}; {values}",
        "identical", not wrong and not moved and not uneven,
    )  # fmt: skip
