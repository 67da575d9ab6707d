"""Changes to the structure of an HDF5 file, through h5py: types, shapes, values, links, storage, attributes."""

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np

from core.sources import archs4_layouts

Change = Callable[[random.Random, h5py.File], None]
ELSEWHERE = "/etc/hostname"
_ADDED = [archs4_layouts.EXPRESSION, "meta/genes/symbol", "meta/genes", "meta/samples/geo_accession",
    "meta/info/version",
          "meta/transcripts/x", "aux/ids", "est_counts", "X", "obs", "var", "layers/counts", "raw/X", "raw/var",
          "matrix",
          "obs/_index", "var/_index", "matrix/shape", "matrix/indptr", "meta/samples/singlecellprobability",
          "meta/samples/alignedreads", "var/gene_ids", "GRCh38/data"]  # fmt: skip


def changed_hdf5(rng: random.Random, data: bytes) -> bytes:
    """The file with one to three things changed; sometimes bytes on top."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        path.write_bytes(data)
        with h5py.File(path, "r+") as file:
            for _ in range(rng.choice([1, 1, 2, 3])):
                try:
                    rng.choice(CHANGES)(rng, file)
                except Exception:  # noqa: BLE001  (not every change fits every file)
                    continue
        out = path.read_bytes()
    if rng.random() < 0.1:
        out = out.replace(b"\x00\x7d\x07\x00lzf", b"\x01\x7d\x07\x00lzf").replace(b"deflate", b"deflatf")
    return out


def _keys(file: h5py.File, kind: type) -> list[str]:
    found: list[str] = []
    file.visititems(lambda key, item: found.append(key) if isinstance(item, kind) else None)
    return found


def _some(rng: random.Random, file: h5py.File) -> str:
    return rng.choice(_keys(file, h5py.Dataset))


def _replace(file: h5py.File, key: str, value: Any, **storage: Any) -> None:
    if key in file:
        del file[key]
    file.create_dataset(key, data=value, **storage)


def delete(rng: random.Random, file: h5py.File) -> None:
    del file[rng.choice(_keys(file, object))]  # type: ignore[arg-type]


def retype(rng: random.Random, file: h5py.File) -> None:
    """The same number of entries, of another type."""
    key = _some(rng, file)
    shape = file[key].shape
    n = int(np.prod(shape))
    kinds: list[Callable[[], Any]] = [
        lambda: np.zeros(shape, np.float16), lambda: np.ones(shape, ">f8"), lambda: np.full(shape, 7, np.int8),
        lambda: np.full(shape, 2**63, np.uint64), lambda: np.ones(shape, np.bool_), lambda: np.ones(shape,
        np.complex128),
        lambda: np.array([f"t{i}".encode() for i in range(n)]).reshape(shape),
        lambda: np.array([(i, 1.5) for i in range(n)], dtype="i4,f8").reshape(shape),
        lambda: np.zeros(shape, "V7"), lambda: np.zeros(shape, "S0" if rng.random() < 0.3 else "S1"),
        lambda: np.ones(shape, np.longdouble), lambda: np.zeros((*shape, 2), "i4"),
    ]  # fmt: skip
    if rng.random() < 0.25:
        special = rng.choice([
            h5py.vlen_dtype(np.int32), h5py.enum_dtype({"A": 0, "B": 1}), h5py.ref_dtype, h5py.regionref_dtype,
            h5py.string_dtype("ascii"), h5py.string_dtype("utf-8", 3), h5py.opaque_dtype(np.dtype("M8[s]")),
            np.dtype(("i4", (2,))), h5py.vlen_dtype(h5py.string_dtype()),
        ])  # fmt: skip
        del file[key]
        file.create_dataset(key, shape, special)
    else:
        _replace(file, key, rng.choice(kinds)())


def reshape(rng: random.Random, file: h5py.File) -> None:
    key = _some(rng, file)
    old = file[key][()]
    values = np.asarray(old)
    ways: list[Callable[[], Any]] = [
        lambda: values.reshape(-1)[0], lambda: values.reshape(1, -1), lambda: values.reshape(-1)[:0],
        lambda: values.reshape(-1)[: max(1, values.size // 2)], lambda: np.concatenate([values.reshape(-1)] * 2),
        lambda: values.T, lambda: values[..., None], lambda: h5py.Empty("f8"), lambda: values[:-1], lambda: values[:1],
    ]  # fmt: skip
    _replace(file, key, rng.choice(ways)())


def revalue(rng: random.Random, file: h5py.File) -> None:
    """One entry, or all of them, made something that it cannot be."""
    key = _some(rng, file)
    values = np.array(file[key][()])
    if values.dtype.kind in "OSU":
        texts = [
            "",
            " ",
            "A" * 5000,
            "a\0b",
            "\n",
            "=1+1",
            "ä",
            "\U0001f9ec",
            "GSM1",
            "nan",
            b"\xff\xfe",
            "None",
            "1e309",
            "2.1",
        ]
        values = np.array(
            [one if isinstance(one, bytes) else str(one).encode() for one in values.reshape(-1)], dtype=object
        )
        chosen = rng.choice(texts)
        new = chosen if isinstance(chosen, bytes) else chosen.encode()
        if rng.random() < 0.3:
            values[:] = new
        elif len(values):
            values[rng.randrange(len(values))] = new
        del file[key]
        file.create_dataset(key, data=values, dtype=h5py.string_dtype("utf-8" if rng.random() < 0.7 else "ascii"))
        return
    bad = [
        np.nan,
        np.inf,
        -np.inf,
        -1.0,
        -0.0,
        0.5,
        1e308,
        2.0**32,
        2.0**31,
        2.0**53,
        2.0**63,
        0.0,
        1e-320,
        1e30,
        5.0,
        11.0,
    ]
    values = values.astype(np.float64) if rng.random() < 0.6 else values
    flat, new_value = values.reshape(-1), rng.choice(bad)
    with np.errstate(all="ignore"):
        if rng.random() < 0.3:
            flat[:] = np.asarray(new_value).astype(values.dtype)
        elif len(flat):
            flat[rng.randrange(len(flat))] = np.asarray(new_value).astype(values.dtype)
    _replace(file, key, flat.reshape(values.shape))


def to_other_kind(rng: random.Random, file: h5py.File) -> None:
    """A group where a dataset was, a dataset where a group was, or a named type."""
    key = rng.choice(_keys(file, object))  # type: ignore[arg-type]
    was_group = isinstance(file[key], h5py.Group)
    del file[key]
    if rng.random() < 0.2:
        file[key] = np.dtype("i4")
    elif was_group:
        file[key] = rng.choice(
            [np.arange(5), np.float64(1), np.array([b"a", b"b"]), np.array([(1, 2.0)], dtype="i4,f8")]
        )
    else:
        file.create_group(key)


def link(rng: random.Random, file: h5py.File) -> None:
    """Links of every kind: to other files, to nothing, in circles."""
    key = rng.choice([*_keys(file, object), *_ADDED])  # type: ignore[arg-type]
    target = rng.choice([*_keys(file, object), "/"])  # type: ignore[arg-type]
    if key in file:
        del file[key]
    file[key] = rng.choice([
        h5py.ExternalLink("/tmp/other.h5", "/data/expression"), h5py.ExternalLink("upload.h5", "/"),
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink(f"/{key}"), h5py.SoftLink(f"/{target}"), h5py.SoftLink("/"), h5py.ExternalLink(ELSEWHERE, "/"),
        file.get(target, file),
    ])  # fmt: skip


def stored_elsewhere(rng: random.Random, file: h5py.File) -> None:
    """Virtual datasets, and values in a plain file."""
    key = rng.choice([_some(rng, file), *_ADDED[:3]])
    shape = file[key].shape if key in file and isinstance(file[key], h5py.Dataset) else (5,)
    if key in file:
        del file[key]
    if rng.random() < 0.5:
        layout = h5py.VirtualLayout(shape=shape, dtype="u4")
        layout[...] = h5py.VirtualSource(
            rng.choice(["/tmp/other.h5", ".", "upload.h5"]), "data/expression", shape=shape
        )
        file.create_virtual_dataset(key, layout)
    else:
        file.create_dataset(key, shape, "u4", external=[(ELSEWHERE, 0, h5py.h5f.UNLIMITED)])


def promise(rng: random.Random, file: h5py.File) -> None:
    """Shapes and chunks that are huge, with next to nothing stored."""
    key = rng.choice([_some(rng, file), *_ADDED])
    if key in file:
        del file[key]
    shape = rng.choice(
        [
            (2**40,),
            (2**20, 2**20),
            (10**6, 10**6),
            (67186, 900_000),
            (2**31,),
            (5, 2**33),
            (3_000_000_000,),
            (20_000_001,),
        ]
    )
    kind = rng.choice(["u4", "f8", "i8", h5py.string_dtype(), "S1000"])
    chunk = tuple(min(n, rng.choice([1, 1000, 2**16])) for n in shape)
    file.create_dataset(key, shape, kind, chunks=chunk, compression=rng.choice([None, "gzip"]))
    if rng.random() < 0.4 and kind != "S1000":
        file[key][(0,) * len(shape)] = 1 if isinstance(kind, str) else "x"


def add(rng: random.Random, file: h5py.File) -> None:
    """What marks another format, or names that layouts look for."""
    key = rng.choice(_ADDED)
    value: Any = rng.choice(
        [np.arange(12), np.arange(60).reshape(12, 5), np.array([b"a"] * 12), np.float64(2), np.array([b"x"])]
    )
    if rng.random() < 0.3 and key not in file:
        file.create_group(key)
    else:
        _replace(file, key, value)


def attribute(rng: random.Random, file: h5py.File) -> None:
    """Attributes that say how a matrix or a table is written, changed."""
    items = [file, *(file[key] for key in _keys(file, h5py.Group))]
    item = rng.choice(items)
    name = rng.choice([*item.attrs, "encoding-type", "shape", "_index", "h5sparse_format", "h5sparse_shape"])
    if rng.random() < 0.2 and name in item.attrs:
        del item.attrs[name]
        return
    item.attrs[name] = rng.choice([
        "csr_matrix", "csc_matrix", "coo", b"csr", "", "dataframe", 5, -1, 1.5, np.array([4, 12]), np.array([12, 4]),
        np.array([-4, -3]),
        np.array([2**40, 2**40]), np.array([4.0, np.nan]), np.array([4]), np.array([], dtype="i8"), h5py.Empty("i4"),
        "missing",
        np.array([b"a", b"b"]), np.array([4, 12, 1]), np.array(["4", "12"], dtype=object), "../obs", "/",
        "\udc80".encode("utf-8", "replace"),
    ])  # fmt: skip


def restore(rng: random.Random, file: h5py.File) -> None:
    """The same values, stored in another way."""
    key = _some(rng, file)
    values = file[key][()]
    if not np.ndim(values):
        return
    options: dict[str, Any] = rng.choice([
        {"compression": "lzf", "chunks": True}, {"fletcher32": True, "chunks": True}, {"scaleoffset": 0,
        "chunks": True},
        {"compression": "gzip", "shuffle": True, "chunks": True}, {"chunks": (1,) * np.ndim(values),
        "maxshape": (None,) * np.ndim(values)},
        {"compression": 32015, "chunks": True}, {"compression": 32001, "chunks": True},
    ])  # fmt: skip
    _replace(file, key, values, **options)


def deepen(rng: random.Random, file: h5py.File) -> None:
    """Groups in groups, or very many, or odd names."""
    way = rng.randrange(3)
    if way == 0:
        file.require_group("/".join("g" * rng.choice([5, 40, 300])))
    elif way == 1:
        group = file.require_group("many")
        for i in range(rng.choice([50, 400])):
            group.require_group(f"g{i}")
    else:
        file.require_group(rng.choice(["ä", "\U0001f9ec", "a b", "x" * 3000, "\n", "..", "%s", "meta/genes/\u202e"]))


CHANGES: list[Change] = [delete, retype, retype, reshape, reshape, revalue, revalue, revalue, to_other_kind, link,
    stored_elsewhere,
                         promise, add, attribute, attribute, restore, deepen]  # fmt: skip
