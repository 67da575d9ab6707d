"""What a page waits for: one gene, one biosample, a heatmap's genes, from the largest dataset on disk."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import shown_seconds, timed_calls
from core.store.datasets import StoredDataset

CALLS = 50
HEATMAP = 100


def run(setting: Setting) -> Section:
    """Medians over many calls, each for another gene or biosample, with the files in the page cache."""
    n = setting.large
    dataset = setting.dataset(n)
    rng = np.random.default_rng(1)
    genes, biosamples = rng.permutation(len(dataset.rankings)), rng.permutation(n)
    asked: list[tuple[str, Callable[[int], Any], float]] = [
        ("One gene over all biosamples", lambda i: dataset.expression([genes[i % len(genes)]]), 0.010),
        ("One biosample, counts", lambda i: dataset.counts([biosamples[i % n]]), 0.010),
        ("One biosample, normalised profile", lambda i: dataset.profiles([biosamples[i % n]]), 0.010),
        (f"{HEATMAP} genes over all biosamples", lambda i: dataset.expression(_some(genes, i)), 0.200),
    ]
    rows = [_row(setting, n, len(genes), *one) for one in asked]
    note = f"Medians of {CALLS} calls after one that does not count; {_bytes(dataset)} on disk."
    return Section(rows, notes=[note])


def _row(setting: Setting, n: int, g: int, what: str, call: Callable[[int], Any], limit: float) -> Row:
    number = count()
    seconds = timed_calls(lambda: call(next(number)), CALLS)
    median, slow = float(np.median(seconds)), float(np.percentile(seconds, 95))
    return Row(
        what, f"{n:,} x {g:,}", shown_seconds(median), "", f"95 of 100 within {shown_seconds(slow)}",
        f"under {shown_seconds(limit)}", median < limit if setting.judges(n, 20000) else None,
    )  # fmt: skip


def _some(genes: np.ndarray, i: int) -> np.ndarray:
    return np.take(genes, np.arange(i * HEATMAP, (i + 1) * HEATMAP), mode="wrap")


def _bytes(dataset: StoredDataset) -> str:
    sizes = {
        part: sum(path.stat().st_size for path in (dataset.path / part).iterdir()) / dataset.blocks[-1]
        for part in ("counts", "expression")
    }
    return f"counts {sizes['counts'] / 1e3:,.0f} kB a biosample, Y {sizes['expression'] / 1e3:,.0f} kB a biosample"
