"""Values as Markdown, for texts made of what may be missing: whatever is None is called "not recorded"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN = "not recorded"


def get(content: Any, *path: str) -> Any:
    """What lies there; None where a step of the way is missing or is no mapping."""
    for key in path:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


def parameters(content: Any, head: tuple[str, str] = ("parameter", "value")) -> str:
    """A table of names and values; an absent value means that the program chose it."""
    if not isinstance(content, Mapping) or not content:
        return UNKNOWN
    return table(head, [(code(key), _value(value)) for key, value in content.items()])


def _value(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, list | tuple):
        return listed([str(each) for each in value]) or "none"
    return str(value) if isinstance(value, int | float) else plain(value)


def facts(content: Mapping[str, Any]) -> str:
    """A list of what and its value; text is taken as Markdown."""
    return "\n".join(
        f"- {name}: {value if isinstance(value, str) else number(value)}" for name, value in content.items()
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: Any) -> str:
    """Whole numbers with thousands apart, others with three decimals, text as it is."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return plain(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def share(value: Any) -> str:
    """A share of one, in percent."""
    return f"{value:.0%}" if isinstance(value, int | float) else UNKNOWN


def listed(names: Sequence[str]) -> str:
    """Names with commas between them."""
    return ", ".join(plain(name) for name in names)


def code(value: Any) -> str:
    """A name as it is typed; a table's bar must be escaped even there."""
    if value is None:
        return UNKNOWN
    text = str(value).replace("`", "").replace("|", r"\|")
    return f"`{text}`" if text else UNKNOWN


def plain(value: Any) -> str:
    """Text that Markdown takes literally, on one line."""
    return re.sub(r"([\\`*_\[\]<>|$~#])", r"\\\1", " ".join(str(value).split()))
