"""HDF5 files that a user uploads: opened without trust, and told apart by what they hold.

Nothing is read before every link was found to lead into the file itself, and no dataset promises far more than the
file stores. Read: kallisto abundance.h5 here, ARCHS4's layout (``archs4``), Cell Ranger's matrix (``sample_cells``)
h5ad (``sample_anndata``) and loom (``sample_loom``).
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core import settings
from core.errors import CountsFileError, SampleFileError
from core.sources.archs4 import Archs4File
from core.sources.archs4_open import is_cut_short
from core.sources.sample_anndata import is_anndata, read_anndata
from core.sources.sample_cells import cell_ranger_group, read_cell_ranger
from core.sources.sample_columns import MOST_COUNT, as_values, damage, texts
from core.sources.sample_limits import check_size, stem
from core.sources.sample_loom import is_loom, read_loom
from core.types import Progress, SampleSet

MAX_OBJECTS = 10_000
MAX_TARGETS = 5_000_000
# A dataset of more bytes than this must store at least one in so many of them; deflate packs 1,032 to 1 at best.
PROMISED_BYTES, MOST_PACKED = 2**26, 4_000
MAX_CHUNK_BYTES = 2**28  # a chunk is unpacked as a whole
_BLOCK = 100  # biosamples read at a time


def read_hdf5(path: Path, name: str, progress: Progress) -> SampleSet:
    """Samples of an HDF5 file; ``name`` is what the user calls it.

    Raises SampleFileError: damaged, links or data outside the file, sizes that the file cannot hold, unknown layout.
    """
    progress("reading the file", 0, 1)
    try:
        with _opened(path, name) as file, damage(name, "the file"):
            check_members(file, name)
            if "aux/ids" in file:
                return _kallisto(file, name)
            if is_anndata(file):
                return read_anndata(file, name, progress)
            if is_loom(file):
                return read_loom(file, name, progress)
            if group := cell_ranger_group(file):
                return read_cell_ranger(file, group, name, progress)
        return _from_archs4(path, name, progress)
    except CountsFileError as error:
        raise SampleFileError(str(error)) from error


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        with Archs4File(path, name):  # which says what is wrong with it
            raise SampleFileError(f"{name}: cannot be opened. Copy or download the file again.") from error
    with file:
        yield file


def check_members(file: h5py.File, name: str) -> None:
    """Raises SampleFileError where anything in the file leads outside it, or promises what it does not store."""
    seen: set[Any] = set()
    waiting: list[h5py.Group] = [file]
    while waiting:
        group = waiting.pop()
        for key in group:
            if not isinstance(key, str):
                raise SampleFileError(f"{name}: {group.name} has a part whose name is no UTF-8 text. Repack the file.")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise SampleFileError(f"{name}: {_path(group, key)} is a link. Only data in the file itself are read.")
            item = group[key]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MAX_OBJECTS:
                raise SampleFileError(f"{name}: holds more than {MAX_OBJECTS:,} objects. Keep the counts alone.")
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, _path(group, key), name)


def _path(group: h5py.Group, key: str) -> str:
    return f"{group.name.rstrip('/')}/{key}"


def _check_dataset(item: h5py.Dataset, key: str, name: str) -> None:
    if item.is_virtual or item.external:
        raise SampleFileError(f"{name}: {key} keeps its values in other files. Only data in the file itself are read.")
    if is_cut_short(item):
        raise SampleFileError(f"{name}: {key} stores less than its shape needs. Copy or download the file again.")
    promised = math.prod(item.shape or ()) * item.dtype.itemsize
    if promised > PROMISED_BYTES and item.id.get_storage_size() * MOST_PACKED < promised:
        shape = " x ".join(f"{n:,}" for n in item.shape)
        raise SampleFileError(
            f"{name}: {key} promises {promised / 2**20:,.0f} MB ({shape}), but stores "
            f"{item.id.get_storage_size() / 2**20:,.1f} MB. The file is damaged or was made to fill the memory."
        )
    if item.chunks and math.prod(item.chunks) * item.dtype.itemsize > MAX_CHUNK_BYTES:
        raise SampleFileError(f"{name}: {key} is stored in chunks over {MAX_CHUNK_BYTES / 2**20:,.0f} MB. Repack it.")


def _kallisto(file: h5py.File, name: str) -> SampleSet:
    if "est_counts" not in file:
        raise SampleFileError(f"{name}: kallisto's abundance.h5 without est_counts. Copy it from kallisto again.")
    ids = texts(file["aux/ids"], "aux/ids", name, MAX_TARGETS)
    if "" in ids:
        raise SampleFileError(
            f"{name}: target {ids.index('') + 1} of aux/ids has no name. Copy it from kallisto again."
        )
    counts = file["est_counts"]
    if not isinstance(counts, h5py.Dataset) or counts.shape != (len(ids),) or counts.dtype.kind not in "uif":
        raise SampleFileError(f"{name}: est_counts does not fit the {len(ids):,} targets of aux/ids. Copy it again.")
    check_size(1, len(ids), name)
    with damage(name, "est_counts"):
        values = np.asarray(counts[:], dtype=np.float64)
    bad = np.flatnonzero(~((values >= 0) & (values <= MOST_COUNT)))
    if len(bad):
        raise SampleFileError(
            f"{name}: est_counts of {ids[bad[0]]} is {values[bad[0]]}. Counts must be finite numbers of at least 0."
        )
    notes = ["The dataset est_counts was used."]
    return SampleSet(as_values(values[None]), ids, [stem(name)], "kallisto abundance.h5", notes, counted=True)


def _from_archs4(path: Path, name: str, progress: Progress) -> SampleSet:
    with Archs4File(path, name) as file:
        check_size(*file.shape, name)
        n, width = file.shape
        values = np.empty((n, width), dtype=np.uint32)
        for start in range(0, n, _BLOCK):
            progress("reading the file", start, n)
            values[start : start + _BLOCK] = file.read(slice(start, start + _BLOCK), settings.n_threads())
        genes, layout = file.genes, file.layout
        sample_names = file.biosamples["sample_id"].to_list()
    ids = genes["ensembl_gene_id"].where(genes["ensembl_gene_id"] != "", genes["symbol"])
    if "transcript_id" in genes:  # with its gene where the file says so, as GENCODE names transcripts
        gene = genes["ensembl_gene_id"]
        ids = genes["transcript_id"].where(gene == "", genes["transcript_id"] + "|" + gene + "|")
    keep = (ids != "").to_numpy()
    notes = [] if keep.all() else [f"{(~keep).sum()} genes without a name were left out."]
    if not keep.all():
        values, ids = values[:, keep], ids[keep]
    return SampleSet(values, ids.to_list(), sample_names, f"HDF5 in ARCHS4's layout ({layout})", notes, counted=True)
