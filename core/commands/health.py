"""The command that says whether this ARCHScope is ready for work."""

import argparse
import sys
from dataclasses import asdict
from typing import Any

import pandas as pd

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import print_json, print_table
from core.store.workspace import Workspace

STATUS = {"ok": 0, "warn": 1, "fail": 2}


def register(commands: Any) -> None:
    """Adds this command to the parser."""
    text = "check data folder, disk, database, datasets, runs, clock; exit status 0 ok, 1 warnings, 2 not ready"
    checked = formatted(command(commands, "health", _health, text))
    checked.add_argument("--url", metavar="http://HOST:PORT", help="of a running app: does it answer?")


def _health(workspace: Workspace, options: argparse.Namespace) -> None:
    checks = workflows.health(workspace, options.url)
    status = workflows.worst(checks)
    if options.format == "json":
        print_json({"status": status, "checks": [asdict(check) for check in checks]})
    else:
        print_table(pd.DataFrame([asdict(check) for check in checks]), "csv")
    if status != "ok":
        sys.exit(STATUS[status])
