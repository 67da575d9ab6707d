"""Tables as files to take away: CSV that a spreadsheet opens without running anything, Parquet with its provenance."""

import io
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.workflows.provenance import embedded

FORMULA = ("=", "+", "-", "@", "\t", "\r")
KEY = "archscope"  # of the provenance in a Parquet file's metadata


def to_csv(frame: pd.DataFrame) -> bytes:
    """CSV in UTF-8, without row numbers and without comment lines, which readers would take for data.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; columns of numbers stay as they are.
    """
    return neutralised(frame).to_csv(index=False).encode()


def to_parquet(frame: pd.DataFrame, provenance: Mapping[str, str]) -> bytes:
    """Parquet, values as they are; the file's metadata hold the provenance: each entry as "archscope.<name>", and all
    of them as JSON under "archscope".
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    entries = {KEY: embedded(provenance)} | {f"{KEY}.{name}": text for name, text in provenance.items()}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **entries}), buffer)
    return buffer.getvalue()


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with every text that begins like a formula (= + - @, tab, return) behind an apostrophe, heads too.

    Text that is a number ("-0.5") is harmless and stays. Returns become line feeds: the writer puts no quotes around a
    return, so what follows it would begin a row of its own.
    """
    changed = {name: frame[name].map(_harmless) for name in frame.columns if not _is_plain(frame[name])}
    return frame.assign(**changed).rename(columns=_harmless)


def _is_plain(column: pd.Series) -> bool:
    """Whether a column holds numbers, truth values or times, which cannot be formulas."""
    kinds = (pd.api.types.is_numeric_dtype, pd.api.types.is_bool_dtype, pd.api.types.is_datetime64_any_dtype)
    return any(is_kind(column) for is_kind in kinds)


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if value.startswith(FORMULA) and not _is_number(value) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
