"""Files that a user uploads to have samples classified, recognised by what they hold and not by their name.

Read here: gene and count in two columns, a matrix of genes x samples, kallisto's abundance.tsv, and HDF5 files in
ARCHS4's layout. The genes are looked up afterwards (``gene_matching``).
"""

import csv
import io
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import CountsFileError, SampleFileError
from core.sources.archs4 import Archs4File
from core.sources.text_tables import decode, delimiter_of, is_hdf5, read_bytes
from core.types import DoubleArray, SampleSet

MAX_SAMPLES = 5_000
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
_DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-\d{1,2}")


def read_samples(source: Path | bytes, name: str) -> SampleSet:
    """Samples (m <= 5,000) of an uploaded file; ``name`` is what the user calls it.

    Raises SampleFileError: empty, binary, Excel, not UTF-8, no table, values that are not finite numbers of at least
    0 (line and gene), blank or repeated genes, repeated sample names, a sample without any count.
    """
    if is_hdf5(_head(source, name)):
        samples = _read_hdf5(source, name)
    else:
        samples = _read_text(decode(read_bytes(source, name, SampleFileError), name, SampleFileError), name)
    empty = [s for s, total in zip(samples.sample_names, samples.values.sum(axis=1), strict=True) if total == 0]
    if empty:
        raise SampleFileError(f"{name}: every count of {_few(empty)} is 0. Leave such samples out.")
    return samples


def _head(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        return source[:8]
    if not source.is_file():
        raise SampleFileError(f"{name}: no such file. Check the path.")
    with source.open("rb") as file:
        return file.read(8)


# -- HDF5 ------------------------------------------------------------------------------------------------------------


def _read_hdf5(source: Path | bytes, name: str) -> SampleSet:
    try:
        if isinstance(source, Path):
            return _from_archs4(source, name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload.h5"
            path.write_bytes(source)
            return _from_archs4(path, name)
    except CountsFileError as error:
        raise SampleFileError(str(error)) from error


def _from_archs4(path: Path, name: str) -> SampleSet:
    with Archs4File(path, name) as file:
        _check_size(file.shape[0], name)
        values = file.read(slice(None)).astype(np.float64)
        genes, layout = file.genes, file.layout
        sample_names = file.biosamples["sample_id"].to_list()
    ids = genes["ensembl_gene_id"].where(genes["ensembl_gene_id"] != "", genes["symbol"])
    keep = (ids != "").to_numpy()
    values, unique, notes = _sum_repeated(values[:, keep], ids[keep])
    if not keep.all():
        notes.append(f"{(~keep).sum()} genes without a name were left out.")
    return SampleSet(values, unique, sample_names, f"HDF5 in ARCHS4's layout ({layout})", notes)


def _sum_repeated(values: DoubleArray, ids: "pd.Series[str]") -> tuple[DoubleArray, list[str], list[str]]:
    codes, unique = pd.factorize(ids)
    if len(unique) == len(ids):
        return values, list(unique), []
    summed = np.zeros((len(values), len(unique)))
    np.add.at(summed.T, codes, values.T)
    note = f"{len(ids) - len(unique)} rows repeat the id of another gene: their counts were added up."
    return summed, list(unique), [note]


# -- tables ----------------------------------------------------------------------------------------------------------


def _read_text(text: str, name: str) -> SampleSet:
    lines = _Lines(text, name)
    delimiter = delimiter_of(lines.first) or delimiter_of(lines.second)
    if delimiter is None:
        raise SampleFileError(f"{name}: one column only. Give a gene and a count, separated by a tab or a comma.")
    first = _cells(lines.first, delimiter, name)
    _check_size(len(first) - 1, name)
    header = first if _is_header(first) else None
    frame = _parse(text, delimiter, lines.skipped + (header is not None), name)
    lines.skip_header(header is not None)
    width = frame.shape[1]
    names = _column_names(header, width, Path(name), lines)
    kallisto = header is not None and [cell.lower() for cell in header] == _KALLISTO
    if kallisto:
        frame, names = frame[[0, _KALLISTO.index("est_counts")]], [_stem(name)]
    else:
        _check_kind(names, frame[0], name)
    genes = frame[0].str.strip()
    _check_genes(genes, lines)
    values = np.stack([_numbers(frame[c], n, genes, lines) for c, n in zip(frame.columns[1:], names, strict=True)])
    kind = "kallisto abundance.tsv" if kallisto else _TABLE if len(names) == 1 else _MATRIX
    notes = _notes(header is None, kallisto, genes)
    return SampleSet(values, genes.to_list(), names, kind, notes)


class _Lines:
    """Line numbers for messages: the parser passes over blank lines, so its rows are not the file's lines."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._text = text
        self.skipped = 0
        stream = io.StringIO(text)
        for line in stream:
            if line.strip() and not line.startswith("#"):
                self.first, self.second = line.rstrip("\n"), next(stream, "")
                break
            self.skipped += 1
        else:
            raise SampleFileError(f"{name}: has no rows.")
        self._data_from = self.skipped

    def skip_header(self, present: bool) -> None:
        self._data_from += present

    def at(self, row: int) -> str:
        """Where the row'th data row stands: "FILE, line N"."""
        full = (i for i, line in enumerate(io.StringIO(self._text), 1) if i > self._data_from and line.strip(" \n"))
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


def _parse(text: str, delimiter: str, skip: int, name: str) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.StringIO(text), sep=delimiter, header=None, skiprows=skip, na_filter=False, dtype={0: str},
            low_memory=False,
        )  # fmt: skip
    except pd.errors.EmptyDataError as error:
        raise SampleFileError(f"{name}: has a header but no rows.") from error
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise SampleFileError(f"{name}: rows differ in their number of columns ({reason}).") from error


def _column_names(header: list[str] | None, width: int, name: Path, lines: _Lines) -> list[str]:
    """Names of the sample columns; R writes no name over the column of row names."""
    if width < 2:
        raise SampleFileError(f"{lines.at(0)}: one column only, but a gene and at least one count are needed.")
    if header is None:
        return [_stem(str(name))] if width == 2 else [f"sample {i}" for i in range(1, width)]
    if len(header) not in (width, width - 1):
        raise SampleFileError(f"{lines.at(0)}: {width} columns, but the header has {len(header)}.")
    names = header[-(width - 1) :]
    if width == 2 and names[0].lower() in _COUNT_HEADERS:
        return [_stem(str(name))]
    if "" in names:
        raise SampleFileError(f"{name}: sample column {names.index('') + 1} has no name in the header. Name it.")
    repeated = [n for i, n in enumerate(names) if n in names[:i]] if len(set(names)) < len(names) else []
    if repeated:
        raise SampleFileError(f"{name}: the sample names {_few(repeated)} are repeated in the header. Rename them.")
    return names


def _check_kind(names: list[str], genes: "pd.Series[str]", name: str) -> None:
    others = [n for n in names if n.lower() in _NOT_SAMPLES]
    if others:
        raise SampleFileError(
            f"{name}: the column {others[0]} holds no counts. Keep the column of genes and the columns of counts only."
        )
    if _STAR_ROWS & set(genes[:10]):
        raise SampleFileError(f"{name}: this is STAR's ReadsPerGene table. Keep the gene and one column of counts.")


def _check_size(n_samples: int, name: str) -> None:
    if n_samples > MAX_SAMPLES:
        raise SampleFileError(
            f"{name}: {n_samples:,} samples, but at most {MAX_SAMPLES:,} are read at once. Split the file; genes must "
            "be its rows and samples its columns."
        )


def _check_genes(genes: "pd.Series[str]", lines: _Lines) -> None:
    if genes.str.contains("\n", regex=False).any():
        raise SampleFileError(f"{lines.name}: a quoted gene name runs over lines. Close the quote.")
    blank = np.flatnonzero(genes == "")
    if len(blank):
        raise SampleFileError(f"{lines.at(int(blank[0]))}: no gene name. Name the gene or remove the row.")
    repeated = genes[genes.duplicated()].unique()
    if len(repeated):
        excel = " Names like dates come from Excel." if any(map(_DATE.fullmatch, repeated)) else ""
        raise SampleFileError(
            f"{lines.name}: {len(repeated)} genes occur more than once ({_few(list(repeated))}). Add up the rows of "
            f"each, so that every gene has one.{excel}"
        )


def _numbers(column: "pd.Series[Any]", sample: str, genes: "pd.Series[str]", lines: _Lines) -> DoubleArray:
    plain = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    text = column if plain else column.astype(str).str.strip()
    values = np.asarray(pd.to_numeric(text, errors="coerce"), dtype=np.float64)
    bad = ~(values >= 0) | np.isinf(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        found = " ".join(str(column[row]).split())[:40] or "blank"
        raise SampleFileError(
            f"{lines.at(row)}: the count of gene {genes[row]} in sample {sample} is {found}. Counts must be finite "
            "numbers of at least 0."
        )
    return values


def _notes(no_header: bool, kallisto: bool, genes: "pd.Series[str]") -> list[str]:
    notes = ["The column est_counts was used."] if kallisto else []
    if no_header:
        notes.append("The file has no header.")
    dates = [gene for gene in genes if _DATE.fullmatch(gene)]
    if dates:
        notes.append(f"{len(dates)} gene names look like dates ({_few(dates)}): Excel changed them, they are lost.")
    return notes


def _stem(name: str) -> str:
    return re.sub(r"(\.(csv|tsv|txt|tab))?(\.gz)?$", "", Path(name).name, flags=re.IGNORECASE) or name


def _few(values: list[str], count: int = 3) -> str:
    return ", ".join(values[:count]) + (", ..." if len(values) > count else "")
