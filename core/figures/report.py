"""One HTML file out of facts, tables and charts: nothing is fetched, plotly.js is in it once, all text is escaped.

A report is sections of blocks. Text of blocks is plain text, never markup, except of ``Markdown``, whose few forms are
turned into HTML here.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from core.figures.paper import on_paper
from core.figures.report_page import SCRIPT, STYLE
from core.figures.report_text import markdown

Values = Mapping[str, str]


@dataclass(frozen=True)
class Text:
    """A paragraph; ``tone`` "warning" sets it apart, "equation" sets it as a formula."""

    words: str
    tone: str = ""


@dataclass(frozen=True)
class Markdown:
    """Headings (which come two levels lower), lists, tables, bold and code; anything else in it is text."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and values, side by side."""

    values: Values


@dataclass(frozen=True)
class Table:
    """The first ``most`` rows of a table; numbers with ``decimals`` digits after the point, or as ``forms`` says."""

    frame: pd.DataFrame
    caption: str = ""
    most: int = 25
    decimals: int = 3
    forms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """A chart with the sentence that says what it shows, and a name for its image files."""

    figure: go.Figure
    caption: str
    name: str = "figure"


Block = Text | Markdown | Facts | Table | Drawing


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


def page(title: str, subtitle: str, sections: Sequence[Section], provenance: Values, contents: bool = True) -> bytes:
    """The whole file, UTF-8: title, table of contents (where asked for), sections, and where all of it comes from."""
    where_from = Section("Provenance", [Facts(provenance)])
    whole = [*sections, where_from]
    body = "\n".join(_section(number, section) for number, section in enumerate(whole, 1))
    document = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{_text(title)}</title>
{_meta(provenance)}
<style>{STYLE}</style>
<script>{_plotly() if _draws(whole) else ""}</script>
</head>
<body>
<main>
<header><h1>{_text(title)}</h1><p class="subtitle">{_text(subtitle)}</p></header>
{_contents(whole) if contents else ""}
{body}
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""
    return document.encode()


@cache
def _plotly() -> str:
    return str(get_plotlyjs())


def _draws(sections: Sequence[Section]) -> bool:
    return any(isinstance(block, Drawing) for section in sections for block in section.blocks)


def _meta(provenance: Values) -> str:
    named = provenance.items()
    return "\n".join(f'<meta name="archscope.{_text(name)}" content="{_text(value)}">' for name, value in named)


def _contents(sections: Sequence[Section]) -> str:
    lines = (f'<li><a href="#part-{n}">{_text(section.title)}</a></li>' for n, section in enumerate(sections, 1))
    return f'<nav aria-label="Contents"><ol>{"".join(lines)}</ol></nav>'


def _section(number: int, section: Section) -> str:
    blocks = "\n".join(_block(block, f"{number}-{place}") for place, block in enumerate(section.blocks, 1))
    return f'<section id="part-{number}"><h2>{_text(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block, place: str) -> str:
    if isinstance(block, Text):
        tone = f' class="{_text(block.tone)}"' if block.tone else ""
        return f"<p{tone}>{_text(block.words)}</p>"
    if isinstance(block, Markdown):
        return markdown(block.text)
    if isinstance(block, Facts):
        rows = (f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in block.values.items())
        return f"<dl>{''.join(rows)}</dl>"
    return _table(block) if isinstance(block, Table) else _drawing(block, place)


def _table(block: Table) -> str:
    shown = block.frame.head(block.most)
    kinds = [' class="number"' if pd.api.types.is_numeric_dtype(shown[name]) else "" for name in shown.columns]
    forms = [block.forms.get(str(name), f",.{block.decimals}f") for name in shown.columns]
    head = "".join(f'<th scope="col"{kind}>{_text(name)}</th>' for name, kind in zip(shown.columns, kinds, strict=True))
    body = "".join(_row(row, kinds, forms) for row in shown.itertuples(index=False, name=None))
    more = f"The first {len(shown):,} of {len(block.frame):,}." if len(block.frame) > len(shown) else ""
    told = " ".join(part for part in (block.caption, more) if part)
    caption = f"<caption>{_text(told)}</caption>" if told else ""
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(row: Sequence[Any], kinds: Sequence[str], forms: Sequence[str]) -> str:
    cells = zip(row, kinds, forms, strict=True)
    return f"<tr>{''.join(f'<td{kind}>{_text(_cell(value, form))}</td>' for value, kind, form in cells)}</tr>"


def _cell(value: Any, form: str) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return format(float(value), form) if np.isfinite(value) else "–"
    return "–" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _drawing(block: Drawing, place: str) -> str:
    figure, name = on_paper(block.figure), re.sub(r"[^\w.-]+", "-", block.name).strip("-")
    plot = pio.to_html(
        figure, include_plotlyjs=False, full_html=False, div_id=f"plot-{place}", default_width="100%",
        default_height=f"{figure.layout.height}px", validate=False,
        config={"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg", "filename": name}},
    )  # fmt: skip
    aim = f'type="button" data-plot="plot-{place}" data-name="{_text(name)}"'
    buttons = "".join(f'<button {aim} data-format="{kind}">{kind.upper()}</button>' for kind in ("svg", "png"))
    caption = f'<figcaption>{_text(block.caption)} <span class="save">Save as {buttons}</span></figcaption>'
    return f'<figure aria-label="{_text(block.caption)}">{plot}{caption}</figure>'


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)
