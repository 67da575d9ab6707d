"""Every case of a fault, for real, and a table: ``python -m tests.faults`` (``--short``: those of make test alone).

The table (case, expected, observed, ok) goes to standard output in Markdown. Exit status: 0 where every case is well.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.faults.conftest import TABLE


def main(arguments: list[str]) -> int:
    """Runs the cases and prints the table; the exit status."""
    short = "--short" in arguments
    more = [word for word in arguments if word != "--short"]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.md"
        os.environ[TABLE] = str(path)
        which = ["-m", "not faults"] if short else ["-m", "faults or not faults"]
        status = pytest.main(["-q", *which, str(Path(__file__).parent), *more])
        found = path.read_text(encoding="utf-8") if path.is_file() else ""
    print(f"\n{found}\n\n{found.count(chr(10)) - 1} cases in {time.monotonic() - begun:.0f} s")
    return int(status) or int("| NO |" in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
