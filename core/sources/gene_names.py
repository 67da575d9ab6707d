"""What a gene is called in a file, and what that name says: a symbol, an Ensembl id, or both in one."""

import re
from typing import NamedTuple

from core.sources.gencode import strip_version

_GENE = re.compile(r"ENS[A-Z]*GR?\d+")
_TRANSCRIPT = re.compile(r"ENS[A-Z]*TR?\d+")
# ENSG00000000003.15_TSPAN6 (RSEM with names), ENSG00000000003|TSPAN6, ENST00000373020.9_TSPAN6-201
_ID_FIRST = re.compile(r"(ENS[A-Z]*?[GT]R?\d{6,}(?:\.\d+)?(?:_PAR_Y)?)[|_](.+)")
_ID_LAST = re.compile(r"(.+?)[|_](ENS[A-Z]*?GR?\d{6,}(?:\.\d+)?)")
_ENTREZ_LAST = re.compile(r"(.+)\|\d+")  # TSPAN6|7105, as TCGA's legacy tables have it

# What HGNC renamed in 2020 because spreadsheets take it for dates, and SEP15 before: former symbol to current.
# Bruford et al. 2020, Nature Genetics 52:754.
CURRENT = (
    {f"SEPT{i}": f"SEPTIN{i}" for i in (*range(1, 13), 14)}
    | {f"MARCH{i}": f"MARCHF{i}" for i in range(1, 12)}
    | {"MARC1": "MTARC1", "MARC2": "MTARC2", "DEC1": "DELEC1", "SEP15": "SELENOF"}
)
_OTHER = CURRENT | {current: former for former, current in CURRENT.items()}


class GeneName(NamedTuple):
    """``form``: symbol, gene, transcript (Ensembl ids) or target (of a GENCODE index); ``id`` and ``symbol`` as the
    name has them, "" where it has none, without version.
    """

    form: str
    id: str
    symbol: str


def parse(identifier: str) -> GeneName:
    """The parts of a name; of a GENCODE target, the gene's id if it has one, else the transcript's."""
    plain = strip_version(identifier)
    if _GENE.fullmatch(plain):
        return GeneName("gene", plain, "")
    if _TRANSCRIPT.fullmatch(plain):
        return GeneName("transcript", plain, "")
    if "|" not in identifier and "_" not in identifier:
        return GeneName("symbol", "", identifier)
    return _joined(identifier)


def _joined(identifier: str) -> GeneName:
    if match := _ID_FIRST.fullmatch(identifier):
        plain = strip_version(match[1])
        if _GENE.fullmatch(plain):
            return GeneName("gene", plain, match[2].split("|")[0])
        return _target(identifier) if "|" in identifier else GeneName("transcript", plain, "")
    if match := _ID_LAST.fullmatch(identifier):
        return GeneName("gene", strip_version(match[2]), match[1])
    match = _ENTREZ_LAST.fullmatch(identifier)
    return GeneName("symbol", "", match[1] if match else identifier)


def _target(identifier: str) -> GeneName:
    # GENCODE: transcript | gene | Havana gene | Havana transcript | transcript name | symbol | length | biotype |
    fields = identifier.split("|")
    symbol = fields[5] if len(fields) > 5 else ""
    gene = strip_version(fields[1])
    return GeneName("target", gene if _GENE.fullmatch(gene) else strip_version(fields[0]), symbol)


def is_gene_id(identifier: str) -> bool:
    """Whether it is an Ensembl gene id, with or without version."""
    return _GENE.fullmatch(strip_version(identifier)) is not None


def joined(identifier: str, symbol: str) -> str:
    """An Ensembl gene id together with its symbol, so that either can be looked up; any other name as it is."""
    useful = symbol.strip() not in ("", "na", "NA", "NaN", "-", identifier)
    return f"{identifier}|{symbol.strip()}" if useful and is_gene_id(identifier) else identifier


def other_name(symbol: str) -> str | None:
    """The current symbol of a former one, or the reverse (SEPT2 and SEPTIN2), written as the organism writes it."""
    other = _OTHER.get(symbol.upper())
    return other.capitalize() if other and symbol[1:] != symbol[1:].upper() else other
