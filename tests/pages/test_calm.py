"""Errors that nobody foresaw: one calm box with a number, no traceback, the cause in the server's log alone."""

import re
from types import ModuleType

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from pages.ui import exports, fetching, training, tray, widgets
from tests.pages.conftest import Opener

SECRET = "the password is 1234"


def fail(*arguments: object, **named: object) -> None:
    raise RuntimeError(SECRET)


def boxes(app: AppTest) -> list[str]:
    return [*(box.message for box in app.exception), *(box.value for box in app.error)]


def test_error_boxes_give_no_details_and_no_links_to_other_machines() -> None:
    config.get_config_options(force_reparse=True)
    assert config.get_option("client.showErrorDetails") == "none"
    assert config.get_option("client.showErrorLinks") is False


@pytest.mark.parametrize(
    ("page", "module", "part"),
    [("rankings", widgets, "title"), ("train", training, "show_history"), ("data", fetching, "section")],
)
def test_a_page_that_fails_says_so_calmly_and_the_sidebar_stays(
    page: str,
    module: ModuleType,
    part: str,
    open_page: Opener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, part, fail)
    app = open_page(page)
    [said] = boxes(app)
    number = re.search("error ([0-9a-f]{6})", said)
    assert number is not None
    assert "your data are untouched" in said
    shown = " ".join([said, *(each.value for each in app.markdown), *(str(box.stack_trace) for box in app.exception)])
    assert SECRET not in shown
    assert "Traceback" not in shown
    assert f"error {number[1]}" in caplog.text
    assert SECRET in caplog.text
    assert app.sidebar.selectbox(key="dataset_picker").value == "demo"


def test_an_expected_error_is_its_own_line_and_not_a_number(open_page: Opener) -> None:
    app = open_page("neighbourhood", gene="NOGENE")
    assert not app.exception
    assert any("NOGENE" in box.value for box in app.error)
    assert not any("server's log" in box.value for box in app.error)


def test_a_tray_that_fails_leaves_the_page_as_it_is(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tray, "_show", fail)
    app = open_page("rankings")
    [said] = boxes(app)
    assert "server's log" in said
    assert SECRET not in said
    assert [title.value for title in app.title] == ["Rankings"]
    assert len(app.main.dataframe) > 0


def test_a_part_of_a_page_that_fails_has_a_calm_box_of_its_own_and_the_rest_stays(
    open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_figure_menu", fail)
    app = open_page("gene", gene="GFAP")
    charts = len(app.get("plotly_chart"))
    assert charts > 1
    said = boxes(app)
    assert len(said) == charts  # each chart's menu failed by itself
    assert all("server's log" in text and SECRET not in text for text in said)
