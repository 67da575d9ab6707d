"""Put uploaded samples on the genes of a dataset, whatever the file calls its genes."""

from collections import Counter

import numpy as np
import pandas as pd

from core.errors import SampleFileError
from core.sources.gencode import strip_version
from core.sources.gene_names import GeneName, other_name, parse
from core.sources.organisms import organism_named, organism_of, organism_of_symbols
from core.types import BoolArray, IndexArray, MatchedSamples, SampleSet

_FEW = 0.1
_BY_CHANCE = 0.2  # share of a file's names, below which those that are known are so by chance
_MOST = 0.5  # share of a file's transcripts, below which the sums of genes lack many
_ABSENT, _AMBIGUOUS = -1, -2
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
    index (``ENST..|ENSG..|..|SYMBOL|..``), or an id and a symbol joined (``ENSG.._SYMBOL``, ``ENSG..|SYMBOL``); the
    majority decides, and in a file of symbols or of gene ids the other kind names the genes that the majority does
    not. Several ids of one gene are added up. A symbol that several genes of the dataset share is left out, because
    its counts cannot be told apart. A symbol that was renamed (SEPT2, SEPTIN2) is known under both names.
    ``transcripts``: transcript_id, ensembl_gene_id, symbol (may be empty). ``organism`` of the dataset, as its counts
    file names it; else the names of its genes tell.
    Raises SampleFileError where no id is known, or the genes are of another organism.
    """
    ids = samples.gene_ids
    names = [parse(identifier) for identifier in ids]
    kind = Counter(name.form for name in names).most_common(1)[0][0]
    ours = organism_named(organism) or organism_of(genes["ensembl_gene_id"], genes["symbol"])
    fold_case = organism_of_symbols(_symbols(names)) in (None, organism_of_symbols(genes["symbol"]))
    lookup = _Lookup(genes, transcripts, fold_case)
    columns = lookup.columns(names, kind)
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
        notes=[*samples.notes, *lookup.notes, *_notes(kind, int(hit.sum()), columns, matched)],
        counted=samples.counted,
    )


def _symbols(names: list[GeneName]) -> list[str]:
    return [name.symbol or name.id for name in names]


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
        self._renamed: list[str] = []
        # What the transcript table knows: a way from one name of a gene to the other.
        rows = list(transcripts[["transcript_id", "ensembl_gene_id", "symbol"]].itertuples(index=False, name=None))
        self._gene_of = {transcript: (gene, symbol) for transcript, gene, symbol in rows}
        self._symbol_of = {gene: symbol for _, gene, symbol in rows}
        self._id_of = {symbol: gene for _, gene, symbol in rows}

    def columns(self, names: list[GeneName], kind: str) -> IndexArray:
        """Column of each name (p); negative where there is none.

        A name that leads to a gene less directly (the other kind of name, the symbol beside an id that is not known,
        another symbol of the gene) only fills what the more direct ones leave.
        """
        result = np.full(len(names), _ABSENT, dtype=np.intp)
        majority = [name.form == kind for name in names]
        rest = [name.form in _COMPATIBLE[kind] for name in names]
        for wanted, find in (
            (majority, self._direct), (majority, self._by_symbol_beside), (rest, self._direct),
            (rest, self._by_symbol_beside), (majority, self._by_other_name),
        ):  # fmt: skip
            taken = set(result[result >= 0].tolist())
            for i, name in enumerate(names):
                if wanted[i] and result[i] == _ABSENT:
                    column = find(name)
                    result[i] = column if column not in taken else _ABSENT
        self._tell()
        return result

    def _direct(self, name: GeneName) -> int:
        if name.form == "symbol":
            return self._symbol(name.symbol)
        return self._by_id.get(self._gene_id(name), _ABSENT)

    def _by_symbol_beside(self, name: GeneName) -> int:
        """By the symbol that the file, or the transcript table, has for an id."""
        if name.form == "symbol":
            return _ABSENT
        gene = self._gene_id(name)
        known = self._gene_of[name.id][1] if name.id in self._gene_of else self._symbol_of.get(gene, "")
        return self._by_symbol.get(name.symbol or known, _ABSENT)

    def _gene_id(self, name: GeneName) -> str:
        return self._gene_of[name.id][0] if name.id in self._gene_of else name.id

    def _symbol(self, symbol: str) -> int:
        column = self._by_symbol.get(symbol, _ABSENT)
        if column == _ABSENT and self._fold_case:
            column = self._by_upper.get(symbol.upper(), _ABSENT)
            self._folded += column >= 0
        if column == _ABSENT:
            column = self._by_id.get(self._id_of.get(symbol, ""), _ABSENT)
        return column

    def _by_other_name(self, name: GeneName) -> int:
        other = other_name(name.symbol) if name.symbol else None
        column = self._by_symbol.get(other, _ABSENT) if other else _ABSENT
        if column >= 0:
            self._renamed.append(f"{name.symbol} as {other}")
        return column

    def _tell(self) -> None:
        if self._folded:
            self.notes.append(f"{self._folded} symbols were matched without regard to upper and lower case.")
        if self._renamed:
            shown = ", ".join(self._renamed[:3]) + (", ..." if len(self._renamed) > 3 else "")
            self.notes.append(f"{len(self._renamed)} symbols were found under another name of the gene: {shown}.")


def _positions(names: "pd.Series[str]") -> dict[str, int]:
    """Position of each name that is not blank; a name that several genes share is ambiguous."""
    result: dict[str, int] = {}
    for i, name in enumerate(names):
        if name:
            result[name] = _AMBIGUOUS if name in result else i
    return result


def _notes(kind: str, found: int, columns: IndexArray, matched: BoolArray) -> list[str]:
    notes = []
    shared = int((columns == _AMBIGUOUS).sum())
    if shared:
        notes.append(f"{shared} names are shared by several genes of the dataset and were left out.")
    if kind == "transcript" and found < _MOST * len(columns):
        notes.append(
            f"The dataset knows the gene of only {found:,} of the file's {len(columns):,} transcripts: the sums of "
            "genes lack the others. Build it with --lengths and the GENCODE GTF of the index to change that."
        )
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
