"""Which biosamples of a remote file are meant: by words, a pattern, ids or a label, from its metadata alone."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import InputError, LabelsError, NotFoundError, RecipeError
from core.sources.label_sources import SHIPPED_RULES, LabelSources
from core.types import IndexArray
from core.workflows.remote_ids import ids_in

SEARCHED = ("sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RemoteChoice:
    """All that is given must hold.

    ``search``: every word is in an id, title, source name or characteristic (capitals make no difference). ``regex``:
    so is the pattern. ``samples``: ids. ``label``: what the shipped label rules say, with what labels imply. Of more
    than ``limit`` that many are drawn at random by ``seed``. Biosamples of a single-cell probability of
    ``max_singlecell`` or more are left out.
    """

    search: str = ""
    regex: str = ""
    samples: tuple[str, ...] = ()
    label: str = ""
    limit: int | None = None
    seed: int = 1
    max_singlecell: float = 0.5

    @property
    def words(self) -> str:
        """The same for a person to read."""
        parts = [f"words: {self.search}"] if self.search.strip() else []
        parts += [f"pattern: {self.regex}"] if self.regex else []
        parts += [f"{len(self.samples):,} ids"] if self.samples else []
        parts += [f"label by rules: {self.label}"] if self.label else []
        parts += [f"{self.limit:,} at random, seed {self.seed}"] if self.limit is not None else []
        parts += [f"single-cell probability under {self.max_singlecell:g}"] if self.max_singlecell <= 1 else []
        return "; ".join(parts) or "all biosamples"


@dataclass(frozen=True)
class RemoteChosen:
    """``rows`` of the file, ascending; ``n_matching`` before the limit; ``notes`` for the user.

    ``unknown``: of ``n_ids`` ids that were asked for, those that the file does not have.
    """

    rows: IndexArray
    n_matching: int
    notes: list[str]
    n_ids: int = 0
    unknown: tuple[str, ...] = ()

    @property
    def unknown_words(self) -> list[str]:
        """Every id that the file does not have, by name, in one sentence; none where it has all."""
        names = ", ".join(self.unknown)
        return [f"{len(self.unknown):,} of {self.n_ids:,} ids are not in the file: {names}."] if names else []


def choose_remote(biosamples: pd.DataFrame, choice: RemoteChoice) -> RemoteChosen:
    """The biosamples that a choice means.

    Raises RecipeError for a pattern that is none or a limit under 1, NotFoundError where no id or label is known.
    """
    if choice.limit is not None and choice.limit < 1:
        raise RecipeError(f"The limit is {choice.limit}: choose at least one biosample.")
    notes: list[str] = []
    wanted, unknown = _of_ids(biosamples, choice.samples)
    for word in choice.search.split():
        wanted = _narrowed(biosamples, wanted, re.compile(re.escape(word), re.IGNORECASE))
    if choice.regex:
        wanted = _narrowed(biosamples, wanted, _checked(choice.regex))
    single = biosamples["singlecellprobability"].to_numpy(np.float64) >= choice.max_singlecell
    if left_out := int((wanted & single).sum()):
        notes.append(f"{left_out:,} that are probably single cells were left out.")
    rows = np.flatnonzero(wanted & ~single)
    if choice.label:
        rows = _of_label(biosamples, rows, choice.label)
    n = len(rows)
    if choice.limit is not None and n > choice.limit:
        rows = np.sort(np.random.default_rng(choice.seed).choice(rows, choice.limit, replace=False))
    return RemoteChosen(rows, n, notes, len(set(choice.samples)), unknown)


def labels_of(biosamples: pd.DataFrame) -> "pd.Series[int]":
    """How many of these biosamples each label has, by rules and what they imply; the most frequent first."""
    table = LabelSources(rules=SHIPPED_RULES).read(biosamples.reset_index(drop=True)).table
    return table["label"].value_counts()


def with_samples(choice: RemoteChoice, path: Path) -> RemoteChoice:
    """A choice of the ids in a text file, as ``ids_in`` finds them. Raises NotFoundError, InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}: check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}). Give one id a line.") from error
    ids = ids_in(text)
    if not ids:
        raise InputError(f"{path}: names no biosamples. Give one id (GSM...) a line.")
    return replace(choice, samples=ids)


def _narrowed(biosamples: pd.DataFrame, wanted: Mask, pattern: re.Pattern[str]) -> Mask:
    """Those of the wanted in which a pattern is found; the others are not looked at."""
    rows = np.flatnonzero(wanted)
    for column in SEARCHED:
        texts = biosamples[column].iloc[rows].tolist()
        hit = np.fromiter((pattern.search(text) is not None for text in texts), dtype=bool, count=len(texts))
        wanted[rows] = hit if column == SEARCHED[0] else wanted[rows] | hit
        rows = rows[~hit]
    return wanted


def _checked(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise RecipeError(f"The pattern {pattern!r} cannot be read ({error}): correct it.") from error


def _of_ids(biosamples: pd.DataFrame, ids: tuple[str, ...]) -> tuple[Mask, tuple[str, ...]]:
    """Which biosamples are named (all, where there is no list), and the ids that none has."""
    if not ids:
        return np.ones(len(biosamples), dtype=bool), ()
    distinct = pd.Index(dict.fromkeys(ids))
    there = distinct.isin(biosamples["sample_id"])
    if not there.any():
        few = ", ".join(distinct[:3])
        raise NotFoundError(f"None of the {len(distinct):,} ids ({few}, ...) is in the file: check the list.")
    return np.asarray(biosamples["sample_id"].isin(distinct).to_numpy(), dtype=bool), tuple(distinct[~there])


def _of_label(biosamples: pd.DataFrame, rows: IndexArray, label: str) -> IndexArray:
    table = LabelSources(rules=SHIPPED_RULES).read(biosamples.iloc[rows].reset_index(drop=True)).table
    carry = table.loc[table["label"].str.casefold() == label.strip().casefold(), "sample_id"]
    if carry.empty:
        known = ", ".join(table["label"].value_counts().index[:6])
        raise LabelsError(f"The rules give no biosample here the label {label!r}. Frequent ones: {known or 'none'}.")
    return rows[biosamples["sample_id"].iloc[rows].isin(carry).to_numpy()]
