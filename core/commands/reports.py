"""The command that writes a report: one HTML file about a gene, a biosample or a run."""

import argparse
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command
from core.errors import InputError
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds this command to the parser."""
    report = command(commands, "report", _report, "one HTML file about a gene, a biosample or a run", "name")
    about = report.add_mutually_exclusive_group(required=True)
    about.add_argument("--gene", metavar="G", help="symbol or Ensembl id")
    about.add_argument("--sample", metavar="S", help="id of a biosample of the dataset")
    about.add_argument("--run", metavar="ID", help="a classifier, a generator or an augmentation study")
    report.add_argument("--model", metavar="ID", help="with --sample: the classifier to ask (default: the one in use)")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.html")


def _report(workspace: Workspace, options: argparse.Namespace) -> None:
    if options.model and not options.sample:
        raise InputError("--model says which classifier is asked about a biosample: give --sample with it.")
    content = _content(workspace, options)
    try:
        options.out.write_bytes(content)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written ({error.strerror}): name another --out.") from error
    print(f"Wrote {options.out} ({len(content) / 1e6:.1f} MB).")


def _content(workspace: Workspace, options: argparse.Namespace) -> bytes:
    if options.gene:
        return workflows.gene_report(workspace, options.name, options.gene)
    if options.sample:
        return workflows.sample_report(workspace, options.name, options.sample, options.model)
    run = workspace.runs.get(options.run)
    if run.dataset != options.name:
        raise InputError(f"Run {run.id!r} is of dataset {run.dataset!r}, not of {options.name!r}: name that one.")
    return workflows.run_report(workspace, run.id)
