"""Write a matrix as a table of genes x biosamples: CSV, Parquet or GCT, as count tables are usually passed on.

Values come biosample by biosample, tables go gene by gene: a matrix larger than ``HELD_BYTES`` is turned through a
scratch file beside the table (4 bytes a value), which is removed in the end.
"""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from csv import writer
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from core.errors import RecipeError
from core.sources.matrix_write import OutMatrix
from core.types import Progress, silent

HELD_BYTES = 256 << 20
TEXT_BYTES = 8 << 20  # of values that become text at a time
GROUP_BYTES = 128 << 20  # of values of a row group of Parquet
MOST_COLUMNS = 5000  # of a Parquet file; readers take their time for more
_GENE_FIELDS = ("symbol", "ensembl_gene_id")
_ROW_FIELDS = ("symbol", "biotype")


def write_csv(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """``gene`` (Ensembl id, else symbol) and one column a biosample; numbers without loss, nothing else in the file."""
    ids = plain_ids(matrix)
    with _turned(path, matrix, progress) as turned, path.open("wb") as file:
        file.write(_header(["gene", *matrix.biosamples["sample_id"]]))
        for start, stop in _spans(turned, TEXT_BYTES):
            table = _table({"gene": pa.array(ids[start:stop])}, turned[start:stop], matrix)
            csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="needed"))


def write_parquet(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """``symbol``, ``ensembl_gene_id`` and one column a biosample; the provenance as JSON under ``archscope``.

    Raises RecipeError for more biosamples than readers of Parquet handle well as columns.
    """
    if matrix.shape[0] > MOST_COLUMNS:
        raise RecipeError(
            f"Parquet gets a column a biosample, and {matrix.shape[0]:,} are too many (limit {MOST_COLUMNS:,}): choose "
            "fewer biosamples, or write .h5 or .h5ad."
        )
    about = json.dumps({"values": matrix.values, **matrix.provenance}, ensure_ascii=False)
    file: pq.ParquetWriter | None = None
    with _turned(path, matrix, progress) as turned, contextlib.ExitStack() as open_files:
        for start, stop in _spans(turned, GROUP_BYTES):
            some = matrix.genes.iloc[start:stop]
            table = _table({name: pa.array(some[name].to_list()) for name in _GENE_FIELDS}, turned[start:stop], matrix)
            if file is None:
                schema = table.schema.with_metadata({"archscope": about})
                file = open_files.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            file.write_table(table.replace_schema_metadata(file.schema.metadata))


def write_gct(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """GCT 1.3: rows are genes (id, symbol, biotype), columns biosamples with their metadata and labels above them."""
    genes, biosamples = matrix.genes, matrix.biosamples
    row_fields = [name for name in _ROW_FIELDS if name in genes]
    column_fields = [str(name) for name in biosamples.columns if name != "sample_id"]
    n, n_genes = matrix.shape
    rows = {
        "id": [_cell(name) for name in matrix.gene_ids()],
        **{name: [_cell(value) for value in genes[name]] for name in row_fields},
    }
    plain = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")  # GCT knows no quotes
    with _turned(path, matrix, progress) as turned, path.open("wb") as file:
        file.write(f"#1.3\n{n_genes}\t{n}\t{len(row_fields)}\t{len(column_fields)}\n".encode())
        file.write(_line(["id", *row_fields, *map(_cell, biosamples["sample_id"])]))
        for name in column_fields:
            file.write(_line([name, *["na"] * len(row_fields), *map(_cell, biosamples[name])]))
        for start, stop in _spans(turned, TEXT_BYTES):
            names = {name: pa.array(cells[start:stop]) for name, cells in rows.items()}
            csv.write_csv(_table(names, turned[start:stop], matrix), file, plain)


def plain_ids(matrix: OutMatrix) -> list[str]:
    """Ensembl id, else symbol, of each gene."""
    genes = matrix.genes
    return genes["ensembl_gene_id"].where(genes["ensembl_gene_id"] != "", genes["symbol"]).to_list()


def _table(names: dict[str, Any], values: npt.NDArray[Any], matrix: OutMatrix) -> pa.Table:
    columns = [pa.array(np.ascontiguousarray(column)) for column in values.T]
    return pa.Table.from_arrays([*names.values(), *columns], [*names, *matrix.biosamples["sample_id"]])


def _header(names: list[str]) -> bytes:
    text = io.StringIO()
    writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def _line(cells: list[str]) -> bytes:
    return ("\t".join(cells) + "\n").encode()


def _cell(value: object) -> str:
    """Text on one line without tabs and quotes; a blank as it is, a missing number as "na"."""
    if isinstance(value, float):
        return "na" if np.isnan(value) else f"{value:.10g}"
    return "" if value is None else " ".join(str(value).replace('"', "'").split())


def _spans(turned: npt.NDArray[Any], most: int) -> Iterator[tuple[int, int]]:
    n_genes, n = turned.shape
    return pairwise([*range(0, n_genes, max(1, most // (4 * n))), n_genes])


@contextlib.contextmanager
def _turned(path: Path, matrix: OutMatrix, progress: Progress) -> Iterator[npt.NDArray[Any]]:
    """The matrix as p genes x n biosamples, in memory or in a scratch file beside ``path``."""
    n, n_genes = matrix.shape
    with contextlib.ExitStack() as opened:
        if 4 * n * n_genes <= HELD_BYTES:
            turned: npt.NDArray[Any] = np.empty((n_genes, n), dtype=matrix.dtype)
        else:
            scratch = opened.enter_context(tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."))
            turned = np.memmap(scratch.name, matrix.dtype, "w+", shape=(n_genes, n))
        for start, block in matrix.blocks(progress):
            turned[:, start : start + len(block)] = block.T
        yield turned
