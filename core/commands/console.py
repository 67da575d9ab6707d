"""What commands say: progress and notes on standard error, results on standard output."""

import json
import sys
import time
from typing import Any

import pandas as pd

from core import jobs
from core.errors import ArchscopeError
from core.store.files import clean
from core.store.runs import Run


class Console:
    """Progress on standard error, a line a stage (rewritten in place on a terminal), and in the run's folder."""

    def __init__(self, run: Run | None = None) -> None:
        self._file = jobs.FileProgress(run) if run else None
        self._begun = time.monotonic()
        self._stage = ""

    def __call__(self, stage: str, done: float, total: float, **values: float | str) -> None:
        if self._file:
            self._file(stage, done, total, **values)
        fraction = done / total if total else 1.0
        text = f"{fraction:4.0%}  {stage}"
        if 0.02 < fraction < 1:
            text += f", about {jobs.at_this_pace(time.monotonic() - self._begun, fraction):.0f} s left"
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="" if done < total else "\n", file=sys.stderr, flush=True)
        elif stage != self._stage:
            print(text, file=sys.stderr, flush=True)
        self._stage = stage


def print_table(frame: pd.DataFrame, form: str) -> None:
    """A table as CSV, or as JSON with an object a row."""
    if form == "json":
        print_json(frame.to_dict("records"))
    else:
        frame.to_csv(sys.stdout, index=False)


def print_json(content: Any) -> None:
    """JSON; what is not a number comes out as null."""
    json.dump(clean(content), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    print()


def with_article(kind: str) -> str:
    """A kind of run with its article: "a classifier", "an augmentation"."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def one_line(error: ArchscopeError) -> str:
    """An error's message without line ends."""
    return " ".join(str(error).split())
