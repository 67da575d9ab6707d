"""A page on its own data folder, run without a browser."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.settings import PROJECT

Opener = Callable[..., AppTest]


@pytest.fixture
def page_root(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small demo data folder that the page may change, set as the app's own."""
    root = tmp_path / "data"
    shutil.copytree(demo_root, root)
    monkeypatch.setenv("ARCHSCOPE_DATA", str(root))
    return root


@pytest.fixture
def open_page(page_root: Path) -> Opener:
    """Opens a page of the app by its name with address parameters; nothing cached by another test is left."""
    st.cache_data.clear()
    st.cache_resource.clear()

    def open_at(name: str, **params: str) -> AppTest:
        page = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).switch_page(f"pages/{name}.py")
        for key, value in params.items():
            page.query_params[key] = value
        return page.run()

    return open_at
