"""ARCHS4 HDF5 files in and out; h5py is used here, in archs4_chunks and in archs4_write, and nowhere else.

Files keep genes x biosamples (v1 flat: the transpose). Here the matrix is turned, once, to biosamples x genes.
"""

import contextlib
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import ArchscopeError, CountsFileError
from core.sources import archs4_layouts as layouts
from core.sources.archs4_chunks import first_bad, open_chunks, plain_pieces, read_ahead
from core.sources.archs4_index import ChunkIndex, Stored
from core.sources.archs4_open import RemoteOrigin, line, open_local, open_remote, walk
from core.sources.archs4_write import write_archs4
from core.types import CountMatrix, IndexArray, Progress, silent

__all__ = ["Archs4File", "write_archs4"]

Tables = tuple[pd.DataFrame, pd.DataFrame]  # genes, biosamples
_MAX_GENES = 1_000_000
_NUMBERS = ("singlecellprobability", "alignedreads")
# v1 files join the values of one field with this.
_V1_SEPARATOR = "Xx-xX"


class Archs4File:
    """An open ARCHS4 file; use it in a ``with`` statement.

    ``shape`` is (n biosamples, G genes); ``genes`` (G rows, GENE_COLUMNS) and ``biosamples`` (n rows,
    BIOSAMPLE_COLUMNS) hold "" or NaN where the file lacks a field. In a file of transcripts (``level``) G are those,
    with ``transcript_id`` in front and the gene of each, as far as the file says. ``name`` stands for the path.
    ``origin``: where the file is, if not here. ``tables``: both tables, where they are known from an earlier time.

    Raises CountsFileError: not HDF5, truncated, no expression, unknown layout, axes that do not fit the metadata,
    blank or repeated biosample ids, links to other files.
    """

    def __init__(self, path: Path, name: str | None = None, origin: RemoteOrigin | None = None,
                 tables: Tables | None = None, progress: Progress = silent) -> None:  # fmt: skip
        self.path = Path(path)
        self._name = name or str(path)
        self._origin, self._tables, self._progress = origin, tables, progress
        self._file = open_remote(origin, self._name) if origin else open_local(self.path, self._name)
        try:
            self._probe()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._chunks:
            self._chunks.close()
        self._file.close()

    def _probe(self) -> None:
        with self._damage("the list of datasets"):
            self._keys = dict(walk(self._file))
        self.version = self._scalar(layouts.VERSION_KEYS)
        self.organism = self._scalar(layouts.ORGANISM_KEYS)
        self.simulated = layouts.SIMULATED_KEY in self._keys
        self._expression = self._find_expression()
        self._layout = self._find_layout()
        self.layout, self.level = self._layout.name, self._layout.level
        self.genes, self.biosamples = self._tables or (
            self._features(),
            self._table(self._layout.sample_keys, ("sample_id",), "biosamples", 2**31),
        )
        self._check_ids()
        self.shape = (len(self.biosamples), len(self.genes))
        self._genes_first = self._find_axes()
        make = self._origin.index if self._origin else ChunkIndex
        self._chunks = open_chunks(self._expression, self._genes_first, make)

    # -- probing ---------------------------------------------------------------------------------------------------

    def _find_expression(self) -> h5py.Dataset:
        key = layouts.EXPRESSION
        if key not in self._keys:
            found = ", ".join(sorted(self._keys)[:6]) or "nothing"
            raise self._error(f"has no dataset {key} (found: {found}). Is it an ARCHS4 file?")
        dataset = self._dataset(key)
        if dataset.ndim != 2 or 0 in dataset.shape:
            raise self._error(f"{key} is empty or no matrix (shape {dataset.shape}): download the file again.")
        if dataset.dtype.kind not in "uif":
            raise self._error(f"{key} holds {dataset.dtype}, but counts must be numbers (uint32).")
        return dataset

    def _find_layout(self) -> layouts.Layout:
        found = layouts.candidates(self._keys, self.version)
        if not found:
            raise self._error(layouts.describe_unknown(self._keys))
        anchors = [(layout, self._anchor(layout)) for layout in found]
        fitting = [layout for layout, key in anchors if key and self._length(key) in self._expression.shape]
        return (fitting or found)[0]

    def _anchor(self, layout: layouts.Layout) -> str | None:
        """The dataset whose length says how many genes or transcripts there are."""
        return next((key for name in layout.anchors for key in layout.gene_keys[name] if key in self._keys), None)

    def _features(self) -> pd.DataFrame:
        """Genes, or transcripts with the gene of each."""
        table = self._table(self._layout.gene_keys, self._layout.anchors, f"{self.level}s", _MAX_GENES)
        if self.level == "transcript":
            for name in ("symbol", "ensembl_gene_id"):
                table[name] = table[name].mask(table[name].isin(layouts.NO_GENE), "")
        return table

    def _find_axes(self) -> bool:
        n, n_genes = self.shape
        found = self._expression.shape
        genes_first = layouts.genes_come_first(found, n_genes, n, self._layout)
        if genes_first is None:
            raise self._error(
                f"{layouts.EXPRESSION} is {found[0]} x {found[1]}, but the metadata name {n_genes} {self.level}s and "
                f"{n} biosamples: expected {n_genes} x {n} or {n} x {n_genes}. Download the file again."
            )
        return genes_first

    def _check_ids(self) -> None:
        ids = self.biosamples["sample_id"]
        blank = np.flatnonzero(ids == "")
        if len(blank):
            raise self._error(f"{len(blank)} biosamples have no id, the first at position {blank[0]}: name them.")
        repeated = ids[ids.duplicated()].unique()
        if len(repeated):
            raise self._error(f"{len(repeated)} biosample ids are repeated ({_few(repeated)}): keep one of each.")
        if (self.genes[list(self._layout.anchors)] == "").to_numpy().all():
            raise self._error(f"every {self.level} name in meta/{self.level}s is blank.")

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, rows: IndexArray | slice, threads: int = 1) -> CountMatrix:
        """Counts of these biosamples (m x G, uint32, C order), in the order asked for; a biosample may repeat.

        ``threads`` decode in parallel; several callers may read at once, too. Raises CountsFileError where a value is
        negative, not whole, not finite or over 2^32 - 1, or the file is damaged; IndexError where a row is outside
        the file.
        """
        return self._read(self._positions(rows), threads, threading.Event())

    def blocks(self, spans: Sequence[IndexArray | slice], threads: int = 1) -> Generator[CountMatrix, None, None]:
        """``read`` of one span after another, with the next block read while the caller works on the current one.

        At most one block waits. CountsFileError is raised where its block is due, IndexError at once; closing the
        iterator ends the reading.
        """
        wanted = [self._positions(span) for span in spans]
        if self._chunks:
            self._chunks.expect(sum(len(rows) for rows in wanted))

        def read(i: int, stop: threading.Event) -> CountMatrix:
            if self._chunks and i + 1 < len(wanted):
                self._chunks.prefetch(wanted[i + 1])
            return self._read(wanted[i], threads, stop)

        return read_ahead(read, len(wanted))

    def prefetch(self, rows: IndexArray | slice) -> None:
        """A hint that these biosamples are read next: the kernel fetches their bytes, where it takes such hints.

        Cheap. Without effect until a quarter of the file was read, or asked of ``blocks``: before, nobody knows where
        the bytes lie. Raises IndexError where a row is outside the file.
        """
        wanted = self._positions(rows)
        if self._chunks:
            self._chunks.prefetch(wanted)

    def stored(self, rows: IndexArray | slice, most: int = 2**31) -> Stored | None:
        """What is stored of these biosamples, looking up no more than about ``most``; None where only h5py can tell."""
        return self._chunks.stored(self._positions(rows), most) if self._chunks else None

    def _read(self, wanted: IndexArray, threads: int, stop: threading.Event) -> CountMatrix:
        out = np.empty((len(wanted), self.shape[1]), dtype=np.uint32)
        with self._damage(layouts.EXPRESSION):
            if self._chunks:
                self._chunks.fill(out, wanted, threads, stop)
                return out
            for places, values in plain_pieces(self._expression, self._genes_first, wanted, stop):
                self._check_counts(values, wanted[places])
                out[places] = values
        return out

    def _positions(self, rows: IndexArray | slice) -> IndexArray:
        n = self.shape[0]
        wanted = np.arange(n)[rows] if isinstance(rows, slice) else np.asarray(rows, dtype=np.intp).reshape(-1)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < n):
            raise IndexError(f"rows must be between 0 and {n - 1}, got {wanted.min()} to {wanted.max()}")
        return wanted

    def _check_counts(self, values: npt.NDArray[Any], rows: IndexArray) -> None:
        if bad := first_bad(values):
            i, gene = bad
            row, sample = self.genes.iloc[gene], self.biosamples["sample_id"].iloc[rows[i]]
            name = row["transcript_id"] if self.level == "transcript" else row["symbol"] or row["ensembl_gene_id"]
            raise self._error(
                f"{layouts.EXPRESSION} holds {values[i, gene]} for biosample {sample}, {self.level} {name}: counts "
                "must be whole, at least 0 and under 2^32. A file of TPM holds no counts."
            )

    def _table(
        self, keys: Mapping[str, tuple[str, ...]], anchors: tuple[str, ...], what: str, limit: int
    ) -> pd.DataFrame:
        """One row a gene or biosample; the anchor columns, of which one must exist, say how many."""
        present = {column: next((k for k in names if k in self._keys), None) for column, names in keys.items()}
        anchor = next((present[a] for a in anchors if present[a]), None)
        if anchor is None:
            raise self._error(f"names no {what}: expected {' or '.join(keys[anchors[0]])}.")
        length = self._length(anchor)
        if not 0 < length <= limit:
            raise self._error(f"{anchor} names {length} {what}: expected 1 to {limit}.")
        columns = {}
        for done, (column, key) in enumerate(present.items()):
            self._progress(f"reading {what}: {column}", done, len(present))
            columns[column] = self._column(column, key, anchor, length)
        return pd.DataFrame(columns)

    def _column(self, column: str, key: str | None, anchor: str, length: int) -> Any:
        if key is None:
            return np.full(length, np.nan) if column in _NUMBERS else pd.array([""] * length, dtype="str")
        if self._length(key) != length:
            raise self._error(f"{key} has {self._length(key)} values but {anchor} has {length}: the file is damaged.")
        if column not in _NUMBERS:
            return pd.array(self._texts(key), dtype="str")
        raw = self._list(key)
        text_like = raw.dtype.kind in "OSU"
        if not text_like and raw.dtype.kind not in "biuf":
            raise self._error(f"{key} holds {raw.dtype}, but must hold numbers. Download the file again.")
        values = pd.Series(self._texts(key)) if text_like else pd.Series(raw)
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)

    def _texts(self, key: str) -> list[str]:
        joined = "," if self.layout.startswith("v1") else _V1_SEPARATOR
        return [_text(value).replace(_V1_SEPARATOR, joined) for value in self._list(key)]

    def _list(self, key: str) -> Any:
        """All values of a key, one each; values that are lists themselves (an array type of HDF5) are refused."""
        dataset = self._dataset(key)
        with self._damage(key):
            values = dataset[:]
        if values.ndim != 1:
            raise self._error(f"{key} must hold one value each, but holds lists ({dataset.dtype}).")
        return values

    def _scalar(self, keys: tuple[str, ...]) -> str | None:
        """The first value of the first of these keys, as text; None where there is none."""
        for key in keys:
            if key in self._keys and (dataset := self._dataset(key)).size:
                with self._damage(key):
                    value = dataset[()] if dataset.ndim == 0 else dataset[(0,) * dataset.ndim]
                if text := _text(value):
                    return text
        return None

    def _length(self, key: str) -> int:
        dataset = self._dataset(key)
        if dataset.ndim != 1:
            raise self._error(f"{key} must be a list, but its shape is {dataset.shape}.")
        return int(dataset.shape[0])

    def _dataset(self, key: str) -> h5py.Dataset:
        if self._keys[key] != "dataset":
            raise self._error(f"{key} is a {self._keys[key]}: only data inside the file are read, and whole ones.")
        with self._damage(key):
            return self._file[key]

    @contextlib.contextmanager
    def _damage(self, key: str) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            if self._origin and isinstance(self._origin.failure, ArchscopeError):
                raise self._origin.failure from error
            raise self._error(f"cannot read {key} ({line(error)}). Download the file again.") from error

    def _error(self, what: str) -> CountsFileError:
        return CountsFileError(f"{self._name}: {what}")


def _text(value: object) -> str:
    # UTF-8 whatever the file declares: fixed-length strings are marked ASCII even where they are not.
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip("\0 \t\r\n")


def _few(values: Any, count: int = 3) -> str:
    shown = [str(value) for value in values[:count]]
    return ", ".join(shown) + (", ..." if len(values) > count else "")
