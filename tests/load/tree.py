"""The elements of a page as a browser keeps them: deltas in their places, what a run did not send again taken out."""

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from google.protobuf.message import Message
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.Delta_pb2 import Delta

Path = tuple[int, ...]
SIDEBAR = 1  # first step of the path of what stands in the sidebar
WORDS = {
    "markdown": "body", "heading": "body", "alert": "body", "text": "body", "code": "code_text", "metric": "body",
    "progress": "text", "toast": "body",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """An element or a block in its place; ``run`` and ``fragment`` tell which run drew it last."""

    kind: str
    content: Message
    run: str
    fragment: str = ""


@dataclass
class Tree:
    """Every element by its path."""

    nodes: dict[Path, Node] = field(default_factory=dict)

    def put(self, path: Path, delta: Delta, run: str) -> Node | None:
        """Draws a delta; the node, or None for what passes by itself (spinners)."""
        what = delta.WhichOneof("type")
        if what == "new_transient":
            return None
        held = delta.new_element if what == "new_element" else delta.add_block
        kind = held.WhichOneof("type") or "block"
        content = getattr(held, kind) if what == "new_element" and kind != "block" else held
        node = Node(kind, content, run, delta.fragment_id)
        if what == "new_element":
            for below in [other for other in self.nodes if other[: len(path)] == path]:
                del self.nodes[below]
        self.nodes[path] = node
        return node

    def settle(self, run: str, fragments: Collection[str]) -> None:
        """Takes out what a run that ended did not draw: of its fragments alone, where it ran these."""

        def left(node: Node) -> bool:
            return node.run != run and (not fragments or node.fragment in fragments)

        self.nodes = {path: node for path, node in self.nodes.items() if not left(node)}

    def all(self, kind: str = "", sidebar: bool | None = None) -> Iterator[Node]:
        """Nodes in the order of the page, of one kind, of the sidebar alone or without it."""
        for path in sorted(self.nodes):
            node = self.nodes[path]
            if kind in ("", node.kind) and sidebar in (None, path[0] == SIDEBAR):
                yield node

    def keyed(self, key: str) -> Node:
        """The widget or chart that the app gave this key. Raises LookupError."""
        for node in self.all():
            if getattr(node.content, "id", "").endswith(f"-{key}"):
                return node
        raise LookupError(f"no element with the key {key!r} on this page")

    def has(self, key: str) -> bool:
        """Whether there is an element of that key."""
        return any(getattr(node.content, "id", "").endswith(f"-{key}") for node in self.all())

    def labelled(self, kind: str, label: str) -> Node:
        """The first widget of that kind and label. Raises LookupError."""
        for node in self.all(kind):
            if node.content.label == label:  # type: ignore[attr-defined]
                return node
        raise LookupError(f"no {kind} with the label {label!r} on this page")

    def heads(self, tag: str = "") -> list[str]:
        """Texts of the headings, of one level ("h1": the page's title) or of all."""
        found: list[Any] = [node.content for node in self.all("heading")]
        return [each.body for each in found if tag in ("", each.tag)]

    def metrics(self) -> dict[str, str]:
        """Figures by their names."""
        return {node.content.label: node.content.body for node in self.all("metric")}  # type: ignore[attr-defined]

    def text(self, sidebar: bool | None = None) -> str:
        """All words of the page, a line an element."""
        return "\n".join(
            str(getattr(node.content, WORDS[node.kind], "")) for node in self.all(sidebar=sidebar) if node.kind in WORDS
        )

    def errors(self) -> list[str]:
        """What went wrong on the page: exceptions, and boxes of errors."""
        found = []
        for node in self.all():
            content: Any = node.content
            if node.kind == "exception":
                found.append(f"{content.type}: {content.message}")
            elif node.kind == "alert" and content.format == Alert.ERROR:
                found.append(content.body)
        return found

    def table(self, alt: str) -> pd.DataFrame:
        """The content of the table of that description. Raises LookupError."""
        for node in self.all("dataframe"):
            content: Any = node.content
            if content.alt == alt:
                return pa.ipc.open_stream(io.BytesIO(content.arrow_data.data)).read_pandas()
        raise LookupError(f"no table {alt!r} on this page")
