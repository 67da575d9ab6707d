"""Which organism gene names are of, by how they are written."""

import re
from collections import Counter
from collections.abc import Iterable

# Ensembl ids: ENS, letters of the species (none for human), G or T for gene or transcript, digits.
_ENSEMBL = re.compile(r"ENS([A-Z]{3,4}?)?[GTR]R?\d{6,}")
_SPECIES = {"": "human", "MUS": "mouse", "RNO": "rat", "DAR": "zebrafish", "GAL": "chicken", "SSC": "pig", "BTA": "cow"}
_LATIN = {"homo sapiens": "human", "human": "human", "mus musculus": "mouse", "mouse": "mouse"}


def organism_of(ids: Iterable[str], symbols: Iterable[str]) -> str | None:
    """The organism of most Ensembl ids, else of the way that most symbols are written; None where neither tells."""
    found = Counter(match[1] or "" for match in map(_ENSEMBL.match, ids) if match)
    if found:
        code, count = found.most_common(1)[0]
        return _SPECIES.get(code, f"another species (ENS{code})") if 2 * count > found.total() else None
    return organism_of_symbols(symbols)


def organism_of_symbols(symbols: Iterable[str]) -> str | None:
    """ "human" (GAPDH), "mouse" (Gapdh), or None where neither is the majority."""
    names = [s for s in symbols if s and not _ENSEMBL.match(s) and re.search("[A-Za-z]{2}", s)]
    mouse = sum(bool(re.match("[A-Z][a-z]", s)) for s in names)
    human = sum(s.upper() == s for s in names)
    if 2 * mouse > len(names):
        return "mouse"
    return "human" if 2 * human > len(names) else None


def organism_named(name: str | None) -> str | None:
    """An organism as a counts file names it, in plain words; None for one that is not known here."""
    return _LATIN.get((name or "").strip().lower())
