"""Labels from the ARCHS4 site's tissue and cell-line downloads: a folder a label, tables whose columns are biosamples.

    downloads/tissue/brain/GSE1.tsv.gz       gene  GSM1  GSM2  ...
              tissue/spinal_cord/all.csv     gene,GSM7,...
              cell_line/HeLa/counts.tsv      gene  GSM9  ...

Folders of labels may stand one level deeper or not. Of a table only the header is read, so gigabytes cost nothing.
"""

import csv
import re
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from core.errors import LabelsError
from core.sources.label_rules import label_frame
from core.sources.text_tables import delimiter_of, stream_lines

_TABLE = re.compile(r"\.(csv|tsv|txt|tab)(\.gz)?$", re.IGNORECASE)
_GSM = re.compile(r"GSM\d+")
_MOST_COMMENTS = 100


def read_label_folder(
    folder: Path, known: Sequence[str], ignore: Collection[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """The labels (LABEL_COLUMNS; source: the table's path below the folder), and what to know of them.

    ``known`` are the ids of the dataset; other biosamples are passed over and counted in a note, except those in
    ``ignore`` (left out on purpose). Raises LabelsError: no folder of a label, one without any table of biosamples, a
    label with a ``|``, no biosample that the dataset has.
    """
    rows = _bits(folder, {*known, *ignore})
    inside, skipped = set(known), set(ignore)
    outside = {sample for sample, _, _ in rows if sample not in inside and sample not in skipped}
    kept = label_frame((sample, label, source, "", "") for sample, label, source in rows if sample in inside)
    if kept.empty and outside:
        few, expected = ", ".join(sorted(outside)[:3]), ", ".join(sorted(known)[:3])
        raise LabelsError(
            f"{folder}: none of its {len(outside)} biosamples ({few}) is in the dataset, whose ids look like "
            f"{expected}. Is it the right folder?"
        )
    distinct = kept.drop_duplicates(["sample_id", "label"], ignore_index=True)
    return distinct, [f"{len(outside)} biosamples of {folder.name} are not in the dataset."] if outside else []


@dataclass(frozen=True)
class Table:
    """A table of a label's folder: the label, the path below the folder that was given, the cells of its header."""

    label: str
    path: str
    header: list[str]


def tables_of(folder: Path) -> list[Table]:
    """Every table below a folder of labels, by label and name. Raises LabelsError where there is no label's folder."""
    places = [(place, _folders(place)) for place in _folders(folder)]
    if not places:
        raise LabelsError(f"{folder}: has no folders. Give a folder with a folder for each label, such as brain.")
    found: list[Table] = []
    for place, inner in places:
        for label_folder in inner or [place]:
            label = " ".join(label_folder.name.replace("_", " ").split())
            if "|" in label:
                raise LabelsError(f"{label_folder}: the label has a '|'. Rename the folder.")
            # A folder without any table is found out by its lack of biosamples.
            headers = [(str(path.relative_to(folder)), _columns(path)) for path in _tables(label_folder)]
            found += [Table(label, path, header) for path, header in headers or [(str(label_folder), [])]]
        # What stands beside folders of labels in a group's folder (a readme, say) is no table of a label.
    return found


def _bits(folder: Path, known: Collection[str]) -> list[tuple[str, str, str]]:
    """(biosample, label, table) of every column that is a GSM or in ``known``."""
    found: list[tuple[str, str, str]] = []
    without: dict[str, str] = {}
    for table in tables_of(folder):
        samples = [cell for cell in table.header if _GSM.fullmatch(cell) or cell in known]
        place = str((folder / table.path).parent) if table.header else str(folder / table.path)
        found += [(sample, table.label, table.path) for sample in samples]
        without[place] = "" if samples or without.get(place) == "" else place
    if nothing := next((place for place in without.values() if place), None):
        raise LabelsError(
            f"{nothing}: has no table (.csv or .tsv, plain or .gz) whose columns are biosamples such as GSM1000. "
            "Add one, or remove the folder."
        )
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")


def _tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and _is_table(path.name))


def _is_table(name: str) -> bool:
    return not name.startswith(".") and _TABLE.search(name) is not None


def _columns(table: Path) -> list[str]:
    """The cells of the header; nothing after it is read."""
    with closing(stream_lines(table, LabelsError)) as lines:  # type: ignore[type-var]  # a generator, so it closes
        header = next((s for s in islice(lines, _MOST_COMMENTS) if s.strip() and not s.startswith("#")), "")
    try:
        cells = next(csv.reader([header], delimiter=delimiter_of(header) or "\t"), [])
    except csv.Error as error:
        raise LabelsError(f"{table}: its header is no table row ({error}). Give CSV or TSV text.") from error
    return [cell.strip() for cell in cells]
