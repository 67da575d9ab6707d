"""Commands about samples: classify uploaded ones, draw and judge synthetic ones."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import Console, print_json, print_table
from core.store.workspace import Workspace
from core.types import silent

LARGE_UPLOAD = 10 * 2**20  # bytes, from which on reading a file takes long enough to tell of it


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    classify = command(commands, "classify", _classify, "tissue or cell line of uploaded samples", "name")
    classify.add_argument("file", type=Path)
    classify.add_argument("--run", metavar="ID", help="model to use (default: the one in use)")
    classify.add_argument("--format", choices=("csv", "json"), help="default: as --out ends, else csv")
    classify.add_argument("--out", type=Path, metavar="FILE.csv|.json|.parquet", help="default: standard output")
    classify.add_argument(
        "--units", choices=workflows.UNITS, default="auto",
        help="what the values are; tpm: also RPKM and FPKM, counts: also CPM (default: told from the values)",
    )  # fmt: skip

    synthesize = command(commands, "synthesize", _synthesize, "draw synthetic samples", "run")
    synthesize.add_argument("-n", type=int, default=100)
    synthesize.add_argument("--seed", type=int, default=1)
    synthesize.add_argument("--out", type=Path, required=True, metavar="FILE.h5|.h5ad|.csv|.parquet|.gct")
    synthesize.add_argument("--force", action="store_true", help="replace a file of that name")
    formatted(command(commands, "evaluate", _evaluate, "how good a run's synthetic samples are", "run"))
    choice = formatted(command(commands, "generators", _generators, "which generator is best for a label", "name"))
    choice.add_argument("--label", help="default: the one that was trained for most often")


def _classify(workspace: Workspace, options: argparse.Namespace) -> None:
    large = options.file.is_file() and options.file.stat().st_size > LARGE_UPLOAD
    progress = Console() if large else silent
    matched = workflows.read_upload(workspace, options.name, options.file, options.file.name, options.units, progress)
    for note in matched.notes:
        print(f"note: {note}", file=sys.stderr)
    workflows.write_predictions(
        workspace, options.name, matched, options.run, options.format, options.out, sys.stdout, progress
    )


def _synthesize(workspace: Workspace, options: argparse.Namespace) -> None:
    made = workflows.synthesize(workspace, options.run, options.n, options.seed)
    workflows.export_synthetic(workspace, options.run, made, options.out, options.force)
    print(f"Wrote {options.n} synthetic {made.label} samples x {len(made.genes):,} genes to {options.out}.")


def _evaluate(workspace: Workspace, options: argparse.Namespace) -> None:
    found = workflows.evaluate(workspace, options.run)
    if options.format == "json":
        print_json(found)
    else:
        print_table(pd.DataFrame(found["scorecard"]), "csv")


def _generators(workspace: Workspace, options: argparse.Namespace) -> None:
    labels = workflows.generator_labels(workspace, options.name)
    choice = workflows.compare_generators(workspace, options.name, options.label or next(iter(labels), "any label"))
    print(f"note: {choice.words}", file=sys.stderr)
    if options.format == "json":
        content = {"label": choice.label, "best": choice.best, "words": choice.words}
        tables = {"models": choice.models, "measures": choice.measures}
        print_json(content | {name: table.to_dict("records") for name, table in tables.items()})
    else:
        print_table(choice.measures, "csv")
