"""Tables that a user uploads, of any size: checked row by row, kept in four bytes a value.

The rows are parsed some at a time, so that the text is never in memory as a whole.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import SampleFileError
from core.sources.excel_names import repair
from core.sources.gene_names import joined
from core.sources.sample_limits import MAX_SAMPLES, check_size, distinct, few, stem
from core.sources.sample_matrices import is_gct, read_gct_head
from core.sources.sample_quantifiers import (
    HTSEQ_ROWS,
    STAR_ROWS,
    TableForm,
    choose_strand,
    recognise,
    short_name,
)
from core.sources.sample_store import ValueStore
from core.sources.table_lines import Lines, cells_of, is_header
from core.sources.text_stream import TextStream
from core.sources.text_tables import delimiter_of
from core.types import DoubleArray, Progress, SampleSet, SampleValues

CHUNK_VALUES = 2_000_000
_MOST_COLUMNS = 10 * MAX_SAMPLES  # with those of annotation
_TABLE, _MATRIX = "table of gene and count", "matrix of genes x samples"
# Columns of other quantifiers' tables, which would pass for samples.
_NOT_SAMPLES = {"length", "effectivelength", "eff_length", "effective_length", "tpm", "fpkm", "chr", "start", "end"}
_COUNT_HEADERS = {"", "count", "counts", "value", "values", "expression", "reads", "est_counts", "expected_count"}
_LARGEST = 1e30
_BELOW_ZERO = (
    " z-scores, centred values and log ratios cannot be turned back: give counts, TPM, RPKM, CPM, or log2(x + 1) of "
    "such."
)
# What the one column of a file may be called after what it holds.
_VALUE_HEADERS = {"tpm", "fpkm", "rpkm", "cpm", "log2tpm", "log2(tpm+1)", "numreads", "raw_count", "raw_counts"}


def read_table(source: Path | bytes, name: str, progress: Progress) -> SampleSet:
    """Samples of a text file: a table of gene and count, a matrix of genes x samples, GCT, or a quantifier's table."""
    stream = TextStream(source, name, SampleFileError)
    progress("checking the file", 0, 1)
    n_lines = stream.check() + 1
    lines = Lines(stream)
    if lines.top.startswith("%%MatrixMarket"):
        raise SampleFileError(
            f"{name}: a sparse matrix without its genes. Give the folder of the three files as a zip."
        )
    delimiter, width, header, form = _form(lines)
    check_size(len(form.values) if form.values is not None else width - 1, n_lines, name)
    chunks = _chunks(stream, delimiter, lines.data_from, width, form, name)
    return _finished(_read(chunks, header, form, lines, n_lines, progress), form, header is None, lines)


def _form(lines: Lines) -> tuple[str, int, list[str] | None, TableForm]:
    """Delimiter, number of columns, header (None: none) and form; ``lines`` then starts at the data."""
    name = lines.name
    if is_gct(lines):
        form = read_gct_head(lines)
        return "\t", max(form.columns() or [0]) + 1, [], form
    delimiter = delimiter_of(lines.first) or delimiter_of(lines.second)
    if delimiter is None:
        raise SampleFileError(f"{name}: one column only. Give a gene and a count, separated by a tab or a comma.")
    for line in (lines.first, lines.second):  # before they are cut: a cell takes ten times its text
        if line.count(delimiter) > _MOST_COLUMNS:
            check_size(line.count(delimiter), 1, name)
    first = cells_of(lines.first, delimiter, name)
    header = first if is_header(first) else None
    lines.skip_header(header is not None)
    second = cells_of(lines.second.rstrip("\n"), delimiter, name) if header else []
    return delimiter, len(first), header, recognise(header, first, second, name)


class _Read:
    """What was read of a table: the genes (p, with their row as index) and values (m x p) of ``names`` (m)."""

    def __init__(self, genes: "pd.Series[str]", names: list[str], values: SampleValues, left_out: list[str]) -> None:
        self.genes, self.names, self.values, self.left_out = genes, names, values, left_out


def _read(
    chunks: Iterator[pd.DataFrame], header: list[str] | None, form: TableForm, lines: Lines, n_lines: int,
    progress: Progress,
) -> _Read:  # fmt: skip
    names: list[str] = []
    genes: list[pd.Series[str]] = []
    left_out: list[str] = []
    store, done = ValueStore(), 0
    for frame in chunks:
        if not set(form.columns() or []) <= set(frame.columns):
            raise SampleFileError(f"{lines.name}: the first row has fewer columns than the header.")
        if not names:
            names = _names(header, form, frame.shape[1], lines)
            store.open(n_lines, len(names))
        column = frame[form.gene].str.strip()
        if not genes and not form.kind:
            _check_kind(names if header else [], lines.name)
        part = frame[list(form.values)] if form.values is not None else frame.iloc[:, 1:]
        values = _numbers(part, names, column, lines, done)
        special = column.isin(STAR_ROWS | HTSEQ_ROWS).to_numpy()
        left_out += column[special].to_list()
        store.add(values[~special] if special.any() else values)
        genes.append(_with_symbols(frame, column, form)[~special])
        done += len(column)
        progress("reading the file", min(done, n_lines), n_lines)
    if form.n_rows is not None and done != form.n_rows:
        raise SampleFileError(
            f"{lines.name}: the dimensions promise {form.n_rows:,} rows, but the file has {done:,}. It was cut short: "
            "copy or download it again."
        )
    return _Read(pd.concat(genes), names, store.values(), left_out)


def _with_symbols(frame: pd.DataFrame, column: "pd.Series[str]", form: TableForm) -> "pd.Series[str]":
    if form.symbol is None:
        return column
    pairs = zip(column, frame[form.symbol], strict=True)
    return pd.Series([joined(gene, symbol) for gene, symbol in pairs], index=column.index, dtype="str")


def _finished(read: _Read, form: TableForm, no_header: bool, lines: Lines) -> SampleSet:
    kind, notes = form.kind, list(form.notes)
    if no_header and not kind:
        notes.append("The file has no header.")
    one_htseq = len(read.names) == 1 and HTSEQ_ROWS & set(read.left_out)
    kind = kind or ("HTSeq-count table" if one_htseq else _TABLE if len(read.names) == 1 else _MATRIX)
    values, names = read.values, read.names
    if form.strands:
        strand, note = choose_strand(values)
        values, names = values[strand : strand + 1], names[:1]
        notes.append(note)
    if read.left_out:
        notes.append(f"Rows that are no genes were left out: {', '.join(read.left_out)}.")
    genes = _checked_genes(read.genes, form, lines, notes)
    return SampleSet(values, genes, names, kind, notes, form.counted or kind == "HTSeq-count table")


def _chunks(
    stream: TextStream, delimiter: str, skip: int, width: int, form: TableForm, name: str
) -> Iterator[pd.DataFrame]:
    columns = form.columns()
    texts = {form.gene: str} | ({form.symbol: str} if form.symbol is not None else {})
    try:
        with stream.binary() as binary:
            yield from pd.read_csv(
                binary, sep=delimiter, header=None, skiprows=skip, na_filter=False, dtype=texts, usecols=columns,
                low_memory=False, chunksize=max(1, CHUNK_VALUES // max(1, width)), compression=None,
            )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise SampleFileError(f"{name}: has a header but no rows.") from error
    except pd.errors.ParserError as error:
        if "out-of-bounds" in str(error):
            raise SampleFileError(f"{name}: the first row has fewer columns than the header.") from error
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise SampleFileError(f"{name}: rows differ in their number of columns ({reason}).") from error
    except ValueError as error:  # of a first row that is too short for the columns that are read
        if "Usecols" not in str(error):
            raise
        raise SampleFileError(f"{name}: the first row has fewer columns than the header.") from error


def _names(header: list[str] | None, form: TableForm, width: int, lines: Lines) -> list[str]:
    if form.names is None:
        return _column_names(header, width, Path(lines.name), lines)
    if len(form.names) == 1 or form.strands:
        plain = form.names[0].lower() in _COUNT_HEADERS | _VALUE_HEADERS
        return [short_name(stem(lines.name)) if plain else form.names[0], *form.names[1:]]
    return distinct(form.names, lines.name)


def _column_names(header: list[str] | None, width: int, name: Path, lines: Lines) -> list[str]:
    """Names of the sample columns; R writes no name over the column of row names."""
    if width < 2:
        raise SampleFileError(f"{lines.at(0)}: one column only, but a gene and at least one count are needed.")
    if header is None:
        return [stem(str(name))] if width == 2 else [f"sample {i}" for i in range(1, width)]
    if len(header) not in (width, width - 1):
        raise SampleFileError(f"{lines.at(0)}: {width} columns, but the header has {len(header)}.")
    names = header[-(width - 1) :]
    if width == 2 and names[0].lower() in _COUNT_HEADERS | _VALUE_HEADERS:
        return [stem(str(name))]
    return distinct(names, str(name))


def _check_kind(names: list[str], name: str) -> None:
    others = [n for n in names if n.lower() in _NOT_SAMPLES]
    if others and len(names) > 1:
        raise SampleFileError(
            f"{name}: the column {others[0]} holds no counts. Keep the column of genes and the columns of counts only."
        )


def _checked_genes(genes: "pd.Series[str]", form: TableForm, lines: Lines, notes: list[str]) -> list[str]:
    """Names of the genes (p), with those put right that were dates; what was done is added to ``notes``."""
    if genes.str.contains("\n", regex=False).any():
        raise SampleFileError(f"{lines.name}: a quoted gene name runs over lines. Close the quote.")
    blank = np.flatnonzero(genes == "")
    if len(blank):
        raise SampleFileError(f"{lines.at(int(genes.index[blank[0]]))}: no gene name. Name the gene or remove the row.")
    repaired = repair(genes.to_list())
    if len(genes) and all(name in repaired.lost for name in repaired.ids):
        raise SampleFileError(f"{lines.name}: no gene has a name. Names like dates come from Excel: use the original.")
    notes += repaired.notes
    repeated = genes[genes.duplicated() & ~genes.isin(repaired.lost)].unique()
    if len(repeated) and not form.repeats:
        raise SampleFileError(
            f"{lines.name}: {len(repeated)} genes occur more than once ({few(list(repeated))}). Add up the rows of "
            "each, so that every gene has one."
        )
    return repaired.ids


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
