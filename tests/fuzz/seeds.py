"""Valid files to start from, each as small as its format allows."""

import gzip
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS

RNG = np.random.default_rng(5)
N, P = 4, 12
BULK = RNG.poisson(40, (N, P)).astype(np.int64) + 1
CELLS = RNG.poisson(0.8, (P, 30))
NAMES = [f"s{i}" for i in range(1, N + 1)]
VERSIONED = [f"{one}.{i}" for i, one in enumerate(ENSEMBL)]


@cache
def tables() -> list[bytes]:
    """Text of every kind that the upload reader knows."""
    rows = list(zip(SYMBOLS, BULK.T.tolist(), strict=True))
    plain = [[name, values[0]] for name, values in rows]
    matrix = [[name, *values] for name, values in rows]
    logs = [[name, *(f"{np.log2(v + 1):.4f}" for v in values)] for name, values in rows]
    nf_core = [[one, name, *values] for one, (name, values) in zip(VERSIONED, rows, strict=True)]
    gdc = ["gene_id", "gene_name", "gene_type", "unstranded", "stranded_first", "stranded_second", "tpm_unstranded"]
    gdc_rows = [[one, name, "protein_coding", *v[:3], 1.5] for one, (name, v) in zip(VERSIONED, rows, strict=True)]
    gct3 = [["#1.3"], [P, N, 1, 1], ["id", "pr_gene_symbol", *NAMES], ["tissue", "na", *NAMES]]
    kallisto = [[f"ENST{i:011d}.1", 900 + i, 700.5, BULK[0, i] + 0.25, 3.1] for i in range(P)]
    return [
        made.tsv([["gene", "count"], *plain]),
        made.tsv(plain),
        made.tsv([["gene", *NAMES], *matrix]),
        made.tsv([NAMES, *matrix]),
        made.tsv([["gene", *NAMES], *logs]),
        made.tsv([["gene", *NAMES], *matrix]).replace(b"\t", b","),
        made.tsv([["gene", *NAMES], *logs]).replace(b"\t", b";").replace(b".", b","),
        made.tsv([["gene_id", "gene_name", *NAMES], *nf_core]),
        made.salmon(VERSIONED, BULK[0].tolist()),
        made.star(VERSIONED, BULK[:3]),
        made.feature_counts(ENSEMBL, [f"bam/{n}.sorted.bam" for n in NAMES], BULK),
        made.feature_counts(ENSEMBL, [f"{n}.bam" for n in NAMES], BULK, extra=True),
        made.htseq(ENSEMBL, BULK[0].tolist()),
        made.htseq(ENSEMBL, BULK[0].tolist(), SYMBOLS),
        made.rsem_genes(VERSIONED, (BULK[0] / 4).tolist()),
        made.rsem_isoforms([(f"ENST{i:011d}", one) for i, one in enumerate(ENSEMBL)], (BULK[0] / 4).tolist()),
        made.gct(VERSIONED, NAMES, BULK, SYMBOLS),
        made.tsv([*gct3, *([one, name, *v] for one, (name, v) in zip(ENSEMBL, rows, strict=True))]),
        made.tsv([gdc, ["N_unmapped", "", "", 1, 2, 3, ""], *gdc_rows]),
        made.tsv([["target_id", "length", "eff_length", "est_counts", "tpm"], *kallisto]),
        gzip.compress(made.tsv([["gene", *NAMES], *matrix]), mtime=0),
        gzip.compress(made.salmon(VERSIONED, BULK[0].tolist()), mtime=0),
    ]


@cache
def folders() -> list[dict[str, bytes]]:
    """What is zipped: 10x folders, tables of quantifiers, one table."""
    ten_x = made.ten_x(CELLS, ENSEMBL, SYMBOLS)
    old = made.ten_x(CELLS, ENSEMBL, SYMBOLS, packed=False)
    quants = {f"{n}/quant.sf": made.salmon(VERSIONED, row.tolist()) for n, row in zip(NAMES, BULK, strict=True)}
    stars = {f"{n}ReadsPerGene.out.tab": made.star(ENSEMBL, BULK[:3]) for n in NAMES[:2]}
    h5 = {f"{n}/abundance.h5": hdf5s()[0] for n in NAMES[:2]}
    two = {f"{n}_{name}": data for n in ("a", "b") for name, data in ten_x.items()}
    return [ten_x, old, quants, stars, h5, two, {"counts.csv": tables()[2]}]


@cache
def hdf5s() -> list[bytes]:
    """HDF5 that the upload reader knows, besides ARCHS4's own."""
    ids = [f"ENST{i:011d}.1" for i in range(P)]
    makers: list[Callable[[Path], object]] = [
        lambda path: made.kallisto_h5(path, ids, BULK[0].tolist()),
        lambda path: made.cell_ranger(path, CELLS, ENSEMBL, SYMBOLS),
        lambda path: made.h5ad(path, BULK.astype(np.float32), SYMBOLS, NAMES, columns={"gene_ids": ENSEMBL}),
        lambda path: made.h5ad(path, BULK, ENSEMBL, NAMES, form="csr"),
        lambda path: made.h5ad(path, np.log1p(BULK), SYMBOLS, NAMES, form="csc", layers={"counts": BULK}),
        lambda path: made.h5ad(path, None, SYMBOLS, NAMES, raw=BULK, layers={"sum": BULK}),
    ]
    return [_made(maker) for maker in makers]


VARIANTS = ("v1 flat", "v1 nested", "v2.1", "v2.2", "v2.5", "v2.6", "trial")


@cache
def counts_files() -> list[bytes]:
    """ARCHS4 files of every generation, stored plain, in chunks, gzipped, shuffled."""
    storage = [{}, {"chunks": True}, {"chunks": (5, 1), "compression": "gzip"},
               {"chunks": (4, 2), "compression": "gzip", "shuffle": True}, {"chunks": (3, 3), "fletcher32": True},
               {"chunks": (5, 2), "compression": "lzf"}]  # fmt: skip
    found = []
    for number, variant in enumerate(VARIANTS):
        for more in (storage[number % len(storage)], storage[2]):
            found.append(_made(lambda path, variant=variant, more=more: write_counts(path, variant, **more)))
    return found


def write_counts(path: Path, variant: str = "v2.6", **storage: object) -> None:
    """An ARCHS4 file of a generation, as ``tests.sources.conftest.make_h5`` writes it."""
    from tests.sources.conftest import _fields, counts_of

    stored = counts_of(5, P) if variant == "v1 flat" else counts_of(5, P).T
    with h5py.File(path, "w") as file:
        file.create_dataset("data/expression", data=stored, **storage)
        for key, value in _fields(variant, 5, P).items():
            if isinstance(value, list) and variant in ("v1 flat", "trial"):
                file[key] = np.array([str(one).encode() for one in value])
            else:
                file[key] = value


def _made(maker: Callable[[Path], object]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        maker(path)
        return path.read_bytes()


GTF = (
    "##description: made up\n#!genome-build X\n"
    'chr1\tHAVANA\tgene\t100\t900\t.\t+\t.\tgene_id "{0}.1"; gene_type "protein_coding"; gene_name "{1}";\n'
    'chr1\tHAVANA\ttranscript\t100\t900\t.\t+\t.\tgene_id "{0}.1"; transcript_id "{2}.1"; gene_name "{1}";\n'
    'chr1\tHAVANA\texon\t100\t300\t.\t+\t.\tgene_id "{0}.1"; transcript_id "{2}.1"; gene_name "{1}"; exon_number 1;\n'
    'chr1\tHAVANA\texon\t500\t900\t.\t+\t.\tgene_id "{0}.1"; transcript_id "{2}.1"; gene_name "{1}"; exon_number 2;\n'
)


@cache
def gtfs() -> list[bytes]:
    """GTFs as GENCODE and as Ensembl write them, plain and gzip."""
    whole = "".join(
        GTF.format(one, name, one.replace("G", "T")) for one, name in zip(ENSEMBL[:4], SYMBOLS[:4], strict=True)
    )
    ensembl = whole.replace('.1";', '"; gene_version "1";').replace("chr1", "1")
    par = whole.replace("chr1", "chrX") + whole.replace("chr1", "chrY").replace('.1"', '.1_PAR_Y"')
    return [one.encode() for one in (whole, ensembl, par)] + [gzip.compress(whole.encode(), mtime=0)]


@cache
def length_tables() -> list[bytes]:
    """Tables of gene lengths."""
    head = ["symbol", "ensembl_gene_id", "longest_transcript_spliced_length", "longest_transcript_genomic_span"]
    rows = [[s, e, 1000 + i, 9000 + i] for i, (s, e) in enumerate(zip(SYMBOLS, ENSEMBL, strict=True))]
    more = [[*row, f"ENST{i:011d}.3"] for i, row in enumerate(rows)]
    blank = [[*row[:2], "NA", row[3]] for row in rows]
    plain = made.tsv([head, *rows])
    return [plain, made.tsv([[*head, "transcript_id"], *more]), made.tsv([head, *blank]), plain.replace(b"\t", b","),
            gzip.compress(plain, mtime=0)]  # fmt: skip


def npz_bytes() -> bytes:
    """A numpy archive, which is a zip and no upload."""
    with io.BytesIO() as file:
        np.savez(file, a=BULK)
        return file.getvalue()
