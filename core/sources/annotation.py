"""Labels of biosamples from a two-column table."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from core.errors import LabelsError
from core.sources.text_tables import read_rows

_ID_NAMES = ("sample_id", "sample", "geo_accession", "gsm")


def read_labels(path: Path, known: Sequence[str], ignore: Collection[str] = ()) -> pd.DataFrame:
    """sample_id, label, source (the file's name), field, words ("") from ``sample_id<TAB>label``.

    The table is CSV or TSV, plain or gzip. A sample with several labels has several rows; repeated rows count once.
    ``known`` are the ids of the dataset; rows of ids in ``ignore`` (biosamples left out on purpose) are passed over.
    Raises LabelsError: header, a blank id or label (with its line), ids that the dataset does not have.
    """
    header, rows = read_rows(path, LabelsError)
    _check_header(header, path)
    pairs = [(sample, label) for line, (sample, label) in rows if _usable(sample, label, line, path)]
    if not pairs:
        raise LabelsError(f"{path}: has a header but no rows.")
    table = pd.DataFrame(pairs, columns=["sample_id", "label"]).drop_duplicates(ignore_index=True)
    _check_known(table["sample_id"], set(known), set(ignore), path)
    table = table.assign(source=path.name, field="", words="")
    return table[table["sample_id"].isin(set(known))].reset_index(drop=True)


def _check_header(header: list[str], path: Path) -> None:
    if len(header) != 2 or header[0].lower() not in _ID_NAMES:
        found = ", ".join(header[:4])
        raise LabelsError(
            f"{path}: the header must be sample_id and one label column, separated by a tab; found: {found}."
        )


def _usable(sample: str, label: str, line: int, path: Path) -> bool:
    if not sample or not label:
        raise LabelsError(f"{path}, line {line}: blank {'sample_id' if not sample else 'label'}. Fill or remove it.")
    if "|" in label:  # several predicted labels are joined by it
        raise LabelsError(f"{path}, line {line}: the label {label!r} has a '|'. Use another character.")
    return True


def _check_known(ids: "pd.Series[str]", known: set[str], ignore: set[str], path: Path) -> None:
    distinct = list(dict.fromkeys(ids))
    unknown = [sample for sample in distinct if sample not in known and sample not in ignore]
    if not unknown:
        return
    few = ", ".join(unknown[:3]) + (", ..." if len(unknown) > 3 else "")
    if len(unknown) == len(distinct):
        expected = ", ".join(sorted(known)[:3])
        raise LabelsError(
            f"{path}: none of its {len(distinct)} samples ({few}) is in the dataset, whose ids look like {expected}. "
            "Is it the right file?"
        )
    raise LabelsError(
        f"{path}: {len(unknown)} of {len(distinct)} samples are not in the dataset: {few}. Correct or remove them."
    )
