"""Gene lengths and transcripts: from a length table or from a GENCODE or Ensembl GTF.

Spliced length is the sum of exons of the gene's longest transcript (longest by that sum; the first of equals).
Genomic span is the largest ``end - start + 1`` (GTF ends are inclusive) of any of the gene's transcripts, so it may
belong to another transcript than the spliced length.

A GTF takes seconds to go through, so what was found in it is kept by its content, where a folder for that is named.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from core.errors import LengthsError
from core.sources.fingerprint import content_fingerprint
from core.sources.text_tables import read_rows, stream_lines
from core.types import DoubleArray

Measure = Literal["spliced", "genomic_span"]

_TABLE_COLUMNS = {
    "symbol": "symbol",
    "ensembl_gene_id": "ensembl_gene_id",
    "longest_transcript_spliced_length": "spliced_bp",
    "longest_transcript_genomic_span": "span_bp",
}
_LENGTH_COLUMNS = ["symbol", "ensembl_gene_id", "spliced_bp", "span_bp", "transcript_id"]
_TRANSCRIPT_COLUMNS = ["transcript_id", "ensembl_gene_id", "symbol"]
_KEPT_VERSION = 1  # raised with every change of what is found in a GTF
_ENSEMBL = re.compile(r"(ENS[A-Z]*?[GTP])(R?)(\d+)(?:\.\d+)?(?:_PAR_Y)?")
_HEAD = re.compile(r'gene_id "([^"]+)"; (?:gene_version "[^"]*"; )?transcript_id "([^"]+)"')
_ATTRIBUTE = re.compile(r'(gene_id|transcript_id|gene_name) "([^"]*)"')


def strip_version(identifier: str) -> str:
    """An Ensembl id without version and PAR_Y mark (``ENSG00000182378.15_PAR_Y``, old ``ENSGR0000182378``).

    Anything that is not an Ensembl id comes back as it is.
    """
    if identifier[4:].isdigit():  # most ids have nothing to strip
        return identifier
    match = _ENSEMBL.fullmatch(identifier)
    if match is None:
        return identifier
    kind, par, number = match.groups()
    return f"{kind}0{number}" if par else f"{kind}{number}"


def read_annotation(path: Path, kept: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lengths and transcripts of a length table or a GTF, which is gone through once.

    Lengths in bp: symbol, ensembl_gene_id, spliced_bp, span_bp (NaN where blank), transcript_id; ids unversioned. One
    row a row of the table, or a gene of the GTF. PAR_Y copies count with the gene on X.
    Transcripts: transcript_id, ensembl_gene_id, symbol, unversioned, each once: every one of a GTF, or those that the
    table names.
    ``kept``: folder in which both are kept for the next time that a GTF of this very content is asked for.
    Raises LengthsError: columns missing, a length that is no positive number (with its line), no rows, GFF3.
    """
    if is_gtf(path):
        return _read_gtf(path) if kept is None else _read_kept(path, kept)
    lengths = _read_table(path)
    return lengths, _once(lengths[_TRANSCRIPT_COLUMNS])


def _read_gtf(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = list(_transcripts(path))
    named = pd.DataFrame([(t.id, t.gene, t.symbol) for t in found], columns=_TRANSCRIPT_COLUMNS)
    return _lengths_of(found), _once(named)


def _read_kept(path: Path, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was kept of this content, read from it now and kept where nothing whole is there."""
    stem = f"{content_fingerprint([path])}-{_KEPT_VERSION}"
    files = [folder / f"{stem}-{name}.parquet" for name in ("lengths", "transcripts")]
    with contextlib.suppress(OSError, ValueError):  # never kept, or damaged: the GTF is there
        lengths, transcripts = (pd.read_parquet(file) for file in files)
        return lengths, transcripts
    lengths, transcripts = _read_gtf(path)
    with contextlib.suppress(OSError):  # a folder that cannot be written costs seconds the next time, no more
        folder.mkdir(parents=True, exist_ok=True)
        for file, frame in zip(files, (lengths, transcripts), strict=True):
            aside = file.with_name(f".{file.name}.{os.getpid()}")
            frame.to_parquet(aside, index=False)
            aside.replace(file)
    return lengths, transcripts


def _once(named: pd.DataFrame) -> pd.DataFrame:
    return named[named["transcript_id"] != ""].drop_duplicates("transcript_id", ignore_index=True)


def _lengths_of(transcripts: Iterable["_Transcript"]) -> pd.DataFrame:
    spans: dict[str, int] = {}
    longest: dict[str, _Transcript] = {}
    for transcript in transcripts:
        gene = transcript.gene
        spans[gene] = max(spans.get(gene, 0), transcript.span)
        if gene not in longest or transcript.spliced > longest[gene].spliced:
            longest[gene] = transcript
    rows = [(t.symbol, gene, float(t.spliced), float(spans[gene]), t.id) for gene, t in longest.items()]
    return pd.DataFrame(rows, columns=_LENGTH_COLUMNS)


def match_lengths(genes: pd.DataFrame, lengths: pd.DataFrame, measure: Measure) -> DoubleArray:
    """Length (G) in bp of each gene, NaN where unknown: by Ensembl id without version first, then by symbol.

    Where an id or symbol has several rows, the longest counts. ``genes`` has G rows with GENE_COLUMNS.
    """
    column = {"spliced": "spliced_bp", "genomic_span": "span_bp"}[measure]
    known = lengths[lengths[column].notna()]
    ids = genes["ensembl_gene_id"].map(strip_version)
    by_id = ids.map(_longest(known, "ensembl_gene_id", column))
    by_symbol = genes["symbol"].map(_longest(known, "symbol", column))
    matched = by_id.astype(np.float64).fillna(by_symbol.astype(np.float64))
    return np.asarray(matched, dtype=np.float64)


def _longest(lengths: pd.DataFrame, key: str, column: str) -> "pd.Series[float]":
    named = lengths[lengths[key] != ""]
    return named.groupby(key)[column].max()


# -- tables ----------------------------------------------------------------------------------------------------------


def _read_table(path: Path) -> pd.DataFrame:
    header, numbered = read_rows(path, LengthsError)
    missing = [column for column in _TABLE_COLUMNS if column not in header]
    if missing:
        raise LengthsError(
            f"{path}: lacks the columns {', '.join(missing)}. A length table has {', '.join(_TABLE_COLUMNS)}; "
            "or give a GENCODE GTF."
        )
    rows = list(numbered)
    if not rows:
        raise LengthsError(f"{path}: has a header but no rows.")
    lines = [line for line, _ in rows]
    # R writes NA for a missing value.
    columns = [["" if cell == "NA" else cell for cell in column] for column in zip(*(c for _, c in rows), strict=True)]
    found = {known: columns[header.index(name)] for name, known in _TABLE_COLUMNS.items()}
    found["transcript_id"] = columns[header.index("transcript_id")] if "transcript_id" in header else [""] * len(lines)
    table = pd.DataFrame(found)[_LENGTH_COLUMNS]
    for name in ("ensembl_gene_id", "transcript_id"):
        table[name] = [strip_version(identifier) for identifier in table[name]]
    for name in list(_TABLE_COLUMNS)[2:]:
        table[_TABLE_COLUMNS[name]] = _parse_lengths(table[_TABLE_COLUMNS[name]], name, lines, path)
    return table


def _parse_lengths(cells: "pd.Series[str]", column: str, lines: Sequence[int], path: Path) -> DoubleArray:
    values = np.asarray(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
    bad = (cells != "").to_numpy() & ~((values > 0) & (values < np.inf))
    if bad.any():
        at = int(bad.argmax())
        raise LengthsError(
            f"{path}, line {lines[at]}: {column} is {cells[at]!r}. A length is a positive number of bases, or blank."
        )
    return values


# -- GTF -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Transcript:
    id: str
    gene: str
    symbol: str
    start: int
    end: int
    spliced: int = 0

    @property
    def span(self) -> int:
        return self.end - self.start + 1


def is_gtf(path: Path) -> bool:
    """Whether the first line with content is a GTF feature; raises LengthsError for GFF3."""
    head = itertools.islice(stream_lines(path, LengthsError), 1000)
    for line in head:
        if line.startswith("##gff-version"):
            raise LengthsError(f"{path}: this is GFF3. Give the GTF of the same GENCODE release.")
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            return len(fields) == 9 and fields[3].isdigit() and fields[4].isdigit() and "gene_id" in fields[8]
    return False


def _transcripts(path: Path) -> Iterable[_Transcript]:
    """Transcripts in file order, built from exons alone (a transcript spans its first to its last exon)."""
    found: dict[tuple[str, str], _Transcript] = {}
    for number, line in enumerate(stream_lines(path, LengthsError), start=1):
        if "\texon\t" not in line or line[0] == "#":
            continue
        chromosome, start, end, text = _exon(line, number, path)
        head = _HEAD.match(text)  # as GENCODE and Ensembl write it; the rest of a line is long
        raw = head[2] if head else dict(_ATTRIBUTE.findall(text)).get("transcript_id", "")
        # Keyed by chromosome and whole id: the X and Y copies of a PAR transcript must not add up.
        transcript = found.get((chromosome, raw))
        if transcript is None:
            transcript = found[chromosome, raw] = _transcript(text, start, end, number, path)
        if start < transcript.start:
            transcript.start = start
        if end > transcript.end:
            transcript.end = end
        transcript.spliced += end - start + 1
    if not found:
        raise LengthsError(f"{path}: a GTF without exon lines. Give the full GENCODE annotation.")
    return found.values()


def _transcript(text: str, start: int, end: int, number: int, path: Path) -> _Transcript:
    """A transcript at its first exon, by the attributes of that line."""
    attributes = dict(_ATTRIBUTE.findall(text))
    raw, gene = attributes.get("transcript_id"), attributes.get("gene_id")
    if not raw or not gene:
        raise LengthsError(f"{path}, line {number}: an exon without gene_id and transcript_id. Is it a GTF?")
    return _Transcript(strip_version(raw), strip_version(gene), attributes.get("gene_name", ""), start, end)


def _exon(line: str, number: int, path: Path) -> tuple[str, int, int, str]:
    """Chromosome, start, end and attributes of an exon's line."""
    fields = line.split("\t")
    try:
        chromosome, _, _, start, end, _, _, _, text = fields
        if start.isdigit() and end.isdigit() and int(start) <= int(end):
            return chromosome, int(start), int(end), text
    except ValueError:
        pass
    raise LengthsError(f"{path}, line {number}: not a GTF line (9 fields by tab, start not over end).")
