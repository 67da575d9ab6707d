"""Commands that back a data folder up and put a backup back."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command
from core.commands.console import Console
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    text = "write datasets, runs and what people made (edits, promotions, filters, gene sets) into one archive"
    saved = command(commands, "backup", _backup, text)
    saved.add_argument("file", type=Path, metavar="FILE.tar|FILE.tar.gz|FOLDER")
    saved.add_argument(
        "--without-counts", action="store_true", help="leave the largest part out: see docs/operations.md"
    )
    saved.add_argument("--dataset", nargs="+", default=[], metavar="NAME", help="these alone (default: all)")

    back = command(commands, "restore", _restore, "put everything of a backup into the data folder, or nothing")
    back.add_argument("file", type=Path, metavar="FILE")
    back.add_argument(
        "--name-taken", choices=workflows.NAME_TAKEN, default="refuse",
        help="what to do where a dataset, run or file of that name is there (default: refuse)",
    )  # fmt: skip


def _backup(workspace: Workspace, options: argparse.Namespace) -> None:
    counts = not options.without_counts
    done = workflows.backup(workspace, options.file, options.dataset, counts, Console())
    for note in done.left_out:
        print(f"note: left out: {note}.", file=sys.stderr)
    print(
        f"Wrote {_many(len(done.datasets), 'dataset')} and {_many(len(done.runs), 'run')}, {done.files:,} files, "
        f"to {done.path} ({done.size / 1e6:,.1f} MB); read again, every checksum right."
    )


def _restore(workspace: Workspace, options: argparse.Namespace) -> None:
    done = workflows.restore(workspace, options.file, options.name_taken, Console())
    for path in done.kept:
        print(f"note: {path} was there already and stayed as it was.", file=sys.stderr)
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(
        f"Restored {_many(len(done.datasets), 'dataset')} ({', '.join(done.datasets) or 'none'}) and "
        f"{_many(len(done.runs), 'run')} to {workspace.root}."
    )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
