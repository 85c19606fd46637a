"""TOML: text in, value out, and the spans of any key or value in it.

tomllib decides what the text says and whether it is TOML at all; the reader of spans below walks a text that is known to be
valid, and its pointers are checked against the parsed value by the tests.
"""

from __future__ import annotations

import re

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mcp_audit_gate.model import Json, Pointer

_HINT = "correct the TOML at this place"
_PLACE = lazy(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_DEEP, _DEEP_HINT = "nested deeper than {} levels", "remove the nesting; no client needs it"


def read(text: str, max_depth: int) -> Json:
    """The value of a TOML text; dates come as text. Raises Unreadable."""
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib  # type: ignore[no-redef,import-not-found,unused-ignore]
    _check_dots(text, max_depth)
    try:
        value = _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = _PLACE.search(message)
        offset = None if found is None else _offset(text, found[1], found[2])
        message = message[: found.start()] if found else message
        raise Unreadable(f"not valid TOML: {message[:1].lower()}{message[1:200]}", _HINT, offset) from error
    except RecursionError as error:
        raise Unreadable(_DEEP.format(max_depth), _DEEP_HINT) from error
    except ValueError as error:
        raise Unreadable(f"not valid TOML: {str(error)[:200]}", _HINT) from error
    _check_depth(text, value, max_depth)
    return value


# Part of a key, dot, blanks, or anything else; strings and comments whole, so that no dot in them counts.
_PIECE = lazy(
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}|'
    r"'''[^']*(?:'(?!'')[^']*)*'{3,5}|#[^\n]*|"
    r'(?P<part>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|\'[^\'\n]*\'|[\w-]+)|(?P<dot>\.)|(?P<blank>[ \t]+)|[^\w"\'#. \t-]+|.',
    re.S,
)


def _check_dots(text: str, limit: int) -> None:
    """Refuses keys of more dotted parts than `limit`; tomllib's work grows with the square of their number."""
    if text.count(".") < limit:
        return
    start = dots = 0
    dotted = False  # the last piece was a dot
    for piece in _PIECE.finditer(text):
        if piece["dot"]:
            dots, dotted = dots + 1, True
            if dots >= limit:
                raise Unreadable(_DEEP.format(limit), _DEEP_HINT, start)
        elif piece["part"] and dotted:
            dotted = False
        elif not piece["blank"]:
            start, dots, dotted = piece.start(), 0, False


def _check_depth(text: str, value: Json, limit: int) -> None:
    """Refuses a value of more than `limit` levels; dots, brackets and headers make them together."""
    if text.count("[") + text.count("{") + text.count(".") < limit:
        return
    level: list[tuple[Pointer, Json]] = [((), value)]
    for _ in range(limit):
        level = [((*at, key), inner) for at, item in level for key, inner in _containers(item)]
    if not level:
        return
    index = TomlIndex(text)
    node = index.root()
    for step in level[0][0]:
        node = index.members(node)[step][-1][2]
    raise Unreadable(_DEEP.format(limit), _DEEP_HINT, node.start)


def _containers(value: Json) -> list[tuple[str | int, Json]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(key, inner) for key, inner in members if isinstance(inner, (dict, list))]


def _offset(text: str, line: str | None, column: str | None) -> int:
    if line is None or column is None:
        return len(text)
    start = 0
    for _ in range(int(line) - 1):
        start = text.find("\n", start) + 1
    return min(start + int(column) - 1, len(text))


def _plain(value: Any) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and value - value == 0):
        return value
    return str(value)


class Table:
    """A node: the span of a value or header, and its members in order of appearance."""

    __slots__ = ("end", "inner", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.inner: dict[str | int, list[tuple[int, int, Table]]] = {}

    def table(self, key: str, start: int, end: int) -> Table:
        """The member table under a key, made here unless it is there; of an array of tables, the last."""
        if key not in self.inner:
            self.inner[key] = [(start, end, Table(start, end))]
        found = self.inner[key][-1][2]
        return found.inner[len(found.inner) - 1][-1][2] if 0 in found.inner else found


_BLANK = lazy(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = lazy(r"[ \t]*")
_BARE = lazy(r"[A-Za-z0-9_-]+")
_SCALAR = lazy(r"[^,\]}#\r\n]*")
_STRINGS = (
    lazy(r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}', re.S),
    lazy(r"'''[^']*(?:'(?!'')[^']*)*'{3,5}", re.S),
    lazy(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'),
    lazy(r"'[^'\n]*'"),
)


class TomlIndex:
    """Spans in a text that is known to be valid TOML; a node is a Table."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._root = Table(0, len(text))
        here = self._root
        while (self._blank()) < len(text):
            here = self._header() if text[self._at] == "[" else self._pair(here)

    def root(self) -> Table:
        """The node of the whole value."""
        return self._root

    def span(self, node: Table) -> tuple[int, int]:
        """First offset and end of a value; of a table with a header, the header's name."""
        return node.start, node.end

    def members(self, node: Table) -> dict[str | int, list[tuple[int, int, Table]]]:
        """Key or index -> every (key start, key end, value node) with it."""
        return node.inner

    def _blank(self) -> int:
        self._at = _end(_BLANK, self._text, self._at)
        return self._at

    def _space(self) -> None:
        self._at = _end(_SPACE, self._text, self._at)

    def _header(self) -> Table:
        """`[a.b]` or `[[a.b]]`: the table that the following pairs belong to."""
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        self._space()
        start = self._at
        keys = self._key()
        whole = (start, keys[-1][2])
        self._space()
        self._at += 2 if array else 1
        here = self._root
        for key, first, last in keys[:-1]:
            here = here.table(key, first, last)
        key, first, last = keys[-1]
        if array:
            row = here.inner.setdefault(key, [(first, last, Table(*whole))])[-1][2]
            row.inner[len(row.inner)] = [(first, first, Table(*whole))]
        made = here.table(key, first, last)
        made.start, made.end = whole
        return made

    def _pair(self, here: Table) -> Table:
        """`a.b = value`, entered below `here`; returns `here`."""
        keys = self._key()
        self._space()
        self._at += 1
        self._space()
        value = self._value()
        inner = here
        for key, first, last in keys[:-1]:
            inner = inner.table(key, first, last)
        key, first, last = keys[-1]
        inner.inner.setdefault(key, []).append((first, last, value))
        return here

    def _key(self) -> list[tuple[str, int, int]]:
        """The parts of a dotted key with their spans, quotes included."""
        parts: list[tuple[str, int, int]] = []
        while True:
            self._space()
            start = self._at
            if self._text[start] in "\"'":
                self._at = _string_end(self._text, start)
                parts.append((_key_text(self._text[start : self._at]), start, self._at))
            else:
                self._at = _end(_BARE, self._text, start)
                parts.append((self._text[start : self._at], start, self._at))
            end = self._at
            self._space()
            if self._text[self._at : self._at + 1] != ".":
                self._at = end
                return parts
            self._at += 1

    def _value(self) -> Table:
        start, char = self._at, self._text[self._at]
        if char in "\"'":
            self._at = _string_end(self._text, start)
            return Table(start, self._at)
        if char in "[{":
            made = Table(start, start)
            self._inside(made, char)
            made.end = self._at
            return made
        self._at = start + len(self._text[start : _end(_SCALAR, self._text, start)].rstrip())
        return Table(start, self._at)

    def _inside(self, made: Table, char: str) -> None:
        """The items of an array or the pairs of an inline table, up to and with the closing bracket."""
        self._at += 1
        while self._text[self._blank()] not in "]}":
            if char == "{":
                self._pair(made)
            else:
                item = self._value()
                made.inner[len(made.inner)] = [(item.start, item.start, item)]
            if self._text[self._blank()] == ",":
                self._at += 1
        self._at += 1


def _end(pattern: re.Pattern[str], text: str, offset: int) -> int:
    found = pattern.match(text, offset)
    assert found is not None, "the text was read as valid TOML before"
    return found.end()


def _string_end(text: str, offset: int) -> int:
    """Where a string of any of the four kinds ends."""
    for quotes, pattern in zip(('"""', "'''", '"', "'"), _STRINGS, strict=True):
        if text.startswith(quotes, offset):
            return _end(pattern, text, offset)
    raise AssertionError("the text was read as valid TOML before")


def _key_text(written: str) -> str:
    if written[0] == "'" or "\\" not in written:
        return written[1:-1]
    value = read(f"{written} = 0", 64)
    return next(iter(value)) if isinstance(value, dict) else ""
