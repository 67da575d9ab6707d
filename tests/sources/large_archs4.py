"""A simulated ARCHS4 file of many biosamples, stored as the real ones are: chunks of (2000, 1), gzip, in parts."""

from pathlib import Path

import h5py
import numpy as np

TISSUES = ("brain cortex", "liver", "whole blood", "skeletal muscle", "kidney", "lung")
ADDED = 500  # biosamples that are written at a time


def tissue_of(i: int) -> str:
    """The source name of a biosample, as a submitter might write it."""
    return TISSUES[(i // 25) % len(TISSUES)]


def write_large_archs4(path: Path, n: int = 20_000, n_genes: int = 4_000, present: float = 0.2, seed: int = 1) -> Path:
    """Counts that are mostly zero. Series have 25 biosamples, of one tissue; every 40th biosample is a single cell."""
    rng = np.random.default_rng(seed)
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "data/expression", (n_genes, n), np.uint32, chunks=(min(2000, n_genes), 1), compression="gzip",
            compression_opts=1,
        )  # fmt: skip
        for start in range(0, n, ADDED):
            m = min(ADDED, n - start)
            block = np.zeros((n_genes, m), dtype=np.uint32)
            marker = np.array([TISSUES.index(tissue_of(start + i)) for i in range(m)])
            places = rng.random((n_genes, m)) < present
            block[places] = rng.geometric(0.01, int(places.sum()))
            for tissue in range(len(TISSUES)):  # 40 genes a tissue
                block[tissue * 40 : tissue * 40 + 40, marker == tissue] += rng.integers(
                    200, 2000, (40, int((marker == tissue).sum()))
                ).astype(np.uint32)
            dataset[:, start : start + m] = block
        tissues = [tissue_of(i) for i in range(n)]
        columns = {
            "meta/genes/symbol": [f"GENE{i}" for i in range(n_genes)],
            "meta/genes/ensembl_gene": [f"ENSG{i:011d}" for i in range(n_genes)],
            "meta/samples/geo_accession": [f"GSM{1000 + i}" for i in range(n)],
            "meta/samples/series_id": [f"GSE{i // 25}" for i in range(n)],
            "meta/samples/title": [f"donor {i // 5}, replicate {i % 5}" for i in range(n)],
            "meta/samples/source_name_ch1": tissues,
            "meta/samples/characteristics_ch1": [f"tissue: {t},age: {i % 70}" for i, t in enumerate(tissues)],
        }
        for key, values in columns.items():
            file.create_dataset(key, data=values, dtype=text, compression="gzip")
        file["meta/samples/singlecellprobability"] = np.where(np.arange(n) % 40 == 39, 0.9, 0.1)
        file["meta/samples/alignedreads"] = np.full(n, 1e6)
        file["meta/info/version"], file["meta/info/organism"] = "2.5", "human"
        file["meta/info/simulated"] = "yes"
    return path
