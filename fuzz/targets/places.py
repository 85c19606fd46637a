"""What the targets for the readers share: the text of a file, the places of its scalars, the reader to be timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzz.target import same, wrong
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.model import Pointer
    from mcp_audit_gate.sources.document import Document

LFS = b"version https://git-lfs.github.com/spec/"


def text_of(data: bytes) -> str | None:
    """The text of a file, None when it has none."""
    if data.startswith(LFS):
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def check_offset(error: Unreadable, text: str | None) -> None:
    """The place of a fault lies in the text."""
    if error.offset is not None and not 0 <= error.offset <= len(text or ""):
        wrong("a fault outside the text", error.reason, error.offset)
    if not error.reason or "\n" in error.reason or not error.hint:
        wrong("a reason of one line, and a hint", error.reason, error.hint)


def work(syntax: str) -> Callable[[bytes], object]:
    """Reads, and looks for the place of every member of the root."""

    def run(data: bytes) -> None:
        try:
            documents = parse("x", data, syntax)
        except Unreadable:
            return
        for document in documents:
            document.index.members(document.index.root())

    return run


def leaves(value: Any, at: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every scalar of a value with the steps to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*at, number))
    else:
        yield at, value


def with_leaf(value: Any, at: Pointer, leaf: Any) -> Any:
    """The value with another scalar at one place."""
    if not at:
        return leaf
    items = value.items() if isinstance(value, dict) else enumerate(value)
    changed = [(key, with_leaf(inner, at[1:], leaf) if key == at[0] else inner) for key, inner in items]
    return dict(changed) if isinstance(value, dict) else [inner for _, inner in changed]


def depth(value: Any) -> int:
    """How many containers the deepest scalar stands in."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


MARKER = "Marker7"


def check_leaves(document: Document, read: Callable[[str], Any]) -> None:
    """Another scalar written at a scalar's place makes exactly that scalar another one."""
    value = document.value
    for at, leaf in list(leaves(value))[:6]:
        start, end = document.span(Place(document, at))
        if document.text[start:end].startswith(("&", "!", "*")) or (leaf is None and not document.text[start:end].strip()):
            continue
        if document.index.members(document.index.root()) and leaf is None and document.span(Place(document, at, key=True)) == (start, end):
            continue  # nothing is written where the value would stand
        text = f'{document.text[:start]}"{MARKER}"{document.text[end:]}'
        try:
            got = read(text)
        except ValueError as error:
            if document.text[start] in "|>":
                continue  # libyaml takes a block scalar where nothing else may begin
            wrong("a value cannot stand at the place of a value", at, (start, end), document.text, str(error))
        if not same(got, with_leaf(value, at, MARKER)):
            wrong("the place of a value is not where it is written", at, (start, end), document.text, got)
