"""Commands about ARCHS4 files on servers: the releases, some biosamples of one, a whole file."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import Console, print_json, print_table
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    formatted(command(commands, "releases", _releases, "list the ARCHS4 files that are published for download"))

    fetch = command(commands, "fetch", _fetch, "some biosamples of an ARCHS4 file on a server, as a file to build from")
    _with_source(fetch)
    fetch.add_argument("--search", default="", metavar="WORDS", help="each in an id, title, source or characteristic")
    fetch.add_argument("--regex", default="", metavar="RE", help="a pattern, in the same fields")
    fetch.add_argument("--samples", type=Path, metavar="FILE", help="a text or table with ids of biosamples (GSM...)")
    fetch.add_argument("--label-rules", default="", metavar="LABEL", help="those that the label rules call so: brain")
    fetch.add_argument("--limit", type=int, metavar="N", help="no more than so many, drawn at random")
    fetch.add_argument("--seed", type=int, default=1, help="of that draw (default: 1)")
    fetch.add_argument(
        "--max-singlecell", type=float, default=0.5, help="leave out biosamples of this probability or more"
    )
    fetch.add_argument("--estimate", action="store_true", help="only say what it would take, measured; fetch nothing")
    fetch.add_argument("--out", type=Path, metavar="FILE.h5", help="default: the folder downloads of the data folder")
    fetch.add_argument("--format", choices=("text", "json"), default="text", help="of what is printed")

    whole = command(commands, "download", _download, "a whole ARCHS4 file; goes on where an earlier attempt stopped")
    _with_source(whole)
    whole.add_argument("--out", type=Path, metavar="FILE|FOLDER", help="default: in downloads/ of the data folder")


def _with_source(parser: argparse.ArgumentParser) -> None:
    told = "an id that 'releases' lists, or an address (https://, http://, s3://bucket/key)"
    parser.add_argument("source", metavar="RELEASE|ADDRESS", help=told)


def _releases(workspace: Workspace, options: argparse.Namespace) -> None:
    table = workflows.releases()
    print_table(table.astype(object).where(table.notna(), None), options.format)


def _fetch(workspace: Workspace, options: argparse.Namespace) -> None:
    choice = workflows.RemoteChoice(
        search=options.search, regex=options.regex, label=options.label_rules, limit=options.limit, seed=options.seed,
        max_singlecell=options.max_singlecell,
    )  # fmt: skip
    if options.samples is not None:
        choice = workflows.with_samples(choice, options.samples)
    request = workflows.FetchRequest(options.source, choice, options.out)
    if options.estimate or not workflows.is_fetched(workspace, request):
        measured = workflows.estimate(workspace, request, Console())
        if options.estimate:
            _say(options.format, measured.__dict__, measured.words)
            return
        print(f"note: {measured.words}", file=sys.stderr)
    outcome = workflows.fetch(workspace, request, Console())
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    _say(options.format, outcome.__dict__ | {"path": str(outcome.path)}, outcome.words)


def _download(workspace: Workspace, options: argparse.Namespace) -> None:
    path, cached = workflows.download_file(workspace, options.source, options.out, Console())
    size = path.stat().st_size / 1e9
    print(f"{path} {'was there already' if cached else 'is complete'} ({size:,.2f} GB).")


def _say(form: str, content: dict[str, object], words: str) -> None:
    if form == "json":
        print_json(content)
    else:
        print(words)
