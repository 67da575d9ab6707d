"""A built dataset on disk: counts and the normalised matrix in tiles, tables, and a manifest written last.

    datasets/<name>/manifest.json        what it is, where it came from, the recipe, the fingerprint, the blocks
                    counts/              X, n x G uint32, one biosample a tile (``core.store.tiles``)
                    expression/          Y, g x n float32, some genes of a block of biosamples a tile
                    target.npy           G float64
                    totals.npz           what the target and the zero shares were made from, to add biosamples to
                    norms.npy            n float64, the length of each profile (row of Y)
                    medians.npy          g x 2 float64, median and median absolute deviation of Y over biosamples
                    index/               axes.npy c x g and points.npy n x c float32, in a large dataset
                    members.npy          g x k int32, the neighbourhood of every gene
                    genes, rankings, biosamples, labels, transcripts .parquet

Y by biosample is not kept: mapping a biosample's counts onto the target again takes less than a millisecond.
A folder without a manifest is an unfinished build and is never shown.
"""

import contextlib
import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.array_files import read_array
from core.errors import NotFoundError, StoreError
from core.expression import normalise
from core.store.building import load_arrays
from core.store.label_edits import is_among, lay_over, no_edits, relabelled, short_hash
from core.store.manifest import read_manifest
from core.store.tiles import TiledMatrix, in_threads, spans
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray

FORMAT = 2
PIECE = 16  # biosamples whose Q in float64 a thread holds at a time
PIECE_GENES = 4096  # genes of a block that are read at a time: 4 MB
OF_EDITS = ("biosamples", "labels", "label_names", "label_matrix", "labels_hash", "edits_applied", "view_key")
Rows = IndexArray | Sequence[int] | slice


def canonical(recipe: Mapping[str, Any]) -> str:
    """A recipe as canonical JSON: sorted keys, no spaces; equal recipes give equal text."""
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"))


def build_key(fingerprint: str, recipe: Mapping[str, Any]) -> str:
    """Identity of a build: the content it was made from and the recipe that made it."""
    return hashlib.blake2b(f"{fingerprint}{canonical(recipe)}".encode(), digest_size=16).hexdigest()


class OutdatedError(StoreError):
    """An older version wrote the dataset: it is in no list, and has to be built again."""


class StoredDataset:
    """Reads one dataset folder; matrices are memory-mapped, tables are read when first asked for.

    ``edits`` (as ``core.store.label_edits`` keeps them) are laid over the labels of the sources.
    Raises NotFoundError where there is no finished dataset, StoreError where another version wrote it.
    """

    def __init__(self, path: Path, edits: pd.DataFrame | None = None) -> None:
        if not (path / "manifest.json").is_file():
            raise NotFoundError(f"There is no dataset {path.name!r}: see 'python -m core datasets', or build it first.")
        self.path = path
        self.edits = no_edits() if edits is None else edits
        self.manifest = read_manifest(path, FORMAT)
        if self.manifest["format"] > FORMAT:
            raise StoreError(f"Dataset {path.name!r} was written by a newer ARCHScope: update, or build it again.")
        if self.manifest["format"] < FORMAT:
            raise OutdatedError(f"Dataset {path.name!r} was written by an older ARCHScope: build it again.")
        self.name: str = self.manifest["name"]
        self.fingerprint: str = self.manifest["fingerprint"]
        self.recipe: dict[str, Any] = self.manifest["recipe"]
        self.key = build_key(self.fingerprint, self.recipe)
        self.simulated: bool = self.manifest["simulated"]
        self.blocks: tuple[int, ...] = tuple(self.manifest["blocks"])
        self._counts = TiledMatrix(path / "counts", self.blocks)
        self._expression = TiledMatrix(path / "expression", self.blocks)

    def counts(self, rows: Rows) -> CountMatrix:
        """X of these biosamples, m x G, in the order asked for."""
        found: CountMatrix = self._counts.biosamples(rows)
        return found

    def profiles(self, rows: Rows) -> FloatMatrix:
        """Y of these biosamples, m x g float32, in the order asked for."""
        wanted = np.arange(self.blocks[-1])[rows]
        out = np.empty((len(wanted), len(self.lengths)), dtype=np.float32)

        def fill(start: int, stop: int) -> None:
            out[start:stop] = self.exact_profiles(wanted[start:stop])

        in_threads(fill, spans(len(wanted), PIECE))
        return out

    def exact_profiles(self, rows: Rows) -> DoubleArray:
        """Y of these biosamples before it was rounded, m x g float64; for a few at a time."""
        q = normalise.to_target(self.counts(rows), self.target)
        return normalise.divide_by_length(np.take(q, self.in_y, axis=1), self.lengths)

    def expression(self, genes: Rows) -> FloatMatrix:
        """Y of these genes (rows of the rankings) over all biosamples, t x n float32, in the order asked for."""
        found: FloatMatrix = self._expression.genes(genes)
        return found

    def block(self, number: int) -> Iterator[tuple[slice, FloatMatrix]]:
        """Y of one block of biosamples in pieces of some genes: which, and their expression (t x b)."""
        for start, stop in spans(len(self.lengths), PIECE_GENES):
            yield slice(start, stop), self._expression.piece(number, start, stop)

    @cached_property
    def in_y(self) -> IndexArray:
        """Which of the G genes are in Y (g positions)."""
        return np.flatnonzero(self.genes["normalised"])

    @cached_property
    def index(self) -> tuple[FloatMatrix, FloatMatrix] | None:
        """Axes (c x g) and where the unit profiles lie on them (n x c), for a quick search; None in a small dataset."""
        if not (self.path / "index").is_dir():
            return None
        return self._array("index/axes"), np.asarray(self._array("index/points"))

    @cached_property
    def norms(self) -> DoubleArray:
        """Length of each profile (n)."""
        return np.asarray(self._array("norms"))

    @cached_property
    def medians(self) -> tuple[DoubleArray, DoubleArray]:
        """Median and median absolute deviation of Q over all biosamples, for each gene of Y (g)."""
        median, deviation = np.asarray(self._array("medians")).T * self.lengths
        return median, deviation

    @cached_property
    def totals(self) -> Mapping[str, np.ndarray]:
        """What the target and the zero shares were made from: steps, and biosamples that express it (each G)."""
        return load_arrays(self.path / "totals.npz")

    @cached_property
    def members(self) -> IndexArray:
        """Neighbourhood of every gene, g x k positions of biosamples, ascending by Y."""
        array: IndexArray = self._array("members")
        return array

    @cached_property
    def target(self) -> DoubleArray:
        """The quantile target t, G."""
        return np.asarray(self._array("target"))

    @cached_property
    def genes(self) -> pd.DataFrame:
        """All G genes: symbol, ensembl_gene_id, biotype, length_bp (NaN where unknown), normalised (is it in Y?)."""
        return self._table("genes")

    @cached_property
    def rankings(self) -> pd.DataFrame:
        """One row for each of the g genes of Y, in their order."""
        return self._table("rankings")

    @cached_property
    def biosamples(self) -> pd.DataFrame:
        """n rows in the order of the matrices, with the labels (edits laid over) joined by |."""
        return relabelled(self._biosamples, self.labels, self.edits)

    @cached_property
    def _biosamples(self) -> pd.DataFrame:
        return self._table("biosamples")

    @cached_property
    def source_labels(self) -> pd.DataFrame:
        """What the sources say: sample_id, label, source (and field, words where known), one row for every bit."""
        return self._table("labels")

    @cached_property
    def labels(self) -> pd.DataFrame:
        """The labels with the edits laid over, columns as ``source_labels``; what an edit set has source "edited"."""
        return lay_over(self.source_labels, self.edits, self._biosamples["sample_id"])

    @cached_property
    def transcripts(self) -> pd.DataFrame:
        """transcript_id, ensembl_gene_id, symbol; empty where the lengths came without transcripts."""
        return self._table("transcripts")

    @cached_property
    def label_names(self) -> list[str]:
        """The L labels, sorted."""
        return sorted(self.labels["label"].unique())

    @cached_property
    def label_matrix(self) -> BoolArray:
        """Multi-hot labels, n x L, columns as ``label_names``."""
        rows = pd.Index(self.biosamples["sample_id"]).get_indexer(pd.Index(self.labels["sample_id"]))
        columns = pd.Index(self.label_names).get_indexer(pd.Index(self.labels["label"]))
        matrix = np.zeros((len(self.biosamples), len(self.label_names)), dtype=bool)
        matrix[rows, columns] = True
        return matrix

    def rows_with(self, label: str) -> IndexArray:
        """Rows of the biosamples that carry a label, ascending; none where an edit took it from the last one."""
        carry = self.labels["sample_id"][self.labels["label"] == label]
        return np.flatnonzero(is_among(self.biosamples["sample_id"], carry))

    @cached_property
    def labels_hash(self) -> str:
        """Short hash of the labels with their edits: the same for the same bits, whatever set them."""
        return short_hash(sorted(self.labels["sample_id"].str.cat(self.labels["label"], sep="\t").unique()))

    @cached_property
    def edits_applied(self) -> int:
        """How many of the edits are of biosamples that the dataset has."""
        return int(is_among(self.edits["sample_id"], self._biosamples["sample_id"]).sum()) if len(self.edits) else 0

    @cached_property
    def view_key(self) -> str:
        """Identity of what is shown: the build with the edits of its labels."""
        return self.key if self.edits.empty else f"{self.key}-{short_hash(self.edits['id'])}"

    @property
    def label_facts(self) -> dict[str, int]:
        """n_labels and n_labelled where labels were edited: the manifest has them as they were built."""
        if self.edits.empty:
            return {}
        return {"n_labels": len(self.label_names), "n_labelled": self.labels["sample_id"].nunique()}

    def with_edits(self, edits: pd.DataFrame) -> "StoredDataset":
        """The same dataset with these edits of its labels instead; what is in memory of it is shared."""
        other = copy.copy(self)  # in one step, whatever another thread reads meanwhile
        other.__dict__ = {key: value for key, value in other.__dict__.items() if key not in OF_EDITS} | {"edits": edits}
        return other

    @cached_property
    def lengths(self) -> DoubleArray:
        """What Q was divided by for each gene of Y (g), in the unit of the recipe (ones where switched off)."""
        if self.recipe["length_measure"] == "none":
            return np.ones(len(self.rankings))
        bp = self.rankings["length_bp"].to_numpy(dtype=np.float64)
        return bp / 1000.0 if self.recipe["length_unit"] == "kb" else bp

    @property
    def unit(self) -> str:
        """Unit of Y, for axes and columns."""
        if self.recipe["length_measure"] == "none":
            return "log2(1 + count), quantile-normalised"
        return f"log2(1 + count), quantile-normalised, per {self.recipe['length_unit']}"

    def gene(self, gene: str) -> int:
        """Row of a gene in the rankings, by symbol or Ensembl id (version and case don't matter).

        Raises NotFoundError; a symbol that several genes carry means the first of them by signal.
        """
        wanted = gene.strip().upper()
        row = self._gene_rows.get(wanted.split(".")[0] if wanted.startswith("ENS") else wanted)
        if row is None:
            raise NotFoundError(f"Dataset {self.name!r} has no gene {gene!r} with a length: check the symbol or id.")
        return row

    @cached_property
    def _gene_rows(self) -> dict[str, int]:
        """Row of each gene by its symbol and its Ensembl id, in capitals; of several the first with most signal."""
        signal = self.rankings["signal"].to_numpy()
        rising = np.lexsort((-np.arange(len(signal)), signal))  # what comes later takes a shared name
        found: dict[str, int] = {}
        for column in ("symbol", "ensembl_gene_id"):
            names = self.rankings[column].fillna("").str.upper().to_numpy(object)
            found |= {name: int(row) for name, row in zip(names[rising], rising, strict=True) if name}
        return found

    def biosample(self, sample_id: str) -> int:
        """Row of a biosample. Raises NotFoundError."""
        row = self._biosample_rows.get(sample_id)
        if row is None:
            raise NotFoundError(f"Dataset {self.name!r} has no biosample {sample_id!r}: it may have been left out.")
        return row

    @cached_property
    def _biosample_rows(self) -> dict[str, int]:
        return {sample_id: row for row, sample_id in enumerate(self._biosamples["sample_id"])}

    def _array(self, name: str) -> Any:
        try:
            return read_array(self.path / f"{name}.npy", mapped=True)
        except ValueError as error:
            raise StoreError(f"Dataset {self.name!r} is damaged ({name}.npy: {error}): build it again.") from error

    def _table(self, name: str) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.path / f"{name}.parquet")
        except (OSError, ValueError) as error:
            raise StoreError(f"Dataset {self.name!r} is damaged ({name}.parquet: {error}): build it again.") from error


def find_datasets(folder: Path, opened: Callable[[str], StoredDataset]) -> Iterator[StoredDataset]:
    """Every finished dataset below a folder as ``opened`` opens it, by name, but those of an older version."""
    for manifest in sorted(folder.glob("[!.]*/manifest.json")):
        with contextlib.suppress(OutdatedError):
            yield opened(manifest.parent.name)
