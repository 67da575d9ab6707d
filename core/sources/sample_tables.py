"""Tables that a user uploads, of any size: checked row by row, kept in four bytes a value.

The rows are parsed some at a time, so that the text is never in memory as a whole.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import SampleFileError
from core.sources.sample_store import ValueStore
from core.sources.text_stream import TextStream
from core.sources.text_tables import delimiter_of
from core.types import DoubleArray, Progress, SampleSet, SampleValues

MAX_SAMPLES = 5_000
MAX_VALUES = 500_000_000  # of four bytes
CHUNK_VALUES = 2_000_000
_TABLE, _MATRIX = "table of gene and count", "matrix of genes x samples"
_KALLISTO = ["target_id", "length", "eff_length", "est_counts", "tpm"]
# Columns of other quantifiers' tables, which would pass for samples.
_NOT_SAMPLES = {"length", "effectivelength", "eff_length", "effective_length", "tpm", "fpkm", "chr", "start", "end"}
_STAR_ROWS = {"N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"}
_GENE_HEADERS = {
    "",
    "gene",
    "genes",
    "gene_id",
    "geneid",
    "symbol",
    "gene_symbol",
    "ensembl_gene_id",
    "target_id",
    "id",
}
_COUNT_HEADERS = {"", "count", "counts", "value", "values", "expression", "reads", "est_counts", "expected_count"}
_LARGEST = 1e30
_BELOW_ZERO = (
    " z-scores, centred values and log ratios cannot be turned back: give counts, TPM, RPKM, CPM, or log2(x + 1) of "
    "such."
)
# What the one column of a file may be called after what it holds.
_VALUE_HEADERS = {"tpm", "fpkm", "rpkm", "cpm", "log2tpm", "log2(tpm+1)", "numreads", "raw_count", "raw_counts"}
_DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-\d{1,2}")


def read_table(source: Path | bytes, name: str, progress: Progress) -> SampleSet:
    """Samples of a text file: a table of gene and count, a matrix of genes x samples, or kallisto's abundance.tsv."""
    stream = TextStream(source, name, SampleFileError)
    progress("checking the file", 0, 1)
    n_lines = stream.check() + 1
    lines = Lines(stream)
    delimiter = delimiter_of(lines.first) or delimiter_of(lines.second)
    if delimiter is None:
        raise SampleFileError(f"{name}: one column only. Give a gene and a count, separated by a tab or a comma.")
    first = _cells(lines.first, delimiter, name)
    check_size(len(first) - 1, n_lines, name)
    header = first if _is_header(first) else None
    lines.skip_header(header is not None)
    kallisto = header is not None and [cell.lower() for cell in header] == _KALLISTO
    chunks = _chunks(stream, delimiter, lines.data_from, len(first), name)
    genes, names, values = _read(chunks, header, kallisto, lines, n_lines, progress)
    kind = "kallisto abundance.tsv" if kallisto else _TABLE if len(names) == 1 else _MATRIX
    return SampleSet(values, genes.to_list(), names, kind, _notes(header is None, kallisto, genes), kallisto)


def _read(
    chunks: Iterator[pd.DataFrame], header: list[str] | None, kallisto: bool, lines: "Lines", n_lines: int,
    progress: Progress,
) -> "tuple[pd.Series[str], list[str], SampleValues]":  # fmt: skip
    """Genes (p), names of the samples, and values (m x p)."""
    names: list[str] = []
    genes: list[pd.Series[str]] = []
    store, done = ValueStore(), 0
    for frame in chunks:
        if not names:
            names = [_stem(lines.name)] if kallisto else _column_names(header, frame.shape[1], Path(lines.name), lines)
            store.open(n_lines, len(names))
        part = frame[[0, _KALLISTO.index("est_counts")]] if kallisto else frame
        column = part[0].str.strip()
        if not genes and not kallisto:
            _check_kind(names if header else [], column, lines.name)
        store.add(_numbers(part.iloc[:, 1:], names, column, lines, done))
        genes.append(column)
        done += len(column)
        progress("reading the file", min(done, n_lines), n_lines)
    everything = pd.concat(genes, ignore_index=True)
    _check_genes(everything, lines)
    return everything, names, store.values()


def _chunks(stream: TextStream, delimiter: str, skip: int, width: int, name: str) -> Iterator[pd.DataFrame]:
    try:
        with stream.binary() as binary:
            yield from pd.read_csv(
                binary, sep=delimiter, header=None, skiprows=skip, na_filter=False, dtype={0: str},
                low_memory=False, chunksize=max(1, CHUNK_VALUES // max(1, width)), compression=None,
            )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise SampleFileError(f"{name}: has a header but no rows.") from error
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise SampleFileError(f"{name}: rows differ in their number of columns ({reason}).") from error


class Lines:
    """Line numbers for messages: the parser passes over blank lines, so its rows are not the file's lines."""

    def __init__(self, stream: TextStream) -> None:
        self.name = stream.name
        self._stream = stream
        self.data_from = 0
        with stream.text() as text:
            for line in text:
                if line.strip() and not line.startswith("#"):
                    self.first, self.second = line.rstrip("\n"), next(text, "")
                    return
                self.data_from += 1
        raise SampleFileError(f"{self.name}: has no rows.")

    def skip_header(self, present: bool) -> None:
        """The first line is no data."""
        self.data_from += present

    def at(self, row: int) -> str:
        """Where the row'th data row stands: "FILE, line N"."""
        with self._stream.text() as text:
            full = (i for i, line in enumerate(text, 1) if i > self.data_from and line.strip(" \n"))
            return f"{self.name}, line {next(i for k, i in enumerate(full) if k == row)}"


def _is_header(cells: list[str]) -> bool:
    """A first line is data only if every cell but the first is a number and the first could be a gene."""
    numbers = len(cells) > 1 and all(cell in ("", "NA") or _is_number(cell) for cell in cells[1:])
    return not numbers or cells[0].lower() in _GENE_HEADERS


def _cells(line: str, delimiter: str, name: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error as error:
        raise SampleFileError(f"{name}: the first line is no table row ({error}). Give CSV or TSV text.") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _column_names(header: list[str] | None, width: int, name: Path, lines: Lines) -> list[str]:
    """Names of the sample columns; R writes no name over the column of row names."""
    if width < 2:
        raise SampleFileError(f"{lines.at(0)}: one column only, but a gene and at least one count are needed.")
    if header is None:
        return [_stem(str(name))] if width == 2 else [f"sample {i}" for i in range(1, width)]
    if len(header) not in (width, width - 1):
        raise SampleFileError(f"{lines.at(0)}: {width} columns, but the header has {len(header)}.")
    names = header[-(width - 1) :]
    if width == 2 and names[0].lower() in _COUNT_HEADERS | _VALUE_HEADERS:
        return [_stem(str(name))]
    if "" in names:
        raise SampleFileError(f"{name}: sample column {names.index('') + 1} has no name in the header. Name it.")
    repeated = [n for i, n in enumerate(names) if n in names[:i]] if len(set(names)) < len(names) else []
    if repeated:
        raise SampleFileError(f"{name}: the sample names {few(repeated)} are repeated in the header. Rename them.")
    return names


def _check_kind(names: list[str], genes: "pd.Series[str]", name: str) -> None:
    others = [n for n in names if n.lower() in _NOT_SAMPLES]
    if others and len(names) > 1:
        raise SampleFileError(
            f"{name}: the column {others[0]} holds no counts. Keep the column of genes and the columns of counts only."
        )
    if _STAR_ROWS & set(genes[:10]):
        raise SampleFileError(f"{name}: this is STAR's ReadsPerGene table. Keep the gene and one column of counts.")


def check_size(n_samples: int, n_rows: int, name: str) -> None:
    """Raises SampleFileError for more samples, or more values in all, than are read at once."""
    if n_samples > MAX_SAMPLES:
        raise SampleFileError(
            f"{name}: {n_samples:,} samples, but at most {MAX_SAMPLES:,} are read at once. Split the file; genes must "
            "be its rows and samples its columns."
        )
    if n_samples * n_rows > MAX_VALUES:
        raise SampleFileError(
            f"{name}: {n_rows:,} rows of {n_samples:,} samples are more than fit into memory. Split the file into "
            f"files of at most {max(1, MAX_VALUES // n_rows):,} samples."
        )


def _check_genes(genes: "pd.Series[str]", lines: Lines) -> None:
    if genes.str.contains("\n", regex=False).any():
        raise SampleFileError(f"{lines.name}: a quoted gene name runs over lines. Close the quote.")
    blank = np.flatnonzero(genes == "")
    if len(blank):
        raise SampleFileError(f"{lines.at(int(blank[0]))}: no gene name. Name the gene or remove the row.")
    repeated = genes[genes.duplicated()].unique()
    if len(repeated):
        excel = " Names like dates come from Excel." if any(map(_DATE.fullmatch, repeated)) else ""
        raise SampleFileError(
            f"{lines.name}: {len(repeated)} genes occur more than once ({few(list(repeated))}). Add up the rows of "
            f"each, so that every gene has one.{excel}"
        )


def _numbers(frame: pd.DataFrame, names: list[str], genes: "pd.Series[str]", lines: Lines, before: int) -> DoubleArray:
    """Values of a chunk (rows x m). ``before``: rows of the file that came before it."""
    plain = all(dtype.kind in "iuf" for dtype in frame.dtypes)
    values = frame.to_numpy(dtype=np.float64) if plain else _from_text(frame)
    bad = ~(values >= 0) | (values > _LARGEST)
    if bad.any():
        column = int(np.flatnonzero(bad.any(axis=0))[0])
        row = int(np.flatnonzero(bad[:, column])[0])
        found = " ".join(str(frame.iloc[row, column]).split())[:40] or "blank"
        raise SampleFileError(
            f"{lines.at(before + row)}: the count of gene {genes.iloc[row]} in sample {names[column]} is {found}. "
            f"Counts must be finite numbers of at least 0.{_BELOW_ZERO if values[row, column] < 0 else ''}"
        )
    return values


def _from_text(frame: pd.DataFrame) -> DoubleArray:
    """Columns of which some are no numbers; NaN where a cell is none."""
    return np.column_stack([_column(frame[name]) for name in frame.columns])


def _column(column: "pd.Series[Any]") -> DoubleArray:
    plain = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    text = column if plain else column.astype(str).str.strip()
    return np.asarray(pd.to_numeric(text, errors="coerce"), dtype=np.float64)


def _notes(no_header: bool, kallisto: bool, genes: "pd.Series[str]") -> list[str]:
    notes = ["The column est_counts was used."] if kallisto else []
    if no_header:
        notes.append("The file has no header.")
    dates = [gene for gene in genes if _DATE.fullmatch(gene)]
    if dates:
        notes.append(f"{len(dates)} gene names look like dates ({few(dates)}): Excel changed them, they are lost.")
    return notes


def _stem(name: str) -> str:
    return re.sub(r"(\.(csv|tsv|txt|tab))?(\.gz)?$", "", Path(name).name, flags=re.IGNORECASE) or name


def few(values: list[str], count: int = 3) -> str:
    return ", ".join(values[:count]) + (", ..." if len(values) > count else "")
