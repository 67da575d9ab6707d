"""Commands about genes: one gene, gene sets in the rankings."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core import workflows
from core.commands.arguments import command, formatted
from core.commands.console import Console, print_json, print_table
from core.store.workspace import Workspace

TABLES = ("labels", "correlated", "ranks")


def register(commands: Any) -> None:
    """Adds these commands to the parser."""
    gene = formatted(command(commands, "gene", _gene, "one gene: its ranks, its expression by label", "name"))
    gene.add_argument("gene", help="symbol or Ensembl id")
    gene.add_argument("--table", choices=TABLES, default="labels", help="which one as CSV; JSON has all")
    gene.add_argument("--top", type=int, default=50, help="correlated genes (default: 50)")
    gene.add_argument("--sign", choices=("+", "-"), default="+", help="genes that go with it, or against it")
    gene.add_argument("--scale", choices=workflows.SCALES, default="length", help="of expression by label")

    enrich = formatted(command(commands, "enrich", _enrich, "gene sets near the top of the rankings", "name"))
    enrich.add_argument("sets", type=Path, metavar="SETS.gmt")
    ranked_by = tuple(workflows.RANKED_BY)
    ranking = f"what genes are ranked by, of {', '.join(ranked_by)} (default: signal)"
    enrich.add_argument("--sort", choices=ranked_by, default="signal", metavar="COLUMN", help=ranking)
    enrich.add_argument("--top", type=int, default=500, help="genes of the over-representation test (default: 500)")
    how = "rank: rank-sum and over-representation; gsea: preranked GSEA with permutations (default: rank)"
    enrich.add_argument("--statistic", choices=("rank", "gsea"), default="rank", help=how)
    weight = "exponent of the score in GSEA's running sum: 1, or 0 for ranks alone (default: 1)"
    enrich.add_argument("--weight", type=float, default=1.0, help=weight)
    enrich.add_argument("--permutations", type=int, default=1000, help="of genes, for GSEA (default: 1000)")


def _gene(workspace: Workspace, options: argparse.Namespace) -> None:
    name, gene = options.name, options.gene
    if options.format == "csv" and options.table == "labels":
        print_table(workflows.expression_by_label(workspace, name, gene, options.scale), "csv")
        return
    ranks = workflows.gene_ranks(workspace, name, gene)
    if options.format == "csv" and options.table == "ranks":
        print_table(ranks, "csv")
        return
    found = workflows.correlated_genes(workspace, name, gene, options.top, options.sign)
    print(f"note: {found.text}", file=sys.stderr)
    correlated = found.table.drop(columns="position")
    if options.format == "csv":
        print_table(correlated, "csv")
        return
    view = workflows.gene(workspace, name, gene)
    labels = workflows.expression_by_label(workspace, name, gene, options.scale)
    unit = workflows.unit_of(workspace.dataset(name), options.scale)
    tables = {"ranks": ranks, "labels": labels, "correlated": correlated}
    content = {"gene": dict(view.row), "unit": unit, "biosamples_of_correlation": found.used}
    print_json(content | {key: table.to_dict("records") for key, table in tables.items()})


def _enrich(workspace: Workspace, options: argparse.Namespace) -> None:
    sets = workflows.read_gene_sets(options.sets)
    if options.statistic == "gsea":
        chosen = (options.sort, options.weight, options.permutations)
        found = workflows.gsea(workspace, options.name, sets, *chosen, progress=Console())
    else:
        found = workflows.enrich(workspace, options.name, sets, options.sort, options.top)
    left_out = len(sets) - len(found)
    if left_out:
        print(f"note: {left_out:,} of {len(sets):,} sets left out: 5 to 2,000 ranked genes each.", file=sys.stderr)
    print_table(found, options.format)
