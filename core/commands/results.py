"""Commands that take data away: biosamples of a dataset, all of its results, the list of GENCODE releases."""

import argparse
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import Console, print_table
from core.errors import InputError
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    text = "write biosamples of a dataset, or all of its results, to a file"
    export = command(commands, "export", _export, text, "name")
    export.add_argument(
        "--out", type=Path, required=True, metavar="FILE.h5|.h5ad|.parquet|.csv|.gct|.duckdb",
        help="the ending says what is written; .duckdb: rankings, biosamples, labels, neighbourhoods, runs and scores",
    )  # fmt: skip
    which = export.add_mutually_exclusive_group()
    which.add_argument("--samples", type=Path, metavar="FILE", help="list of ids, one a line (default: all biosamples)")
    which.add_argument("--label", help="biosamples that carry this label")
    which.add_argument("--gene-neighbourhood", metavar="GENE", help="biosamples around this gene's 95th percentile")
    export.add_argument("--values", choices=workflows.VALUES, default="counts", help="default: counts")
    export.add_argument("--limit", type=int, metavar="N", help="the first N of them")
    export.add_argument("--force", action="store_true", help="replace a file of that name")

    gencode = formatted(command(commands, "gencode", _gencode, "releases of GENCODE that gene lengths come from"))
    gencode.add_argument("--organism", choices=("human", "mouse"), help="default: both")


def _export(workspace: Workspace, options: argparse.Namespace) -> None:
    ids = None if options.samples is None else read_list(options.samples)
    what = workflows.Choice(ids, options.label, options.gene_neighbourhood, options.limit)
    done = workflows.export(workspace, options.name, what, options.out, options.values, options.force, Console())
    size = f"{done.n_biosamples:,} biosamples x {done.n_genes:,} genes"
    print(f"Wrote {size} ({done.values}) to {done.path} ({done.path.stat().st_size / 1e6:,.1f} MB).")


def _gencode(workspace: Workspace, options: argparse.Namespace) -> None:
    print_table(workflows.gencode_releases(options.organism), options.format)


def read_list(path: Path) -> list[str]:
    """Ids of a text file: the first column of each line; blank lines, lines with # and a header sample_id are left out.

    Raises InputError where the file cannot be read, or names nobody.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list ({error}): give text, one id a line.") from error
    cells = [line.replace(",", "\t").split("\t")[0].strip().strip('"') for line in lines if not line.startswith("#")]
    ids = [cell for cell in cells if cell and cell.lower() not in ("sample_id", "geo_accession")]
    if not ids:
        raise InputError(f"{path}: names no biosamples. Give one id a line.")
    return ids
