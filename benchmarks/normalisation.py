"""Quantile normalisation of everything in memory: as a build does it, by qnorm, and as the published code does."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import qnorm

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import Race, race, say, shown_seconds
from core.engine import LocalEngine
from core.expression import normalise
from core.store.tiles import spans
from core.types import CountMatrix, DoubleArray, FloatMatrix
from core.workflows.build import MOST_ROWS

TRIAL = 256  # biosamples on which qnorm's best way is looked for
Way = tuple[str, str, int]


def run(setting: Setting) -> Section:
    """Ratios and agreement at the middle size."""
    n = setting.middle
    counts = setting.dataset(n).counts(slice(None))
    dtype, order, ncpus = way = best_way(counts[:TRIAL])
    say(f"  qnorm likes {dtype}, {order} order, ncpus={ncpus} best")
    logs = _logs(counts, "float64")
    wanted = logs.T if (dtype, order) == ("float64", "F") else _oriented(logs, way)
    contenders = {
        "ours": lambda: quantiles(counts),
        "qnorm": lambda: qnorm.quantile_normalize(wanted, ncpus=ncpus),
        "published": lambda: published(logs),
    }
    timed = race(contenders, setting.rounds)
    difference = _difference(quantiles(counts), logs)
    size = f"{n:,} x {counts.shape[1]:,}"
    rows = [
        _row(timed, "qnorm", f"qnorm {qnorm.__version__}, {dtype}, {order} order, ncpus={ncpus}", size,
             "at least 6x", setting.judges(n, 4000), lambda ratio: ratio >= 6),
        _row(timed, "published", "np.sort and np.argsort, float64, a biosample at a time", size, "", False, bool),
        Row("Agreement", size, "float32", "qnorm, float64", f"{difference:.1e} at most, relative",
            "1e-5", difference <= 1e-5),
    ]  # fmt: skip
    note = (
        "ARCHScope starts from counts and takes their logarithm on the way; the others get logarithms, in the order "
        "that they like best. qnorm's way (float32 or float64, C or F order, ncpus) is the fastest in a trial on "
        f"{TRIAL} biosamples. The published way gives tied values different results; its time alone is compared."
    )
    return Section(rows, notes=[note])


def _row(
    timed: Race, name: str, against: str, size: str, target: str, judged: bool, good: Callable[[float], bool]
) -> Row:
    return Row(
        "Quantile normalisation", size, shown_seconds(timed.median("ours")),
        f"{shown_seconds(timed.median(name))}: {against}", timed.shown(name, "ours"),
        target, good(timed.ratio(name, "ours")) if judged else None,
    )  # fmt: skip


def quantiles(counts: CountMatrix) -> FloatMatrix:
    """Q (n x G, float32): the target from blocks of biosamples, then each block, on every core."""
    engine = LocalEngine()
    blocks = [slice(a, b) for a, b in spans(len(counts), MOST_ROWS)]
    steps = sum(engine.map(normalise.target_steps, [(counts[block],) for block in blocks]))
    target = normalise.target_of(np.asarray(steps), len(counts))
    out = np.empty(counts.shape, dtype=np.float32)
    list(engine.map(normalise.to_target_rounded, [(counts[block], target, out[block]) for block in blocks]))
    return out


def published(logs: DoubleArray) -> DoubleArray:
    """Q (n x G, float64) by two sorts of each biosample (n x G logs); ties get neighbouring ranks."""
    total = np.zeros(logs.shape[1])
    for row in logs:
        total += np.sort(row)
    target = total / len(logs)
    out = np.empty(logs.shape)
    for row, mapped in zip(logs, out, strict=True):
        mapped[np.argsort(row)] = target
    return out


def best_way(counts: CountMatrix) -> Way:
    """Type, memory order (of genes x biosamples) and ncpus with which qnorm is fastest on these."""
    found: dict[str, Way] = {}
    contenders = {}
    for dtype in ("float32", "float64"):
        logs = _logs(counts, dtype)
        for order in "FC":
            for ncpus in (1, 2, 4):
                way = (dtype, order, ncpus)
                found[str(way)] = way
                contenders[str(way)] = _trial(_oriented(logs, way), ncpus)
    timed = race(contenders, 2)
    return found[min(contenders, key=lambda name: min(timed.seconds[name]))]


def _trial(logs: npt.NDArray[np.floating], ncpus: int) -> Callable[[], object]:
    return lambda: qnorm.quantile_normalize(logs, ncpus=ncpus)


def _logs(counts: CountMatrix, dtype: str) -> npt.NDArray[np.floating]:
    out = np.empty(counts.shape, dtype=dtype)
    for start, stop in spans(len(counts), MOST_ROWS):
        out[start:stop] = normalise.log2p1(counts[start:stop])
    return out


def _oriented(logs: npt.NDArray[np.floating], way: Way) -> npt.NDArray[np.floating]:
    """Genes x biosamples of the type and in the order of a way; a view where it can be."""
    dtype, order, _ = way
    turned: npt.NDArray[np.floating] = logs.astype(dtype, copy=False).T
    return turned if order == "F" else np.ascontiguousarray(turned)


def _difference(ours: FloatMatrix, logs: DoubleArray) -> float:
    """Largest relative difference from qnorm in float64."""
    theirs = qnorm.quantile_normalize(logs.T, ncpus=2).T
    largest = 0.0
    for start, stop in spans(len(ours), MOST_ROWS):
        exact = theirs[start:stop]
        distance = np.abs(ours[start:stop] - exact)
        largest = max(largest, float(np.divide(distance, exact, out=distance, where=exact > 0).max()))
    return largest
