"""Commands about jobs: what runs, waits or ended lately in this data folder, and stopping one."""

import argparse
import sys
from typing import Any

import pandas as pd

from core import jobs
from core.commands.arguments import command, formatted
from core.commands.console import print_table, with_article
from core.store.runs import Run
from core.store.workspace import Workspace

COLUMNS = ("id", "kind", "dataset", "status", "stage", "percent", "remaining_s", "created", "error")


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    listed = formatted(command(commands, "jobs", _jobs, "jobs that run, wait or ended within a day"))
    listed.add_argument("--all", action="store_true", help="every job of the data folder, however old")
    command(commands, "cancel", _cancel, "stop a job for good", "run")


def table(runs: list[Run]) -> pd.DataFrame:
    """One row a job: what it is, how far (percent of the whole), seconds left where that is known, and its error."""
    rows = []
    for run in runs:
        found = jobs.progress_of(run)
        row: dict[str, object] = {
            "id": run.id,
            "kind": run.kind,
            "dataset": run.dataset,
            "status": found.status,
            "stage": found.stage,
        }
        left = None if found.remaining_s is None else round(found.remaining_s)
        row |= {"percent": round(100 * found.fraction), "remaining_s": left}
        rows.append(row | {"created": run.recipe["created"], "error": found.error})
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"percent": "Int64", "remaining_s": "Int64"})


def _jobs(workspace: Workspace, options: argparse.Namespace) -> None:
    if options.all:
        shown = workspace.runs.all()
    else:
        shown = [*jobs.active_runs(workspace), *jobs.recent(workspace, most=jobs.MANY)]
    print_table(table(shown), options.format)


def _cancel(workspace: Workspace, options: argparse.Namespace) -> None:
    run = workspace.runs.get(options.run)
    before = run.status
    if before not in jobs.LIVE:
        print(f"note: run {run.id} is {before} already: nothing to cancel.", file=sys.stderr)
        return
    jobs.cancel(run)
    print(f"Run {run.id}, {with_article(run.kind)} of {run.dataset!r}, is {run.status}.")
