"""Contenders side by side: every round runs each of them once, in random order."""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.quiet import WATCH


@dataclass(frozen=True)
class Race:
    """Seconds of each contender, one a round (in the order of the rounds, whatever the order within one)."""

    seconds: Mapping[str, list[float]]
    cpu: Mapping[str, list[float]]  # seconds of CPU; lasting child processes (Dask's workers) are not in them

    def median(self, name: str) -> float:
        """Median seconds of a contender."""
        return float(np.median(self.seconds[name]))

    def ratios(self, slower: str, faster: str) -> list[float]:
        """How many times longer ``slower`` took, round by round: what else the machine did hits both alike."""
        return [a / b for a, b in zip(self.seconds[slower], self.seconds[faster], strict=True)]

    def ratio(self, slower: str, faster: str) -> float:
        """Median over rounds of ``ratios``."""
        return float(np.median(self.ratios(slower, faster)))

    def shown(self, slower: str, faster: str) -> str:
        """The ratio, and the lowest and highest of the rounds, for a table."""
        found = self.ratios(slower, faster)
        span = f" ({min(found):.2f} to {max(found):.2f})" if len(found) > 1 else " (one round)"
        return f"{np.median(found):.2f}x{span}"


def race(contenders: Mapping[str, Callable[[], Any]], rounds: int, seed: int = 1) -> Race:
    """Runs the contenders; each makes its own output, which is dropped before the next one starts.

    Compile what has to be compiled before. Nothing is asserted: a slow machine fails no test.
    """
    rng = np.random.default_rng(seed)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in rng.permutation(list(contenders)).tolist():
            gc.collect()
            took, used = WATCH.measure(contenders[name])
            seconds[name].append(took)
            cpu[name].append(used)
            say(f"  round {number + 1} of {rounds}: {name}: {took:.4g} s, {used:.4g} s of CPU")
    return Race(seconds, cpu)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def shown_seconds(seconds: float) -> str:
    """Seconds for a table: 0.0123 -> 12.3 ms."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def timed_calls(function: Callable[[], Any], calls: int) -> list[float]:
    """Seconds of each of many calls, after one that does not count."""
    function()
    WATCH.wait()
    seconds = []
    for _ in range(calls):
        begun = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begun)
    return seconds
