"""What a label implies: a biosample of cerebellum is one of brain, too."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from core.errors import LabelsError
from core.settings import PROJECT
from core.sources.label_rules import label_frame
from core.sources.text_tables import read_rows

SHIPPED = PROJECT / "data" / "label_parents.tsv"
MOST_IMPLIED = 100  # labels by one; the deepest of anatomy's trees has about ten levels
Parents = Mapping[str, Sequence[str]]


def read_parents(path: Path = SHIPPED) -> dict[str, list[str]]:
    """Every label with all that it implies (nearest first), from a table ``child<TAB>parent``; several rows a child
    are several parents.

    Raises LabelsError: header, a blank label or one with a ``|``, labels that imply each other in a circle.
    """
    header, rows = read_rows(path, LabelsError)
    if [name.lower() for name in header] != ["child", "parent"]:
        raise LabelsError(f"{path}: the header must be child and parent; found: {', '.join(header[:4])}.")
    direct: dict[str, list[str]] = {}
    for line, cells in rows:
        if not all(cells) or "|" in "".join(cells):
            raise LabelsError(f"{path}, line {line}: a label is blank or has a '|'. Fill or correct it.")
        child, parent = cells
        direct.setdefault(child, []).append(parent)
    _check_acyclic(direct, path)
    return {child: _ancestors(child, direct, path) for child in direct}


def implied(labels: pd.DataFrame, parents: Parents) -> pd.DataFrame:
    """The bits that follow from these and are not among them (LABEL_COLUMNS), source "implied by" the label's name."""
    there = set(zip(labels["sample_id"], labels["label"], strict=True))
    rows = [
        (sample, parent, f"implied by {label}", "", "")
        for sample, label in zip(labels["sample_id"], labels["label"], strict=True)
        for parent in parents.get(label, ())
        if (sample, parent) not in there
    ]
    return label_frame(rows).drop_duplicates(["sample_id", "label"], ignore_index=True)


def _ancestors(label: str, direct: Parents, path: Path) -> list[str]:
    found: dict[str, None] = {}
    waiting = deque(direct.get(label, ()))
    while waiting:
        parent = waiting.popleft()
        if parent not in found:
            found[parent] = None
            waiting += direct.get(parent, ())
            if len(found) > MOST_IMPLIED:
                raise LabelsError(f"{path}: {label!r} implies more than {MOST_IMPLIED} labels. Remove some rows.")
    return list(found)


def _check_acyclic(direct: Parents, path: Path) -> None:
    """A walk without recursion: a chain of labels may be as long as the table."""
    done: set[str] = set()
    for start in direct:
        way: dict[str, Iterator[str]] = {start: iter(direct[start])} if start not in done else {}
        while way:
            label = next(reversed(way))
            parent = next(way[label], None)
            if parent is None:
                done.add(label)
                del way[label]
            elif parent in way:
                steps = list(way)
                circle = " -> ".join([*steps[steps.index(parent) :], parent])
                raise LabelsError(f"{path}: labels imply each other in a circle: {circle}. Remove one of these rows.")
            elif parent not in done:
                way[parent] = iter(direct.get(parent, ()))
