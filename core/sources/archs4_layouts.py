"""Where each generation of ARCHS4 files keeps what: field names by layout, and which axis of the counts is which.

Names and axes changed over the years (v1 flat, v1 nested, v2.1 to v2.6), so both are probed, never assumed. Files of
transcripts have ``meta/transcripts`` where those of genes have ``meta/genes``; some say which gene each belongs to.
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
    """One generation of files: for each column that a reader delivers, the HDF5 keys that may hold it.

    ``gene_keys``: of what is counted, genes or, at that ``level``, transcripts; one of ``anchors`` says how many.
    """

    name: str
    genes_first: bool
    gene_keys: Mapping[str, tuple[str, ...]]
    sample_keys: Mapping[str, tuple[str, ...]]
    level: str = "gene"

    @property
    def anchors(self) -> tuple[str, ...]:
        """Columns of ``gene_keys`` of which a file must have one."""
        return ("symbol", "ensembl_gene_id") if self.level == "gene" else ("transcript_id",)


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
_TRANSCRIPTS = _under(
    "meta/transcripts/",
    transcript_id="ensembl_id ensembl_transcript_id ensembl_transcript transcripts transcript_id",
    symbol="symbol gene_symbol",
    ensembl_gene_id="ensembl_gene ensembl_gene_id",
    biotype="biotype gene_biotype",
)
V2_TRANSCRIPTS = Layout("v2", True, _TRANSCRIPTS, _NESTED_SAMPLES, "transcript")
V1_NESTED_TRANSCRIPTS = Layout("v1 nested", True, _TRANSCRIPTS, _NESTED_SAMPLES, "transcript")
V1_FLAT_TRANSCRIPTS = Layout(
    "v1 flat",
    False,
    _under("meta/", transcript_id="transcripts", symbol="gene_symbol", ensembl_gene_id="gene_ensemblid ensembl_gene_id",
           biotype="gene_biotype"),
    V1_FLAT.sample_keys,
    "transcript",
)  # fmt: skip
# What transcripts of v1 that belong to no gene have in place of a gene.
NO_GENE = ("missing", "NA", "nan", "None")


def candidates(keys: Collection[str], version: str | None) -> list[Layout]:
    """The layouts that a file with these datasets may have, those of transcripts first; none where none is known.

    A file that names both genes and transcripts counts those that are as many as its matrix is long.
    """
    return [found for found in (_of_transcripts(keys, version), recognise(keys, version)) if found]


def _of_transcripts(keys: Collection[str], version: str | None) -> Layout | None:
    """v1 nested and v2 differ in how they name the ids; where the version is told, it decides."""
    if "meta/transcripts" in keys:
        return V1_FLAT_TRANSCRIPTS
    ids = [key for key in _TRANSCRIPTS["transcript_id"] if key in keys]
    if not ids:
        return None
    if re.match(r"v?2", version or "") or (ids[0] == _TRANSCRIPTS["transcript_id"][0] and version is None):
        return V2_TRANSCRIPTS
    return V1_NESTED_TRANSCRIPTS


def recognise(keys: Collection[str], version: str | None) -> Layout | None:
    """The layout of a file of genes with these datasets, or None.

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
    shown = ", ".join(ours[:3]) + (", ..." if len(ours) > 3 else "")
    return (
        f"its layout is unknown: of metadata it has {shown or 'nothing'}. Expected are the genes in "
        "meta/genes/symbol (v2.2 and later), meta/genes/gene_symbol (v2.1, v1 nested) or meta/genes (v1 flat), or "
        "Ensembl ids in meta/genes/ensembl_gene_id or meta/genes/ensembl_gene; or transcripts in "
        "meta/transcripts/ensembl_id (v2), meta/transcripts/ensembl_transcript_id, meta/transcripts/transcripts "
        "(v1 nested) or meta/transcripts (v1 flat). Is it an ARCHS4 file of counts?"
    )


def genes_come_first(shape: tuple[int, ...], n_genes: int, n_samples: int, layout: Layout) -> bool | None:
    """Whether the rows of ``data/expression`` are genes; None where neither orientation fits the metadata.

    A square matrix fits both: there the orientation that the layout is published with decides.
    """
    genes_first, samples_first = shape == (n_genes, n_samples), shape == (n_samples, n_genes)
    if genes_first and samples_first:
        return layout.genes_first
    return genes_first if genes_first or samples_first else None
