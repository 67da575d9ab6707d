"""Small ARCHS4 files of every generation, written key by key with plain h5py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from core.settings import PROJECT

SYMBOLS = ["TP53", "GAPDH", "ACTB", "ALB", "GFAP", "INS", "MYH7", "TTN", "APOB", "SFTPC", "TG", "NEFL"]
ENSEMBL = [f"ENSG{i:011d}" for i in range(1, 13)]
VARIANTS = ("v1 flat", "v1 nested", "v2.1", "v2.2", "v2.5", "v2.6", "trial")
MakeH5 = Callable[..., Path]


def counts_of(n: int, n_genes: int) -> np.ndarray:
    """n biosamples x genes, every value different, so that a wrong axis or order shows."""
    return (np.arange(n * n_genes, dtype=np.uint32).reshape(n, n_genes) * 7) + 1


def _fields(variant: str, n: int, n_genes: int) -> dict[str, Any]:
    """Metadata by HDF5 key, as the generation names them."""
    gsm = [f"GSM{i + 1}" for i in range(n)]
    series = [f"GSE{i // 2}" for i in range(n)]
    title = [f"Gehirn Nº {i}" for i in range(n)]
    symbols, ensembl, biotype = SYMBOLS[:n_genes], ENSEMBL[:n_genes], ["protein_coding"] * n_genes
    if variant == "v1 flat":
        return {
            "meta/genes": symbols, "meta/Sample_geo_accession": gsm, "meta/Sample_series_id": series,
            "meta/Sample_title": title, "meta/Sample_source_name_ch1": ["brain"] * n,
            "meta/Sample_characteristics_ch1": ["tissue: brainXx-xXage: 5"] * n,
            "meta/reads_aligned": np.arange(n) + 100, "info/version": ["7"],
            "meta/Sample_organism_ch1": ["Homo sapiens"] * n,
        }  # fmt: skip
    meta = {
        "meta/samples/geo_accession": gsm, "meta/samples/series_id": series, "meta/samples/title": title,
        "meta/samples/source_name_ch1": ["brain"] * n, "meta/samples/characteristics_ch1": ["tissue: brain,age: 5"] * n,
        "meta/samples/singlecellprobability": np.linspace(0, 1, n), "meta/samples/organism_ch1": ["Homo sapiens"] * n,
    }  # fmt: skip
    if variant in ("v1 nested", "v2.1"):
        meta["meta/genes/gene_symbol"] = symbols
        meta["meta/info/version"] = {"v1 nested": "11", "v2.1": "2.1.2"}[variant]
    else:
        meta["meta/genes/symbol"] = symbols
    if variant == "v1 nested":
        meta |= {"meta/genes/ensembl_gene_id": ensembl, "meta/genes/gene_biotype": biotype}
    if variant in ("v2.2", "trial"):
        meta["meta/genes/ensembl_gene_id"] = ensembl
    if variant == "v2.2":
        meta["meta/genes/biotype"] = biotype
    if variant in ("v2.5", "v2.6"):
        meta["meta/genes/ensembl_gene"] = ensembl
    if variant in ("v1 nested", "v2.1", "v2.2"):
        meta["meta/samples/readsaligned"] = np.arange(n) + 100
    if variant in ("v2.6", "trial"):
        meta["meta/samples/alignedreads"] = np.arange(n) + 100.0
    return meta


@pytest.fixture
def make_h5(tmp_path: Path) -> MakeH5:
    """Write a file of a generation; ``change`` replaces (or with None removes) keys, ``stored`` the expression."""

    def make(
        variant: str = "v2.6",
        n: int = 5,
        n_genes: int = 12,
        stored: np.ndarray | None = None,
        change: dict[str, Any] | None = None,
        name: str = "human.h5",
        **storage: Any,
    ) -> Path:
        path = tmp_path / name
        counts = counts_of(n, n_genes)
        if stored is None:
            stored = counts if variant == "v1 flat" else counts.T
        fixed = variant in ("v1 flat", "trial")
        with h5py.File(path, "w") as file:
            file.create_dataset("data/expression", data=stored, **storage)
            for key, value in (_fields(variant, n, n_genes) | (change or {})).items():
                if value is None:
                    continue
                if isinstance(value, list) and fixed:
                    value = np.array([str(v).encode() for v in value])
                file[key] = value
        return path

    return make


@pytest.fixture
def genes() -> pd.DataFrame:
    return pd.DataFrame({"symbol": SYMBOLS, "ensembl_gene_id": ENSEMBL, "biotype": "protein_coding"})


@pytest.fixture
def no_transcripts() -> pd.DataFrame:
    return pd.DataFrame({"transcript_id": [], "ensembl_gene_id": [], "symbol": []}, dtype="str")


@pytest.fixture
def real_data() -> Path:
    folder = PROJECT.parent / "shared" / "data"
    if not (folder / "human_tissue_counts.h5").exists():
        pytest.skip("the real trial data are not beside the checkout")
    return folder
