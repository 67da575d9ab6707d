"""Pieces that the parsers of several commands share."""

import argparse
from pathlib import Path
from typing import Any


def command(commands: Any, name: str, function: Any, text: str, *positional: str) -> argparse.ArgumentParser:
    """The parser of one command, which ``function`` carries out (None: it has commands of its own)."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    for argument in positional:
        parser.add_argument(argument)
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if function is not None:
        parser.set_defaults(command=function)
    return parser


def formatted(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds ``--format csv|json``."""
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    return parser


def with_engine(parser: argparse.ArgumentParser) -> None:
    """Adds where the work runs."""
    parser.add_argument("--engine", choices=("local", "dask"), default="local", help="where the work runs")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask scheduler (default: workers here)")


def with_memory(parser: argparse.ArgumentParser) -> None:
    """Adds how much memory a build may take."""
    parser.add_argument("--memory", default="4GB", help="for all blocks at work together (default: 4GB)")
