"""What is fuzzed: where inputs come from, what reads them, and what counts as a sound answer."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis.strategies import SearchStrategy

from core.errors import ArchscopeError

LONGEST_MESSAGE = 600
HANG_S = 5.0
MEMORY_MB = 512  # over the size of the input
REFUSED_OR_SOUND = "one line of refusal, or a sound result"
Run = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Target:
    """``make`` gives an input from a generator of random numbers, ``strategy`` from a grammar; ``run`` reads it.

    ``run`` gets a folder for scratch. It raises ArchscopeError for what it refuses, and AssertionError where it
    succeeds with what cannot be. ``contained``: how the product reads the input where ``run`` reads it more directly,
    for inputs on which ``run`` hangs or dies. ``share`` of the cases of a whole run; ``parser``: counts as one.
    ``pure``: Python alone, so that a coverage-guided fuzzer sees its branches.
    """

    name: str
    make: Callable[[random.Random], bytes]
    run: Run
    share: float = 1.0
    expected: str = REFUSED_OR_SOUND
    strategy: Callable[[], SearchStrategy[bytes]] | None = None
    contained: Run | None = None
    parser: bool = True
    pure: bool = False

    def case(self, seed: int, number: int) -> bytes:
        """The input of a number; the same every time."""
        return self.make(random.Random(f"{self.name}/{seed}/{number}"))


def outcome(run: Run, data: bytes, folder: Path) -> str:
    """How an input was answered: "ok", "refused: MESSAGE"; or, wrongly, "bad message: ..." or what was raised."""
    try:
        run(data, folder)
    except ArchscopeError as error:
        message = str(error)
        return f"{'refused' if is_one_line(message) else 'bad message'}: {message}"
    return "ok"


def is_one_line(message: str) -> bool:
    """Whether a user can be shown it as it is: one line of printable text, not longer than a box holds."""
    return 0 < len(message) <= LONGEST_MESSAGE and not any(mark in message for mark in "\n\r\0\x0b\x0c\x85\u2028\u2029")


def is_fine(found: str, seconds: float) -> bool:
    """Whether a case ended as it may, and in time."""
    return (found == "ok" or found.startswith("refused")) and seconds <= HANG_S
