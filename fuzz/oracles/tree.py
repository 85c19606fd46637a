"""What an oracle reads out of a text: values with the spans of values and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fuzz.target import agree, wrong
from mcp_audit_gate.model import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.sources.document import Document


class Node(NamedTuple):
    """A value and its span; members are (key or index, key start, key end, node), with every repetition of a key."""

    value: Any
    start: int
    end: int
    members: tuple[tuple[str | int, int, int, Node], ...] = ()


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, 1-based, of an offset that does not lie between CR and LF."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def walk(node: Node, pointer: tuple[str | int, ...] = (), nth: tuple[int, ...] = ()) -> Iterator[tuple[Place, Node, tuple[int, int] | None]]:
    """Every value with the place that leads to it (its document still to be set) and the span of its key."""
    yield Place(None, pointer, nth), node, None  # type: ignore[arg-type]
    counts: dict[str | int, int] = {}
    for key, start, end, inner in node.members:
        number = counts[key] = counts.get(key, -1) + 1
        for place, below, span in walk(inner, (*pointer, key), (*nth, number)):
            yield place, below, (start, end) if below is inner else span


def agree_places(document: Document, root: Node) -> None:
    """Raises Wrong unless the document finds every value and key where the oracle does, in offsets, lines and columns."""
    for place, node, key in walk(root):
        here = place._replace(document=document)
        if document.span(here) != (node.start, node.end):
            wrong("the span of a value", place.pointer, place.nth, document.span(here), (node.start, node.end))
        located = document.locate(here)
        agree("lines and columns", tuple(located[1:]), (*position(document.text, node.start), *position(document.text, node.end)))
        if key is not None and key[0] < key[1] and document.span(here._replace(key=True)) != key:
            wrong("the span of a key", place.pointer, place.nth, document.span(here._replace(key=True)), key)
