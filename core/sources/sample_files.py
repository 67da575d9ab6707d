"""Files that a user uploads to have samples classified, recognised by what they hold and not by their name.

Read here: gene and count in two columns, a matrix of genes x samples, kallisto's abundance.tsv (``sample_tables``),
and HDF5 files in ARCHS4's layout. The genes are looked up afterwards (``gene_matching``).
"""

import tempfile
from pathlib import Path

import numpy as np

from core import settings
from core.errors import CountsFileError, SampleFileError
from core.sources.archs4 import Archs4File
from core.sources.sample_tables import check_size, few, read_table
from core.sources.text_tables import is_hdf5
from core.types import Progress, SampleSet, silent


def read_samples(source: Path | bytes, name: str, progress: Progress = silent) -> SampleSet:
    """Samples (m <= 5,000) of an uploaded file; ``name`` is what the user calls it.

    Raises SampleFileError: empty, binary, Excel, not UTF-8, no table, values that are not finite numbers of at least
    0 (line and gene), blank or repeated genes, repeated sample names, a sample without any count, too many values.
    """
    hdf5 = is_hdf5(_head(source, name))
    samples = _read_hdf5(source, name, progress) if hdf5 else read_table(source, name, progress)
    some = np.asarray(samples.values.any(axis=1))
    empty = [sample for sample, has in zip(samples.sample_names, some, strict=True) if not has]
    if empty:
        raise SampleFileError(f"{name}: every count of {few(empty)} is 0. Leave such samples out.")
    return samples


def _head(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        return source[:8]
    if not source.is_file():
        raise SampleFileError(f"{name}: no such file. Check the path.")
    with source.open("rb") as file:
        return file.read(8)


def _read_hdf5(source: Path | bytes, name: str, progress: Progress) -> SampleSet:
    progress("reading the file", 0, 1)
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
        check_size(*file.shape, name)
        values = file.read(slice(None), settings.n_threads())
        genes, layout = file.genes, file.layout
        sample_names = file.biosamples["sample_id"].to_list()
    ids = genes["ensembl_gene_id"].where(genes["ensembl_gene_id"] != "", genes["symbol"])
    keep = (ids != "").to_numpy()
    notes = [] if keep.all() else [f"{(~keep).sum()} genes without a name were left out."]
    if not keep.all():
        values, ids = values[:, keep], ids[keep]
    return SampleSet(values, ids.to_list(), sample_names, f"HDF5 in ARCHS4's layout ({layout})", notes, counted=True)
