"""Which gene each transcript of a counts file belongs to: transcripts are added up to genes as they are read.

ARCHS4 counts transcripts (kallisto) and sums them to genes itself; its files of transcripts hold what was summed. The
sum of a gene's transcripts is its count. What belongs to no gene is left out, counted and named.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import CountsFileError, RecipeError
from core.sources import gencode
from core.types import IndexArray

MAPPING_COLUMNS = ["transcript_id", "ensembl_gene_id", "symbol"]


@dataclass(frozen=True)
class Summed:
    """How T transcripts become G genes.

    ``group`` (T): the gene of each transcript, -1 where it has none. ``genes`` (G rows, GENE_COLUMNS), in the order in
    which the file first names them. ``without``: ids of the transcripts that have none. ``mapping``: MAPPING_COLUMNS.
    ``by``: who says which gene, in words.
    """

    group: IndexArray
    genes: pd.DataFrame
    without: list[str]
    mapping: pd.DataFrame
    by: str

    @property
    def words(self) -> str:
        """What was done, in a sentence or two."""
        text = f"{len(self.group):,} transcripts were added up to {len(self.genes):,} genes, by {self.by}."
        lost = f" {len(self.without):,} transcripts belong to no gene there and are left out." if self.without else ""
        return text + lost


def sum_transcripts(features: pd.DataFrame, known: pd.DataFrame | None, source: str, path: Path) -> Summed:
    """By the genes that the file itself names; where it names none, by ``known`` (MAPPING_COLUMNS, of a GTF).

    ``features`` (T rows): transcript_id and GENE_COLUMNS, as ``Archs4File.genes`` of a file of transcripts. ``source``:
    what ``known`` comes from, for messages. Genes are keyed by Ensembl id where there is one, else by symbol; ids
    count without their version, and PAR_Y copies as those on X. Raises RecipeError where neither says anything,
    CountsFileError where ``known`` has none of the transcripts.
    """
    ids = pd.Series([gencode.strip_version(identifier) for identifier in features["transcript_id"]], dtype="str")
    if has_genes(features):
        named, by = features[["symbol", "ensembl_gene_id", "biotype"]].reset_index(drop=True), "the file's own genes"
    elif known is None or known.empty:
        raise RecipeError(
            f"{path}: counts transcripts, and does not say of which genes. Give the GTF of its annotation with "
            "--lengths (GENCODE 41 or M30 for ARCHS4 v2), so that they can be added up."
        )
    else:
        named, by = _looked_up(ids, known, source, path), source
    genes = named.assign(ensembl_gene_id=[gencode.strip_version(identifier) for identifier in named["ensembl_gene_id"]])
    key = genes["ensembl_gene_id"].where(genes["ensembl_gene_id"] != "", "symbol:" + genes["symbol"])
    nameless = key == "symbol:"
    codes, _ = pd.factorize(key.mask(nameless))  # a missing key becomes -1
    first = ~key.duplicated() & ~nameless
    mapping = genes.assign(transcript_id=ids)[~nameless.to_numpy() & (ids != "").to_numpy()][MAPPING_COLUMNS]
    return Summed(
        codes.astype(np.intp), genes[first].reset_index(drop=True),
        features["transcript_id"][nameless.to_numpy()].tolist(),
        mapping.drop_duplicates("transcript_id", ignore_index=True), by,
    )  # fmt: skip


def has_genes(features: pd.DataFrame) -> bool:
    """Whether a file of transcripts says of any of them which gene it belongs to."""
    return bool((features[["symbol", "ensembl_gene_id"]] != "").to_numpy().any())


def _looked_up(ids: "pd.Series[str]", known: pd.DataFrame, source: str, path: Path) -> pd.DataFrame:
    """The gene of each transcript by a table of transcripts (one row each), blank where it has none."""
    rows = pd.Index(known["transcript_id"]).get_indexer(pd.Index(ids))
    if not (rows >= 0).any():
        few, theirs = ", ".join(ids[:2]), ", ".join(known["transcript_id"][:2])
        raise CountsFileError(
            f"{path}: none of its {len(ids):,} transcripts ({few}, ...) is in {source} ({theirs}, ...). Give the GTF "
            "of the same species."
        )
    blank = pd.DataFrame([{"symbol": "", "ensembl_gene_id": ""}])
    table = pd.concat([known[["symbol", "ensembl_gene_id"]], blank], ignore_index=True)
    found: pd.DataFrame = table.iloc[rows].reset_index(drop=True).assign(biotype="")  # -1: the blank one
    return found
