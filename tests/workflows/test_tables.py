"""Tables to take away: formulas are defused in CSV, provenance is in Parquet."""

import csv
import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.workflows.tables import to_csv, to_parquet

FRAME = pd.DataFrame({"title": ["=1+1", "@x", "-0.5", "-a", "brain"], "value": [-1.5, 2.0, 3.0, 4.0, 5.0]})


def rows(frame):
    """The file's cells as a plain reader of CSV takes them."""
    return list(csv.reader(io.StringIO(to_csv(frame).decode(), newline="")))


def test_text_that_a_spreadsheet_would_run_is_defused_and_numbers_stay() -> None:
    read = pd.read_csv(io.BytesIO(to_csv(FRAME)), dtype={"title": str})
    assert read["title"].tolist() == ["'=1+1", "'@x", "-0.5", "'-a", "brain"]
    assert read["value"].tolist() == FRAME["value"].tolist()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_every_beginning_of_a_formula_is_defused_and_inside_text_it_stays(first: str) -> None:
    kept = first.replace("\r", "\n")
    assert rows(pd.DataFrame({"a": [f"{first}cmd|'/c calc'!A0", f"a{first}b"]})) == [
        ["a"], [f"'{kept}cmd|'/c calc'!A0"], [f"a{kept}b"],
    ]  # fmt: skip


def test_no_return_in_a_text_begins_a_row_with_a_formula() -> None:
    assert rows(pd.DataFrame({"a": ["x\r=1+1", "y\r\n@z"], "n": 1})) == [["a", "n"], ["x\n=1+1", "1"], ["y\n@z", "1"]]


def test_heads_of_columns_are_defused_too() -> None:
    assert rows(pd.DataFrame({"=a": [1], "b": [-2]})) == [["'=a", "b"], ["1", "-2"]]


@pytest.mark.parametrize(
    "column",
    [np.array([-1, 2]), np.array([-1.5, np.nan]), np.array([True, False]), pd.array([-3, None], dtype="Int64"),
     pd.array([-0.5, None], dtype="Float64"), pd.to_datetime(["2026-01-01", "2026-02-03"])],
    ids=["int", "float", "bool", "Int64", "Float64", "time"],
)  # fmt: skip
def test_columns_that_cannot_be_formulas_are_as_pandas_writes_them(column: object) -> None:
    frame = pd.DataFrame({"a": column})
    assert to_csv(frame).decode() == frame.to_csv(index=False)


def test_a_text_that_is_a_number_stays_and_one_that_only_looks_like_it_does_not() -> None:
    texts = ["-5", "+1e-3", "-inf", "-1+cmd", "-", "+", "-1 000"]
    assert [row[0] for row in rows(pd.DataFrame({"a": texts}))[1:]] == [
        "-5", "+1e-3", "-inf", "'-1+cmd", "'-", "'+", "'-1 000",
    ]  # fmt: skip


def test_missing_text_and_categories_survive() -> None:
    frame = pd.DataFrame({"a": ["x", None], "b": pd.Categorical(["=1", "y"]), "c": [["-a"], None]})
    assert rows(frame) == [["a", "b", "c"], ["x", "'=1", "['-a']"], ["", "y", ""]]


def test_plain_text_comes_back_as_it_was_with_its_commas_quotes_and_line_ends() -> None:
    texts = ['a, "b"', "two\nlines", "Ångström µ", "GSM1", ""]
    assert [row[0] if row else "" for row in rows(pd.DataFrame({"a": texts, "n": 1}))[1:]] == texts


def test_the_table_itself_is_not_changed() -> None:
    before = FRAME.copy()
    to_csv(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


def test_parquet_keeps_the_values_and_carries_its_provenance() -> None:
    content = to_parquet(FRAME, {"dataset": "demo", "fingerprint": "ab"})
    assert pd.read_parquet(io.BytesIO(content))["title"].tolist() == FRAME["title"].tolist()
    assert pq.read_schema(io.BytesIO(content)).metadata[b"archscope.dataset"] == b"demo"
