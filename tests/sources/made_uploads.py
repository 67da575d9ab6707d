"""Uploads in the form that each program writes, made by code from counts that a test knows."""

import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import scipy.sparse


def tsv(rows: Sequence[Sequence[object]]) -> bytes:
    return "".join("\t".join(str(cell) for cell in row) + "\n" for row in rows).encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return file.getvalue()


def salmon(names: Sequence[str], counts: Sequence[float]) -> bytes:
    rows = [[n, 1657 + i, 1490.2, 0.31, f"{c:.3f}"] for i, (n, c) in enumerate(zip(names, counts, strict=True))]
    return tsv([["Name", "Length", "EffectiveLength", "TPM", "NumReads"], *rows])


def star(names: Sequence[str], columns: np.ndarray) -> bytes:
    """``columns`` (3 x p): both strands, first read's, second's."""
    special = [
        ["N_unmapped", 90, 90, 90],
        ["N_multimapping", 8, 8, 8],
        ["N_noFeature", 7, 95, 9],
        ["N_ambiguous", 5, 0, 1],
    ]
    return tsv([*special, *([name, *row] for name, row in zip(names, columns.T.tolist(), strict=True))])


def feature_counts(names: Sequence[str], bams: Sequence[str], counts: np.ndarray, extra: bool = False) -> bytes:
    """``counts``: samples x p."""
    more = ["gene_name"] if extra else []
    head = ["Geneid", "Chr", "Start", "End", "Strand", "Length", *more, *bams]
    rows = [
        [n, "chr1;chr1", "11869;12613", "12227;12721", "+;+", 468, *(f"SYM{i}" for _ in more), *counts[:, i]]
        for i, n in enumerate(names)
    ]
    comment = '# Program:featureCounts v2.0.1; Command:"featureCounts" "-a" "genes.gtf" "-o" "counts.txt" "s1.bam"\n'
    return comment.encode() + tsv([head, *rows])


def htseq(names: Sequence[str], counts: Sequence[int], symbols: Sequence[str] | None = None) -> bytes:
    special = ("__no_feature", "__ambiguous", "__too_low_aQual", "__not_aligned", "__alignment_not_unique")
    middle = [[symbol] for symbol in symbols] if symbols else [[] for _ in names]
    rows = [[n, *m, c] for n, m, c in zip(names, middle, counts, strict=True)]
    return tsv([*rows, *([s, *([""] if symbols else []), 1000 + i] for i, s in enumerate(special))])


def rsem_genes(names: Sequence[str], counts: Sequence[float]) -> bytes:
    head = ["gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"]
    return tsv([head, *([n, "ENST1,ENST2", 1200.5, 1100.2, c, 3.1, 2.7] for n, c in zip(names, counts, strict=True))])


def rsem_isoforms(pairs: Sequence[tuple[str, str]], counts: Sequence[float]) -> bytes:
    head = ["transcript_id", "gene_id", "length", "effective_length", "expected_count", "TPM", "FPKM", "IsoPct"]
    return tsv([head, *([t, g, 1200, 1100.2, c, 3.1, 2.7, 50] for (t, g), c in zip(pairs, counts, strict=True))])


def gct(names: Sequence[str], samples: Sequence[str], values: np.ndarray, symbols: Sequence[str]) -> bytes:
    rows = [[n, s, *values[:, i]] for i, (n, s) in enumerate(zip(names, symbols, strict=True))]
    return tsv([["#1.2"], [len(names), len(samples)], ["Name", "Description", *samples], *rows])


def kallisto_h5(path: Path, ids: Sequence[str], counts: Sequence[float]) -> Path:
    with h5py.File(path, "w") as file:
        file["aux/ids"] = np.array([one.encode() for one in ids])
        file["aux/lengths"] = np.arange(len(ids), dtype=np.int32) + 500
        file["aux/eff_lengths"] = np.arange(len(ids)) + 301.5
        file["aux/num_bootstrap"] = np.array([1], dtype=np.int32)
        file["aux/kallisto_version"] = np.array([b"0.46.1"])
        file.create_dataset("est_counts", data=np.array(counts, dtype=np.float64), compression="gzip")
        file["bootstrap/bs0"] = np.array(counts, dtype=np.float64)
    return path


def ten_x(
    cells: np.ndarray,
    ids: Sequence[str],
    symbols: Sequence[str],
    types: Sequence[str] | None = None,
    packed: bool = True,
) -> dict[str, bytes]:
    """The three files of ``cells`` (features x barcodes), written by scipy."""
    with io.BytesIO() as file:
        scipy.io.mmwrite(file, scipy.sparse.coo_matrix(cells), comment="made by a test")
        matrix = file.getvalue()
    kinds = types or ["Gene Expression"] * len(ids)
    rows = zip(ids, symbols, kinds, strict=True) if packed else zip(ids, symbols, strict=True)
    parts = {
        "matrix.mtx": matrix,
        "features.tsv" if packed else "genes.tsv": tsv([list(row) for row in rows]),
        "barcodes.tsv": tsv([[f"AAAC{i:06d}-1"] for i in range(cells.shape[1])]),
    }
    return {f"{n}.gz": gzip.compress(d, mtime=0) for n, d in parts.items()} if packed else parts


def cell_ranger(path: Path, cells: np.ndarray, ids: Sequence[str], symbols: Sequence[str], **change: Any) -> Path:
    sparse = scipy.sparse.csc_matrix(cells)
    parts: dict[str, Any] = {
        "data": sparse.data.astype(np.int32), "indices": sparse.indices.astype(np.int64),
        "indptr": sparse.indptr.astype(np.int64), "shape": np.array(cells.shape, dtype=np.int32),
        "barcodes": np.array([f"AAAC{i:06d}-1".encode() for i in range(cells.shape[1])]),
        "features/id": np.array([one.encode() for one in ids]),
        "features/name": np.array([one.encode() for one in symbols]),
        "features/feature_type": np.array([b"Gene Expression"] * len(ids)),
        "features/genome": np.array([b"GRCh38"] * len(ids)),
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        for key, value in (parts | change).items():
            file[f"matrix/{key}"] = value
    return path


def h5ad(
    path: Path, x: np.ndarray | None, index: Sequence[str], samples: Sequence[str], *, form: str = "dense",
    columns: Mapping[str, Sequence[str]] | None = None, layers: Mapping[str, np.ndarray] | None = None,
    raw: np.ndarray | None = None,
) -> Path:  # fmt: skip
    """An AnnData file as anndata 0.8 and later write it; ``x`` is samples x genes."""
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"], file.attrs["encoding-version"] = "anndata", "0.1.0"
        if x is not None:
            _matrix(file, "X", x, form)
        _frame(file, "obs", samples, {})
        _frame(file, "var", index, columns or {})
        for key, values in (layers or {}).items():
            _matrix(file, f"layers/{key}", values, form)
        if raw is not None:
            _matrix(file, "raw/X", raw, form)
            _frame(file, "raw/var", index, {})
    return path


def _matrix(file: h5py.File, key: str, values: np.ndarray, form: str) -> None:
    if form == "dense":
        file[key] = values
        return
    sparse = scipy.sparse.csr_matrix(values) if form == "csr" else scipy.sparse.csc_matrix(values)
    group = file.create_group(key)
    group.attrs["encoding-type"], group.attrs["encoding-version"] = f"{form}_matrix", "0.1.0"
    group.attrs["shape"] = np.array(values.shape)
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(sparse, part)


def _frame(file: h5py.File, key: str, index: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
    group = file.create_group(key)
    group.attrs["encoding-type"], group.attrs["_index"] = "dataframe", "_index"
    group.create_dataset("_index", data=list(index), dtype=h5py.string_dtype())
    for name, values in columns.items():
        distinct = sorted(set(values))
        column = group.create_group(name)
        column.attrs["encoding-type"] = "categorical"
        column.create_dataset("categories", data=distinct, dtype=h5py.string_dtype())
        column["codes"] = np.array([distinct.index(value) for value in values], dtype=np.int16)
