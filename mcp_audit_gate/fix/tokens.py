"""A string as it is written in a config: which characters of the file stand for which characters of the value."""

from __future__ import annotations

import re

from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Place
    from mcp_audit_gate.sources.document import Document

_ESCAPED = lazy(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\.|\r\n|[^\\]", re.S
)
_DOUBLED = lazy(r"''|\r\n|.", re.S)
_PLAIN = lazy(r".", re.S)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b", '"': '"', "/": "/", "\\": "\\"}


class Token:
    """One string of a document. Slices of its value have places in the text."""

    def __init__(self, starts: list[int]) -> None:
        self._starts = starts

    def span(self, start: int, end: int) -> tuple[int, int]:
        """First offset and end in the text of a slice of the value."""
        return self._starts[start], self._starts[end]


def token(document: Document, place: Place, value: str) -> Token | None:
    """The string at a place; None when it is not written so that each character of it has a place (folded lines, YAML blocks, numbers)."""
    start, end = document.span(place)
    raw = document.text[start:end]
    quotes = next((mark for mark in ('"""', "'''", '"', "'") if raw.startswith(mark)), "")
    if quotes and (len(raw) < 2 * len(quotes) or not raw.endswith(quotes)):
        return None
    inner = raw[len(quotes) : len(raw) - len(quotes)]
    at = start + len(quotes)
    if len(quotes) == 3:
        skipped = next((mark for mark in ("\r\n", "\n") if inner.startswith(mark)), "")
        inner, at = inner[len(skipped) :], at + len(skipped)
    pattern = _ESCAPED if quotes[:1] == '"' else _DOUBLED if quotes else _PLAIN
    pieces = [found.group() for found in pattern.finditer(inner)]
    if sum(map(len, pieces)) != len(inner) or "".join(map(_read, pieces) if quotes else pieces) != value:
        return None
    starts = []
    for piece in pieces:
        if not quotes or _read(piece):  # a line end that is escaped is no character
            starts.append(at)
        at += len(piece)
    return Token([*starts, at])


def _read(piece: str) -> str:
    """The character that a piece of a quoted string stands for; of an escape that is not known, nothing."""
    if piece == "\r\n":
        return "\n"
    if piece == "''":
        return "'"
    if piece[0] != "\\" or len(piece) == 1:
        return piece
    if len(piece) == 12:
        high, low = int(piece[2:6], 16), int(piece[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
    if len(piece) > 2:
        code = int(piece[2:], 16)
        return chr(code) if code <= 0x10FFFF else ""
    return _SHORT.get(piece[1], "")
