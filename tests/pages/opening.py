"""Opens a page of the whole app, router included, and does what AppTest has no gesture for."""

import json
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from core.settings import PROJECT


def open_page(name: str, **params: str) -> AppTest:
    """The app at a page's address."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for key, value in params.items():
        app.query_params[key] = value
    return app.switch_page(f"pages/{name}.py").run()


def address(app: AppTest) -> dict[str, str]:
    """The parameters of the page's address."""
    return {key: value if isinstance(value, str) else value[-1] for key, value in app.query_params.items()}


def choose_row(app: AppTest, table: str, row: int) -> AppTest:
    """A click on a row of the table whose key begins with ``table``."""
    return _select(app, table, {"rows": [row], "columns": []})


def choose_rows(app: AppTest, table: str, rows: list[int]) -> AppTest:
    """Ticks rows of a table that lets several be chosen."""
    return _select(app, table, {"rows": rows, "columns": []})


def choose_column(app: AppTest, table: str, column: str) -> AppTest:
    """A click on the head of a column."""
    return _select(app, table, {"rows": [], "columns": [column]})


def _select(app: AppTest, table: str, selection: dict[str, Any]) -> AppTest:
    """What the browser sends for a selection; AppTest itself can only read tables."""
    found = next(each for each in app.dataframe if str(each.key).startswith(f"{table}-"))
    states = app._tree.get_widget_states()
    chosen = json.dumps({"selection": {**selection, "cells": []}})
    states.widgets.append(WidgetState(id=found.proto.id, string_value=chosen))
    return app._run(states)


def errors(app: AppTest) -> list[str]:
    """What the page's error boxes say."""
    return [box.value for box in app.error]
