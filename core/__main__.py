"""The command line: the same workflows as the pages, without a browser.

Results go to standard output, progress to standard error. Exit status: 0 done, 2 bad input, 1 anything else.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from core import access, logs
from core.commands import (
    audit,
    backup,
    biosamples,
    datasets,
    disk,
    genes,
    health,
    jobs,
    models,
    projections,
    remote,
    reports,
    results,
    samples,
)
from core.commands.console import one_line
from core.errors import ArchscopeError, InputError
from core.settings import data_dir
from core.sources import confined
from core.store.disk import trouble
from core.store.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status."""
    options = _parser().parse_args(arguments)
    logs.set_up("command", logging.WARNING)
    try:
        with confined.free(), access.acting_as(access.operator()):  # whoever has a shell has the files
            options.command(Workspace(options.data_dir), options)
    except InputError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except ArchscopeError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; the same command goes on from what is finished.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe (head, say) has seen enough
        sys.stderr.close()
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"error: {one_line(trouble(error, options.data_dir or data_dir()))}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data-dir", type=Path, default=None, help=f"folder of datasets and runs (default: {data_dir()})"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for about in (
        datasets, genes, models, projections, samples, biosamples, jobs, reports, results, remote, backup, disk, audit,
        health,
    ):  # fmt: skip
        about.register(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
