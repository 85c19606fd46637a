"""JSON and JSONC: text in, value out, and the spans of any key or value in it.

Values come from the strict reader of the standard library. Comments and trailing commas are first overwritten with blanks of
the same length, so an offset in what was read is an offset in the file, and no second grammar decides what a file says.
"""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json

MAX_REPEATED = 1000
MAX_NUMBER = 1000  # digits; int() of more takes quadratic time
_EMPTY_HINT = 'write {"mcpServers": {}} or delete the file'
_SYNTAX_HINT = "correct the JSON at this place"


class Repeated(dict[str, "Json"]):
    """An object in which a key stands more than once; as a dict it holds the last values, as most clients do."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    if len(pairs) - len(value) > MAX_REPEATED:
        raise ValueError(f"more than {MAX_REPEATED} repeated keys in one object")
    return Repeated(pairs)


def whole_number(text: str) -> int:
    """A number for the standard reader. Raises ValueError when it has too many digits, or no float can hold it."""
    if len(text) > MAX_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    if len(text) > 308:  # beyond it the canonical form has no number
        fraction(text)
    return int(text)


def fraction(text: str) -> float:
    """A number for the standard reader. Raises ValueError when no float can hold it."""
    value = float(text) if len(text) <= MAX_NUMBER else float("inf")
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number that is too large")
    return value


def constant(name: str) -> float:
    """Refuses NaN and infinities: raises ValueError."""
    raise ValueError(f"{name}, which is not JSON")


def read_strict(text: str) -> Json:
    """The value of a JSON text; objects with repeated keys come as Repeated. Raises Unreadable."""
    try:
        value: Json = json.loads(text, object_pairs_hook=_members, parse_int=whole_number, parse_float=fraction, parse_constant=constant)
        return value
    except JSONDecodeError as error:
        if not text.strip():
            raise Unreadable("the file is empty", _EMPTY_HINT) from error
        if error.pos >= len(text.rstrip()):
            raise Unreadable("not valid JSON: the text ends too early", "restore the rest of the file", error.pos) from error
        raise Unreadable(f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}", _SYNTAX_HINT, error.pos) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not valid JSON: {error}", _SYNTAX_HINT, refused_number(text)) from error


_STRING_OR_NUMBER = lazy(r'"[^"\\]*(?:\\.[^"\\]*)*"|NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.S)


def refused_number(text: str) -> int | None:
    """Where the first number stands that the reader refuses, in a text that is JSON up to there; None when there is none."""
    for token in _STRING_OR_NUMBER.finditer(text):
        word = token[0]
        if word[0] != '"' and (word[-1] in "Ny" or len(word) > MAX_NUMBER or abs(float(word)) == float("inf")):
            return token.start()
    return None


def read(text: str, max_depth: int) -> tuple[Json, str, int | None]:
    """Value, the text it was read from, and where the first comment or trailing comma stands (None in strict JSON).

    The text read has blanks for comments and trailing commas and is as long as the one given. Raises Unreadable.
    """
    strict, first = text, None
    try:
        value = read_strict(text)
    except Unreadable as error:
        strict, first = blank(text)
        check_depth(strict, max_depth)
        if first is None:
            raise
        if not strict.strip():
            raise Unreadable("the file holds only comments", _EMPTY_HINT) from error
        try:
            value = read_strict(strict)
        except Unreadable as inner:
            raise inner from error
    else:
        check_depth(text, max_depth)  # not before: in a comment brackets nest nothing, and a quote begins nothing
    return value, strict, first


def is_blank(text: str) -> bool:
    """True for a text without any value: empty, or comments alone."""
    start = text.lstrip()[:1]
    return not start or (start == "/" and not blank(text)[0].strip())


def check_depth(text: str, limit: int) -> None:
    """Raises Unreadable where brackets outside strings nest deeper than `limit`; texts with few brackets cost nothing."""
    if text.count("[") + text.count("{") <= limit or _is_shallow(text, limit):
        return
    depth = 0
    for offset, char in _structure(text):
        if char in "[{":
            depth += 1
            if depth > limit:
                raise Unreadable(f"nested deeper than {limit} levels", "remove the nesting; no client needs it", offset)
        elif char in "]}":
            depth -= 1


_NO_BRACKETS = bytes(code for code in range(256) if chr(code) not in "[]{}")


def _is_shallow(text: str, limit: int) -> bool:
    """True when pairs of brackets cancel out so soon that they cannot nest deeper than `limit`: the usual text, told without a loop over it."""
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    brackets = outside.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    for _ in range(limit // 2):  # a round takes away at most one level of each kind
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


_TOKEN = lazy(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.S)
_STRING = lazy(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)


def _structure(text: str) -> Iterator[tuple[int, str]]:
    """(offset, bracket) for every bracket outside strings, up to the first string that does not end."""
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in "[]{}":
            yield found.start(), token
        elif token == '"':
            return


_BLANKABLE = lazy(r'["/,]')
_LINE_END = lazy("[\r\n\u2028\u2029]")
_NOT_LINE_END = lazy(r"[^\r\n]")


def blank(text: str) -> tuple[str, int | None]:
    """The text with comments and trailing commas as blanks, and the offset of the first of them (None: there is none)."""
    pieces: list[str] = []
    commas: list[int] = []
    first: int | None = None
    done = offset = 0
    while found := _BLANKABLE.search(text, offset):
        offset = found.start()
        if text[offset] == '"':
            string = _STRING.match(text, offset)
            if not string:
                break
            offset = string.end()
        elif text[offset] == ",":
            commas.append(offset)
            offset += 1
        else:
            end = _comment_end(text, offset)
            if end is None and text.startswith("/*", offset):
                break  # it never ends, and no later one does
            if end is None:
                offset += 1
                continue
            first = offset if first is None else first
            pieces += [text[done:offset], _NOT_LINE_END.sub(" ", text[offset:end])]
            done = offset = end
    pieces.append(text[done:])
    return _blank_commas("".join(pieces), commas, first)


def _comment_end(text: str, offset: int) -> int | None:
    """Where the comment that begins here ends; None when none begins, or it never ends."""
    if text.startswith("//", offset):
        found = _LINE_END.search(text, offset)
        end = found.start() if found else len(text)
        if found and found.group() != "\n" and not text.startswith("\r\n", end):
            raise Unreadable("a comment ends at a character that not every client takes for a line end", "end comments with a plain line break", end)
        return end
    if text.startswith("/*", offset):
        close = text.find("*/", offset + 2)
        return close + 2 if close >= 0 else None
    return None


_BEFORE_BRACKET = lazy(r",[ \t\r\n]*[\]}]")


def _blank_commas(text: str, commas: list[int], first: int | None) -> tuple[str, int | None]:
    """Overwrites each comma that stands directly after a value and directly before a closing bracket."""
    trailing = []
    for offset in commas:
        before = offset - 1
        while before >= 0 and text[before] in " \t\r\n":
            before -= 1
        if before >= 0 and text[before] not in "{[,:" and _BEFORE_BRACKET.match(text, offset):
            trailing.append(offset)
    if not trailing:
        return text, first
    pieces, done = [], 0
    for offset in trailing:
        pieces += [text[done:offset], " "]
        done = offset + 1
    pieces.append(text[done:])
    return "".join(pieces), trailing[0] if first is None else min(first, trailing[0])


_SPACE = " \t\r\n"
# Tells where a value ends; what it is worth was read before.
_ended = json.JSONDecoder(parse_int=len, parse_float=len).scan_once  # type: ignore[attr-defined]
_PASSES = 8  # over the whole text, after which its brackets are paired: a value deep down would cost one for each level above it


class JsonIndex:
    """Spans in a text that is known to be valid JSON. A node is the offset at which a value begins.

    The members of a container are listed when first asked for. Together linear in the text, however deep it is.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._passed = 0
        self._close: dict[int, int] = {}
        self._known: dict[int, dict[str | int, list[tuple[int, int, int]]]] = {}

    def root(self) -> int:
        """The node of the whole value."""
        return self._skip(0)

    def span(self, node: int) -> tuple[int, int]:
        """First offset and end of a value."""
        return node, self._end(node)

    def members(self, node: int) -> dict[str | int, list[tuple[int, int, int]]]:
        """Key or index -> every (key start, key end, value node) with it, in order; an item of a list has no key (start = end)."""
        if node not in self._known:
            self._known[node] = self._list(node) if self._text[node] in "[{" else {}
        return self._known[node]

    def _list(self, node: int) -> dict[str | int, list[tuple[int, int, int]]]:
        found: dict[str | int, list[tuple[int, int, int]]] = {}
        text, offset = self._text, self._skip(node + 1)
        named = text[node] == "{"
        while text[offset] not in "]}":
            value = offset
            if named:
                name, end = scanstring(text, offset + 1)
                value = self._skip(self._skip(end) + 1)
                found.setdefault(name, []).append((offset, end, value))
            else:
                found[len(found)] = [(offset, offset, value)]
            offset = self._skip(self._end(value))
            if text[offset] == ",":
                offset = self._skip(offset + 1)
        return found

    def _end(self, node: int) -> int:
        if node in self._close:
            return self._close[node]
        end: int = _ended(self._text, node)[1]
        self._passed += end - node
        if self._passed > _PASSES * len(self._text) and not self._close:
            self._pair()
        return end

    def _pair(self) -> None:
        """Finds the end of every container in one pass."""
        open_at: list[int] = []
        for offset, char in _structure(self._text):
            if char in "[{":
                open_at.append(offset)
            else:
                self._close[open_at.pop()] = offset + 1

    def _skip(self, offset: int) -> int:
        text = self._text
        while text[offset] in _SPACE:
            offset += 1
        return offset
