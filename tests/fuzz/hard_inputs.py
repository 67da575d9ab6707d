"""Inputs that are hard on purpose: bombs, archives that lie, HDF5 that leads elsewhere or promises too much."""

import gzip
import io
import pickle
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.fuzz import seeds
from tests.sources import made_uploads as made

Make = Callable[[], bytes]
HEAD, ROW = b"gene\ta\tb\n", b"TP53\t1\t2\n"


def repeated(block: bytes, times: int, head: bytes = b"") -> bytes:
    """A gzip file that unpacks to far more than one could write out here: one member over and over."""
    return (gzip.compress(head, mtime=0) if head else b"") + gzip.compress(block, 9, mtime=0) * times


def table(cell: str) -> Make:
    return lambda: HEAD + ROW + f"ACTB\t{cell}\t3\n".encode()


def zip_bomb() -> bytes:
    return made.zipped({"a.csv": b"\n" * (200 << 20)})


def lying_zip() -> bytes:
    """A zip whose entry unpacks to a thousand times what it declares."""
    data = bytearray(made.zipped({"a.csv": HEAD + ROW * 100_000}))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.rfind(signature)
        data[place + at : place + at + 4] = struct.pack("<L", 20)
    return bytes(data)


def many_entries() -> bytes:
    """A million entries, all of one place: written by hand, as zipfile would take minutes."""
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed = entry * 1_000_000
    return local + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), len(local), 0)


def symlinked() -> bytes:
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = 0o120777 << 16
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(info, "/etc/passwd")
        return out.getvalue()


def changed(change: Callable[[h5py.File], object], base: Callable[[], bytes] = lambda: seeds.hdf5s()[3]) -> Make:
    """A valid HDF5 file after a change."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.h5"
            path.write_bytes(base())
            with h5py.File(path, "r+") as file:
                change(file)
            return path.read_bytes()

    return make


def archs4() -> bytes:
    return seeds.counts_files()[10]


def put(key: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if key in file:
            del file[key]
        file[key] = value

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4, 12), dtype="i8")
    layout[...] = h5py.VirtualSource("/tmp/elsewhere.h5", "X", shape=(4, 12))
    del file["X"]
    file.create_virtual_dataset("X", layout)


def huge(shape: tuple[int, ...], **more: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["X"]
        file.create_dataset("X", shape, "f8", **more)

    return change


def stored_outside(file: h5py.File) -> None:
    del file["X"]
    file.create_dataset("X", (4, 12), "i8", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def deep(file: h5py.File) -> None:
    group = file.create_group("deep")
    for _ in range(5_000):
        group = group.create_group("g")


def many_objects(file: h5py.File) -> None:
    for i in range(60_000):
        file.create_group(f"many/g{i}")


def wrong_checksum() -> bytes:
    """A counts file of which one stored value is not what its checksum says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        seeds.write_counts(path, "v2.6", chunks=(12, 5), fletcher32=True)
        data = path.read_bytes()
    at = data.find(np.arange(0, 5).astype("<u4").tobytes()[:0] + struct.pack("<L", 8))
    stored = data.find(struct.pack("<LL", 1, 1 + 7 * 12))
    at = stored if stored >= 0 else at
    return data[: at + 4] + b"\x99" + data[at + 5 :]


def pickled() -> bytes:
    return pickle.dumps({"a": np.arange(5)})
