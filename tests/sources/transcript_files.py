"""Small ARCHS4 files of transcripts, of every generation and both organisms, written key by key with plain h5py."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

# Where each generation keeps ids and, if it does, genes: v8, v10 and v11 are v1 files, flat and nested.
GENERATIONS = ("v8", "v10", "v11", "v2.2", "v2.6")
WITH_GENES = ("v11", "v2.6")
LAYOUT = {"v8": "v1 flat", "v10": "v1 nested", "v11": "v1 nested", "v2.2": "v2", "v2.6": "v2"}
PREFIX = {"human": "ENS", "mouse": "ENSMUS"}


@dataclass(frozen=True)
class Made:
    """A file; its counts as it holds them (n x T); ``table``: transcript_id (as in the file), gene, symbol of each."""

    path: Path
    counts: np.ndarray
    table: pd.DataFrame

    def by_gene(self, key: str = "gene") -> pd.DataFrame:
        """Sums by pandas: genes x biosamples; transcripts without a gene are left out."""
        named = self.table[key].replace("", np.nan)
        return pd.DataFrame(self.counts.T.astype(np.int64)).groupby(named.to_numpy()).sum()


def transcripts_of(organism: str, n_genes: int) -> pd.DataFrame:
    """1 to 5 transcripts a gene, not in the order of the genes; the last three belong to none."""
    rng, prefix = np.random.default_rng(8), PREFIX[organism]
    genes = np.repeat(np.arange(n_genes), rng.integers(1, 6, n_genes))
    rng.shuffle(genes)
    rows = [
        (f"{prefix}T{900 + i:011d}.{i % 4 + 1}", f"{prefix}G{gene:011d}.{gene % 7 + 1}", f"GENE{gene}")
        for i, gene in enumerate(genes)
    ]
    rows += [(f"{prefix}T{90_000 + i:011d}.1", "", "") for i in range(3)]
    return pd.DataFrame(rows, columns=["transcript_id", "gene", "symbol"])


def fields(generation: str, organism: str, table: pd.DataFrame, n: int) -> dict[str, Any]:
    """Metadata by HDF5 key."""
    ids = table["transcript_id"].tolist()
    genes = table["gene"].tolist()
    latin = {"human": "Homo sapiens", "mouse": "Mus musculus"}[organism]
    gsm, series = [f"GSM{i + 1}" for i in range(n)], [f"GSE{i // 4}" for i in range(n)]
    if generation == "v8":
        return {
            "meta/transcripts": ids, "meta/Sample_geo_accession": gsm, "meta/Sample_series_id": series,
            "meta/Sample_title": gsm, "meta/Sample_organism_ch1": [latin] * n, "info/version": ["8"],
        }  # fmt: skip
    meta: dict[str, Any] = {
        "v10": {"meta/transcripts/transcripts": ids, "meta/info/version": "10"},
        "v11": {
            "meta/transcripts/ensembl_transcript_id": ids, "meta/transcripts/ensembl_gene_id": genes,
            "meta/transcripts/gene_symbol": table["symbol"].replace("", "missing").tolist(), "meta/info/version": "11",
        },
        "v2.2": {"meta/transcripts/ensembl_id": ids, "meta/info/version": "2.2"},
        "v2.6": {
            "meta/transcripts/ensembl_id": ids, "meta/transcripts/ensembl_gene": genes,
            "meta/transcripts/symbol": table["symbol"].tolist(),
            "meta/transcripts/biotype": ["protein_coding"] * len(ids), "meta/info/version": "2.6",
        },
    }[generation]  # fmt: skip
    return meta | {
        "meta/samples/geo_accession": gsm, "meta/samples/series_id": series, "meta/samples/title": gsm,
        "meta/samples/source_name_ch1": ["liver", "brain"] * (n // 2) + ["liver"] * (n % 2),
        "meta/samples/organism_ch1": [latin] * n, "meta/samples/singlecellprobability": np.linspace(0, 0.4, n),
    }  # fmt: skip


def make(
    path: Path, generation: str = "v2.6", organism: str = "human", n: int = 8, n_genes: int = 12, seed: int = 5,
    change: dict[str, Any] | None = None,
) -> Made:  # fmt: skip
    """A file of a generation, stored as the real ones are; ``change`` replaces (or with None removes) keys."""
    table = transcripts_of(organism, n_genes)
    counts = np.random.default_rng(seed).integers(0, 5_000, (n, len(table)), dtype=np.uint32)
    counts[np.random.default_rng(seed + 1).random(counts.shape) < 0.3] = 0
    stored = counts if generation == "v8" else counts.T
    with h5py.File(path, "w") as file:
        chunks = (1, min(2000, len(table))) if generation == "v8" else (min(2000, len(table)), 1)
        file.create_dataset("data/expression", data=stored, chunks=chunks, compression="gzip")
        for key, value in (fields(generation, organism, table, n) | (change or {})).items():
            if value is not None:
                file[key] = value
    return Made(path, counts, table)


def write_gtf(path: Path, table: pd.DataFrame) -> Path:
    """A GTF of the transcripts that have a gene; transcript i has two exons, of 100 + i and 50 bases."""
    lines = []
    for i, row in enumerate(table[table["gene"] != ""].itertuples()):
        start = 1000 * (i + 1)
        text = f'gene_id "{row.gene}"; transcript_id "{row.transcript_id}"; gene_name "{row.symbol}";'
        for first, last in ((start, start + 99 + i), (start + 500, start + 549)):
            lines.append(f"chr1\tHAVANA\texon\t{first}\t{last}\t.\t+\t.\t{text}\n")
    path.write_text("##description: made by a test\n" + "".join(lines))
    return path
