"""Inputs that somebody thought of, each with the answer that it has to get, and what reads it."""

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import pandas as pd

from core.errors import ArchscopeError
from core.sources import gencode, sample_apart
from core.sources.annotation import read_labels
from core.sources.archs4 import Archs4File
from core.sources.gene_sets import read_gmt
from core.sources.label_parents import read_parents
from core.sources.sample_files import read_samples
from core.types import SampleSet, silent
from tests.fuzz import hard_inputs as hard
from tests.fuzz import seeds
from tests.fuzz.hard_inputs import HEAD, ROW, Make
from tests.fuzz.target import is_one_line
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS

Read = Callable[[bytes, Path], object]
SOUND = "ok"


@dataclass(frozen=True)
class Hard:
    """``expected``: "ok", or words of the refusal (a regular expression)."""

    name: str
    make: Make
    expected: str
    read: Read


def upload(data: bytes, folder: Path) -> SampleSet:
    """As the product reads it: HDF5 in a process of its own."""
    path = folder / "upload"
    path.write_bytes(data)
    with sample_apart.reader() as hdf5:
        return read_samples(path, "upload.csv", silent, hdf5)


def counts_file(data: bytes, folder: Path) -> object:
    path = folder / "counts.h5"
    path.write_bytes(data)
    with Archs4File(path) as file:
        return file.read(slice(None))


def formulas(data: bytes, folder: Path) -> None:
    """Names that are formulas come in as they are and go out behind an apostrophe."""
    from core.workflows import to_csv

    samples = upload(data, folder)
    out = to_csv(pd.DataFrame({"sample": samples.sample_names, "first": samples.gene_ids[: len(samples.sample_names)]}))
    cells = pd.read_csv(io.BytesIO(out), dtype=str, na_filter=False).to_numpy().ravel()
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")], cells
    assert sum(cell.startswith("'") for cell in cells) >= 2, cells


def lengths(data: bytes, folder: Path) -> object:
    path = folder / "a.gtf"
    path.write_bytes(data)
    return gencode.read_annotation(path)


def labels(data: bytes, folder: Path) -> object:
    path = folder / "labels.tsv"
    path.write_bytes(data)
    return read_labels(path, ["GSM1", "GSM2"])


def parents(data: bytes, folder: Path) -> object:
    path = folder / "parents.tsv"
    path.write_bytes(data)
    return read_parents(path)


def gmt(data: bytes, folder: Path) -> object:
    return read_gmt(data, "sets.gmt")


def cut_everywhere(data: bytes, folder: Path) -> None:
    """Cut after every byte: refused in one line, or sound."""
    for end in range(len(data)):
        try:
            read_samples(data[:end], "cut.csv")
        except ArchscopeError as error:
            assert is_one_line(str(error)), str(error)


def cut_hdf5(data: bytes, folder: Path) -> None:
    """HDF5 cut at 200 places, all read by one process."""
    path = folder / "cut.h5"
    with sample_apart.reader() as hdf5:
        for end in range(8, len(data), len(data) // 200):
            path.write_bytes(data[:end])
            try:
                read_samples(path, "cut.h5", silent, hdf5)
            except ArchscopeError as error:
                assert is_one_line(str(error)), str(error)


CASES = [
    Hard(
        "gzip bomb: 10 GB of lines from 10 MB",
        lambda: hard.repeated(ROW * 100_000, 11_000, HEAD),
        "unpacks to more than",
        upload,
    ),
    Hard("gzip bomb of blank lines", lambda: hard.repeated(b"\n" * (1 << 20), 5_000), "unpacks to more than", upload),
    Hard(
        "gzip bomb of HDF5",
        lambda: hard.repeated(bytes(1 << 20), 3_000, seeds.hdf5s()[0]),
        "unpacks to more than",
        upload,
    ),
    Hard("a line of 1 GB from 1 MB", lambda: hard.repeated(b"A" * (1 << 20), 1_000), "unpacks to more than", upload),
    Hard("a line of 60 MB", lambda: b"A" * 60_000_000, "one column only", upload),
    Hard("zip bomb", hard.zip_bomb, "unpacks to more than", upload),
    Hard("zip whose entry declares less than it holds", hard.lying_zip, "damaged zip file", upload),
    Hard(
        "zip in a zip",
        lambda: made.zipped({"a.zip": made.zipped({"a.csv": HEAD + ROW})}),
        "an archive .* itself",
        upload,
    ),
    Hard("zip of a million entries", hard.many_entries, "far more than 5,000 files", upload),
    Hard("zip with a path out of it", lambda: made.zipped({"../../a.csv": HEAD + ROW}), "leads out", upload),
    Hard("zip with a symbolic link", hard.symlinked, "leads out", upload),
    Hard(
        "spreadsheet (xlsx)",
        lambda: made.zipped({"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b""}),
        "Excel",
        upload,
    ),
    Hard("gzip in gzip", lambda: gzip.compress(gzip.compress(HEAD + ROW)), "not UTF-8|binary", upload),
    Hard("gzip with a wrong checksum", lambda: gzip.compress(HEAD + ROW)[:-8] + bytes(8), "damaged gzip", upload),
    Hard("gzip followed by rubbish", lambda: gzip.compress(HEAD + ROW) + b"rubbish", "damaged gzip", upload),
    Hard("header of 10 million columns", lambda: b"gene" + b"\ts" * 10_000_000 + b"\n" + ROW, "at most 5,000", upload),
    Hard("row of 10 million columns", lambda: HEAD + b"TP53" + b"\t1" * 10_000_000 + b"\n", "at most 5,000", upload),
    Hard("two million blank lines", lambda: HEAD + b"\n" * 2_000_000 + ROW, SOUND, upload),
    Hard("NUL bytes", lambda: HEAD + b"TP53\t1\0\t2\n", "binary", upload),
    Hard("UTF-16", lambda: (HEAD + ROW).decode().encode("utf-16"), "not UTF-8|binary", upload),
    Hard("UTF-32", lambda: (HEAD + ROW).decode().encode("utf-32"), "not UTF-8|binary", upload),
    Hard("Latin-1", lambda: HEAD + "Gène\t1\t2\n".encode("latin-1"), "line 2: not UTF-8", upload),
    Hard("byte order mark", lambda: b"\xef\xbb\xbf" + HEAD + ROW, SOUND, upload),
    Hard("line ends of old Macs (CR)", lambda: (HEAD + ROW).replace(b"\n", b"\r"), SOUND, upload),
    Hard("line ends of Windows (CR LF)", lambda: (HEAD + ROW).replace(b"\n", b"\r\n"), SOUND, upload),
    Hard(
        "formulas as names, exported again",
        lambda: b"gene\t=1+1\t@SUM(A1)\n=cmd|'/C calc'!A0\t1\t2\n+A1\t3\t4\n",
        SOUND,
        formulas,
    ),
    Hard("repeated column names", lambda: b"gene\ta\ta\nTP53\t1\t2\n", "repeated", upload),
    Hard("repeated genes", lambda: HEAD + ROW * 2, "more than once", upload),
    Hard("1e308", hard.table("1e308"), "line 3.*ACTB.*sample a", upload),
    Hard("-0", hard.table("-0"), SOUND, upload),
    Hard("inf", hard.table("inf"), "line 3.*ACTB.*sample a", upload),
    Hard("nan", hard.table("nan"), "line 3.*ACTB.*sample a", upload),
    Hard("hexadecimal", hard.table("0x10"), "line 3.*ACTB.*sample a", upload),
    Hard("decimal comma", hard.table("1,5"), "line 3.*ACTB.*sample a", upload),
    Hard("thousands apart", hard.table("1.234,5"), "line 3.*ACTB.*sample a", upload),
    Hard("a count of 400 digits", hard.table("9" * 400), "line 3.*ACTB.*sample a", upload),
    Hard("a quote that never ends", lambda: HEAD + b'"TP53\t1\t2\n' * 5, "quote|columns|line", upload),
    Hard("names that regular expressions choke on", lambda: HEAD + b"|A_" * 20_000 + b"ENSG\t1\t2\n", SOUND, upload),
    Hard("a pickle", hard.pickled, "not UTF-8|binary", upload),
    Hard("a numpy archive (npz)", seeds.npz_bytes, "refused|binary|UTF-8|table", upload),
    Hard(
        "table cut after every byte",
        lambda: made.gct(ENSEMBL, ["a", "b"], seeds.BULK[:2], SYMBOLS)[:400],
        SOUND,
        cut_everywhere,
    ),
    Hard(
        "gzip cut after every byte",
        lambda: gzip.compress(made.tsv([["gene", "a"], ["TP53", 1], ["ACTB", 2]])),
        SOUND,
        cut_everywhere,
    ),
    Hard("zip cut after every byte", lambda: made.zipped({"a.csv": HEAD + ROW}), SOUND, cut_everywhere),
    Hard("HDF5 cut at 200 places", lambda: seeds.hdf5s()[0], SOUND, cut_hdf5),
    Hard(
        "HDF5: external link",
        hard.changed(hard.put("X", h5py.ExternalLink("/etc/hostname", "/x"))),
        "is a link",
        upload,
    ),
    Hard("HDF5: soft link", hard.changed(hard.put("X", h5py.SoftLink("/obs"))), "is a link", upload),
    Hard("HDF5: soft links in a circle", hard.changed(hard.put("X", h5py.SoftLink("/X"))), "is a link", upload),
    Hard("HDF5: a group that holds itself", hard.changed(lambda file: hard.put("uns", file["/"])(file)), SOUND, upload),
    Hard("HDF5: virtual dataset of another file", hard.changed(hard.virtual), "other files", upload),
    Hard("HDF5: values in another file", hard.changed(hard.stored_outside), "other files", upload),
    Hard(
        "HDF5: 8 TB promised, nothing stored",
        hard.changed(hard.huge((10**6, 10**6), chunks=(100, 100))),
        "promises",
        upload,
    ),
    Hard(
        "HDF5: a chunk of 2 GB", hard.changed(hard.huge((4, 2**26), chunks=(4, 2**26))), "promises|chunks over", upload
    ),
    Hard("HDF5: groups 5,000 deep", hard.changed(hard.deep), SOUND, upload),
    Hard("HDF5: 60,000 groups", hard.changed(hard.many_objects), "objects", upload),
    Hard(
        "counts file: external link",
        hard.changed(hard.put("data/expression", h5py.ExternalLink("/etc/hostname", "/x")), hard.archs4),
        "link to elsewhere",
        counts_file,
    ),
    Hard(
        "counts file: soft link in a circle",
        hard.changed(hard.put("data/expression", h5py.SoftLink("/data")), hard.archs4),
        "link to elsewhere",
        counts_file,
    ),
    Hard("counts file: wrong checksum", hard.wrong_checksum, "cannot read data/expression", counts_file),
    Hard(
        "GTF bomb: 10 GB from 10 MB",
        lambda: hard.repeated(b"#" * (1 << 20) + b"\n", 10_000, seeds.gtfs()[0]),
        "unpacks to more than",
        lengths,
    ),
    Hard(
        "GTF with positions of 5,000 digits",
        lambda: seeds.gtfs()[0].replace(b"\t100\t", b"\t" + b"9" * 5000 + b"\t"),
        "not a GTF line",
        lengths,
    ),
    Hard(
        "label table: bomb of blank lines",
        lambda: hard.repeated(b"\n" * (1 << 20), 5_000),
        "unpacks to more than",
        labels,
    ),
    Hard(
        "label table: a cell of 200,000 characters",
        lambda: b"sample_id\tlabel\nGSM1\t" + b"a" * 200_000 + b"\n",
        "not a table row",
        labels,
    ),
    Hard(
        "labels that imply each other 100,000 deep",
        lambda: b"child\tparent\n" + b"".join(b"l%d\tl%d\n" % (i, i + 1) for i in range(100_000)),
        "implies more than",
        parents,
    ),
    Hard("labels that imply each other in a circle", lambda: b"child\tparent\na\tb\nb\tc\nc\ta\n", "circle", parents),
    Hard("gene sets in UTF-16", lambda: "A\tb\tTP53\n".encode("utf-16"), "UTF-8", gmt),
]
