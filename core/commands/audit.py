"""The command that prints the audit log: who changed what in this data folder, and who was refused."""

import argparse
from typing import Any

from core.commands.arguments import command, formatted
from core.commands.console import print_table
from core.errors import InputError
from core.store.audit import AuditLog
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds this command to the parser."""
    log = formatted(command(commands, "audit", _audit, "who changed what, and who was refused; newest first"))
    log.add_argument("--limit", type=int, metavar="N", help="the newest N entries (default: all)")


def _audit(workspace: Workspace, options: argparse.Namespace) -> None:
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit} leaves no entry: give 1 or more.")
    print_table(AuditLog(workspace.root).read(options.limit), options.format)
