"""GTFs and tables of gene lengths."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from core.sources import gencode
from tests.fuzz import mutate, seeds
from tests.fuzz.target import Target
from tests.sources.conftest import ENSEMBL, SYMBOLS


def read_lengths(data: bytes, folder: Path) -> None:
    """Lengths and transcripts of a file, put on the genes of a dataset."""
    path = folder / "lengths"
    path.write_bytes(data)
    lengths, transcripts = gencode.read_annotation(path)
    for column in ("spliced_bp", "span_bp"):
        values = lengths[column].to_numpy(dtype=np.float64)
        known = values[~np.isnan(values)]
        assert (np.isfinite(known) & (known > 0)).all(), "a length that is none"
    for table in (lengths, transcripts):
        texts = table.select_dtypes(exclude="number")
        assert all(isinstance(value, str) for column in texts for value in texts[column]), "a name that is no text"
    assert transcripts["transcript_id"].is_unique, "repeated transcripts"
    genes = pd.DataFrame({"symbol": SYMBOLS, "ensembl_gene_id": ENSEMBL})
    for measure in ("spliced", "genomic_span"):
        assert gencode.match_lengths(genes, lengths, measure).shape == (len(genes),)


def make_gtf(rng: random.Random) -> bytes:
    data = rng.choice(seeds.gtfs())
    if rng.random() < 0.5:
        return mutate.text(rng, data)
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    old, new = rng.choice(_ATTRIBUTES)
    lines[at] = lines[at].replace(old, new)
    return mutate.text(rng, b"\n".join(lines)) if rng.random() < 0.3 else b"\n".join(lines)


_ATTRIBUTES = [
    (b'gene_id "', b'gene_id ""; x "'), (b"gene_id", b"geneid"), (b'transcript_id "',
    b'transcript_id "a"; transcript_id "'),
    (b'"; ', b'";'), (b'";', b'"'), (b'"', b"'"), (b'gene_name "', b'gene_name "\xff'), (b'gene_name "',
    b'gene_name "a;b='),
    (b"\t100\t", b"\t0\t"), (b"\t100\t", b"\t-5\t"), (b"\t100\t", b"\t99999999999999999999\t"), (b"\t300\t",
    b"\t1e3\t"),
    (b"\t300\t", "\t\u00b2\t".encode()), (b"\t300\t", "\t\u0663\u0660\u0660\t".encode()), (b"exon\t", b"exon \t"),
    (b"\texon\t", b"\tExon\t"),
    (b"\t", b"  "), (b"chr1", b""), (b"chr1", b"#chr1"), (b"\t500\t900", b"\t" + b"9" * 5000 + b"\t" + b"9" * 5000),
    (b"; ", b"; " * 5000),
    (b'gene_name "', b'gene_name "' + b"A" * 50_000),
]  # fmt: skip


def make_lengths(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(seeds.length_tables()))


def gtf_grammar() -> st.SearchStrategy[bytes]:
    """Lines of a GTF from a grammar."""
    number = st.one_of(st.integers(-5, 2**40).map(str), st.sampled_from(["", "1.5", "x", "\u00b2", "\u0663"]))
    value = st.one_of(st.sampled_from([*ENSEMBL, *SYMBOLS, ""]), st.text(max_size=6))
    attribute = st.tuples(st.sampled_from(["gene_id", "transcript_id", "gene_name", "gene_version", "x"]), value)
    attributes = st.lists(attribute, max_size=5).map(lambda pairs: " ".join(f'{k} "{v}";' for k, v in pairs))
    feature = st.sampled_from(["exon", "gene", "transcript", "CDS", "", "exon"])
    line = st.tuples(st.sampled_from(["chr1", "X", "", "#"]), feature, number, number, attributes)
    whole = st.lists(line.map(lambda p: f"{p[0]}\tH\t{p[1]}\t{p[2]}\t{p[3]}\t.\t+\t.\t{p[4]}"), max_size=8)
    return whole.map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))


TARGETS = [
    Target("GTF, plain and gzip", make_gtf, read_lengths, 1.5, strategy=gtf_grammar, pure=True),
    Target("gene length tables", make_lengths, read_lengths, 1.0, pure=True),
]
