"""A small counts file for the faults: enough for every stage of a build and of a training, in a second."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.sources.archs4 import write_archs4

N, GENES, SERIES = 60, 300, 12
LABELS = ("brain", "liver", "heart")


@dataclass(frozen=True)
class Source:
    """Files to build from; ``more`` has other biosamples of the same genes, ``other`` other counts."""

    counts: Path
    labels: Path
    lengths: Path
    more: Path
    more_labels: Path
    other: Path


def write(folder: Path, n: int = N, genes: int = GENES) -> Source:
    """Writes the files."""
    rng = np.random.default_rng(7)
    known = pd.DataFrame({
        "symbol": [f"G{i}" for i in range(genes)], "ensembl_gene_id": [f"ENSG{i:011d}" for i in range(genes)],
        "biotype": "protein_coding",
    })  # fmt: skip
    level = rng.gamma(1.0, 60.0, genes)
    effect = rng.gamma(1.0, 1.0, (len(LABELS), genes))
    found = []
    for number, name in enumerate(("counts", "more", "other")):
        kind = np.arange(n) % len(LABELS)
        counts = rng.poisson(level * effect[kind]).astype(np.uint32)
        samples = _biosamples(n, number % 2 * n)
        write_archs4(folder / f"{name}.h5", counts, known, samples, {"version": "small", "organism": "Homo sapiens"})
        found.append(samples.assign(label=[LABELS[k] for k in kind]))
    for name, samples in zip(("labels", "more_labels"), found, strict=False):
        samples[["sample_id", "label"]].to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    lengths = known[["symbol", "ensembl_gene_id"]].assign(
        longest_transcript_spliced_length=1000 + 10 * np.arange(genes), longest_transcript_genomic_span=5000
    )
    lengths.to_csv(folder / "lengths.tsv", sep="\t", index=False)
    names = ("counts.h5", "labels.tsv", "lengths.tsv", "more.h5", "more_labels.tsv", "other.h5")
    return Source(*(folder / each for each in names))


def _biosamples(n: int, first: int) -> pd.DataFrame:
    numbers = np.arange(first, first + n)
    return pd.DataFrame({
        "sample_id": [f"GSM{i}" for i in numbers], "series_id": [f"GSE{i % SERIES}" for i in numbers],
        "title": [f"sample {i}" for i in numbers], "source_name_ch1": "tissue", "characteristics_ch1": "age: 1",
        "singlecellprobability": 0.0, "alignedreads": 1e6,
    })  # fmt: skip
