"""Commands about biosamples: finding them, and comparing two lists of them gene by gene."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import Console, print_json, print_table
from core.errors import InputError, NotFoundError
from core.store.biosample_search import SampleQuery
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    samples = formatted(command(commands, "samples", _samples, "find biosamples by words, pattern or label", "name"))
    samples.add_argument("--search", default="", metavar="WORDS", help="every word, in id, series, title, source, ...")
    samples.add_argument("--regex", default="", metavar="RE", help="a pattern (RE2) that one of these fields matches")
    samples.add_argument("--label", action="append", default=[], metavar="L", help="again for any of several")
    samples.add_argument("--limit", type=int)

    compare = formatted(command(commands, "compare", _compare, "two lists of biosamples, gene by gene", "name"))
    compare.add_argument("a", type=Path, metavar="A.txt", help="ids of biosamples, one a line")
    compare.add_argument("b", type=Path, metavar="B.txt", help="those to compare them with")


def _samples(workspace: Workspace, options: argparse.Namespace) -> None:
    chosen = (("label", tuple(options.label)),) if options.label else ()
    names = workspace.dataset(options.name).label_names
    for label in options.label:
        if label not in names:
            raise NotFoundError(f"No biosample of {options.name!r} has the label {label!r}: see 'labels'.")
    if options.limit is not None and options.limit < 1:
        raise InputError(f"--limit {options.limit} leaves no biosample: give 1 or more.")
    query = SampleQuery(options.search, options.regex, chosen)
    print_table(workflows.search_biosamples(workspace, options.name, query, options.limit), options.format)


def _compare(workspace: Workspace, options: argparse.Namespace) -> None:
    dataset = workspace.dataset(options.name)
    a, b = (_ids(workspace, options.name, path) for path in (options.a, options.b))
    for text in workflows.series_warnings(dataset, a, b):
        print(f"note: {text}", file=sys.stderr)
    found = workflows.compare_carts(workspace, options.name, a, b, Console())
    print(f"note: {found.method}", file=sys.stderr)
    table = found.genes.drop(columns=["position", "normalised"])
    if options.format == "csv":
        print_table(table, "csv")
    else:
        print_json({"a": a, "b": b, "method": found.method, "genes": table.to_dict("records")})


def _ids(workspace: Workspace, name: str, path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list: give a text file, one id a line ({error}).") from error
    known, unknown = workflows.read_ids(workspace.dataset(name), text)
    if unknown:
        few = ", ".join(repr(one) for one in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise NotFoundError(f"{path}: {len(unknown):,} of its ids are not in dataset {name!r} ({few}): take them out.")
    return known
