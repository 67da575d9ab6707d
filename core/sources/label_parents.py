"""What a label implies: a biosample of cerebellum is one of brain, too."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from core.errors import LabelsError
from core.settings import PROJECT
from core.sources.label_rules import label_frame
from core.sources.text_tables import read_rows

SHIPPED = PROJECT / "data" / "label_parents.tsv"
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
    return {child: _ancestors(child, direct) for child in direct}


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


def _ancestors(label: str, direct: Parents) -> list[str]:
    found: list[str] = []
    waiting = list(direct.get(label, ()))
    while waiting:
        parent = waiting.pop(0)
        if parent not in found:
            found.append(parent)
            waiting += direct.get(parent, ())
    return found


def _check_acyclic(direct: Parents, path: Path) -> None:
    done: set[str] = set()

    def visit(label: str, above: list[str]) -> None:
        if label in above:
            circle = " -> ".join([*above[above.index(label) :], label])
            raise LabelsError(f"{path}: labels imply each other in a circle: {circle}. Remove one of these rows.")
        if label not in done:
            for parent in direct.get(label, ()):
                visit(parent, [*above, label])
            done.add(label)

    for label in direct:
        visit(label, [])
