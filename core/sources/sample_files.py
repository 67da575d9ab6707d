"""Files that a user uploads to have samples classified, recognised by what they hold and not by their name.

Read here: tables of text (``sample_tables``: gene and count, matrices, GCT, the tables of quantifiers), HDF5
(``sample_hdf5``), zip and tar archives (``sample_archives``). The genes are looked up afterwards (``gene_matching``).
"""

import gzip
import tempfile
import zlib
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from core.errors import SampleFileError
from core.sources.sample_apart import ReadHdf5
from core.sources.sample_archives import read_archive, read_tar
from core.sources.sample_hdf5 import read_hdf5
from core.sources.sample_limits import few
from core.sources.sample_tables import read_table
from core.sources.sample_tars import is_tar
from core.sources.text_tables import is_hdf5, most_unpacked, opened
from core.types import Progress, SampleSet, silent

MAX_UNPACKED = 2 * 2**30  # of a gzip that holds HDF5
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PIECE = 2**20


def read_samples(source: Path | bytes, name: str, progress: Progress = silent, hdf5: ReadHdf5 = read_hdf5) -> SampleSet:
    """Samples (m <= 5,000) of an uploaded file; ``name`` is what the user calls it.

    ``hdf5`` reads what is HDF5: in this process, which a damaged file may end, or as ``sample_apart.reader`` does.

    Raises SampleFileError: empty, binary, Excel, not UTF-8, no table, values that are not finite numbers of at least
    0 (line and gene), blank or repeated genes, repeated sample names, a sample without any count, too many values,
    HDF5, zip or tar files that lead elsewhere or unpack to more than they should.
    """
    samples = _read(source, name, progress, hdf5)
    some = np.asarray(samples.values.any(axis=1))
    empty = [sample for sample, has in zip(samples.sample_names, some, strict=True) if not has]
    if empty:
        raise SampleFileError(f"{name}: every count of {few(empty)} is 0. Leave such samples out.")
    return samples


def _read(source: Path | bytes, name: str, progress: Progress, hdf5: ReadHdf5) -> SampleSet:
    with opened(source, name, SampleFileError) as raw:
        head = raw.read(8)
        raw.seek(0)
        if head.startswith(_ZIP):
            return read_archive(source, name, progress, partial(_read, hdf5=hdf5))
        if is_tar(raw, head):
            return read_tar(source, name, progress, partial(_read, hdf5=hdf5))
        if is_hdf5(head) and isinstance(source, Path):
            return hdf5(source, name, progress)
        if is_hdf5(head) or _hdf5_in_gzip(raw, head):
            return _from_copy(raw, name, progress, hdf5)
    return read_table(source, name, progress)


def _hdf5_in_gzip(raw: IO[bytes], head: bytes) -> bool:
    """Whether a gzip file holds HDF5, as GEO packs it; damage is left for the reader to tell."""
    if not head.startswith(b"\x1f\x8b"):
        return False
    try:
        return is_hdf5(gzip.GzipFile(fileobj=raw).read(8))
    except (OSError, EOFError, zlib.error):
        return False
    finally:
        raw.seek(0)


def _from_copy(raw: IO[bytes], name: str, progress: Progress, hdf5: ReadHdf5) -> SampleSet:
    """HDF5 in memory or in gzip, by way of a file that is gone afterwards."""
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    stream = gzip.GzipFile(fileobj=raw) if packed else raw
    size = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.h5"
        with path.open("wb") as file:
            try:
                while piece := stream.read(_PIECE):
                    size += len(piece)
                    most = min(MAX_UNPACKED, most_unpacked(raw.tell()))
                    if packed and size > most:
                        raise SampleFileError(f"{name}: unpacks to more than {most / 2**20:,.0f} MB. Give it unpacked.")
                    file.write(piece)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise SampleFileError(f"{name}: damaged gzip file ({error}). Pack or download it again.") from error
        return hdf5(path, name, progress)
