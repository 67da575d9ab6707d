"""Tables of the programs that count reads, recognised by header or special rows: which columns and rows count.

Read: kallisto abundance.tsv, salmon quant.sf and quant.genes.sf, STAR ReadsPerGene.out.tab and the table that the
GDC makes of it, featureCounts, HTSeq-count, RSEM genes.results and isoforms.results.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

import numpy as np

from core.errors import SampleFileError
from core.sources.table_lines import is_number
from core.types import SampleValues

KALLISTO = ["target_id", "length", "eff_length", "est_counts", "tpm"]
_FEATURE_COUNTS = ["geneid", "chr", "start", "end", "strand", "length"]
_GDC = ["gene_id", "gene_name", "gene_type", "unstranded", "stranded_first", "stranded_second"]
STAR_ROWS = frozenset({"N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"})
_HTSEQ = ("no_feature", "ambiguous", "too_low_aQual", "not_aligned", "alignment_not_unique")
HTSEQ_ROWS = frozenset({*_HTSEQ, *(f"__{name}" for name in _HTSEQ)})
# From which share of the reads of both strands on one strand alone is counted; between this and even, it is unclear.
STRANDED, UNCLEAR = 0.8, 0.65
# What files of these programs are called after the sample.
_ENDINGS = re.compile(
    r"[._-]?(ReadsPerGene\.out|(rna_seq\.)?augmented_star_gene_counts|genes\.results|isoforms\.results|htseq[._]counts?"
    r"|featureCounts|counts?|sf)$",
    re.IGNORECASE,
)
_BAM = re.compile(
    r"[._-]?(Aligned\.(sortedByCoord\.|toTranscriptome\.)?out|sort(ed)?|mark_?dup(licates|ed)?|dedup)$", re.I
)
SYMBOL_HEADERS = {"gene_name", "gene_symbol", "genename", "symbol", "hgnc_symbol", "external_gene_name", "feature_name"}
ID_HEADERS = {"gene_id", "geneid", "ensembl_gene_id", "ensembl_id", "ensembl"}
_TEXT_HEADERS = {"description", "gene_type", "gene_biotype", "biotype", "gene_description", "type", "chr", "chromosome"}


@dataclass(frozen=True)
class TableForm:
    """What the columns of a table are: ``gene`` and ``symbol`` (or None) by position, ``values`` the columns that are
    read (None: all but the first), ``names`` of the samples ("" stands for the file's name; None: the header's).
    ``kind`` "" where the number of samples decides. ``counted``: counts by definition. ``strands``: three columns of
    one sample, of which one is chosen. ``repeats``: several rows may be of one gene. ``n_rows``: as declared.
    """

    kind: str = ""
    gene: int = 0
    symbol: int | None = None
    values: Sequence[int] | None = None
    names: list[str] | None = None
    notes: list[str] = field(default_factory=list)
    counted: bool = False
    strands: bool = False
    repeats: bool = False
    n_rows: int | None = None

    def columns(self) -> list[int] | None:
        """The columns to read, None for all of them."""
        if self.values is None:
            return None
        return sorted({self.gene, *self.values} | ({self.symbol} if self.symbol is not None else set()))


def recognise(header: list[str] | None, cells: list[str], second: list[str], name: str) -> TableForm:
    """The form of a table by its header (None where it has none), else by the cells of its first row.

    ``second``: the cells of the line after the first. Raises SampleFileError for what only looks like counts.
    """
    if header is None:
        return _without_header(cells)
    lower = [cell.lower().strip('"') for cell in header]
    for known in (_estimated, _rsem, _gdc, _feature_counts):
        if form := known(lower, header, name):
            return form
    return _annotated(lower, second, header)


def _without_header(cells: list[str]) -> TableForm:
    if len(cells) == 4 and cells[0] in STAR_ROWS:
        return TableForm(
            "STAR ReadsPerGene.out.tab", values=(1, 2, 3), names=["", "1", "2"], counted=True, strands=True
        )
    if len(cells) == 3 and not is_number(cells[1]):
        return TableForm("HTSeq-count table", symbol=1, values=(2,), names=[""], counted=True)
    return TableForm()


def _estimated(lower: list[str], header: list[str], name: str) -> TableForm | None:
    if lower == KALLISTO:
        at = KALLISTO.index("est_counts")
        notes = ["The column est_counts was used."]
        return TableForm("kallisto abundance.tsv", values=(at,), names=[""], notes=notes, counted=True)
    if lower[0] == "name" and {"length", "tpm", "numreads"} <= set(lower):
        at = lower.index("numreads")
        notes = [f"The column {header[at]} was used."]
        return TableForm("salmon quant.sf", values=(at,), names=[""], notes=notes, counted=True)
    return None


def _rsem(lower: list[str], header: list[str], name: str) -> TableForm | None:
    if "expected_count" not in lower or "gene_id" not in lower or len(lower) < 5:
        return None
    isoforms = lower[0] == "transcript_id"
    if not isoforms and "transcript_id(s)" not in lower:
        return None
    notes = ["The column expected_count was used."]
    if isoforms:
        notes.append("The isoforms of a gene were added up, by the column gene_id.")
    return TableForm(
        f"RSEM {'isoforms' if isoforms else 'genes'}.results", gene=lower.index("gene_id"),
        values=(lower.index("expected_count"),), names=[""], notes=notes, counted=True, repeats=isoforms,
    )  # fmt: skip


def _gdc(lower: list[str], header: list[str], name: str) -> TableForm | None:
    if lower[: len(_GDC)] != _GDC:
        return None
    kind = "GDC table of STAR counts"
    return TableForm(kind, symbol=1, values=(3, 4, 5), names=["", "1", "2"], counted=True, strands=True)


def _feature_counts(lower: list[str], header: list[str], name: str) -> TableForm | None:
    if lower[0] == "status" and all(cell.endswith((".bam", ".sam", ".cram")) for cell in lower[1:]):
        raise SampleFileError(
            f"{name}: this is the summary that featureCounts writes beside its table. Give the table itself."
        )
    if lower[: len(_FEATURE_COUNTS)] != _FEATURE_COUNTS:
        return None
    extra = [i for i, cell in enumerate(lower) if i >= 6 and cell in SYMBOL_HEADERS | _TEXT_HEADERS]
    values = [i for i in range(6, len(header)) if i not in extra]
    if not values:
        raise SampleFileError(f"{name}: a featureCounts table without a column of counts. Give the whole table.")
    symbol = next((i for i in extra if lower[i] in SYMBOL_HEADERS), None)
    names = bam_names([header[i] for i in values])
    return TableForm("featureCounts table", symbol=symbol, values=values, names=names, counted=True)


def _annotated(lower: list[str], second: list[str], header: list[str]) -> TableForm:
    """A matrix with columns that say more of each gene, as nf-core's gene_counts.tsv (gene_id, gene_name, samples)."""
    shift = len(second) - len(lower)  # R writes no name over the row names
    if shift not in (0, 1) or len(lower) < 3:
        return TableForm()
    said = {i + shift: cell for i, cell in enumerate(lower) if i + shift > 0}
    known = SYMBOL_HEADERS | ID_HEADERS | _TEXT_HEADERS
    texts = {i: cell for i, cell in said.items() if cell in known and not is_number(second[i])}
    values = [i for i in range(1, len(second)) if i not in texts]
    if not texts or not values:
        return TableForm()
    gene, symbol = 0, next((i for i, cell in texts.items() if cell in SYMBOL_HEADERS), None)
    other = next((i for i, cell in texts.items() if cell in ID_HEADERS), None)
    if other is not None and second[other].startswith("ENS") and not second[0].startswith("ENS"):
        gene, symbol = other, 0
    words = ", ".join(header[i - shift] for i in texts)
    names = [header[i - shift] for i in values]
    return TableForm(gene=gene, symbol=symbol, values=values, names=names, notes=[f"Taken for no sample: {words}."])


def bam_names(paths: list[str]) -> list[str]:
    """Sample names of alignment files: without folder and endings; the folder's name where the files' are all alike,
    and the paths as they are where that does not tell them apart either.
    """
    files = [_bam_name(PureWindowsPath(path).name) for path in paths]
    folders = [PureWindowsPath(path).parent.name for path in paths]
    both = [f"{folder}/{file}" if folder and file else "" for folder, file in zip(folders, files, strict=True)]
    for names in (files, folders, both):
        if len(set(names)) == len(names) and all(names):
            return names
    return paths


def _bam_name(name: str) -> str:
    name = re.sub(r"\.(bam|sam|cram)$", "", name, flags=re.IGNORECASE)
    while (shorter := _BAM.sub("", name)) != name:
        name = shorter
    return name


def short_name(stem: str) -> str:
    """What is left of a file's name without the program's own ending; all of it where nothing would be."""
    return _ENDINGS.sub("", stem) or stem


def choose_strand(values: SampleValues) -> tuple[int, str]:
    """Which of STAR's columns (3 x p: both strands, first read's, second's) counts this library, and a note on why.

    A library is stranded where one strand has at least 80 % of the reads that either has on the genes.
    """
    first, second = (float(np.sum(row, dtype=np.float64)) for row in values[1:])
    share = first / (first + second) if first + second else 0.5
    if max(share, 1 - share) >= STRANDED:
        read = "first" if share >= STRANDED else "second"
        why = f"{max(share, 1 - share):.0%} of the reads lie on the {read} read's strand"
        return 1 if read == "first" else 2, f"The library is stranded ({why}): that strand's column was used."
    why = f"{share:.0%} of the reads lie on the first read's strand"
    if max(share, 1 - share) >= UNCLEAR:
        return 0, f"Whether the library is stranded is unclear ({why}): the column of both strands was used."
    return 0, f"The library is not stranded ({why}): the column of both strands was used."
