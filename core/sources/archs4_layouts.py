"""Where each generation of ARCHS4 files keeps what: field names by layout, and which axis of the counts is which.

Names and axes changed over the years (v1 flat, v1 nested, v2.1 to v2.6), so both are probed, never assumed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

EXPRESSION = "data/expression"
VERSION_KEYS = ("meta/info/version", "info/version")
ORGANISM_KEYS = ("meta/info/organism", "meta/samples/organism_ch1", "meta/Sample_organism_ch1", "info/organism")
SIMULATED_KEY = "meta/info/simulated"  # ARCHScope writes it into whatever it simulates


@dataclass(frozen=True)
class Layout:
    """One generation of files: for each column that a reader delivers, the HDF5 keys that may hold it."""

    name: str
    genes_first: bool
    gene_keys: Mapping[str, tuple[str, ...]]
    sample_keys: Mapping[str, tuple[str, ...]]


def _under(group: str, **names: str) -> dict[str, tuple[str, ...]]:
    return {column: tuple(group + name for name in keys.split()) for column, keys in names.items()}


_NESTED_GENES = _under(
    "meta/genes/",
    symbol="symbol gene_symbol",
    ensembl_gene_id="ensembl_gene_id ensembl_gene",
    biotype="biotype gene_biotype",
)
_NESTED_SAMPLES = _under(
    "meta/samples/",
    sample_id="geo_accession sample",
    series_id="series_id",
    title="title",
    source_name_ch1="source_name_ch1",
    characteristics_ch1="characteristics_ch1",
    singlecellprobability="singlecellprobability",
    alignedreads="alignedreads readsaligned reads_aligned",
)
V2 = Layout("v2", True, _NESTED_GENES, _NESTED_SAMPLES)
V1_NESTED = Layout("v1 nested", True, _NESTED_GENES, _NESTED_SAMPLES)
V1_FLAT = Layout(
    "v1 flat",
    False,
    _under("meta/", symbol="genes", ensembl_gene_id="gene_ensemblid ensembl_gene_id", biotype="gene_biotype"),
    _under(
        "meta/",
        sample_id="Sample_geo_accession",
        series_id="Sample_series_id",
        title="Sample_title",
        source_name_ch1="Sample_source_name_ch1",
        characteristics_ch1="Sample_characteristics_ch1",
        singlecellprobability="singlecellprobability Sample_singlecellprobability",
        alignedreads="reads_aligned readsaligned",
    ),
)


def recognise(keys: Collection[str], version: str | None) -> Layout | None:
    """The layout of a file with these datasets, or None.

    v1 nested and v2.1 both say ``gene_symbol``; only v1 nested keeps Ensembl ids or biotypes beside it.
    """
    if "meta/genes" in keys:
        return V1_FLAT
    if not any(key.startswith("meta/genes/") for key in keys):
        return None
    if re.match(r"v?2", version or "") or "meta/genes/gene_symbol" not in keys:
        return V2
    v1_only = {"meta/genes/ensembl_gene_id", "meta/genes/gene_biotype"}
    return V1_NESTED if v1_only & set(keys) or re.match(r"v?1", version or "") else V2


def describe_unknown(keys: Collection[str]) -> str:
    """What a file has whose layout is unknown, and what was expected; for a message that begins with its name."""
    ours = sorted(key for key in keys if key.startswith(("meta", "info")))
    shown = ", ".join(ours[:8]) + (", ..." if len(ours) > 8 else "")
    return (
        f"its layout is unknown: of metadata it has {shown or 'nothing'}. Expected are the genes in "
        "meta/genes/symbol (v2.2 and later), meta/genes/gene_symbol (v2.1, v1 nested) or meta/genes (v1 flat), or "
        "Ensembl ids in meta/genes/ensembl_gene_id or meta/genes/ensembl_gene. Is it a gene-level ARCHS4 file?"
    )


def genes_come_first(shape: tuple[int, ...], n_genes: int, n_samples: int, layout: Layout) -> bool | None:
    """Whether the rows of ``data/expression`` are genes; None where neither orientation fits the metadata.

    A square matrix fits both: there the orientation that the layout is published with decides.
    """
    genes_first, samples_first = shape == (n_genes, n_samples), shape == (n_samples, n_genes)
    if genes_first and samples_first:
        return layout.genes_first
    return genes_first if genes_first or samples_first else None
