"""The texts and other values of a definition that tell and do not limit: a JSON value in, its leaves with their places out."""

from __future__ import annotations

from mcp_audit_gate.lock.keywords import CONSTRAINTS, frozen, subschemas
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from mcp_audit_gate.model import Json, Pointer

_BLANKS = " \t\r\n"


class Leaf(NamedTuple):
    """A string, number, true, false, null or empty list or object. at: its place. moved: the end of it that stays when its schema moves."""

    at: Pointer
    value: Json
    moved: Pointer | None = None


def plain(text: str) -> str:
    """The text in normal form NFC with each run of blanks and line ends as one blank: what differs otherwise is a change.

    Only what a reader cannot see as a difference goes: other blanks and invisible characters stay.
    """
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFC", text)
    for blank in _BLANKS[1:]:
        text = text.replace(blank, " ")
    return " ".join(part for part in text.split(" ") if part)


def meaning(value: Json) -> Hashable:
    """A stand-in for a leaf, equal when the two are no change."""
    return ("text", plain(value)) if isinstance(value, str) else frozen(value)


def leaves(value: Json, at: Pointer = ()) -> Iterator[Leaf]:
    """Every leaf of a JSON value in the order of the text; without recursion."""
    pending = [Leaf(at, value)]
    while pending:
        leaf = pending.pop()
        if leaf.value and isinstance(leaf.value, dict):
            pending.extend(Leaf((*leaf.at, key), inner) for key, inner in reversed(leaf.value.items()))
        elif leaf.value and isinstance(leaf.value, list):
            pending.extend(Leaf((*leaf.at, number), inner) for number, inner in reversed(tuple(enumerate(leaf.value))))
        else:
            yield leaf


def notes(schema: Json, at: Pointer) -> Iterator[Leaf]:
    """The leaves of a schema's titles, descriptions, defaults and all other members that limit nothing."""
    for pointer, node in subschemas(schema, at):
        for word, value in node.items():
            if word not in CONSTRAINTS:
                yield from (leaf._replace(moved=leaf.at[len(pointer) :]) for leaf in leaves(value, (*pointer, word)))


def strings(value: Json, at: Pointer = ()) -> Iterator[tuple[Pointer, str, bool]]:
    """Every string with its place, and (true) every name of a member."""
    pending: list[tuple[Pointer, Json]] = [(at, value)]
    while pending:
        pointer, item = pending.pop()
        if isinstance(item, str):
            yield pointer, item, False
        elif isinstance(item, dict):
            yield from (((*pointer, key), key, True) for key in item)
            pending.extend(((*pointer, key), inner) for key, inner in reversed(item.items()))
        elif isinstance(item, list):
            pending.extend(((*pointer, number), inner) for number, inner in reversed(tuple(enumerate(item))))
