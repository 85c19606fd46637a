"""Document: a parsed file, and the place of anything in it in lines and columns."""

from __future__ import annotations

import functools
from bisect import bisect_right
from itertools import accumulate

from mcp_audit_gate.model import Location, Place
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from mcp_audit_gate.model import Json

    class Index(Protocol):
        """Spans of keys and values; a node is whatever the syntax finds handy."""

        def root(self) -> Any:
            """The node of the whole value."""
            ...

        def span(self, node: Any) -> tuple[int, int]:
            """First offset and end of a value."""
            ...

        def members(self, node: Any) -> dict[str | int, list[tuple[int, int, Any]]]:
            """Key or index -> every (key start, key end, value node) with it."""
            ...


_LINE_END = lazy(r"\r\n|\r|\n")


class Lines:
    """Offsets in a text, in characters, to lines and columns. Lines end at LF, CR or CRLF."""

    def __init__(self, text: str) -> None:
        self._text = text
        if "\r" in text:
            self._starts = [0, *[found.end() for found in _LINE_END.finditer(text)]]
        else:
            self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n")[:-1])]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, 1-based, of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> tuple[int, int]:
        """First offset and end of a line, its line end left out."""
        start = self._starts[number - 1]
        stop = self._starts[number] if number < len(self._starts) else len(self._text)
        return start, start + len(self._text[start:stop].rstrip("\r\n"))

    def location(self, path: str, start: int, end: int) -> Location:
        """The span as a Location, at least one character wide where the text has one."""
        return Location(path, *self.position(start), *self.position(end))


@functools.lru_cache(1)
def _lines_of(text: str) -> Lines:
    """The lines of a text, once for all documents of a file."""
    return Lines(text)


class Document:
    """One value read from a file (a YAML file may hold several), with its text.

    `data` are the bytes of the file, `text` the characters without a byte order mark. `lenient` is the offset of the first
    comment or trailing comma in JSON.
    """

    def __init__(self, path: str, data: bytes, text: str, value: Json, index: Callable[[], Index], lenient: int | None = None) -> None:
        self.path = path
        self.data = data
        self.text = text
        self.value = value
        self.lenient = lenient
        self._make_index = index
        self._index: Index | None = None
        self._lines: Lines | None = None

    @property
    def lines(self) -> Lines:
        """The text's lines, worked out when first asked for."""
        if self._lines is None:
            self._lines = _lines_of(self.text)
        return self._lines

    @property
    def index(self) -> Index:
        """The text's spans, worked out when first asked for."""
        if self._index is None:
            self._index = self._make_index()
        return self._index

    def span(self, place: Place) -> tuple[int, int]:
        """First offset and end of the key or value; of the key for an empty value, of the nearest enclosing value for a missing one."""
        index = self.index
        node, key = index.root(), None
        for depth, step in enumerate(place.pointer):
            chosen = index.members(node).get(step)
            if not chosen:
                return index.span(node)
            nth = -1
            if len(chosen) > 1 and place.nth:
                nth = min(place.nth[min(depth, len(place.nth) - 1)], len(chosen) - 1)
            key_start, key_end, node = chosen[nth]
            key = (key_start, key_end)
        value = index.span(node)
        if key and key[0] < key[1] and (place.key or value[0] == value[1]):
            return key
        return value

    def locate(self, place: Place) -> Location:
        """Lines and columns of the key or value."""
        return self.stretch(*self.span(place))

    def stretch(self, start: int, end: int) -> Location:
        """Lines and columns of a part of the text, whatever it belongs to."""
        return self.lines.location(self.path, start, end)


class Node(NamedTuple):
    """A YAML value with its span; members are (key, key start, key end, node) of a mapping or list, None of a scalar."""

    start: int
    end: int
    value: Json
    members: tuple[tuple[str | int, int, int, Node], ...] | None = None
