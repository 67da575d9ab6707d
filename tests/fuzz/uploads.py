"""Uploads: tables of text, zip archives, HDF5; read as the Classify page does, up to counts on a dataset's genes."""

import io
import random
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from core.sources import sample_apart
from core.sources.gene_matching import match_genes
from core.sources.matched import counts_of
from core.sources.sample_files import read_samples
from core.sources.sample_limits import MAX_SAMPLES
from core.types import MatchedSamples, SampleSet, silent
from tests.fuzz import mutate, seeds
from tests.fuzz.demo import demo_workspace
from tests.fuzz.hdf5_changes import changed_hdf5
from tests.fuzz.target import Target
from tests.sources.conftest import ENSEMBL, SYMBOLS

FILE_NAMES = ["counts.csv", "a.tsv.gz", "quant.sf", "GSM1.txt", ".csv", "x", "ä ö.csv", "=cmd.csv", "../../a.csv"]


@cache
def genes() -> pd.DataFrame:
    """The genes of a dataset, with symbols that repeat or are blank among them."""
    table = pd.DataFrame({"symbol": SYMBOLS, "ensembl_gene_id": ENSEMBL, "biotype": "protein_coding"})
    more = pd.DataFrame({"symbol": ["DUP", "DUP", "", "SEPTIN2"], "ensembl_gene_id": ["", "", "ENSG00000000099", ""],
                         "biotype": ""})  # fmt: skip
    return pd.concat([table, more], ignore_index=True).astype("str")


@cache
def transcripts() -> pd.DataFrame:
    """Transcripts of some of them."""
    rows = [(f"ENST{i:011d}", ENSEMBL[i % 12], SYMBOLS[i % 12]) for i in range(20)]
    return pd.DataFrame(rows, columns=["transcript_id", "ensembl_gene_id", "symbol"])


def check_samples(samples: SampleSet) -> None:
    """What every SampleSet promises."""
    values, names, ids = samples.values, samples.sample_names, samples.gene_ids
    assert values.shape == (len(names), len(ids)) and 1 <= len(names) <= MAX_SAMPLES and ids, "shapes differ"
    assert values.dtype in (np.uint32, np.float32, np.float64), f"values are {values.dtype}"
    assert np.isfinite(values).all() and (values >= 0).all(), "values that are no counts"
    assert values.any(axis=1).all(), "a sample without any count"
    assert all(type(one) is str and one.strip() for one in [*names, *ids]), "a blank name"
    assert len(set(names)) == len(names), "repeated sample names"
    assert all(type(one) is str for one in [samples.kind, *samples.notes]), "notes are no text"
    assert not any("\n" in note for note in samples.notes), "a note of several lines"


def check_matched(matched: MatchedSamples) -> None:
    """Counts on the genes of a dataset: none below 0, as many as there are genes."""
    with np.errstate(all="ignore"):
        counts = counts_of(matched)
    assert counts.shape == (len(matched.sample_names), len(matched.matched)), "counts do not fit the genes"
    assert not (counts < 0).any(), "negative counts"  # NaN: the file lacks the gene
    assert len(matched.columns) == matched.values.shape[1], "columns do not fit the values"


def read_text(data: bytes, folder: Path) -> None:
    """From the bytes of an upload to counts on a dataset's genes, and the names out again as CSV."""
    samples = read_samples(data, FILE_NAMES[len(data) % len(FILE_NAMES)])
    check_samples(samples)
    check_matched(match_genes(samples, genes(), transcripts()))


def read_hdf5(data: bytes, folder: Path) -> None:
    """The same from a path, in this very process: whatever libhdf5 does, it does here."""
    path = folder / "upload.h5"
    path.write_bytes(data)
    samples = read_samples(path, path.name)
    check_samples(samples)
    match_genes(samples, genes(), transcripts())


def read_hdf5_apart(data: bytes, folder: Path) -> None:
    """As the product reads it: in a process of its own."""
    path = folder / "upload.h5"
    path.write_bytes(data)
    with sample_apart.reader() as hdf5:
        check_samples(read_samples(path, path.name, silent, hdf5))


def upload(data: bytes, folder: Path) -> None:
    """Through the workflow, units and all, on the demo dataset."""
    from core.workflows import read_upload, to_csv

    units = ("auto", "counts", "tpm")[len(data) % 3]
    matched = read_upload(demo_workspace(), "demo", data, "counts.csv", units)
    assert len(matched.measures) in (0, len(matched)), "measures do not fit the samples"
    check_matched(matched)
    out = to_csv(pd.DataFrame({"sample": matched.sample_names}))
    names = pd.read_csv(io.BytesIO(out), dtype=str, na_filter=False, skip_blank_lines=False)["sample"]
    assert not names.str.startswith(("=", "@")).any(), "a formula goes out"


def make_table(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(seeds.tables()))


def make_demo_table(rng: random.Random) -> bytes:
    """A table of genes that the demo dataset has, of counts, TPM or logs, changed a little or not at all."""
    dataset = demo_workspace().dataset("demo")
    known = dataset.genes.sample(rng.choice([5, 60, 250]), random_state=rng.randrange(2**31))
    names = known[rng.choice(["symbol", "ensembl_gene_id"])].tolist()
    n, scale = rng.choice([1, 2, 5]), rng.choice([1, 1e-3, 1e6, 1e25])
    draw = np.random.default_rng(rng.randrange(2**31))
    values = draw.negative_binomial(1, 0.02, (len(names), n)) * scale
    if rng.random() < 0.5:
        values = values / np.maximum(values.sum(axis=0), 1) * 1e6
    if rng.random() < 0.3:
        values = np.log2(values + 1)
    rows = [["gene", *(f"s{i}" for i in range(n))], *([g, *v] for g, v in zip(names, values.tolist(), strict=True))]
    data = seeds.made.tsv(rows)
    return mutate.text(rng, data) if rng.random() < 0.7 else data


def make_archive(rng: random.Random) -> bytes:
    """A zip with some of its files changed, added, taken out, renamed, or the archive itself damaged."""
    intact = rng.choice(seeds.folders())
    files = dict(intact)
    for _ in range(rng.choice([0, 1, 1, 2])):
        member = rng.choice(list(files))
        way = rng.randrange(6)
        if way == 0 and len(files) > 1:
            del files[member]
        elif way == 1:
            files[rng.choice(_PATHS)] = files[member]
        elif way == 2:
            files[member] = rng.choice([b"", seeds.npz_bytes(), seeds.hdf5s()[1], b"\x1f\x8b", made_nested(files)])
        elif way == 3 and member in intact and member.endswith(".gz"):
            import gzip

            files[member] = gzip.compress(mutate.text(rng, gzip.decompress(intact[member])), mtime=0)
        else:
            files[member] = mutate.text(rng, files[member])
    with io.BytesIO() as out:
        packing = rng.choice(
            [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
        )
        with zipfile.ZipFile(out, "w", packing) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            archive.comment = rng.choice([b"", b"", b"x" * 100, b"PK\x05\x06"])
        data = out.getvalue()
    return mutate.by_bytes(rng, data) if rng.random() < 0.4 else data


_PATHS = ["../a.csv", "/etc/passwd", "C:\\a.csv", "a/../../b", "xl/workbook.xml", "content.xml", "__MACOSX/._a",
    ".hidden",
          "matrix.mtx", "b/quant.sf", "abundance.tsv", "features.tsv.gz", "x" * 300, "ä\u202e.csv", "a\\b.csv", "dir/",
          "CON", "a\nb.csv", "barcodes.tsv", "x.genes.results"]  # fmt: skip


def made_nested(files: dict[str, bytes]) -> bytes:
    return seeds.made.zipped(files)


def make_hdf5(rng: random.Random) -> bytes:
    """HDF5 with bytes turned, or with its structure changed through h5py."""
    data = rng.choice(seeds.hdf5s() + seeds.counts_files()[::3])
    if rng.random() < 0.55:
        return changed_hdf5(rng, data)
    return mutate.by_bytes(rng, data)


def table_grammar() -> st.SearchStrategy[bytes]:
    """Tables from a grammar: a header or none, genes and numbers or what passes for them."""
    number = st.one_of(
        st.integers(0, 2**33).map(str), st.floats(allow_nan=True, width=64).map(repr), st.sampled_from(mutate.CELLS),
        st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    )  # fmt: skip
    gene = st.one_of(st.sampled_from(SYMBOLS + ENSEMBL), st.text(max_size=12), st.sampled_from(mutate.CELLS))

    @st.composite
    def table(draw: st.DrawFn) -> bytes:
        delimiter, end = draw(st.sampled_from("\t,;")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
        width = draw(st.integers(1, 5))
        rows = draw(st.lists(st.tuples(gene, st.lists(number, min_size=width, max_size=width)), max_size=12))
        lines = [delimiter.join([name, *cells]) for name, cells in rows]
        if draw(st.booleans()):
            head = draw(
                st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["gene", "length", "tpm"])), max_size=6)
            )
            lines.insert(0, delimiter.join(head))
        return end.join(lines).encode("utf-8", "replace") + draw(st.sampled_from([b"", b"\n", b"\0", b"\xff"]))

    return table()


TARGETS = [
    Target("uploads: tables", make_table, read_text, 3.0, strategy=table_grammar),
    Target("uploads: tables on the demo dataset, units recognised", make_demo_table, upload, 0.5),
    Target("uploads: zip archives", make_archive, read_text, 1.0),
    Target("uploads: HDF5 (kallisto, Cell Ranger, h5ad, ARCHS4)", make_hdf5, read_hdf5, 2.0, contained=read_hdf5_apart),
]
