"""Searching the biosamples of a dataset: words, a regular expression, and facets that count under each other's choice.

The tables are in memory, made from the dataset's biosamples as they are shown: the results database has the labels of
the build, these have the edits too. Regular expressions are DuckDB's (RE2), whose time grows with the text alone; a
search that takes too long all the same is stopped.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from core.errors import RecipeError
from core.settings import n_threads
from core.types import IndexArray

SEARCHED = ("sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1", "labels")
SORTABLE = (*SEARCHED, "alignedreads", "depth", "singlecellprobability", "zero_share")
NOTHING = {"label": "no label", "series": "no series"}
UNKNOWN = "unknown"
DEPTHS = ((0.0, "below 1 M"), (1e6, "1 to 5 M"), (5e6, "5 to 10 M"), (1e7, "10 to 20 M"), (2e7, "20 to 50 M"),
          (5e7, "50 to 100 M"), (1e8, "100 M and more"))  # fmt: skip
SINGLE_CELL = ((0.0, "below 0.1"), (0.1, "0.1 to 0.25"), (0.25, "0.25 to 0.5"), (0.5, "0.5 and more"))
LONGEST_PATTERN = 500
SLOWEST_S = 5.0
MOST_EXTRA = 8  # facets from characteristics and other columns
CARRIED = 0.02  # share of biosamples that a characteristic has to speak of to become a facet


@dataclass(frozen=True)
class SampleQuery:
    """Which biosamples, in which order.

    ``search``: every word is somewhere in the fields ``SEARCHED``; ``regex`` matches one of them (case does not
    matter in either). ``chosen``: (facet, values) pairs: one of the values of each facet. ``sort``: a column of
    ``SORTABLE``, or "" for the order of the dataset.
    """

    search: str = ""
    regex: str = ""
    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = ""
    descending: bool = False


@dataclass(frozen=True)
class FoundSamples:
    """``rows``: positions of all biosamples that match, in the order asked for. ``facets``: of each facet its values
    and how many biosamples have them (value, biosamples) under everything but that facet's own choice.
    """

    rows: IndexArray
    facets: Mapping[str, pd.DataFrame] = field(default_factory=dict)


class BiosampleSearch:
    """The biosamples of one dataset (n rows, columns as ``core.types.BIOSAMPLE_COLUMNS`` and labels), ready to search.

    ``names``: of each facet its title; first label, series, depth, single_cell, then what else the dataset tells.
    """

    def __init__(self, biosamples: pd.DataFrame) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": n_threads(), "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
        }  # fmt: skip
        self._connection = duckdb.connect(":memory:", config=config)
        self.n = len(biosamples)
        with self._connection.cursor() as cursor:
            self.names = _fill(cursor, biosamples)

    def find(self, query: SampleQuery) -> FoundSamples:
        """What a query asks for. Raises RecipeError for a pattern that is none, a sort or a facet that is not there."""
        _check(query, self.names)
        chosen = [(name, values) for name, values in query.chosen if values]
        with self._connection.cursor() as cursor, _bounded(cursor, query.regex):
            self._match(cursor, query, chosen)
            order = f"{query.sort} {'DESC' if query.descending else 'ASC'} NULLS LAST, " if query.sort else ""
            rows = cursor.execute(
                f"SELECT position FROM matched JOIN samples USING (position) WHERE missed = 0 ORDER BY {order}position"
            ).fetchnumpy()["position"]
            return FoundSamples(np.asarray(rows, dtype=np.intp), self._counts(cursor, chosen))

    def _match(
        self, cursor: duckdb.DuckDBPyConnection, query: SampleQuery, chosen: Sequence[tuple[str, tuple[str, ...]]]
    ) -> None:
        """Table ``matched``: position, and a bit in ``missed`` for each facet whose choice the biosample is not of."""
        bits = " + ".join(
            f"CASE WHEN position IN (SELECT position FROM items WHERE facet = ? AND list_contains(?, value)) "
            f"THEN 0 ELSE {1 << number} END"
            for number in range(len(chosen))
        )
        values: list[Any] = [part for name, wanted in chosen for part in (name, list(wanted))]
        words = query.search.lower().split()
        tests = ["contains(body, ?)"] * len(words) + ["regexp_matches(text, ?)"] * bool(query.regex)
        values += [*words, *([f"(?im){query.regex}"] if query.regex else [])]
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE matched AS SELECT position, ({bits or 0})::BIGINT AS missed FROM samples "
            f"WHERE {' AND '.join(tests) or 'true'}",
            values,
        )

    def _counts(
        self, cursor: duckdb.DuckDBPyConnection, chosen: Sequence[tuple[str, tuple[str, ...]]]
    ) -> dict[str, pd.DataFrame]:
        own = " ".join(f"WHEN ? THEN {1 << number}" for number in range(len(chosen)))
        bit = f"CASE facet {own} ELSE 0 END" if chosen else "0"
        table = cursor.execute(
            f"SELECT facet, value, rank, count(*) AS biosamples FROM items JOIN matched USING (position) "
            f"WHERE (missed & ~({bit})::BIGINT) = 0 GROUP BY facet, value, rank ORDER BY rank, biosamples DESC, value",
            [name for name, _ in chosen],
        ).df()
        parts = {str(name): part for name, part in table.groupby("facet", sort=False)}
        empty = table.iloc[:0]
        return {name: parts.get(name, empty)[["value", "biosamples"]].reset_index(drop=True) for name in self.names}


def _check(query: SampleQuery, names: Mapping[str, str]) -> None:
    if query.sort and query.sort not in SORTABLE:
        raise RecipeError(f"Cannot sort biosamples by {query.sort!r}: choose one of {', '.join(SORTABLE)}.")
    for name, values in query.chosen:
        if name not in names and values:
            raise RecipeError(f"This dataset has no facet {name!r}: choose one of {', '.join(names)}.")
    if len(query.regex) > LONGEST_PATTERN:
        raise RecipeError(f"The regular expression is longer than {LONGEST_PATTERN} characters: shorten it.")


@contextmanager
def _bounded(cursor: duckdb.DuckDBPyConnection, pattern: str) -> Iterator[None]:
    """Stops what takes too long, and says what is wrong with a pattern."""
    timer = threading.Timer(SLOWEST_S, cursor.interrupt)
    timer.start()
    try:
        if pattern:
            cursor.execute("SELECT regexp_matches('', ?)", [f"(?im){pattern}"])
        yield
    except duckdb.InvalidInputException as error:
        why = str(error).splitlines()[0].removeprefix("Invalid Input Error: ").replace("(?im)", "")
        raise RecipeError(
            f"The regular expression {pattern!r} cannot be used ({why}): check its brackets and escapes. Look-ahead "
            "and back-references are not supported (RE2 syntax)."
        ) from error
    except duckdb.InterruptException as error:
        raise RecipeError(
            f"The search took longer than {SLOWEST_S:.0f} s and was stopped: use a simpler regular expression."
        ) from error
    finally:
        timer.cancel()


def _fill(cursor: duckdb.DuckDBPyConnection, biosamples: pd.DataFrame) -> dict[str, str]:
    """Makes the tables ``samples`` (position, text, body, columns to sort by) and ``items`` (facet, value, rank,
    position); the facets' titles.
    """
    known = [name for name in SORTABLE if name in biosamples]
    frame = biosamples.reset_index(drop=True)
    frame = frame.assign(position=np.arange(len(frame), dtype=np.int32))
    cursor.register("biosamples", frame)
    text = f"concat_ws(chr(10), {', '.join(name for name in SEARCHED if name in known)})"
    missing = "".join(f", NULL AS {name}" for name in SORTABLE if name not in known)
    cursor.execute(
        f"CREATE TABLE samples AS SELECT position, {text} AS text, lower({text}) AS body, {', '.join(known)}{missing} "
        "FROM biosamples"
    )
    cursor.execute("CREATE TABLE items (facet VARCHAR, value VARCHAR, rank INTEGER, position INTEGER)")
    names = {"label": "Label", "series": "Series"}
    _add_items(cursor, "label", "unnest(string_split(coalesce(labels, ''), '|'))")
    _add_items(cursor, "series", "series_id")
    names |= _ranges(cursor, frame) | _columns(cursor, frame) | _characteristics(cursor, len(frame))
    cursor.unregister("biosamples")
    return names


def _add_items(cursor: duckdb.DuckDBPyConnection, facet: str, value: str) -> None:
    empty = NOTHING.get(facet, UNKNOWN)
    cursor.execute(
        "INSERT INTO items SELECT ?, CASE WHEN trim(coalesce(value, '')) = '' THEN ? ELSE trim(value) END, 0, position "
        f"FROM (SELECT position, {value} AS value FROM biosamples)",
        [facet, empty],
    )


def _ranges(cursor: duckdb.DuckDBPyConnection, frame: pd.DataFrame) -> dict[str, str]:
    """Facets of numbers in ranges: depth (aligned reads where the file has them, else counts) and single cell."""
    aligned = frame["alignedreads"].notna().any() if "alignedreads" in frame else False
    depth = ("alignedreads", "Aligned reads") if aligned else ("depth", "Counts in all")
    names: dict[str, str] = {}
    for facet, (column, title), steps in (
        ("depth", depth, DEPTHS),
        ("single_cell", ("singlecellprobability", "Single-cell probability"), SINGLE_CELL),
    ):
        if column not in frame or not frame[column].notna().any():
            continue
        names[facet] = title
        values = frame[column].to_numpy(dtype=np.float64)
        rank = np.searchsorted([edge for edge, _ in steps], values, side="right") - 1
        rank = np.where(np.isnan(values), len(steps), np.maximum(rank, 0))
        words = np.array([*(text for _, text in steps), UNKNOWN], dtype=object)
        part = pd.DataFrame({"value": words[rank], "rank": rank, "position": frame["position"]})
        cursor.register("part", part)
        cursor.execute("INSERT INTO items SELECT ?, value, rank, position FROM part", [facet])
        cursor.unregister("part")
    return names


def _columns(cursor: duckdb.DuckDBPyConnection, frame: pd.DataFrame) -> dict[str, str]:
    """Facets of the text columns that a file has beside the usual ones: platform, library, instrument, ..."""
    names: dict[str, str] = {}
    for column in frame.columns:
        text = not pd.api.types.is_numeric_dtype(frame[column])
        if column in SORTABLE or not text or len(names) == MOST_EXTRA:
            continue
        if 2 <= frame[column].nunique() <= len(frame) / 2:
            names[str(column)] = str(column).replace("_", " ").removesuffix(" ch1").capitalize()
            _add_items(cursor, str(column), '"' + str(column).replace('"', '""') + '"')
    return names


def _characteristics(cursor: duckdb.DuckDBPyConnection, n: int) -> dict[str, str]:
    """Facets of what characteristics tell of many biosamples ("sex: male,age: 41"), most often told first.

    A comma that no "key:" follows belongs to the value.
    """
    cursor.execute(
        r"""
        CREATE TEMP TABLE told AS
        SELECT DISTINCT position, trim(lower(split_part(piece, ':', 1))) AS key,
               trim(substr(piece, strpos(piece, ':') + 1)) AS value
        FROM (SELECT position, unnest(string_split(
                  regexp_replace(characteristics_ch1, '\s*[,;\t]\s*([^,;:\t]+:)', chr(31) || '\1', 'g'), chr(31)
              )) AS piece FROM samples)
        WHERE contains(piece, ':')
        """
    )
    keys = cursor.execute(
        "SELECT key FROM told WHERE key <> '' AND value <> '' AND NOT contains(key, '=') "
        "AND key NOT IN (SELECT facet FROM items) GROUP BY key "
        "HAVING count(DISTINCT position) >= ? AND count(DISTINCT value) BETWEEN 2 AND count(*) / 2 "
        "ORDER BY count(DISTINCT position) DESC, key LIMIT ?",
        [max(2, CARRIED * n), MOST_EXTRA],
    ).fetchall()
    names = {key: key.replace("_", " ").capitalize() for (key,) in keys}
    cursor.execute(
        "INSERT INTO items SELECT key, value, 0, position FROM told WHERE value <> '' AND list_contains(?, key)",
        [list(names)],
    )
    cursor.execute("DROP TABLE told")
    return names
