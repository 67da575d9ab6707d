"""Put uploaded samples on the genes of a dataset, whatever the file calls its genes."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from core.errors import SampleFileError
from core.sources.gencode import strip_version
from core.sources.organisms import organism_named, organism_of, organism_of_symbols
from core.types import BoolArray, IndexArray, MatchedSamples, SampleSet

_FEW = 0.1
_BY_CHANCE = 0.2  # share of a file's names, below which those that are known are so by chance
_ABSENT, _AMBIGUOUS = -1, -2
_GENE = re.compile(r"ENS[A-Z]*GR?\d+")
_TRANSCRIPT = re.compile(r"ENS[A-Z]*TR?\d+")
_WORDS = {
    "symbol": "gene symbols",
    "gene": "Ensembl gene ids",
    "transcript": "Ensembl transcript ids",
    "target": "GENCODE target ids",
}
# The forms that name genes, in a file where the majority has the form on the left; mixing genes with their
# transcripts would count twice.
_COMPATIBLE = {"symbol": {"gene"}, "gene": {"symbol"}, "transcript": set[str](), "target": set[str]()}


def match_genes(
    samples: SampleSet, genes: pd.DataFrame, transcripts: pd.DataFrame, organism: str | None = None
) -> MatchedSamples:
    """Where the values of uploaded samples go on a dataset's G genes.

    Ids may be symbols, Ensembl gene or transcript ids with or without version, or kallisto targets of a GENCODE
    index (``ENST..|ENSG..|..|SYMBOL|..``); the majority decides, and in a file of symbols or of gene ids the other
    kind names the genes that the majority does not. Several ids of one gene are added up. A symbol that several
    genes of the dataset share is left out, because its counts cannot be told apart.
    ``transcripts``: transcript_id, ensembl_gene_id, symbol (may be empty). ``organism`` of the dataset, as its counts
    file names it; else the names of its genes tell.
    Raises SampleFileError where no id is known, or the genes are of another organism.
    """
    ids = samples.gene_ids
    forms = [_form(identifier) for identifier in ids]
    kind = Counter(forms).most_common(1)[0][0]
    ours = organism_named(organism) or organism_of(genes["ensembl_gene_id"], genes["symbol"])
    fold_case = organism_of_symbols(ids) in (None, organism_of_symbols(genes["symbol"]))
    lookup = _Lookup(genes, transcripts, fold_case)
    columns = lookup.columns(ids, forms, kind)
    hit = columns >= 0
    _refuse_other_organism(ids, ours, int(hit.sum()))
    if not hit.any():
        raise SampleFileError(_unknown(ids, kind, genes, transcripts, ours))
    matched = np.zeros(len(genes), dtype=np.bool_)
    matched[columns[hit]] = True
    return MatchedSamples(
        values=samples.values,
        columns=columns,
        matched=matched,
        sample_names=samples.sample_names,
        unmatched=[identifier for identifier, found in zip(ids, hit, strict=True) if not found],
        kind=f"{samples.kind}, {_WORDS[kind]}",
        notes=[*samples.notes, *lookup.notes, *_notes(int(hit.sum()), columns, matched)],
        counted=samples.counted,
    )


def _form(identifier: str) -> str:
    if "|" in identifier and identifier.startswith("ENS"):
        return "target"
    plain = strip_version(identifier)
    if _GENE.fullmatch(plain):
        return "gene"
    return "transcript" if _TRANSCRIPT.fullmatch(plain) else "symbol"


def _refuse_other_organism(ids: list[str], ours: str | None, n_found: int) -> None:
    """A mouse's file on a human dataset, or the reverse, where no more than some names are the same by chance."""
    theirs = organism_of(ids, ids)
    if n_found and ours and theirs and ours != theirs and n_found < _BY_CHANCE * len(ids):
        raise SampleFileError(
            f"The genes of the file look like {theirs} ({', '.join(ids[:3])}), but the dataset is of {ours}: only "
            f"{n_found:,} of {len(ids):,} names are in it, by chance. Choose a dataset of {theirs}, or map the genes "
            f"to their {ours} orthologues first."
        )


class _Lookup:
    """Finds the column of a gene in the dataset, and notes what it had to assume."""

    def __init__(self, genes: pd.DataFrame, transcripts: pd.DataFrame, fold_case: bool) -> None:
        self.notes: list[str] = []
        self._fold_case = fold_case
        self._by_id = _positions(genes["ensembl_gene_id"].map(strip_version))
        self._by_symbol = _positions(genes["symbol"])
        self._by_upper = _positions(genes["symbol"].str.upper())
        self._folded = 0
        # What the transcript table knows: a way from one name of a gene to the other.
        rows = list(transcripts[["transcript_id", "ensembl_gene_id", "symbol"]].itertuples(index=False, name=None))
        self._gene_of = {transcript: (gene, symbol) for transcript, gene, symbol in rows}
        self._symbol_of = {gene: symbol for _, gene, symbol in rows}
        self._id_of = {symbol: gene for _, gene, symbol in rows}

    def columns(self, ids: list[str], forms: list[str], kind: str) -> IndexArray:
        """Column of each id (p); negative where there is none."""
        find: dict[str, Callable[[str], int]] = {
            "symbol": self._symbol, "gene": self._gene, "transcript": self._transcript, "target": self._target,
        }  # fmt: skip
        result = np.full(len(ids), _ABSENT, dtype=np.intp)
        for i, (identifier, form) in enumerate(zip(ids, forms, strict=True)):
            if form == kind:
                result[i] = find[form](identifier)
        taken = set(result[result >= 0].tolist())
        for i, (identifier, form) in enumerate(zip(ids, forms, strict=True)):
            if form in _COMPATIBLE[kind]:
                column = find[form](identifier)
                result[i] = column if column not in taken else _ABSENT
        if self._folded:
            self.notes.append(f"{self._folded} symbols were matched without regard to upper and lower case.")
        return result

    def _symbol(self, symbol: str) -> int:
        column = self._by_symbol.get(symbol, _ABSENT)
        if column == _ABSENT and self._fold_case:
            column = self._by_upper.get(symbol.upper(), _ABSENT)
            self._folded += column >= 0
        if column == _ABSENT:
            column = self._by_id.get(self._id_of.get(symbol, ""), _ABSENT)
        return column

    def _gene(self, identifier: str, symbol: str = "") -> int:
        gene = strip_version(identifier)
        column = self._by_id.get(gene, _ABSENT)
        if column != _ABSENT:
            return column
        return self._by_symbol.get(symbol or self._symbol_of.get(gene, ""), _ABSENT)

    def _transcript(self, identifier: str) -> int:
        gene, symbol = self._gene_of.get(strip_version(identifier), ("", ""))
        return self._gene(gene, symbol)

    def _target(self, identifier: str) -> int:
        # GENCODE: transcript | gene | Havana gene | Havana transcript | transcript name | symbol | length | biotype |
        fields = identifier.split("|")
        gene = fields[1] if len(fields) > 1 and fields[1].startswith("ENS") else ""
        symbol = fields[5] if len(fields) > 5 else ""
        return self._gene(gene, symbol) if gene else self._transcript(fields[0])


def _positions(names: "pd.Series[str]") -> dict[str, int]:
    """Position of each name that is not blank; a name that several genes share is ambiguous."""
    result: dict[str, int] = {}
    for i, name in enumerate(names):
        if name:
            result[name] = _AMBIGUOUS if name in result else i
    return result


def _notes(found: int, columns: IndexArray, matched: BoolArray) -> list[str]:
    notes = []
    shared = int((columns == _AMBIGUOUS).sum())
    if shared:
        notes.append(f"{shared} names are shared by several genes of the dataset and were left out.")
    if found > matched.sum():
        notes.append(f"{found} rows fell on {matched.sum()} genes: the counts of each gene were added up.")
    if matched.mean() < _FEW:
        notes.append(
            f"Only {matched.sum()} of the dataset's {len(matched)} genes were found ({matched.mean():.1%}): results "
            "rest on few genes."
        )
    return notes


def _unknown(ids: list[str], kind: str, genes: pd.DataFrame, transcripts: pd.DataFrame, ours: str | None) -> str:
    column = "symbol" if kind == "symbol" or (genes["ensembl_gene_id"] == "").all() else "ensembl_gene_id"
    expected = ", ".join(genes.loc[genes[column] != "", column].head(3))
    message = f"None of the {len(ids)} genes is in the dataset: the file has {', '.join(ids[:3])}; expected {expected}."
    theirs = organism_of(ids, ids)
    if theirs and ours and theirs != ours:
        return f"{message} The file looks like {theirs}, the dataset like {ours}."
    if kind == "transcript" and transcripts.empty:
        return f"{message} Build the dataset with --lengths and a GENCODE GTF, so that transcripts are known."
    if all(identifier.isdigit() for identifier in ids[:10]):
        return f"{message} These look like Entrez ids: give symbols or Ensembl ids."
    return f"{message} Give gene symbols or Ensembl ids in the first column, one gene a row."
