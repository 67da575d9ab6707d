"""The example files of docs/examples, one for each format of docs/formats.md: ``python -m tests.docs.made_examples``.

40 genes of the demo, and counts that a test knows: EXAMPLES says what reading each file has to give.
"""

import io
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from core.settings import PROJECT
from tests.sources import made_uploads as made
from tests.sources.transcript_files import GENERATIONS, make

FOLDER = PROJECT / "docs" / "examples"
GENES = pd.read_csv(PROJECT / "data" / "demo_genes.tsv", sep="\t").drop_duplicates("symbol").head(40)
IDS, SYMBOLS = GENES["ensembl_gene_id"].tolist(), GENES["symbol"].tolist()
COUNTS = np.random.default_rng(2026).poisson(200, (3, 40))
CELLS = np.random.default_rng(7).poisson(2, (40, 30))
NAMES = ["liver_1", "liver_2", "brain_1"]
TARGETS = [f"ENST{i:011d}.1|{gene}.3|-|-|{s}-201|{s}|1000|protein_coding|" for i, (gene, s) in
           enumerate(zip(IDS, SYMBOLS, strict=True))]  # fmt: skip


@dataclass(frozen=True)
class Example:
    """What is in a file: how it is called in notes, and its values (samples x genes)."""

    content: Callable[[], bytes]
    kind: str
    values: np.ndarray


def _hdf5(write: Callable[[Path], object]) -> Callable[[], bytes]:
    def content() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "x.h5")
            return (Path(folder) / "x.h5").read_bytes()

    return content


def _tar(files: dict[str, bytes]) -> bytes:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return file.getvalue()


def _salmon(folder: str) -> dict[str, bytes]:
    return {f"{folder}/{n}/quant.sf": made.salmon(TARGETS, c) for n, c in zip(NAMES, COUNTS, strict=True)}


def _loom(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["matrix"] = COUNTS.T
        file["row_attrs/Gene"], file["row_attrs/Accession"] = (np.array(c, dtype="S") for c in (SYMBOLS, IDS))
        file["col_attrs/CellID"] = np.array(NAMES, dtype="S")
        file.create_group("layers")


def _archs4(path: Path, layout: str) -> None:
    """A file of genes of a generation, as tests/sources/conftest.py writes the fixtures of the reader."""
    flat, meta = layout == "v1_flat", dict[str, list[str]]()
    samples = "meta/Sample_" if flat else "meta/samples/"
    symbol = {"v1_flat": "meta/genes", "v1_nested": "meta/genes/gene_symbol", "v2.1": "meta/genes/gene_symbol"}
    ids = {"v1_nested": "ensembl_gene_id", "v2.2": "ensembl_gene_id", "v2.5": "ensembl_gene", "v2.6": "ensembl_gene"}
    meta[symbol.get(layout, "meta/genes/symbol")] = SYMBOLS
    if layout in ids:
        meta[f"meta/genes/{ids[layout]}"] = IDS
    meta |= {f"{samples}geo_accession": ["GSM1", "GSM2", "GSM3"], f"{samples}series_id": ["GSE1", "GSE1", "GSE2"]}
    meta |= {f"{samples}title": NAMES, f"{samples}source_name_ch1": ["liver", "liver", "brain"]}
    with h5py.File(path, "w") as file:
        file["data/expression"] = (COUNTS if flat else COUNTS.T).astype(np.uint32)
        for key, values in meta.items():
            file.create_dataset(key, data=values, dtype=h5py.string_dtype())
        if layout in ("v1_nested", "v2.1", "v2.2"):
            file["meta/samples/readsaligned"] = [100, 200, 300]
        if layout == "v2.6":
            file["meta/samples/alignedreads"] = [100.0, 200.0, 300.0]
        if flat:
            file["meta/reads_aligned"] = [100, 200, 300]
        version = {"v1_flat": "8", "v1_nested": "11"}.get(layout, layout[1:])
        file["info/version" if flat else "meta/info/version"] = version


LAYOUTS = ("v1_flat", "v1_nested", "v2.1", "v2.2", "v2.5", "v2.6")
_STAR = np.array([COUNTS[0], COUNTS[0] // 2, COUNTS[0] - COUNTS[0] // 2])
_MATRIX = pd.DataFrame(COUNTS.T, index=pd.Index(IDS, name="gene_id"), columns=NAMES)
_SUM = CELLS.sum(axis=1)[None]

EXAMPLES = {
    "gene_and_count.csv": Example(
        lambda: "".join(["gene,count\n", *(f"{s},{c}\n" for s, c in zip(SYMBOLS, COUNTS[0], strict=True))]).encode(),
        "table", COUNTS[:1]),
    "matrix.tsv": Example(lambda: _MATRIX.to_csv(sep="\t").encode(), "", COUNTS),
    "abundance.tsv": Example(
        lambda: made.tsv([["target_id", "length", "eff_length", "est_counts", "tpm"],
                          *([t, 1000, 801, c, 3.5] for t, c in zip(TARGETS, COUNTS[0], strict=True))]),
        "kallisto abundance.tsv", COUNTS[:1]),
    "abundance.h5": Example(_hdf5(lambda path: made.kallisto_h5(path, TARGETS, COUNTS[0])), "kallisto", COUNTS[:1]),
    "quant.sf": Example(lambda: made.salmon(TARGETS, COUNTS[0]), "salmon quant.sf", COUNTS[:1]),
    "ReadsPerGene.out.tab": Example(lambda: made.star(IDS, _STAR), "STAR", COUNTS[:1]),
    "gdc_star_counts.tsv": Example(
        lambda: made.tsv([
            ["gene_id", "gene_name", "gene_type", "unstranded", "stranded_first", "stranded_second", "tpm_unstranded"],
            *([f"{i}.3", s, "protein_coding", a, b, c, 1.5] for i, s, a, b, c in
              zip(IDS, SYMBOLS, *_STAR, strict=True))]),
        "GDC", COUNTS[:1]),
    "featurecounts.txt": Example(
        lambda: made.feature_counts(IDS, [f"bam/{n}.bam" for n in NAMES], COUNTS), "featureCounts", COUNTS),
    "htseq.txt": Example(lambda: made.htseq(IDS, COUNTS[0].tolist()), "HTSeq", COUNTS[:1]),
    "sample.genes.results": Example(lambda: made.rsem_genes(IDS, COUNTS[0].tolist()), "RSEM", COUNTS[:1]),
    "matrix.gct": Example(lambda: made.gct(IDS, NAMES, COUNTS, SYMBOLS), "GCT", COUNTS),
    "10x_folder.zip": Example(lambda: made.zipped(made.ten_x(CELLS, IDS, SYMBOLS)), "10x folder", _SUM),
    "10x_folder.tar.gz": Example(lambda: _tar(made.ten_x(CELLS, IDS, SYMBOLS)), "10x folder", _SUM),
    "cell_ranger.h5": Example(_hdf5(lambda path: made.cell_ranger(path, CELLS, IDS, SYMBOLS)), "Cell Ranger", _SUM),
    "samples.h5ad": Example(_hdf5(lambda path: made.h5ad(path, COUNTS, IDS, NAMES, form="csr")), "h5ad", COUNTS),
    "samples.loom": Example(_hdf5(_loom), "loom", COUNTS),
    "salmon_folder.zip": Example(lambda: made.zipped(_salmon("run")), "zip of 3 tables", COUNTS[[2, 0, 1]]),
    "salmon_folder.tar.gz": Example(lambda: _tar(_salmon("run")), "tar of 3 tables", COUNTS[[2, 0, 1]]),
    **{f"archs4_{layout}.h5": Example(_hdf5(lambda path, layout=layout: _archs4(path, layout)), "HDF5", COUNTS)
       for layout in LAYOUTS},
}  # fmt: skip
TRANSCRIPTS = {f"archs4_transcripts_{generation}.h5": generation for generation in GENERATIONS}


def main() -> None:
    """Writes every file."""
    FOLDER.mkdir(exist_ok=True)
    for name, example in EXAMPLES.items():
        (FOLDER / name).write_bytes(example.content())
    for name, generation in TRANSCRIPTS.items():
        make(FOLDER / name, generation, n=3, n_genes=10)


if __name__ == "__main__":
    main()
