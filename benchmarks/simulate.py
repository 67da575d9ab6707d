"""Simulated counts in the layout of an ARCHS4 v2 file, of any size, streamed; with gene lengths and labels.

Negative binomial counts: a gene's share of the reads is log-normal (a wide spread, and genes that are never or rarely
read), changed by the tissue and by the series; the noise is each biosample's own. Biosample i is the same in a file of
any size, so a small file is the beginning of a large one.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from core.engine import LocalEngine
from core.types import CountMatrix, DoubleArray, IndexArray, Progress, silent

N_GENES = 67_186  # of ARCHS4 v2.2 to v2.6
VERSION = 1  # of the model: part of the files' names, so that a changed model makes new ones
TISSUES = 30
CHUNK = 2000
BLOCK = 32  # biosamples a task
SERIES_SIZE = 20
NEVER, RARELY, NO_LENGTH, LABELLED = 0.22, 0.16, 0.03, 0.9
READS_A_GENE = 300.0  # median; 20 million reads over all genes
MARKERS = 0.004  # share of genes that mark each tissue
HIGHEST = 7.0  # log share, where the median of expressed genes is 0: no gene takes most of the reads

Rng = np.random.Generator


@dataclass(frozen=True)
class Simulated:
    """The three files that a build takes."""

    counts: Path
    lengths: Path
    labels: Path
    n: int
    n_genes: int


@dataclass(frozen=True)
class Model:
    """What stands behind the counts of G genes, drawn from a seed."""

    seed: int
    n_genes: int

    @cached_property
    def base(self) -> DoubleArray:
        """Log share of the reads of each gene (G), up to a constant."""
        rng = self._rng(0)
        base = rng.normal(0.0, 2.1, self.n_genes)
        kind = rng.random(self.n_genes)
        rarely = kind < NEVER + RARELY
        base[rarely] = rng.normal(-8.5, 1.5, int(rarely.sum()))
        base[kind < NEVER] = rng.normal(-14.5, 1.5, int((kind < NEVER).sum()))
        return base

    @cached_property
    def tissues(self) -> npt.NDArray[np.float32]:
        """What each tissue adds to the log share (TISSUES x G): a little everywhere, a lot to its markers."""
        rng = self._rng(1)
        added = rng.normal(0.0, 0.6, (TISSUES, self.n_genes)).astype(np.float32)
        for tissue in added:
            markers = rng.choice(self.n_genes, max(2, int(MARKERS * self.n_genes)), replace=False)
            tissue[markers] += rng.normal(4.0, 1.0, len(markers))
        return added

    @cached_property
    def shape(self) -> DoubleArray:
        """Gamma shape of each gene (G), 1 / dispersion of its negative binomial."""
        return self._rng(2).lognormal(1.0, 0.6, self.n_genes)

    def share(self, series: int, tissue: int) -> DoubleArray:
        """Expected share of the reads of each gene (G) in a tissue of a series, with what the series adds."""
        batch = self._rng(3, series).normal(0.0, 0.3, self.n_genes)
        weight = np.exp(np.minimum(self.base + self.tissues[tissue] + batch, HIGHEST))
        return np.asarray(weight / weight.sum(), dtype=np.float64)

    def counts(self, biosample: int, share: DoubleArray, reads: float) -> npt.NDArray[np.uint32]:
        """Counts of one biosample (G)."""
        rng = self._rng(4, biosample)
        mean = (reads * share / self.shape) * rng.standard_gamma(self.shape)
        return rng.poisson(mean).astype(np.uint32)

    def design(self, n: int) -> "Design":
        """Series, tissue and reads of the first ``n`` biosamples: about SERIES_SIZE a series, of one or two tissues."""
        series: list[int] = []
        tissue: list[int] = []
        reads: list[float] = []
        while len(series) < n:
            number = series[-1] + 1 if series else 0
            rng = self._rng(5, number)
            size = int(rng.integers(SERIES_SIZE // 2, SERIES_SIZE * 3 // 2 + 1))
            one, other = rng.integers(0, TISSUES, 2).tolist()
            series += [number] * size
            tissue += np.where(rng.random(size) < 0.8, one, other).tolist()
            depth = READS_A_GENE * self.n_genes * rng.lognormal(rng.normal(0.0, 0.4), 0.4, size)
            reads += (depth * np.where(rng.random(size) < 0.03, 0.01, 1.0)).tolist()  # a few shallow ones
        return Design(np.array(series[:n]), np.array(tissue[:n]), np.array(reads[:n]))

    def _rng(self, *stream: int) -> Rng:
        return np.random.default_rng([self.seed, *stream])


@dataclass(frozen=True)
class Design:
    """Series, tissue and expected reads of each biosample (n)."""

    series: IndexArray
    tissue: IndexArray
    reads: DoubleArray


def draw(model: Model, design: Design, start: int, stop: int) -> CountMatrix:
    """Counts (m x G) of biosamples start..stop."""
    out = np.empty((stop - start, model.n_genes), dtype=np.uint32)
    shares: dict[tuple[int, int], DoubleArray] = {}
    for i in range(start, stop):
        kind = (int(design.series[i]), int(design.tissue[i]))
        if kind not in shares:
            shares[kind] = model.share(*kind)
        out[i - start] = model.counts(i, shares[kind], float(design.reads[i]))
    return out


def simulate(folder: Path, n: int, n_genes: int = N_GENES, seed: int = 1, progress: Progress = silent) -> Simulated:
    """The files of ``n`` biosamples x ``n_genes`` in ``folder``; those that are there already are taken as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"simulated-v{VERSION}-seed{seed}-{n_genes}"
    made = Simulated(
        counts=folder / f"{stem}x{n}.h5",
        lengths=folder / f"{stem}-lengths.tsv",
        labels=folder / f"{stem}x{n}-labels.tsv",
        n=n,
        n_genes=n_genes,
    )
    model = Model(seed, n_genes)
    design = model.design(n)
    if not made.counts.exists():
        _write_counts(made.counts, model, design, progress)
    _write_lines(made.lengths, _lengths(n_genes, seed))
    _write_lines(made.labels, _labels(design, seed))
    return made


def _write_counts(path: Path, model: Model, design: Design, progress: Progress) -> None:
    """Written aside and renamed. Chunks are compressed here, on every core: HDF5 would take one."""
    n, n_genes = len(design.series), model.n_genes
    _ = model.base, model.tissues, model.shape  # before threads ask for them
    aside = path.with_suffix(".partial")
    height = min(CHUNK, n_genes)
    tasks = [(model, design, a, b, height) for a, b in pairwise([*range(0, n, BLOCK), n])]
    with h5py.File(aside, "w") as file:
        data = file.create_dataset(
            "data/expression", (n_genes, n), np.uint32, chunks=(height, 1), compression="gzip", compression_opts=4
        )
        aligned = np.empty(n)
        for (_, _, start, stop, _), (packed, reads) in zip(tasks, LocalEngine().map(_pack, tasks), strict=True):
            aligned[start:stop] = reads
            for i, chunks in enumerate(packed, start):
                for tile, chunk in enumerate(chunks):
                    data.id.write_direct_chunk((tile * height, i), chunk)
            progress("simulating", stop, n)
        _write_metadata(file, design, n_genes, aligned)
    aside.replace(path)


def _pack(model: Model, design: Design, start: int, stop: int, height: int) -> tuple[list[list[bytes]], DoubleArray]:
    """Compressed chunks of each of some biosamples, and their reads."""
    counts = draw(model, design, start, stop)
    whole = np.pad(counts, ((0, 0), (0, -counts.shape[1] % height)))  # HDF5 stores chunks at the edge whole
    packed = [[zlib.compress(row[a : a + height], 4) for a in range(0, len(row), height)] for row in whole]
    return packed, counts.sum(axis=1, dtype=np.float64)


def _write_metadata(file: h5py.File, design: Design, n_genes: int, aligned: DoubleArray) -> None:
    n = len(design.series)
    tissues = [f"tissue {tissue:02d}" for tissue in design.tissue]
    text = {
        "meta/genes/symbol": [f"SIM{i:05d}" for i in range(n_genes)],
        "meta/genes/ensembl_gene_id": [_gene_id(i) for i in range(n_genes)],
        "meta/genes/biotype": ["protein_coding" if i % 3 == 0 else "lncRNA" for i in range(n_genes)],
        "meta/samples/geo_accession": [_sample_id(i) for i in range(n)],
        "meta/samples/series_id": [f"GSE{900_000 + series}" for series in design.series],
        "meta/samples/title": [f"{tissue}, biosample {i}" for i, tissue in enumerate(tissues)],
        "meta/samples/source_name_ch1": tissues,
        "meta/samples/characteristics_ch1": [f"tissue: {tissue}" for tissue in tissues],
        "meta/info/version": ["2.6"],
        "meta/info/organism": ["simulated"],
        "meta/info/simulated": ["true"],
    }
    for key, values in text.items():
        file.create_dataset(key, data=values, dtype=h5py.string_dtype(), compression="gzip")
    single_cell = 0.4 * np.random.default_rng(n).beta(1, 9, n)  # all are bulk, so that n is n
    file.create_dataset("meta/samples/singlecellprobability", data=single_cell)
    file.create_dataset("meta/samples/alignedreads", data=aligned)


def _lengths(n_genes: int, seed: int) -> Iterator[str]:
    rng = np.random.default_rng([seed, 6])
    spliced = np.maximum(60, rng.lognormal(7.3, 0.9, n_genes)).astype(np.int64)
    span = (spliced * rng.lognormal(2.0, 1.0, n_genes)).astype(np.int64) + spliced
    yield "symbol\tensembl_gene_id\tlongest_transcript_spliced_length\tlongest_transcript_genomic_span"
    for i in np.flatnonzero(rng.random(n_genes) >= NO_LENGTH).tolist():
        yield f"SIM{i:05d}\t{_gene_id(i)}\t{spliced[i]}\t{span[i]}"


def _labels(design: Design, seed: int) -> Iterator[str]:
    labelled = np.random.default_rng([seed, 7]).random(len(design.tissue)) < LABELLED
    yield "sample_id\tlabel"
    for i in np.flatnonzero(labelled).tolist():
        yield f"{_sample_id(i)}\ttissue {design.tissue[i]:02d}"


def _gene_id(i: int) -> str:
    return f"ENSG{i + 90_000_000_000:011d}"


def _sample_id(i: int) -> str:
    return f"GSM{i + 90_000_000}"


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    if not path.exists():
        path.write_text("".join(f"{line}\n" for line in lines))
