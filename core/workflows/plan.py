"""What a build is asked for, and what it will read, checked before anything is written."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import CountsFileError, NotFoundError, RecipeError
from core.expression import neighbourhood
from core.sources import confined, gencode
from core.sources.archs4 import Archs4File
from core.sources.label_sources import LabelSources
from core.types import DoubleArray, IndexArray
from core.workflows.transcripts import MAPPING_COLUMNS, sum_transcripts

RECIPE_VERSION = 1


@dataclass(frozen=True)
class BuildRequest:
    """What to build: the counts file, what goes with it, and how to normalise.

    ``labels`` is a table or a folder; with ``label_rules`` (a vocabulary) the metadata are read for labels, too;
    ``label_parents`` (a table) says what labels imply.
    """

    counts: Path
    name: str
    labels: Path | None = None
    lengths: Path | None = None
    length_measure: str = "spliced"
    length_unit: str = "kb"
    repeated_genes: str = "sum"
    max_singlecell: float = 0.5
    engine: str = "local"
    scheduler: str | None = None
    memory: str = "4GB"
    label_rules: Path | None = None  # a vocabulary
    label_parents: Path | None = None

    def recipe(self) -> dict[str, Any]:
        """What the result depends on, checked. Raises RecipeError for a value out of its range."""
        _choose("length measure", self.length_measure, ("spliced", "genomic_span", "none"))
        _choose("length unit", self.length_unit, ("kb", "bp"))
        _choose("treatment of repeated genes", self.repeated_genes, ("sum", "keep"))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", self.name):
            raise RecipeError(
                f"{self.name!r} is no name for a dataset: use letters, digits, '-', '_' and '.' (64 at most)."
            )
        if self.lengths is None and self.length_measure != "none":
            raise RecipeError(
                "Gene lengths are missing: give a table or GTF with --lengths, "
                "or switch the step off with --length-measure none."
            )
        return {
            "version": RECIPE_VERSION,
            "length_measure": self.length_measure,
            "length_unit": self.length_unit,
            "repeated_genes": self.repeated_genes,
            "max_singlecell": self.max_singlecell,
            "neighbourhood_size": neighbourhood.SIZE,
        }

    @property
    def inputs(self) -> list[Path]:
        """The files that the fingerprint covers byte by byte. Raises NotFoundError for an input that is not there."""
        confined.check_paths(self.counts, self.lengths, self.labels, self.label_rules, self.label_parents)
        for path in (self.counts, self.lengths):
            if path is not None and not path.is_file():
                raise NotFoundError(f"There is no file {path}: check the path.")
        return [self.counts, *self.label_sources.files, *([] if self.lengths is None else [self.lengths])]

    @property
    def label_sources(self) -> LabelSources:
        """Where labels come from."""
        return LabelSources(self.labels, self.label_rules, self.label_parents)


@dataclass(frozen=True)
class Plan:
    """What is read from the counts file, and where it goes."""

    rows: IndexArray  # positions in the file of the biosamples that are read from it
    group: IndexArray  # file gene -> gene of the dataset; -1 = left out
    genes: pd.DataFrame  # G rows
    biosamples: pd.DataFrame  # n rows
    labels: pd.DataFrame
    transcripts: pd.DataFrame
    keep: IndexArray  # genes of the dataset that are in Y
    length: DoubleArray  # what Q is divided by, for those genes
    facts: dict[str, Any]

    def arrays(self, starts: list[int]) -> dict[str, npt.NDArray[Any]]:
        """What the tasks of a build need; ``starts`` as in ``core.store.tiles.TiledMatrix``."""
        series, _ = pd.factorize(self.biosamples["series_id"].replace("", np.nan))
        names = sorted(self.labels["label"].unique())
        return {
            "rows": self.rows,
            "group": self.group,
            "n_genes": np.array(len(self.genes)),
            "keep": self.keep,
            "length": self.length,
            "starts": np.array(starts),
            "series": series.astype(np.intp),
            "label_names": np.array(names, dtype=np.str_),
            "label_rows": pd.Index(self.biosamples["sample_id"]).get_indexer(pd.Index(self.labels["sample_id"])),
            "label_columns": pd.Index(names).get_indexer(pd.Index(self.labels["label"])),
        }


def make_plan(request: BuildRequest, annotations: Path | None = None) -> Plan:
    """Reads everything but the counts, and checks that it fits together. Raises InputError.

    ``annotations``: folder in which what was found in a GTF is kept.
    """
    with Archs4File(request.counts) as source:
        single_cell = source.biosamples["singlecellprobability"].to_numpy(dtype=np.float64) >= request.max_singlecell
        rows = np.flatnonzero(~single_cell)
        if len(rows) == 0:
            raise CountsFileError(
                f"{request.counts}: every biosample counts as single-cell: raise the limit to keep some."
            )
        features, by_transcript = source.genes, source.level == "transcript"
        biosamples = source.biosamples.iloc[rows].reset_index(drop=True)
        left_out = source.biosamples["sample_id"][single_cell]
        facts: dict[str, Any] = {"layout": source.layout, "archs4_version": source.version, "organism": source.organism}
        facts |= {"simulated": source.simulated, "n_file_biosamples": source.shape[0], "n_file_genes": source.shape[1]}
    labelled = request.label_sources.read(biosamples, set(left_out))
    labels = labelled.table
    lengths, transcripts = _annotation(request, annotations)
    if by_transcript:
        group, genes, transcripts, told = _summed(request, features, transcripts)
        facts |= told
        repeated: list[str] = []
    else:
        group, genes, repeated = group_genes(features, request.repeated_genes)
    bp = np.full(len(genes), np.nan) if lengths is None else gencode.match_lengths(genes, lengths, _measure(request))
    genes = genes.assign(length_bp=bp, normalised=np.isfinite(bp) | (request.length_measure == "none"))
    keep = np.flatnonzero(genes["normalised"])
    if len(keep) == 0:
        raise RecipeError(
            f"No gene of {request.counts} has a length in {request.lengths}: check that both are of one species."
        )
    divisor = (
        np.ones(len(keep))
        if request.length_measure == "none"
        else bp[keep] / (1000.0 if request.length_unit == "kb" else 1.0)
    )
    no_length = [] if request.length_measure == "none" else genes.loc[~genes["normalised"], "symbol"].tolist()
    facts["sources"] = {key: str(value.resolve()) for key, value in asdict(request).items() if isinstance(value, Path)}
    shared = sorted(genes.loc[genes["symbol"].duplicated() & (genes["symbol"] != ""), "symbol"].unique())
    facts |= {"n_genes_all": len(genes), "n_genes": len(keep), "n_single_cell": int(single_cell.sum())}
    facts |= {"shared_symbols": shared, "repeated_genes": repeated, "without_length": no_length}
    facts |= {"label_notes": labelled.notes}
    facts |= count_facts(biosamples, labels, facts)
    return Plan(rows, group, genes, biosamples, labels, transcripts, keep, divisor, facts)


def count_facts(biosamples: pd.DataFrame, labels: pd.DataFrame, facts: dict[str, Any]) -> dict[str, Any]:
    """What there is of biosamples, labels and series, and what to know of it; ``facts`` are those about genes."""
    counted = {
        "n_biosamples": len(biosamples),
        "n_series": biosamples["series_id"].replace("", np.nan).nunique(),
        "n_labels": labels["label"].nunique(),
        "n_labelled": labels["sample_id"].nunique(),
    }
    return counted | {"warnings": _warnings(facts | counted)}


def gene_keys(genes: pd.DataFrame) -> pd.Series:
    """What tells genes apart: the Ensembl id without its version where there is one, else the symbol."""
    plain = genes["ensembl_gene_id"].str.replace(r"\.\d+$", "", regex=True)
    return plain.where(plain != "", "symbol:" + genes["symbol"])


def group_genes(genes: pd.DataFrame, treatment: str) -> tuple[IndexArray, pd.DataFrame, list[str]]:
    """Which dataset gene each file gene goes to, the dataset's genes, and the names of those that repeat.

    Genes are keyed by Ensembl id where there is one, else by symbol; repeats of a key are summed, or kept apart.
    """
    plain = genes["ensembl_gene_id"].str.replace(r"\.\d+$", "", regex=True)
    key = gene_keys(genes)
    repeated = sorted(genes.loc[key.duplicated(), "symbol"].unique())
    if treatment == "keep":
        return np.arange(len(genes)), genes.assign(ensembl_gene_id=plain), repeated
    codes, _ = pd.factorize(key)
    first = ~key.duplicated()
    return codes.astype(np.intp), genes.assign(ensembl_gene_id=plain)[first].reset_index(drop=True), repeated


def _annotation(request: BuildRequest, kept: Path | None) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """Lengths (None where there are none), and the transcripts that they came with."""
    if request.lengths is None:
        return None, pd.DataFrame({name: pd.Series(dtype="str") for name in MAPPING_COLUMNS})
    return gencode.read_annotation(request.lengths, kept)


def _summed(
    request: BuildRequest, features: pd.DataFrame, transcripts: pd.DataFrame
) -> tuple[IndexArray, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """For a file of transcripts: the gene of each, the genes, the transcripts that are known, and what to tell.

    A length table names one transcript of each gene, which makes no sum: only a GTF says which belong together.
    """
    is_gtf = request.lengths is not None and gencode.is_gtf(request.lengths)
    name = request.lengths.name if request.lengths else ""
    summed = sum_transcripts(features, transcripts if is_gtf else None, name, request.counts)
    told = {"level": "transcript", "n_file_genes": len(summed.genes), "n_file_transcripts": len(features)}
    told |= {"transcripts_without_gene": summed.without, "summed": summed.words}
    return summed.group, summed.genes, transcripts if is_gtf else summed.mapping, told


def _measure(request: BuildRequest) -> gencode.Measure:
    return "genomic_span" if request.length_measure == "genomic_span" else "spliced"


def _warnings(facts: dict[str, Any]) -> list[str]:
    found = [facts["summed"]] if facts.get("summed") else []
    if facts["n_single_cell"]:
        found.append(f"{facts['n_single_cell']} biosamples left out as single-cell.")
    if facts["repeated_genes"]:
        found.append(f"{len(facts['repeated_genes'])} genes stand in the file more than once.")
    if facts["shared_symbols"]:
        found.append(f"{len(facts['shared_symbols'])} symbols belong to several genes, kept apart by Ensembl id.")
    if facts["without_length"]:
        found.append(f"{len(facts['without_length'])} genes have no length and are kept out of Y.")
    found += facts.get("label_notes", [])
    if not facts["n_labels"]:
        found.append("No labels: rankings work, but tissue figures, the classifier and the GAN need them.")
    elif facts["n_labelled"] < facts["n_biosamples"]:
        found.append(f"{facts['n_biosamples'] - facts['n_labelled']} biosamples have no label.")
    return found


def _choose(what: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise RecipeError(f"{value!r} is no {what}: choose one of {', '.join(options)}.")
