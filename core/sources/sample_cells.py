"""Single-cell counts as one sample: the cells of a Cell Ranger matrix added up (pseudo-bulk).

What one cell has is too little to be put beside a bulk profile; the sum over the cells of a sample is of its kind.
"""

from collections import Counter
from dataclasses import dataclass

import h5py
import numpy as np

from core.errors import SampleFileError
from core.sources.gene_names import joined
from core.sources.sample_columns import PIECE, as_values, check_counts, damage, is_list, numbers, texts
from core.sources.sample_limits import distinct, few, stem
from core.types import BoolArray, DoubleArray, Progress, SampleSet

MAX_FEATURES, MAX_CELLS = 1_000_000, 20_000_000
GENES = "Gene Expression"
_PARTS = {"data", "indices", "indptr", "shape", "barcodes"}


@dataclass(frozen=True)
class Features:
    """The rows of a single-cell matrix: ids, symbols and kinds, all of one length ("" where unknown)."""

    ids: list[str]
    symbols: list[str]
    types: list[str]

    def genes(self) -> BoolArray:
        """Which of them are genes; all where no kinds are known."""
        return np.array([kind in ("", GENES) for kind in self.types], dtype=np.bool_)

    def names(self) -> list[str]:
        return [joined(one, symbol) for one, symbol in zip(self.ids, self.symbols, strict=True)]


@dataclass(frozen=True)
class CellSums:
    """Counts summed over the cells of one matrix (f features), of how many cells, and how many have any count."""

    sums: DoubleArray
    n_cells: int
    n_with_counts: int
    name: str


def pseudo_bulk(parts: list[CellSums], features: Features, kind: str, notes: list[str], name: str) -> SampleSet:
    """One sample a part. Raises SampleFileError where no feature is a gene, or one has no name."""
    keep = features.genes()
    if not keep.any():
        raise SampleFileError(f"{name}: none of its features is a gene ({few(sorted(set(features.types)))}).")
    if not keep.all():
        others = Counter(kind for kind in features.types if kind not in ("", GENES))
        notes = [*notes, f"{(~keep).sum():,} features that are no genes were left out ({few(list(others))})."]
    ids = [one for one, kept in zip(features.names(), keep, strict=True) if kept]
    if "" in ids:
        raise SampleFileError(f"{name}: feature {ids.index('') + 1} has no name. Name it or leave it out.")
    values = as_values(np.stack([part.sums for part in parts])[:, keep])
    names = distinct([part.name for part in parts], name)
    return SampleSet(values, ids, names, kind, [*map(_added_up, parts), *notes], counted=True)


def _added_up(part: CellSums) -> str:
    empty = part.n_cells - part.n_with_counts
    without = f"; {empty:,} of them have no count" if empty else ""
    return f"{part.name}: the counts of {part.n_cells:,} cells were added up to one sample (pseudo-bulk{without})."


def cell_ranger_group(file: h5py.File) -> h5py.Group | None:
    """The group of a Cell Ranger matrix: "matrix", or in files of versions up to 2 one named after the genome."""
    groups = [file[key] for key in file]
    found = [group for group in groups if isinstance(group, h5py.Group) and set(group) >= _PARTS]
    if len(found) > 1:
        return next((group for group in found if group.name == "/matrix"), found[0])
    return found[0] if found else None


def read_cell_ranger(file: h5py.File, group: h5py.Group, name: str, progress: Progress) -> SampleSet:
    """The cells of feature-barcode matrix .h5 as one sample.

    Raises SampleFileError where the parts do not fit each other, or hold what is no count.
    """
    features = _features(group, name)
    shape = numbers(group["shape"], "shape", name, 2).astype(np.int64).tolist()
    barcodes = group["barcodes"]
    n_cells = barcodes.shape[0] if isinstance(barcodes, h5py.Dataset) and barcodes.ndim == 1 else -1
    if shape != [len(features.ids), n_cells] or n_cells > MAX_CELLS:
        raise SampleFileError(
            f"{name}: the matrix is {' x '.join(f'{n:,}' for n in shape)}, but the file names {len(features.ids):,} "
            f"features and {n_cells:,} barcodes. Copy the file again."
        )
    pointers = numbers(group["indptr"], "indptr", name, MAX_CELLS + 1)
    n_values = _check_pointers(pointers, n_cells, group, name)
    sums = np.zeros(len(features.ids))
    for start in range(0, n_values, PIECE):
        sums += _piece(group, slice(start, min(start + PIECE, n_values)), len(sums), name)
        progress("adding up the cells", start, n_values)
    cells = CellSums(sums, n_cells, int((np.diff(pointers) > 0).sum()), stem(name))
    others = [key for key in file if isinstance(file[key], h5py.Group) and set(file[key]) >= _PARTS]
    notes = [f"Only {group.name.strip('/')} of the genomes {', '.join(others)} was read."] if len(others) > 1 else []
    return pseudo_bulk([cells], features, "Cell Ranger matrix (HDF5)", notes, name)


def _features(group: h5py.Group, name: str) -> Features:
    if "features" in group:
        inner = group["features"]
        keys = ("id", "name", "feature_type")
    else:
        inner, keys = group, ("genes", "gene_names", "")
    if not isinstance(inner, h5py.Group) or keys[0] not in inner:
        raise SampleFileError(f"{name}: a Cell Ranger matrix without features/id. Copy the file again.")
    ids = texts(inner[keys[0]], keys[0], name, MAX_FEATURES)
    rest = [texts(inner[key], key, name, MAX_FEATURES) if key in inner else [""] * len(ids) for key in keys[1:] if key]
    rest += [[""] * len(ids)] * (2 - len(rest))
    if {len(column) for column in rest} != {len(ids)}:
        raise SampleFileError(f"{name}: the columns of its features differ in length. Copy the file again.")
    return Features(ids, rest[0], rest[1])


def _check_pointers(pointers: DoubleArray, n_cells: int, group: h5py.Group, name: str) -> int:
    sizes = [group[key].shape for key, kinds in (("data", "uif"), ("indices", "iu")) if is_list(group[key], kinds)]
    n_values = int(pointers[-1]) if len(pointers) else 0
    fits = len(pointers) == n_cells + 1 and pointers[0] == 0 and bool((np.diff(pointers) >= 0).all())
    if not fits or sizes != [(n_values,), (n_values,)]:
        raise SampleFileError(f"{name}: data, indices and indptr do not fit each other. Copy the file again.")
    return n_values


def _piece(group: h5py.Group, span: slice, n_features: int, name: str) -> DoubleArray:
    with damage(name, "data"):
        values = np.asarray(group["data"][span], dtype=np.float64)
        places = np.asarray(group["indices"][span], dtype=np.int64)
    if len(places) and not (places.min() >= 0 and places.max() < n_features):
        raise SampleFileError(f"{name}: indices points outside its {n_features:,} features. Copy the file again.")
    check_counts(values, f"{name}: data")
    sums: DoubleArray = np.bincount(places, weights=values, minlength=n_features).astype(np.float64)
    return sums
