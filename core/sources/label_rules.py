"""Labels by rules over what a file says of its biosamples: title, source name, characteristics.

Which field speaks: the source name and those characteristics that name a tissue, a cell type or a cell line come first,
together. The title is asked where they name nothing (known to the vocabulary or not), and never for what they refuse;
a cell line that it begins with counts in any case. A cell line hides the tissue that it was once taken from, and so
does a "cell line:" that the vocabulary does not know.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import pandas as pd

from core.sources.label_context import NO, STRONG, WEAK, judge
from core.sources.label_vocabulary import Text, Vocabulary

SOURCE = "rules"
LABEL_COLUMNS = ("sample_id", "label", "source", "field", "words")
FIELDS = ("source_name_ch1", "characteristics_ch1", "title")
KEYS = frozenset(
    key.strip()
    for line in """
        tissue|tissues|tissue type|tissue name|tissue source|source tissue|tissue site|tissue region|tissue subtype
        tissue/cell type|tissue or cell type|tissue/cell line|tissue/cell|tissue cell type|subtissue|tissue location
        tissue of collection|organ|organ part|organ region|organ/tissue|tissue/organ|organism part|body site|body part
        anatomical site|anatomical location|anatomical region|anatomic site|anatomic location|anatomic region|region
        brain region|brain area|brain structure|brain tissue|primary site|sampling site
        cell|cells|cell type|celltype|cell types|cell line|cell lines|cellline|cell line name|cell line/type
        cell type/line|cell line/cell type|parental cell line|cell source|cell subtype|cell subset|cell population
        primary cell type|cell name|cell identity|sorted cells|sorted population
        source|source name|source cell|source cell type|sample source|sample type|sample tissue|specimen|specimen type
        biospecimen|material|material type|biomaterial
    """.splitlines()
    for key in line.split("|")
    if key.strip()
)
_LINE_KEYS = frozenset(key for key in KEYS if key.startswith(("cell line", "cellline", "parental")))
_TISSUE_KEYS = frozenset({"tissue", "organ", "organism part", "cell type", "cell line"})
_GENERIC = frozenset(  # words in a value that name no tissue
    token
    for line in (
        "tissue organ cell sample specimen biopsy rna total tumor tumour cancer carcinoma normal primary metastatic",
        "metastasi malignant benign adjacent solid fresh frozen ffpe surgical resection unknown na n a other none not",
        "applicable control healthy patient human homo sapien fetal adult mixed whole culture cultured line various",
    )
    for token in line.split()
)
_NO_LINE = re.compile(
    r"-*|n/?a|nan|none|no|not applicable|unknown|primary( cells?| culture| cell culture)?", re.IGNORECASE
)
_ENTRY = re.compile(r"[,;]\s*(?=[A-Za-z][^,;:]{0,60}:)|\t|\n|Xx-xX")
_CACHE = 1 << 17
_LONGEST = 10_000  # characters of a field that are read: what stands around a word is weighed against all the others
_Hit = tuple[str, str, int, str]  # label, kind, strength, words
_Found = dict[str, tuple[str, str, str]]  # label -> field, words, kind


class Rules:
    """A vocabulary at work; texts that repeat are read once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._hits = lru_cache(_CACHE)(self._read)
        self._entry = lru_cache(_CACHE)(self._read_characteristics)

    def labels_of(self, title: str, source_name: str, characteristics: str) -> dict[str, tuple[str, str]]:
        """Label -> (field, words that set it) of one biosample."""
        entries, tissue_named, line_named = self._entry(characteristics)
        read = {FIELDS[0]: self._hits(source_name), FIELDS[1]: entries}
        refused = {label for hits in read.values() for label, _, strength, _ in hits if strength == NO}
        titled = {FIELDS[2]: tuple(hit for hit in self._hits(title) if hit[0] not in refused)}
        found = _of_strength(read, STRONG) or _of_strength(read, WEAK)
        if not tissue_named:
            found = found or _of_strength(titled, STRONG) or _of_strength(titled, WEAK)
        if not any(kind == "line" for _, _, kind in found.values()):
            found |= _lines_of_title(title, _of_strength(titled, STRONG), found)
        line = line_named or _speaks_of_line(source_name) or any(kind == "line" for _, _, kind in found.values())
        return {label: (field, words) for label, (field, words, kind) in found.items() if not line or kind != "tissue"}

    def _read(self, text: str) -> tuple[_Hit, ...]:
        cut = Text.of(text[:_LONGEST])
        judged = judge(cut, list(self._vocabulary.matches(cut)))
        return tuple((m.label, m.kind, strength, cut.words(m.start, m.stop)) for m, strength in judged)

    def _read_characteristics(self, text: str) -> tuple[tuple[_Hit, ...], bool, bool]:
        """What the entries "key: value" say whose key names a tissue or cell; whether one names any tissue or cell,
        known or not; and whether one names a cell line.
        """
        hits: list[_Hit] = []
        tissue = line = False
        for entry in _ENTRY.split(text[:_LONGEST]):
            key, colon, value = entry.partition(":")
            name = " ".join(key.lower().replace("_", " ").replace("-", " ").split())
            if not colon or name not in KEYS:
                continue
            found = self._hits(value.strip())
            if "source" in name:  # "source: iPSC" of neurons: what they were made of
                found = tuple((a, kind, min(s, WEAK) if kind == "origin" else s, w) for a, kind, s, w in found)
            hits += found or self._hits(name)  # "brain region: BM36" names a brain by its key
            tissue = tissue or (name in _TISSUE_KEYS and not _says_nothing(value))
            line = line or _speaks_of_line(value) or (name in _LINE_KEYS and not _NO_LINE.fullmatch(value.strip()))
        return tuple(hits), tissue, line


def label_by_rules(biosamples: pd.DataFrame, vocabulary: Vocabulary) -> pd.DataFrame:
    """sample_id, label, source ("rules"), field, words: one row a bit, in the order of the biosamples.

    ``biosamples`` has the columns sample_id, title, source_name_ch1 and characteristics_ch1.
    """
    rules = Rules(vocabulary)
    fields = zip(*(biosamples[name] for name in ("sample_id", "title", *FIELDS[:2])), strict=True)
    rows = [
        (sample, label, SOURCE, field, words)
        for sample, title, source_name, characteristics in fields
        for label, (field, words) in rules.labels_of(title, source_name, characteristics).items()
    ]
    return label_frame(rows)


def label_frame(rows: Iterable[tuple[str, ...]] = ()) -> pd.DataFrame:
    """A table of labels, LABEL_COLUMNS, from rows of text."""
    columns = list(zip(*rows, strict=True)) or [()] * len(LABEL_COLUMNS)
    return pd.DataFrame({n: pd.Series(list(c), dtype="str") for n, c in zip(LABEL_COLUMNS, columns, strict=True)})


def _lines_of_title(title: str, titled: _Found, found: _Found) -> _Found:
    """Cell lines of a title; where another field names a cell type, only one that the title begins with.

    "A549_rep1" of epithelial cells is A549, but "NK vs K562" of NK cells is not K562.
    """
    cells = any(kind in ("cell", "origin") for _, _, kind in found.values())
    begins = title.lstrip()
    return {
        label: hit for label, hit in titled.items() if hit[2] == "line" and (not cells or begins.startswith(hit[1]))
    }


def _of_strength(read: Mapping[str, tuple[_Hit, ...]], wanted: int) -> _Found:
    """Label -> (field, words, kind) of the hits that are that strong; the first field that names it stands."""
    found: _Found = {}
    for field, hits in read.items():
        for label, kind, strength, words in hits:
            if strength == wanted:
                found.setdefault(label, (field, words, kind))
    return found


def _says_nothing(value: str) -> bool:
    """ "tissue: primary tumor" names no tissue; "tissue: plasma" does, though the vocabulary may not know it."""
    return all(token in _GENERIC for token in Text.of(value).tokens)


@lru_cache(_CACHE)
def _speaks_of_line(text: str) -> bool:
    return re.search(r"\bcell[\s_-]?lines?\b", text, re.IGNORECASE) is not None
