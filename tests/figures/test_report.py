"""Reports and charts as files: they hold everything that they need, and nothing of the data is ever markup."""

import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.figures.export import to_html
from core.figures.paper import on_paper
from core.figures.report import Drawing, Facts, Markdown, Section, Table, Text, page
from core.figures.report_text import inline, markdown

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"
GOES_OUT = ("src", "href", "action", "data", "poster", "srcset", "formaction")


class Read(HTMLParser):
    """A page as a browser takes it apart: what it shows, its scripts, its attributes, and how often each tag begins."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.scripts: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cells: list[list[str]] = []
        self.facts: dict[str, str] = {}
        self._inside = self._name = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.shown.append(data)
        if self._inside in ("td", "th"):
            self.cells[-1][-1] += data
        if self._inside == "dt":
            self._name = data
        if self._inside == "dd":
            self.facts.setdefault(self._name, data)

    @property
    def text(self) -> str:
        return " ".join(self.shown)


def read(content: bytes) -> Read:
    """A page taken apart, after a look that it asks no other machine for anything and runs nothing of the data."""
    found = Read(content)
    for _, attributes in found.tags:
        for name in GOES_OUT:
            assert attributes.get(name, "#").startswith(("#", "data:")), attributes
        assert not [name for name in attributes if name.startswith("on")], attributes
    assert not [tag for tag, _ in found.tags if tag in ("img", "iframe", "object", "base", "form")]
    assert not [script for script in found.scripts if script.startswith("alert")]
    return found


def figure() -> go.Figure:
    drawn = go.Figure(go.Scatter(x=[0, 1], y=[0.25, 0.75], text=[HOSTILE, "b"], name=HOSTILE, mode="markers"))
    return drawn.update_layout(title={"text": HOSTILE}, height=321)


def test_a_chart_as_a_file_needs_nothing_else_and_runs_nothing_of_the_data() -> None:
    found = read(to_html(figure(), HOSTILE, HOSTILE, {"dataset": HOSTILE, "n": "2"}, "a b/c"))
    shown = [text.strip() for text in found.shown]
    assert shown.count(HOSTILE) == 4  # title of the file, heading, caption, provenance
    assert any("plotly.js v" in script[:500] for script in found.scripts)
    meta = {attributes.get("name"): attributes.get("content") for tag, attributes in found.tags if tag == "meta"}
    assert meta["archscope.dataset"] == HOSTILE
    assert meta["archscope.n"] == "2"
    assert [attributes["data-name"] for tag, attributes in found.tags if tag == "button"] == ["a-b-c"] * 2


def test_the_points_of_a_chart_are_in_its_file() -> None:
    script = next(
        each for each in read(to_html(figure(), "t", "c", {})).scripts if each.lstrip().startswith("window.PLOTLYENV")
    )
    start = script.index("[", script.index("newPlot"))
    traces, _ = json.JSONDecoder().raw_decode(script[start:])
    assert (traces[0]["x"], traces[0]["y"]) == ([0, 1], [0.25, 0.75])
    assert traces[0]["name"] == HOSTILE


def test_plotly_is_in_a_report_once_however_many_charts_there_are_and_not_without_one() -> None:
    sections = [Section(f"Part {n}", [Drawing(figure(), f"chart {n}")]) for n in range(3)]
    found = read(page("t", "s", sections, {}))
    assert sum("plotly.js v" in script[:500] for script in found.scripts) == 1
    names = [attributes["id"] for tag, attributes in found.tags if attributes.get("class") == "plotly-graph-div"]
    assert len(set(names)) == len(names) == 3
    assert len(page("t", "s", [Section("a", [Text("b")])], {})) < 20_000


def test_every_line_of_the_contents_leads_to_a_section() -> None:
    found = read(page("t", "s", [Section("One", []), Section(HOSTILE, [])], {"a": "b"}))
    targets = [attributes["href"][1:] for tag, attributes in found.tags if tag == "a"]
    assert targets == [attributes["id"] for tag, attributes in found.tags if tag == "section"]
    assert len(targets) == 3


@pytest.mark.parametrize(
    "block",
    [Text(HOSTILE), Facts({HOSTILE: HOSTILE}), Markdown(f"# {HOSTILE}\n\n- {HOSTILE}\n\n`{HOSTILE}` **{HOSTILE}**"),
     Table(pd.DataFrame({HOSTILE: [HOSTILE]}), HOSTILE), Drawing(figure(), HOSTILE, HOSTILE)],
    ids=["text", "facts", "markdown", "table", "drawing"],
)  # fmt: skip
def test_text_of_the_data_is_shown_and_is_never_markup(block: Text) -> None:
    found = read(page(HOSTILE, HOSTILE, [Section(HOSTILE, [block])], {HOSTILE: HOSTILE}))
    assert HOSTILE in found.text


def test_a_table_shows_its_numbers_as_asked_for_and_says_how_many_rows_it_leaves_out() -> None:
    frame = pd.DataFrame({
        "n": [1234, 5, 6], "x": [1234.5678, np.nan, np.inf], "p": [1e-9, 0.5, 1.0], "there": [True, False, True],
        "some": [None, pd.NA, "a"],
    })  # fmt: skip
    found = read(page("t", "s", [Section("a", [Table(frame, "Told.", 2, 2, {"p": ".1e"})])], {}))
    assert found.cells == [
        ["n", "x", "p", "there", "some"],
        ["1,234", "1,234.57", "1.0e-09", "yes", "–"],
        ["5", "–", "5.0e-01", "no", "–"],
    ]
    assert "Told. The first 2 of 3." in found.text


def test_a_chart_on_paper_is_light_and_the_one_in_the_app_stays_as_it_was() -> None:
    drawn = figure()
    before = drawn.to_json()
    copy = on_paper(drawn)
    assert copy.layout.template.layout.paper_bgcolor == "#ffffff"
    assert (copy.layout.height, on_paper(go.Figure()).layout.height) == (321, 400)
    assert drawn.to_json() == before


def test_the_forms_of_markdown_that_cards_use_become_html() -> None:
    text = "# A\n\nOne **two** `a|b`.\n\n- x\n- y\n\n| h | `k\\|l` |\n| --- | --- |\n| 1 | 2\\|3 |"
    assert markdown(text) == (
        "<h3>A</h3>\n<p>One <strong>two</strong> <code>a|b</code>.</p>\n<ul><li>x</li><li>y</li></ul>\n"
        '<div class="wide"><table><thead><tr><th scope="col">h</th><th scope="col"><code>k|l</code></th></tr></thead>'
        "<tbody><tr><td>1</td><td>2|3</td></tr></tbody></table></div>"
    )


def test_escaped_characters_of_markdown_form_nothing() -> None:
    assert inline(r"\*\*a\*\* \`b\` \<i\>") == "**a** `b` &lt;i&gt;"
    assert inline("a \0 0\0") == "a  0"
