"""Where the labels of a build come from: a table or a folder, rules over the metadata, what they imply; together."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.errors import NotFoundError
from core.sources.annotation import read_labels
from core.sources.fingerprint import content_fingerprint
from core.sources.label_folder import read_label_folder, tables_of
from core.sources.label_parents import SHIPPED as SHIPPED_PARENTS
from core.sources.label_parents import implied, read_parents
from core.sources.label_rules import LABEL_COLUMNS, label_by_rules, label_frame
from core.sources.label_vocabulary import SHIPPED as SHIPPED_RULES
from core.sources.label_vocabulary import read_vocabulary

__all__ = ["LABEL_COLUMNS", "SHIPPED_PARENTS", "SHIPPED_RULES", "LabelSources"]

RULES_VERSION = 1  # of the code behind the rules: raise it where the same words come to give other labels


@dataclass(frozen=True)
class LabelSources:
    """``given``: a table or a folder; ``rules``: a vocabulary; ``parents``: a table of what labels imply.

    What rules found always gets its parents (the shipped table, if no other is given), a table or folder only where
    ``parents`` is given: so a user's own labels stay as they are.
    """

    given: Path | None = None
    rules: Path | None = None
    parents: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files whose bytes count in a fingerprint as they are. Raises NotFoundError for what is not there."""
        wanted = [path for path in (self.given, self.rules, self.parents) if path is not None]
        for path in wanted:
            if not path.is_file() and not (path == self.given and path.is_dir()):
                where = "file or folder" if path == self.given else "file"
                raise NotFoundError(f"There is no {where} {path}: check the path.")
        return [self.given] if self.given is not None and self.given.is_file() else []

    def fingerprint(self, files: Sequence[Path]) -> str:
        """Of the content of these files and of whatever else the labels depend on, 32 hex digits.

        It is ``content_fingerprint(files)`` where there is neither folder, rules nor parents. A folder counts by its
        labels and biosamples, not by the gigabytes of its tables. Raises InputError.
        """
        plain = content_fingerprint(files)
        parts = list(self._parts())
        if not parts:
            return plain
        return hashlib.blake2b("\n".join([plain, *parts]).encode(), digest_size=16).hexdigest()

    def read(self, biosamples: pd.DataFrame, ignore: Collection[str] = (), rules_for: int = 0) -> "Labelled":
        """The labels of these biosamples, LABEL_COLUMNS, and what to know of them; a repeated bit stands once, with
        the first source. Rules are applied from row ``rules_for`` on; ids in ``ignore`` are passed over.

        Raises LabelsError.
        """
        given, notes = self._read_given(biosamples["sample_id"].tolist(), ignore)
        ruled = label_frame()
        if self.rules is not None:
            vocabulary, asked = read_vocabulary(self.rules), biosamples.iloc[rules_for:]
            ruled = label_by_rules(asked, vocabulary)
            notes.append(f"Rules labelled {ruled['sample_id'].nunique():,} of {len(asked):,} biosamples.")
        explicit = pd.concat([given, ruled], ignore_index=True).drop_duplicates(
            ["sample_id", "label"], ignore_index=True
        )
        children = explicit if self.parents is not None else ruled
        if self.parents is not None or self.rules is not None:
            more = implied(children, read_parents(self.parents or SHIPPED_PARENTS))
            explicit = pd.concat([explicit, more], ignore_index=True)
        return Labelled(explicit.drop_duplicates(["sample_id", "label"], ignore_index=True), notes)

    def _read_given(self, known: list[str], ignore: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
        if self.given is None:
            return label_frame(), []
        if self.given.is_dir():
            return read_label_folder(self.given, known, ignore)
        return read_labels(self.given, known, ignore), []

    def _parts(self) -> list[str]:
        parts = []
        if self.given is not None and self.given.is_dir():
            digest = hashlib.blake2b(digest_size=16)
            for table in tables_of(self.given):
                digest.update(json.dumps([table.label, table.path, table.header]).encode())
            parts.append(f"folder {digest.hexdigest()}")
        if self.rules is not None:
            parts.append(f"rules {RULES_VERSION} {content_fingerprint([self.rules])}")
        if self.rules is not None or self.parents is not None:
            which = "all" if self.parents is not None else "rules"
            parts.append(f"parents of {which} {content_fingerprint([self.parents or SHIPPED_PARENTS])}")
        return parts


@dataclass(frozen=True)
class Labelled:
    """A table of labels, and notes for the user."""

    table: pd.DataFrame
    notes: list[str]
