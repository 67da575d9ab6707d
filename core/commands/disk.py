"""Commands about the disk: what takes how much, taking away what can be made again, deleting a dataset."""

import argparse
import sys
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import print_json, print_table
from core.errors import InputError
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    formatted(command(commands, "disk", _disk, "what takes how much of the disk, and whether it can be made again"))

    clear = command(
        commands, "clean", _clean, "take away what can be made again; without --yes only says what would go"
    )
    clear.add_argument(
        "kinds", nargs="*", metavar="KIND",
        help=f"of {', '.join(workflows.CLEANABLE)} (default: all but downloads and results)",
    )  # fmt: skip
    clear.add_argument(
        "--older-than", type=float, default=0.0, metavar="DAYS", help="only what did not change for so long"
    )
    clear.add_argument("--yes", action="store_true", help="do it")

    text = "delete a dataset for good, with its runs, label edits, promotions, filters and uploads"
    gone = command(commands, "delete-dataset", _delete, text, "name")
    gone.add_argument("--yes", action="store_true", help="do it")


def _disk(workspace: Workspace, options: argparse.Namespace) -> None:
    found = workflows.disk_use(workspace)
    pieces = found.pieces.assign(changed=found.pieces["changed"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if options.format == "json":
        totals = {"folder": str(workspace.root), "bytes": found.bytes, "free": found.free, "total": found.total}
        print_json(totals | {"pieces": pieces.to_dict("records")})
        return
    print_table(pieces, "csv")
    print(
        f"{found.bytes / 1e6:,.1f} MB in {workspace.root}; {found.free / 1e9:,.1f} GB of the disk's "
        f"{found.total / 1e9:,.1f} GB are free.", file=sys.stderr,
    )  # fmt: skip


def _clean(workspace: Workspace, options: argparse.Namespace) -> None:
    work = workflows.clean if options.yes else workflows.to_clean
    done = work(workspace, options.kinds, options.older_than)
    for note in done.kept:
        print(f"note: stays: {note}.", file=sys.stderr)
    print_table(done.pieces[["kind", "name", "bytes", "how"]], "csv")
    what = "Removed" if options.yes else "Would remove (do it with --yes)"
    pieces = f"{len(done.pieces)} piece{'' if len(done.pieces) == 1 else 's'}"
    print(f"{what}: {pieces}, {done.bytes / 1e6:,.1f} MB.", file=sys.stderr)


def _delete(workspace: Workspace, options: argparse.Namespace) -> None:
    if not options.yes:
        print_table(workflows.belongings(workspace, options.name)[["kind", "name", "bytes"]], "csv")
        raise InputError(f"All of this would go for good, with the edits of {options.name!r}: add --yes to delete it.")
    size = workflows.delete_dataset(workspace, options.name)
    print(f"Deleted dataset {options.name!r} and what belonged to it ({size / 1e6:,.1f} MB).")
