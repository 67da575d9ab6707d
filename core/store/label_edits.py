"""Edits of labels: what was added to or removed from biosamples by hand, kept apart from what the sources say.

    label_edits/<name>.parquet   id, sample_id, label, action, when, note: a row an edit, in the order they were made
                <name>.lock      held while a change is made

They lie outside the dataset's folder, so a dataset that is built anew, or added to, keeps them. A change reads, changes
and writes under one lock, so that two tabs or processes never lose each other's edits; readers need no lock, because
the file is written aside and renamed.
"""

import contextlib
import fcntl
import hashlib
import os
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from core.errors import LabelsError, StoreError
from core.store.files import write_parquet
from core.store.runs import now
from core.types import BoolArray

COLUMNS = ("id", "sample_id", "label", "action", "when", "note")
ACTIONS = ("add", "remove")
EDITED = "edited"  # source of a bit that an edit set
LONGEST_LABEL = 80
LONGEST_NOTE = 500

Stamp = tuple[int, int, int]


class LabelEdits:
    """The edits of one dataset, on disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.parquet"
        self._lock_path = folder / f"{name}.lock"

    @property
    def stamp(self) -> Stamp:
        """Changes with every change of the edits; zeros where there never were any."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def read(self) -> pd.DataFrame:
        """Every edit (columns ``COLUMNS``), oldest first. Raises StoreError where the file is damaged."""
        if not self.path.is_file():
            return no_edits()
        try:
            return pd.read_parquet(self.path, columns=list(COLUMNS))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The label edits in {self.path} cannot be read ({error}): put a copy back, or delete the file."
            ) from error

    def change(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        """Puts what ``change`` makes of the edits in their place, with nobody else at work in between; returns it.

        Nothing is written where ``change`` returns what it got. Raises StoreError where the folder cannot be written.
        """
        with self._locked():
            before, stamp = self.read(), self.stamp
            after = change(before)
            if after is not before:
                self._write(after, stamp)
        return after

    def _write(self, edits: pd.DataFrame, before: Stamp) -> None:
        with self._writable():
            write_parquet(self.path, edits)
            if self.stamp[0] <= before[0]:  # two changes within one tick of the clock
                os.utime(self.path, ns=(before[0] + 1, before[0] + 1))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._writable():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock_path.open("w")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)  # threads too: each opens the file for itself
            yield

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"Label edits cannot be written to {self.path} ({error.strerror or error}): check the folder's "
                "permissions and the space on the disk."
            ) from error


def no_edits() -> pd.DataFrame:
    """A table of edits without any."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})


def appended(edits: pd.DataFrame, sample_ids: Sequence[str], label: str, action: str, note: str = "") -> pd.DataFrame:
    """The edits with one more for each biosample; their ids begin alike, as they are one change."""
    if not len(sample_ids):
        return edits
    change = uuid.uuid4().hex[:12]
    new = pd.DataFrame({"id": [f"{change}.{i}" for i in range(len(sample_ids))], "sample_id": list(sample_ids)})
    new = new.assign(label=label, action=action, when=now(), note=note)[list(COLUMNS)].astype("str")
    return pd.concat([edits, new], ignore_index=True) if len(edits) else new


def lay_over(labels: pd.DataFrame, edits: pd.DataFrame, known: "pd.Series[str]") -> pd.DataFrame:
    """Labels (sample_id, label, source, ...) with the edits laid over; the last edit of a bit wins.

    Bits that the sources have and no edit took away keep their rows; bits that only an edit has come last, with the
    source "edited". Edits of biosamples that are not among ``known`` are passed over.
    """
    if edits.empty:
        return labels
    last = edits.drop_duplicates(["sample_id", "label"], keep="last")
    last = last[is_among(last["sample_id"], known)]
    if last.empty:
        return labels
    touched = labels[is_among(labels["sample_id"], last["sample_id"])]
    there = touched.merge(last[["sample_id", "label", "action"]], on=["sample_id", "label"], how="left")
    gone = touched.index[(there["action"] == "remove").to_numpy()]
    wanted = last.loc[last["action"] == "add", ["sample_id", "label"]]
    extra = wanted.merge(touched[["sample_id", "label"]].drop_duplicates(), how="left", indicator=True)
    extra = extra[extra.pop("_merge") == "left_only"].assign(source=EDITED)
    added = extra.reindex(columns=labels.columns, fill_value="")
    kept = labels.drop(index=gone)
    return pd.concat([kept, added], ignore_index=True) if len(added) else kept.reset_index(drop=True)


def relabelled(biosamples: pd.DataFrame, labels: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Biosamples with the column ``labels`` joined anew by | for those that were edited."""
    edited = is_among(biosamples["sample_id"], edits["sample_id"])
    if not edited.any():
        return biosamples
    joined = labels[is_among(labels["sample_id"], edits["sample_id"])].groupby("sample_id")["label"].agg("|".join)
    now = biosamples["sample_id"].map(joined).astype("str").fillna("")  # map gives numbers where there is no label
    return biosamples.assign(labels=biosamples["labels"].where(~edited, now))


def is_among(ids: "pd.Series[str]", known: "pd.Series[str]") -> BoolArray:
    """Which of the ids are known ones. (On text as pandas keeps it, isin takes seconds for a million known ones.)"""
    return pd.Series(ids.to_numpy(object), dtype=object).isin(known.to_numpy(object)).to_numpy()


def short_hash(lines: Iterable[str]) -> str:
    """16 hexadecimal digits that tell these lines from others."""
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def checked_label(label: str) -> str:
    """A label as it is kept: trimmed. Raises LabelsError where it is blank, too long, or would break a table."""
    trimmed = label.strip()
    if not trimmed:
        raise LabelsError("The label is blank: type a name, such as cerebellum.")
    if "|" in trimmed:  # several labels of a biosample are joined by it
        raise LabelsError(f"The label {trimmed!r} has a '|', which separates labels: use another character.")
    if len(trimmed) > LONGEST_LABEL:
        raise LabelsError(f"The label has {len(trimmed)} characters: {LONGEST_LABEL} is the most. Shorten it.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in trimmed):
        raise LabelsError(f"The label {trimmed!r} has a tab, a line break or another control character: remove it.")
    return trimmed


def checked_note(note: str) -> str:
    """A note as it is kept: on one line. Raises LabelsError where it is too long."""
    line = " ".join(note.split())
    if len(line) > LONGEST_NOTE:
        raise LabelsError(f"The note has {len(line)} characters: {LONGEST_NOTE} is the most. Shorten it.")
    return line
