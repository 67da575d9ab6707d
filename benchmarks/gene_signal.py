"""95th percentile and signal of every gene, from sorted rows as a build does it, and by np.percentile."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import race, shown_seconds
from core.engine import LocalEngine
from core.expression import metrics
from core.store.tiles import spans
from core.types import DoubleArray, FloatMatrix
from core.workflows.blocks import genes_at_once

Pair = tuple[DoubleArray, DoubleArray]


def run(setting: Setting) -> Section:
    """Ratios and equality at the middle size."""
    n = setting.middle
    dataset = setting.dataset(n)
    y = dataset.expression(slice(None))
    contenders = {
        "ours, 2 threads": partial(everywhere, sorted_signal, y, 2),
        "ours, 1 thread": partial(everywhere, sorted_signal, y, 1),
        "np.percentile, 1 thread": partial(everywhere, percentile_signal, y, 1),
        "np.percentile, 2 threads": partial(everywhere, percentile_signal, y, 2),
    }
    timed = race(contenders, setting.rounds)
    p95 = everywhere(sorted_signal, y, 2)[0]
    exact = everywhere(_exact, y, 2)[0]
    size, judged = f"{n:,} x {len(y):,}", setting.judges(n, 4000)
    pairs = [
        ("ours, 2 threads", "np.percentile, 1 thread", "at least 5x"),
        ("ours, 2 threads", "np.percentile, 2 threads", ""),
        ("ours, 1 thread", "np.percentile, 1 thread", ""),
    ]
    rows = [
        Row(
            "Signal of all genes", size, f"{shown_seconds(timed.median(ours))}: {ours.split(', ')[1]}",
            f"{shown_seconds(timed.median(other))}: {other}, and mean", timed.shown(other, ours), target,
            timed.ratio(other, ours) >= 5 if judged and target else None,
        )
        for ours, other, target in pairs
    ]  # fmt: skip
    different = int((p95 != exact).sum())
    equal = Row("p95, bit by bit", size, "", "np.percentile in float64", f"{different} of {len(y):,} differ",
                "none", different == 0)  # fmt: skip
    note = (
        "Both go through the same tiles of genes. ARCHScope's time also gives variance, Gini coefficient, median and "
        "median absolute deviation (`describe_sorted`); np.percentile works in float32, which is its fastest."
    )
    return Section([*rows, equal], notes=[note])


def everywhere(function: Callable[[FloatMatrix], Pair], y: FloatMatrix, threads: int) -> Pair:
    """p95 and signal (g each) over the tiles that a build takes."""
    step = genes_at_once(y.shape[1])
    tiles = [(y[a:b],) for a, b in spans(len(y), step)]
    found: Sequence[Pair] = list(LocalEngine(threads).map(function, tiles))
    return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])


def sorted_signal(tile: FloatMatrix) -> Pair:
    """As ``core.workflows.blocks.measure_genes``."""
    ordered = np.sort(tile, axis=1)
    p95 = metrics.percentile_sorted(ordered)
    return p95, metrics.signal(p95, metrics.describe_sorted(ordered)[:, 0])


def percentile_signal(tile: FloatMatrix) -> Pair:
    """The plain way."""
    p95 = np.percentile(tile, 95, axis=1)
    return p95, metrics.signal(p95, tile.mean(axis=1, dtype=np.float64))


def _exact(tile: FloatMatrix) -> Pair:
    p95 = np.percentile(tile.astype(np.float64), 95, axis=1)
    return p95, p95
