"""YAML as nearly every policy is written, read without a YAML library: text in, the root node out, or None for anything unusual.

Importing a YAML library costs as much as the rest of a small scan's start. So the usual forms are read here: keys and values on
lines of their own, lists with dashes, brackets that close on their line, quotes without escapes, comments. Whatever else stands in
the file, also a fault, is left to `syntax`; tests hold the two to the same values and places.
"""

from __future__ import annotations

import re

from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.document import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Json

    Members = list[tuple[str | int, int, int, Node]]

MAX_DEPTH = 8
# A key that the library takes is shorter than 1024 characters.
_KEY = lazy(r"""(?:"([^"\\\n]{0,200})"|'([^'\n]{0,200})'):(?= |$)""", re.M)
_NO_SIGNS = dict.fromkeys(map(ord, "_.-"))  # a key without quotes is letters, digits and these
_LONGEST = 201
_FLOW_WORD = lazy(r"[A-Za-z0-9_./][A-Za-z0-9_./+*-]*")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


def resolve(text: str) -> Json:
    """What a scalar without quotes means in YAML 1.2: a truth value, null, a number, else text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if (text.isascii() and text.isdigit() and len(text) <= 18) or re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}(?:[eE][-+]?[0-9]{1,2})?", text) else text


def read(text: str) -> Node | None:
    """The root of the one document, its spans included; None when something in it is unusual."""
    if not text.replace("\n", "").isprintable():
        return None
    try:
        return _Reader(text).root()
    except _UnusualError:
        return None


class _UnusualError(Exception):
    """Something that is left to the library."""


class _Line(NamedTuple):
    """A line with something in it: how far it is indented, and where its text begins and ends."""

    indent: int
    start: int
    end: int


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[_Line] = []
        offset = 0
        for line in text.split("\n"):
            content = line.lstrip(" ")
            if content and content[0] != "#":
                indent = len(line) - len(content)
                self._lines.append(_Line(indent, offset + indent, offset + len(line)))
            offset += len(line) + 1

    def root(self) -> Node:
        if not self._lines:
            raise _UnusualError
        node, at = self._block(0, 1)
        if at < len(self._lines):
            raise _UnusualError
        return node

    def _block(self, at: int, depth: int) -> tuple[Node, int]:
        """The block that begins with a line, and the number of the line behind it."""
        if depth > MAX_DEPTH:
            raise _UnusualError
        return self._sequence(at, depth) if self._is_item(at) else self._mapping(at, depth)

    def _is_item(self, at: int) -> bool:
        return self._text.startswith("- ", self._lines[at].start)

    def _ends(self, at: int, indent: int) -> bool:
        """True when the block of that indentation ends before the line; deeper lines would be text over several lines."""
        if at >= len(self._lines) or self._lines[at].indent < indent:
            return True
        if self._lines[at].indent > indent:
            raise _UnusualError
        return False

    def _sequence(self, at: int, depth: int) -> tuple[Node, int]:
        indent, start, _ = self._lines[at]
        members: Members = []
        while not self._ends(at, indent) and self._is_item(at):
            line = self._lines[at]
            begin = self._skip(line.start + 1)
            if self._key_at(begin):
                # The mapping begins on the line of the dash, and is indented as far as its first key.
                self._lines[at] = _Line(indent + begin - line.start, begin, line.end)
                node, at = self._mapping(at, depth + 1)
            else:
                node, at = self._inline(begin, at, depth), at + 1
            members.append((len(members), node.start, node.start, node))
        return Node(start, members[-1][3].end, [node.value for *_, node in members], tuple(members)), at

    def _mapping(self, at: int, depth: int) -> tuple[Node, int]:
        indent, start, _ = self._lines[at]
        members: Members = []
        names: set[str] = set()
        while not self._ends(at, indent) and not (members and self._is_item(at)):
            line = self._lines[at]
            name, key_end, after = self._key(line.start, names)
            begin = self._skip(after)
            if begin >= line.end or self._text[begin] == "#":
                node, at = self._below(at + 1, indent, depth)
            else:
                node, at = self._inline(begin, at, depth), at + 1
            members.append((name, line.start, key_end, node))
        return Node(start, members[-1][3].end, {str(key): node.value for key, _, _, node in members}, tuple(members)), at

    def _key(self, start: int, names: set[str]) -> tuple[str, int, int]:
        """A key, where it ends, and where its colon ends."""
        name, end = self._key_at(start) or ("", 0)
        if not name or name in names or (name in _WORDS and self._text[start] not in "\"'"):
            raise _UnusualError
        names.add(name)
        return name, end, end + 1

    def _key_at(self, start: int) -> tuple[str, int] | None:
        """The key that stands there, and where its colon is."""
        text = self._text
        if text[start : start + 1] in ('"', "'"):
            found = _KEY.match(text, start)
            return (found[found.lastindex or 0], found.end() - 1) if found else None
        colon = text.find(":", start, start + _LONGEST + 1)
        name = text[start:colon]
        if colon < 0 or not name or text[colon + 1 : colon + 2] not in ("", " ", "\n"):
            return None
        bare = name.translate(_NO_SIGNS)
        return (name, colon) if name[0].isalpha() and bare.isalnum() and bare.isascii() else None

    def _below(self, at: int, indent: int, depth: int) -> tuple[Node, int]:
        """The block below a key: deeper, or a list whose dashes stand below the key."""
        if at >= len(self._lines) or not (self._lines[at].indent > indent or (self._lines[at].indent == indent and self._is_item(at))):
            raise _UnusualError
        return self._block(at, depth + 1)

    def _inline(self, begin: int, at: int, depth: int) -> Node:
        """The value that begins and ends on the line, with nothing behind it but a comment."""
        end = self._lines[at].end
        if begin < end and self._text[begin] in "\"'[{":
            node = self._closed(begin, end, depth + 1)
            rest = self._text[node.end : end]
            if (rest.strip(" ") and not rest.lstrip(" ").startswith("#")) or rest.startswith("#"):
                raise _UnusualError
            return node
        text = self._text[begin:end].partition(" #")[0].rstrip(" ")
        if not text or not (text[0].isalnum() or text[0] in "_./" or (text[0] in "+-" and text[1:2].isdigit())):
            raise _UnusualError
        if ": " in text or text[-1] == ":":
            raise _UnusualError
        return Node(begin, begin + len(text), resolve(text))

    def _closed(self, begin: int, end: int, depth: int) -> Node:
        """A value that says itself where it ends: in quotes or brackets; or a word within brackets."""
        if depth > MAX_DEPTH or begin >= end:
            raise _UnusualError
        opening = self._text[begin]
        if opening in "\"'":
            close = self._text.find(opening, begin + 1, end)
            inner = self._text[begin + 1 : close]
            if close < 0 or "\\" in inner or self._text[close + 1 : close + 2] == opening:
                raise _UnusualError
            return Node(begin, close + 1, inner)
        if opening == "[":
            return self._flow(begin, end, depth, "]")
        if opening == "{":
            return self._flow(begin, end, depth, "}")
        word = _FLOW_WORD.match(self._text, begin, end)
        if word is None:
            raise _UnusualError
        return Node(begin, word.end(), resolve(word[0]))

    def _flow(self, begin: int, end: int, depth: int, close: str) -> Node:
        members: Members = []
        names: set[str] = set()
        at = self._skip(begin + 1)
        while self._text[at : at + 1] != close:
            name: str | int = len(members)
            start = key_end = at
            if close == "}":
                name, key_end, at = self._key(at, names)
                at = self._skip(at)
            node = self._closed(at, end, depth + 1)
            members.append((name, start, key_end, node))
            at = self._skip(node.end)
            if self._text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self._text[at : at + 1] != close:
                raise _UnusualError
        if at >= end:
            raise _UnusualError
        value: Json = [node.value for *_, node in members] if close == "]" else {str(key): node.value for key, _, _, node in members}
        return Node(begin, at + 1, value, tuple(members))

    def _skip(self, at: int) -> int:
        while self._text[at : at + 1] == " ":
            at += 1
        return at
