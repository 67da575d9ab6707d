"""The few forms of Markdown that model cards use, as HTML: headings, lists, tables, bold, code. The rest is text.

Whatever a cell or a name holds is escaped before any form is looked for, so no markup of the data gets through.
"""

import html
import re
from collections.abc import Iterator

LOWER = 2  # levels that headings come lower: the report has the first two
_BLANK = re.compile(r"\n\s*\n")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()<>#+\-.!|~$&:=])")
_CODE = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def markdown(text: str) -> str:
    """A text in Markdown as HTML."""
    return "\n".join(_part(part.strip("\n")) for part in _BLANK.split(text) if part.strip())


def inline(text: str) -> str:
    """One line: code, bold and escaped characters; everything else as it is."""
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    last = 0
    for found in _CODE.finditer(text):
        yield _plain(text[last : found.start()])
        typed = found[2].strip().replace("\\|", "|")  # a table's bar is escaped even there
        yield f"<code>{html.escape(typed)}</code>"
        last = found.end()
    yield _plain(text[last:])


def _plain(text: str) -> str:
    kept: list[str] = []  # escaped characters are set aside, so that they form nothing

    def aside(found: re.Match[str]) -> str:
        kept.append(found[1])
        return f"\0{len(kept) - 1}\0"

    formed = _BOLD.sub(r"<strong>\1</strong>", html.escape(_ESCAPED.sub(aside, text.replace("\0", "")), quote=True))
    return re.sub(r"\0(\d+)\0", lambda found: html.escape(kept[int(found[1])], quote=True), formed)


def _part(part: str) -> str:
    lines = part.split("\n")
    heading = re.match(r"(#+) +(.*)", lines[0])
    if heading:
        level = min(6, len(heading[1]) + LOWER)
        rest = "\n".join(lines[1:])
        return f"<h{level}>{inline(heading[2])}</h{level}>" + (_part(rest) if rest.strip() else "")
    if all(line.startswith("|") for line in lines) and len(lines) > 1:
        return _table(lines)
    if lines[0].startswith("- "):
        items = re.split(r"(?:^|\n)- ", part)[1:]
        return f"<ul>{''.join(f'<li>{inline(item)}</li>' for item in items)}</ul>"
    return f"<p>{inline(' '.join(lines))}</p>"


def _table(lines: list[str]) -> str:
    head, _, *rows = (re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines)
    top = "".join(f'<th scope="col">{inline(cell.strip())}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{inline(cell.strip())}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
