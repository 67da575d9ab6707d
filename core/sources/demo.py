"""The dataset that ARCHScope makes for itself on first start: simulated counts in the ARCHS4 v2 layout.

Gene symbols, Ensembl ids and markers are real (data/demo_genes.tsv, data/demo_markers.tsv); every count, length,
biosample and series is drawn from ``demo_model`` and ``demo_plan``, and says so in the file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import RecipeError
from core.settings import SHIPPED_DATA
from core.sources.archs4 import write_archs4
from core.sources.demo_model import ExpressionModel, draw_counts, draw_lengths, draw_model
from core.sources.demo_plan import KIND_INDEX, Design, Rng, describe, label_table, plan_biosamples
from core.types import Progress, silent

GENES_FILE = SHIPPED_DATA / "demo_genes.tsv"
MARKERS_FILE = SHIPPED_DATA / "demo_markers.tsv"
MIN_BIOSAMPLES = 200
MIN_GENES = 1000
N_WITHOUT_LENGTH = 25
EXAMPLE_KIND = "brain"
MIXED_KINDS = ("liver", "blood", "heart", "brain", "hepg2", "testis")


@dataclass(frozen=True)
class DemoFiles:
    """What ``write_demo`` wrote.

    ``counts`` .h5; ``labels`` sample_id, tissue; ``lengths`` in the columns of a length table; ``example`` one fresh
    biosample (gene, count) and ``example_mixed`` six (gene and a column each), none of them in the dataset.
    """

    counts: Path
    labels: Path
    lengths: Path
    example: Path
    example_mixed: Path


def write_demo(
    directory: Path, seed: int = 1, n_biosamples: int = 1500, n_genes: int = 6000, progress: Progress = silent
) -> DemoFiles:
    """Write the simulated dataset to ``directory``: ``n_biosamples`` bulk biosamples, and 1 in 37 more single cells.

    The same arguments give the same arrays. Raises RecipeError for a size that the simulation cannot do.
    """
    markers = read_markers()
    genes_rng, length_rng, model_rng, plan_rng, count_rng, fresh_rng = np.random.default_rng(seed).spawn(6)
    genes = choose_genes(n_genes, markers, genes_rng)
    if n_biosamples < MIN_BIOSAMPLES:
        raise RecipeError(
            f"{n_biosamples} biosamples are too few to simulate every tissue: ask for {MIN_BIOSAMPLES} or more."
        )
    lengths = draw_lengths(genes, markers, length_rng)
    model = draw_model(genes, markers, lengths["longest_transcript_spliced_length"].to_numpy(dtype=float), model_rng)
    design = plan_biosamples(n_biosamples, plan_rng)
    biosamples = describe(design, plan_rng)
    counts = draw_counts(model, design, count_rng, progress)
    biosamples["alignedreads"] = counts.sum(axis=1, dtype=np.float64)

    directory.mkdir(parents=True, exist_ok=True)
    files = DemoFiles(*(directory / name for name in (
        "demo.h5", "demo_labels.tsv", "demo_lengths.tsv", "example_brain.csv", "example_mixed.csv")))  # fmt: skip
    progress("write", 0, 1)
    write_archs4(files.counts, counts, genes, biosamples, _info(seed))
    labels = label_table(design, biosamples["sample_id"].to_numpy(dtype=object))
    labels.to_csv(files.labels, sep="\t", index=False)
    _leave_out(lengths, genes, markers, length_rng).to_csv(files.lengths, sep="\t", index=False)
    _write_fresh(files.example, model, genes, (EXAMPLE_KIND,), ["count"], fresh_rng)
    _write_fresh(
        files.example_mixed, model, genes, MIXED_KINDS, [f"simulated_{kind}" for kind in MIXED_KINDS], fresh_rng
    )
    progress("write", 1, 1)
    return files


def read_markers() -> pd.DataFrame:
    """Known genes: group (a tissue, cell line or programme), type, symbol."""
    return pd.read_csv(MARKERS_FILE, sep="\t", keep_default_na=False)


def choose_genes(n_genes: int, markers: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """``n_genes`` rows of the shipped gene table in its order: symbol, ensembl_gene_id, biotype.

    Markers, mitochondrial genes and repeated symbols always stay. Raises RecipeError below MIN_GENES or above the
    size of the table.
    """
    table = pd.read_csv(GENES_FILE, sep="\t", keep_default_na=False)
    if not MIN_GENES <= n_genes <= len(table):
        raise RecipeError(f"{n_genes} genes cannot be simulated: ask for {MIN_GENES} to {len(table)}.")
    symbol = table["symbol"]
    kept = symbol.isin(markers["symbol"]) | symbol.str.startswith("MT-") | symbol.duplicated(keep=False)
    others = rng.choice(np.flatnonzero(~kept), n_genes - int(kept.sum()), replace=False)
    rows = np.sort(np.concatenate([np.flatnonzero(kept), others]))
    return table.iloc[rows].reset_index(drop=True)


def _info(seed: int) -> dict[str, str]:
    return {
        "description": "SIMULATED demo data of ARCHScope: real gene names, but no biosample was ever measured",
        "organism": "Homo sapiens",
        "simulated": "yes",
        "version": "demo-1",
        "author": "ARCHScope simulation with negative-binomial counts",
        "seed": str(seed),
    }


def _leave_out(lengths: pd.DataFrame, genes: pd.DataFrame, markers: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """The length table without 25 genes that nobody named: 15 have no row, 10 a row with blanks, as tables do."""
    usual = ~genes["symbol"].isin(markers["symbol"]) & ~genes["symbol"].str.startswith("MT-")
    unnamed = np.flatnonzero(usual & ~genes["symbol"].duplicated(keep=False))
    chosen = rng.choice(unnamed, N_WITHOUT_LENGTH, replace=False)
    columns = ["longest_transcript_spliced_length", "longest_transcript_genomic_span"]
    table = lengths.astype(dict.fromkeys(columns, "Int64"))
    table.loc[chosen[:10], columns] = pd.NA
    return table[~np.isin(np.arange(len(table)), chosen[10:])]


def _write_fresh(
    path: Path, model: ExpressionModel, genes: pd.DataFrame, kinds: tuple[str, ...], names: list[str], rng: Rng
) -> None:
    """Biosamples of a new series and new donors, by symbol; without repeated symbols, which would be ambiguous."""
    n = len(kinds)
    kind = np.array([KIND_INDEX[name] for name in kinds])
    nobody = np.zeros(n, dtype=bool)
    counts = draw_counts(model, Design(kind, np.zeros(n, dtype=np.intp), np.arange(n), nobody, nobody), rng)
    table = pd.DataFrame(counts.T, columns=names)
    table.insert(0, "gene", genes["symbol"])
    table[~genes["symbol"].duplicated(keep=False)].to_csv(path, index=False)
