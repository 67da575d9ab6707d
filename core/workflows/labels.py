"""Labels of biosamples as they are in use: finding them, where each came from, editing by hand, undoing, exporting."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from core.access import Role
from core.errors import LabelsError, NotFoundError
from core.store.datasets import StoredDataset
from core.store.guard import guarded
from core.store.label_edits import ACTIONS, EDITED, appended, checked_label, checked_note, is_among, lay_over
from core.store.workspace import Workspace

ORIGIN = ("source", "field", "words")
SEARCHED = ("sample_id", "series_id", "title", "source_name_ch1", "labels")
SHOWS = ("all", "unlabelled", "edited")


@dataclass(frozen=True)
class LabelChange:
    """What an edit did. ``changed``: the biosamples that now carry the label, or carry it no longer."""

    label: str
    action: str
    changed: list[str]
    unchanged: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The same in words."""
        added = self.action == "add"
        n, rest = len(self.changed), len(self.unchanged)
        so_far = "carried it already" if added else "did not carry it"
        if not n:
            return f"Nothing changed for {self.label!r}: {rest:,} biosample{'s' * (rest != 1)} {so_far}."
        now = f"{n:,} biosample{'s' * (n != 1)} {'now' if added else 'no longer'} {'carry' if n != 1 else 'carries'}"
        return f"{now} {self.label!r}.{f' {rest:,} {so_far}.' if rest else ''}"


@dataclass(frozen=True)
class BiosampleQuery:
    """Which biosamples: every word of ``search`` is in an id, title, source name or label; any of ``labels``.

    ``show``: all, unlabelled, or edited (those of an edit). At most ``limit`` rows are described.
    """

    search: str = ""
    labels: tuple[str, ...] = ()
    show: str = "all"
    limit: int = 1000


@dataclass(frozen=True)
class FoundBiosamples:
    """``ids``: every biosample that matches; ``rows``: the first of them, columns as ``SEARCHED``."""

    ids: list[str]
    rows: pd.DataFrame


@guarded(Role.TRAINER, "edit labels")
def edit_labels(
    workspace: Workspace, name: str, sample_ids: Sequence[str], label: str, action: str = "add", note: str = ""
) -> LabelChange:
    """Adds a label to biosamples, or removes it from them; the sources stay as they are.

    A label that differs from a known one in case alone means the known one. Only what changes a biosample is kept.
    Raises LabelsError for a label or note that cannot be, or no biosample; NotFoundError for a biosample that the
    dataset does not have, or where a label is to be removed that nobody carries. Nothing is changed then.
    """
    dataset = workspace.dataset(name)
    if action not in ACTIONS:
        raise LabelsError(f"{action!r} is no edit of a label: choose one of {', '.join(ACTIONS)}.")
    ids = list(dict.fromkeys(sample_ids))
    _check_ids(dataset, ids)
    label, note = _known_spelling(dataset, checked_label(label)), checked_note(note)
    if action == "remove" and label not in dataset.label_names:
        raise NotFoundError(f"No biosample of dataset {name!r} carries {label!r}: check the label.")
    changed: list[str] = []

    def change(edits: pd.DataFrame) -> pd.DataFrame:
        carry = _carriers(dataset, edits, label)
        changed.extend(sample for sample in ids if (sample in carry) != (action == "add"))
        return appended(edits, changed, label, action, note)

    workspace.label_edits(name).change(change)
    return LabelChange(label, action, changed, [sample for sample in ids if sample not in set(changed)])


@guarded(Role.TRAINER, "undo label edits")
def undo_label_edits(workspace: Workspace, name: str, ids: Sequence[str] | None = None) -> int:
    """Takes edits back, by their ids (None: all of them); how many there were. Raises NotFoundError."""
    workspace.dataset(name)
    undone = 0

    def change(edits: pd.DataFrame) -> pd.DataFrame:
        nonlocal undone
        wanted = edits["id"].isin(list(ids)) if ids is not None else pd.Series(True, index=edits.index)
        undone = int(wanted.sum())
        return edits[~wanted].reset_index(drop=True) if undone else edits

    workspace.label_edits(name).change(change)
    return undone


def label_edits(workspace: Workspace, name: str) -> pd.DataFrame:
    """The edits of a dataset, newest first: sample_id, label, action, when, note, applied, id.

    ``applied`` is False for an edit of a biosample that the dataset does not have. Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    edits = dataset.edits.iloc[::-1].reset_index(drop=True)
    edits["applied"] = is_among(edits["sample_id"], dataset.biosamples["sample_id"])
    return edits[["sample_id", "label", "action", "when", "note", "applied", "id"]]


def last_change(edits: pd.DataFrame) -> list[str]:
    """Ids of the edits (newest first) that were made together with the newest."""
    if edits.empty:
        return []
    change = edits["id"].str.partition(".")[0]
    return list(edits.loc[change == change.iloc[0], "id"])


def labels(workspace: Workspace, name: str) -> pd.DataFrame:
    """Every bit in use, in the order of the biosamples: sample_id, label, source, field, words.

    ``source`` is "edited" where an edit set it. Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    return _in_order(dataset, dataset.labels)


def label_table(workspace: Workspace, name: str) -> str:
    """The labels in use as ``build --labels`` reads them: sample_id<TAB>label, a line a bit. Raises NotFoundError."""
    pairs = labels(workspace, name)[["sample_id", "label"]].drop_duplicates()
    return str(pairs.to_csv(index=False, sep="\t", lineterminator="\n"))


def label_origins(dataset: StoredDataset, sample_ids: Sequence[str]) -> pd.DataFrame:
    """Every bit of some biosamples: sample_id, label, source, field, words, when, note (the last two of an edit)."""
    bits = _in_order(dataset, dataset.labels[dataset.labels["sample_id"].isin(list(sample_ids))])
    last = dataset.edits.drop_duplicates(["sample_id", "label"], keep="last")
    last = last.loc[last["action"] == "add", ["sample_id", "label", "when", "note"]].assign(source=EDITED)
    found = bits.merge(last, on=["sample_id", "label", "source"], how="left")
    return found.assign(**{name: found[name].astype("str").fillna("") for name in ("when", "note")})


def find_biosamples(dataset: StoredDataset, query: BiosampleQuery) -> FoundBiosamples:
    """The biosamples that a query asks for, in the order of the dataset. Raises LabelsError for another ``show``."""
    if query.show not in SHOWS:
        raise LabelsError(f"{query.show!r} is no choice of biosamples: choose one of {', '.join(SHOWS)}.")
    table = dataset.biosamples
    if query.show == "unlabelled":
        table = table[table["labels"] == ""]
    elif query.show == "edited":
        table = table[is_among(table["sample_id"], dataset.edits["sample_id"])]
    if query.labels:
        carry = dataset.labels.loc[dataset.labels["label"].isin(query.labels), "sample_id"]
        table = table[is_among(table["sample_id"], carry)]
    for word in query.search.split():
        table = table[_has_word(table, word)]
    rows = table[list(SEARCHED)].head(query.limit).reset_index(drop=True)
    return FoundBiosamples(table["sample_id"].tolist(), rows)


def _has_word(table: pd.DataFrame, word: str) -> "pd.Series[bool]":
    hit = pd.Series(False, index=table.index)
    for column in SEARCHED:
        hit |= table[column].fillna("").str.contains(word, case=False, regex=False)
    return hit


def _carriers(dataset: StoredDataset, edits: pd.DataFrame, label: str) -> set[str]:
    """Ids of the biosamples that carry a label with these edits laid over, which may be newer than the dataset's."""
    said = dataset.source_labels[dataset.source_labels["label"] == label]
    now = lay_over(said, edits[edits["label"] == label], dataset.biosamples["sample_id"])
    return set(now["sample_id"])


def _check_ids(dataset: StoredDataset, ids: Sequence[str]) -> None:
    if not ids:
        raise LabelsError("No biosample was chosen: choose at least one.")
    known = pd.Index(dataset.biosamples["sample_id"])
    unknown = [sample for sample, row in zip(ids, known.get_indexer(pd.Index(ids)), strict=True) if row < 0]
    if unknown:
        few = ", ".join(repr(sample) for sample in unknown[:3]) + (", ..." if len(unknown) > 3 else "")
        raise NotFoundError(
            f"Dataset {dataset.name!r} has no biosample {few} ({len(unknown)} of {len(ids)}): check the ids."
        )


def _known_spelling(dataset: StoredDataset, label: str) -> str:
    names = dataset.label_names
    if label in names:
        return label
    return next((name for name in names if name.casefold() == label.casefold()), label)


def _in_order(dataset: StoredDataset, bits: pd.DataFrame) -> pd.DataFrame:
    order = pd.Index(dataset.biosamples["sample_id"]).get_indexer(pd.Index(bits["sample_id"]))
    columns = ["sample_id", "label", *ORIGIN]
    known: pd.DataFrame = bits.reindex(columns=columns, fill_value="").fillna("")
    return known.take(order.argsort(kind="stable")).reset_index(drop=True)
