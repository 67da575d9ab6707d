"""A command about maps: all biosamples on a plane, as a table."""

import argparse
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command
from core.commands.console import Console
from core.errors import InputError
from core.store.workspace import Workspace

KINDS = (".csv", ".parquet")


def register(commands: Any) -> None:
    """Adds this command to the parser."""
    chart = command(commands, "projection", _projection, "all biosamples on a plane", "name")
    chart.add_argument("--method", choices=tuple(workflows.MAP_LIMIT), default="pca")
    chart.add_argument("--out", type=Path, required=True, metavar="FILE.csv|.parquet")


def _projection(workspace: Workspace, options: argparse.Namespace) -> None:
    out: Path = options.out
    if out.suffix.lower() not in KINDS or not out.parent.is_dir():
        raise InputError(f"Cannot write {out}: name a file that ends in .csv or .parquet, in a folder that exists.")
    points = workflows.projection(workspace, options.name, options.method, progress=Console())
    origin = workflows.provenance(workspace.dataset(options.name))
    csv = out.suffix.lower() == ".csv"  # for scripts: values as they are, unlike the files of the pages
    out.write_bytes(points.to_csv(index=False).encode() if csv else workflows.to_parquet(points, origin))
    print(f"Wrote the {options.method} map of {len(points):,} biosamples to {out}.")
