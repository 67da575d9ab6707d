"""Commands about datasets: build, add, labels, rankings, neighbourhoods."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted, with_engine, with_memory
from core.commands.console import Console, print_json, print_table
from core.sources.label_sources import SHIPPED_PARENTS, SHIPPED_RULES
from core.store.results import RANKING_COLUMNS, SORTABLE, RankingQuery
from core.store.workspace import Workspace


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    build = command(commands, "build", _build, "read, normalise and measure an ARCHS4 file")
    build.add_argument("file", type=Path, metavar="FILE.h5")
    build.add_argument("--name", required=True, help="name of the dataset")
    _with_labels(build, "table sample_id<TAB>label, or folder with a folder of tables for each label")
    build.add_argument(
        "--lengths", type=Path, metavar="TABLE|GTF|gencode:vN",
        help="gene length table, a GENCODE GTF (plain or gzip), or a release that 'gencode' lists: gencode:v41, "
        "gencode:vM30; its GTF is downloaded once",
    )  # fmt: skip
    build.add_argument("--length-unit", choices=("kb", "bp"), default="kb")
    build.add_argument("--length-measure", choices=("spliced", "genomic_span", "none"), default="spliced")
    build.add_argument(
        "--repeated-genes", choices=("sum", "keep"), default="sum", help="genes that stand in the file twice"
    )
    build.add_argument(
        "--max-singlecell", type=float, default=0.5, help="leave out biosamples of this probability or more"
    )
    with_engine(build)
    with_memory(build)

    more = command(commands, "add", _add, "add the biosamples of another file to a dataset", "name")
    more.add_argument("file", type=Path, metavar="FILE.h5")
    _with_labels(more, "table sample_id<TAB>label or folder of labels, of new biosamples or old ones")
    more.add_argument(
        "--target", choices=("moved", "kept"), default="moved",
        help="moved: as if built from all biosamples at once; kept: what was normalised stays as it is",
    )  # fmt: skip
    with_engine(more)
    with_memory(more)

    command(commands, "demo", _demo, "create the simulated demo dataset")
    formatted(command(commands, "datasets", _datasets, "list the datasets"))

    formatted(command(commands, "labels", _labels, "labels in use, and what set each of them", "name"))
    label = command(commands, "label", _label, "add a label to biosamples, or remove it from them", "name", "label")
    label.add_argument("samples", nargs="+", metavar="SAMPLE", help="ids of biosamples")
    label.add_argument("--remove", action="store_true", help="remove the label")
    label.add_argument("--note", default="", help="why; kept with the edit")

    rankings = formatted(command(commands, "rankings", _rankings, "genes by signal, mean cosine and more", "name"))
    rankings.add_argument("--sort", choices=SORTABLE, default="signal", metavar="COLUMN")
    rankings.add_argument("--limit", type=int)

    hood = formatted(command(commands, "neighbourhood", _neighbourhood, "the biosamples behind a gene", "name"))
    hood.add_argument("gene", help="symbol or Ensembl id")


def _with_labels(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--labels", type=Path, metavar="TABLE|FOLDER", help=text)
    parser.add_argument(
        "--label-rules", type=Path, nargs="?", const=SHIPPED_RULES, metavar="VOCABULARY",
        help="label by rules over title, source name and characteristics (default: the vocabulary in data/)",
    )  # fmt: skip
    parser.add_argument(
        "--parents", type=Path, nargs="?", const=SHIPPED_PARENTS, metavar="TABLE", dest="label_parents",
        help="labels imply others: cerebellum is brain, too (default: the table in data/; rules always use it)",
    )  # fmt: skip


def _build(workspace: Workspace, options: argparse.Namespace) -> None:
    names = (
        "name",
        "labels",
        "label_rules",
        "label_parents",
        "lengths",
        "length_measure",
        "length_unit",
        "repeated_genes",
        "engine",
        "scheduler",
        "memory",
    )
    chosen = {name: getattr(options, name) for name in names}
    request = workflows.BuildRequest(options.file, max_singlecell=options.max_singlecell, **chosen)
    outcome = workflows.build(workspace, request, Console())
    _print_notes(outcome)
    if outcome.cached:
        print(
            f"Dataset {outcome.name!r} is already built from this content with this recipe: nothing to do (cache hit)."
        )
    else:
        print(f"Dataset {outcome.name!r} built in {outcome.seconds:.1f} s.")


def _add(workspace: Workspace, options: argparse.Namespace) -> None:
    where = {n: getattr(options, n) for n in ("engine", "scheduler", "memory", "label_rules", "label_parents")}
    request = workflows.AddRequest(options.name, options.file, options.labels, options.target == "kept", **where)
    outcome = workflows.add(workspace, request, Console())
    _print_notes(outcome)
    state = "has nothing to add (cache hit)" if outcome.cached else f"updated in {outcome.seconds:.1f} s"
    print(f"Dataset {outcome.name!r} {state}.")


def _print_notes(outcome: workflows.BuildOutcome) -> None:
    for warning in outcome.warnings:
        print(f"note: {warning}", file=sys.stderr)


def _demo(workspace: Workspace, options: argparse.Namespace) -> None:
    outcome = workflows.create_demo(workspace, Console())
    state = "is already built (cache hit)" if outcome.cached else f"built in {outcome.seconds:.1f} s"
    print(f"Simulated dataset {outcome.name!r} {state}.")


def _datasets(workspace: Workspace, options: argparse.Namespace) -> None:
    print_table(workflows.datasets(workspace), options.format)


def _labels(workspace: Workspace, options: argparse.Namespace) -> None:
    print_table(workflows.labels(workspace, options.name), options.format)


def _label(workspace: Workspace, options: argparse.Namespace) -> None:
    action = "remove" if options.remove else "add"
    done = workflows.edit_labels(workspace, options.name, options.samples, options.label, action, options.note)
    print(done.text)


def _rankings(workspace: Workspace, options: argparse.Namespace) -> None:
    query = RankingQuery(sort=options.sort, limit=options.limit)
    print_table(workflows.rankings(workspace, options.name, query)[list(RANKING_COLUMNS)], options.format)


def _neighbourhood(workspace: Workspace, options: argparse.Namespace) -> None:
    view = workflows.neighbourhood(workspace, options.name, options.gene)
    if options.format == "csv":
        print_table(view.members, "csv")
        return
    random = {"mean": view.random.mean(), "sd": view.random.std(ddof=1), "sets": len(view.random)}
    found = workflows.baselines(workspace, options.name, options.gene)
    content = {"gene": dict(view.row), "unit": view.unit, "random_mean_cosine": random}
    content["different_series"] = {"mean_cosine": view.apart, "pairs": view.pairs_apart}
    content["baselines_by"] = {"seed": found.seed, "cosines": "whole profiles" if found.exact else "principal axes"}
    tables = {"members": view.members, "labels": view.labels, "series": view.series, "baselines": found.summary}
    print_json(content | {name: table.to_dict("records") for name, table in tables.items()})
