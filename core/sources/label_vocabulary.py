"""The words that name tissues, cell types and cell lines, and where they stand in a text.

A text is a row of tokens: runs of letters and runs of digits. So "MCF-7", "MCF 7" and "MCF7" are the same two tokens,
and the end of a word is where a token ends. Words are kept in a tree of tokens; the longest that fits wins, and what it
covers is spent: "cardiac muscle" says nothing of "muscle".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from core.errors import LabelsError
from core.settings import PROJECT
from core.sources.text_tables import read_rows

SHIPPED = PROJECT / "data" / "label_vocabulary.tsv"
KINDS = ("tissue", "cell", "origin", "line", "none")
_NOTHING = "-"
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_LABEL = ""  # the key in the tree under which a word's label stands; no token is empty
_INSIDE = frozenset({"", " ", "_", "-", ".", ";", "  ", "/", "+", "+ ", "+_", "+-", "'"})
_AFTER_DIGITS = frozenset({"cell", "wt", "ko", "kd", "ctrl", "control", "rep", "sh", "si"})  # "K562cells"
_MOST_DIGITS = 2  # "liver12" is a replicate; "BRAIN1234" some identifier


@dataclass(frozen=True)
class Text:
    """A text, cut into tokens: lower case without a plural s, as written, and what stands before each."""

    written: str
    tokens: list[str]
    spans: list[tuple[int, int]]
    gaps: list[str]

    @classmethod
    def of(cls, written: str) -> "Text":
        """Cuts a text."""
        tokens, spans, gaps, end = [], [], [], 0
        for found in _TOKEN.finditer(written):
            start = found.start()
            tokens.append(canonical(found.group()))
            gaps.append(written[end:start])
            end = found.end()
            spans.append((start, end))
        return cls(written, tokens, spans, gaps)

    def words(self, start: int, stop: int) -> str:
        """Tokens start to stop (exclusive) as they are written."""
        return self.written[self.spans[start][0] : self.spans[stop - 1][1]]


@dataclass(frozen=True)
class Match:
    """A word of the vocabulary in a text: its label ("-": none), the label's kind, and the tokens it covers."""

    label: str
    kind: str
    start: int
    stop: int


@dataclass
class Vocabulary:
    """Labels with their kind, and the tree of their words."""

    kinds: dict[str, str] = field(default_factory=dict)
    tree: dict[str, Any] = field(default_factory=dict)

    def add(self, label: str, kind: str, word: str) -> str | None:
        """Takes a word in; the label that has it already, if another."""
        for tokens in _spellings(word):
            node = self.tree
            for token in tokens:
                node = node.setdefault(token, {})
            holder: str = node.setdefault(_LABEL, label)
            if holder != label:
                return holder
        if label != _NOTHING:
            self.kinds[label] = kind
        return None

    def matches(self, text: Text) -> Iterator[Match]:
        """The words in a text from left to right, none over another; the longest wins."""
        at, n = 0, len(text.tokens)
        while at < n:
            found = self._longest(text, at) if text.tokens[at] in self.tree else None
            if found is None:
                at += 1
            else:
                label, stop = found
                yield Match(label, self.kinds.get(label, "none"), at, stop)
                at = stop

    def _longest(self, text: Text, start: int) -> tuple[str, int] | None:
        if start and text.gaps[start] == "":  # in the middle of a word: "NKX2" is no 2, "CHO293T" no 293T
            return None
        node, best = self.tree, None
        for at in range(start, len(text.tokens)):
            if at > start and text.gaps[at] not in _INSIDE:
                break
            if text.tokens[at] not in node:
                break
            node = node[text.tokens[at]]
            if _LABEL in node and _ends(text, at + 1):
                best = (node[_LABEL], at + 1)
        return best


def canonical(token: str) -> str:
    """Lower case, without a plural s: "lungs", "ovaries", "arches"; both sides of a comparison need it."""
    token = token.lower()
    if len(token) > 3 and token[-1] == "s" and token[-2] != "s":
        if token.endswith("ies"):
            return token[:-3] + "y"
        return token[:-2] if token.endswith(("ches", "shes", "xes", "sses")) else token[:-1]
    return token


def read_vocabulary(path: Path = SHIPPED) -> Vocabulary:
    """A vocabulary from a table ``label, kind, words``: words separated by ``;``, kind one of KINDS.

    Raises LabelsError: header, an unknown kind, a blank label, one with a ``|``, a word that two labels claim.
    """
    header, rows = read_rows(path, LabelsError)
    if [name.lower() for name in header] != ["label", "kind", "words"]:
        raise LabelsError(f"{path}: the header must be label, kind and words; found: {', '.join(header[:4])}.")
    vocabulary = Vocabulary()
    for line, (label, kind, words) in rows:
        where = f"{path}, line {line}"
        if kind not in KINDS or (kind == "none") != (label == _NOTHING):
            raise LabelsError(
                f"{where}: {kind!r} is no kind for {label!r}: choose tissue, cell, origin or line ('-': none)."
            )
        if not label or "|" in label:
            raise LabelsError(f"{where}: the label {label!r} is blank or has a '|'. Use other characters.")
        own = [] if label == _NOTHING else [label]
        for word in [*own, *filter(None, map(str.strip, words.split(";")))]:
            if other := vocabulary.add(label, kind, word):
                raise LabelsError(f"{where}: {word!r} stands for {label!r} and for {other!r}. Keep one of them.")
    if not vocabulary.kinds:
        raise LabelsError(f"{path}: names no label. Add one, with its kind and its words.")
    return vocabulary


def _spellings(word: str) -> Iterator[list[str]]:
    """The tokens of a word, words of letters also written as one: "T cell" and "Tcell"."""
    text = Text.of(word)
    raw = [word[a:b].lower() for a, b in text.spans]
    seams = [i for i in range(1, len(raw)) if raw[i - 1].isalpha() and raw[i].isalpha()][:4]
    for joined in product((False, True), repeat=len(seams)):
        glued = {seam for seam, join in zip(seams, joined, strict=True) if join}
        parts: list[str] = []
        for i, token in enumerate(raw):
            if i in glued:
                parts[-1] += token
            else:
                parts.append(token)
        if parts:
            yield [canonical(part) for part in parts]


def _ends(text: Text, stop: int) -> bool:
    """Whether a word may end here: what is glued to it is a replicate's number, or "cells", not more of a name."""
    if stop == len(text.tokens) or text.gaps[stop] != "":
        return True
    following = text.tokens[stop]
    if following.isdigit():
        return len(following) <= _MOST_DIGITS
    return following in _AFTER_DIGITS
