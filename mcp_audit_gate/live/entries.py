"""One entry put into, or taken out of, the text of a client's JSON config; every other character stays as it is.

Text in, text out. What was put in is laid out so that taking it out gives the text that was there before.
"""

from __future__ import annotations

import json

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.jsonc import JsonIndex, Repeated, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Json

_DEPTH = 64
_BLANK = " \t\r\n"


class _Object(NamedTuple):
    """An object in a text: where its braces stand, and the keys and values in it as (key start, value start, value end), in order."""

    start: int
    close: int
    members: tuple[tuple[int, int, int], ...]


class _Text(NamedTuple):
    raw: str
    strict: str
    value: dict[str, Json]
    places: JsonIndex


def entry_in(text: str, section: str, name: str) -> dict[str, Json] | None:
    """The entry of that name, None when there is none. Raises Unreadable for a text that cannot be edited safely."""
    value = _parsed(text).value
    if section not in value:
        return None
    known = value[section]
    if not isinstance(known, dict):
        raise Unreadable(f'"{section}" is no object', "correct it by hand")
    if isinstance(known, Repeated) and [key for key, _ in known.pairs].count(name) > 1:
        raise Unreadable(f'"{name}" stands there more than once', "take out all but one by hand")
    entry = known.get(name, {})
    if not isinstance(entry, dict):
        raise Unreadable(f'"{name}" is no object', "correct it by hand")
    return entry if name in known else None


def added(text: str, section: str, name: str, entry: Json) -> str:
    """The text with the entry as the last of its section, which is made when it is missing. Raises Unreadable."""
    entry_in(text, section, name)
    parsed = _parsed(text)
    line_end = "\r\n" if "\r\n" in text else "\n"
    root = _object(parsed, parsed.places.root())
    if section in parsed.value:
        found = _object(parsed, parsed.places.members(parsed.places.root())[section][-1][2])
        return _appended(parsed, found, name, entry, line_end)
    return _appended(parsed, root, section, {name: entry}, line_end, spaced=True)


def removed(text: str, section: str, name: str) -> str:
    """The text without the entry, and without the section when that was made for it. Raises Unreadable."""
    parsed = _parsed(text)
    root = parsed.places.root()
    node = parsed.places.members(root)[section][-1][2]
    found = _object(parsed, node)
    if len(found.members) == 1 and text[found.start + 1] in _BLANK:
        return _without(parsed, _object(parsed, root), parsed.places.members(root)[section][-1][0])
    return _without(parsed, found, parsed.places.members(node)[name][-1][0])


def _parsed(text: str) -> _Text:
    value, strict, _ = read(text, _DEPTH)
    if not isinstance(value, dict):
        raise Unreadable("it holds no object", "correct it by hand")
    if isinstance(value, Repeated):
        raise Unreadable("a key stands in it more than once", "take out all but one by hand")
    return _Text(text, strict, value, JsonIndex(strict))


def _object(parsed: _Text, node: int) -> _Object:
    start, end = parsed.places.span(node)
    places = [place for many in parsed.places.members(node).values() for place in many]
    return _Object(start, end - 1, tuple(sorted((key, *parsed.places.span(value)) for key, _, value in places)))


def _appended(parsed: _Text, into: _Object, name: str, value: Json, line_end: str, spaced: bool = False) -> str:
    """The text with one more member, in the layout of those that are there. spaced: blanks inside the braces of a value in one line."""
    text = parsed.raw
    if not into.members:
        return f"{text[: into.start + 1]}{_line(name, value, spaced)}{text[into.start + 1 :]}"
    inside = text[into.start : into.close]
    last = into.members[-1][2]
    comma = _comma(text, last, into.close)
    at = into.start + len(inside.rstrip(_BLANK))
    if "\n" in inside:
        indent = _indent(text, into)
        member = f"{line_end}{indent}{_block(name, value, indent, _unit(text, indent), line_end)}"
    else:
        member = f" {_line(name, value, spaced)}"
    if comma is not None:  # a comma after the last member is this file's style
        return f"{text[:at]}{member},{text[at:]}"
    return f"{text[:last]},{text[last:at]}{member}{text[at:]}"


def _without(parsed: _Text, of: _Object, key: int) -> str:
    """The text without the member whose key begins there."""
    text = parsed.raw
    number = [member[0] for member in of.members].index(key)
    start = of.start + len(text[of.start : key].rstrip(_BLANK))
    end = of.members[number][2]
    following = of.members[number + 1][0] if number + 1 < len(of.members) else of.close
    comma = _comma(text, end, following)
    if comma is not None:
        return text[:start] + text[end:comma] + text[comma + 1 :]
    before = _comma(text, of.members[number - 1][2], key) if number else None
    return text[:start] + text[end:] if before is None else text[:before] + text[before + 1 : start] + text[end:]


def _comma(text: str, start: int, end: int) -> int | None:
    """Where a comma stands between two places, comments left out."""
    while start < end:
        if text[start] == ",":
            return start
        if text.startswith("//", start):
            start = min(at for at in (text.find("\n", start), end) if at >= 0)
        elif text.startswith("/*", start):
            start = text.index("*/", start + 2) + 1
        start += 1
    return None


def _indent(text: str, into: _Object) -> str:
    """The blanks before the first member that begins a line; one step more than the line of the brace when none does."""
    for key, _, _ in into.members:
        line = text[text.rfind("\n", 0, key) + 1 : key]
        if not line.strip(_BLANK) and "\n" in text[into.start : key]:
            return line
    line = text[text.rfind("\n", 0, into.start) + 1 : into.start]
    return line[: len(line) - len(line.lstrip(" \t"))] + "  "


def _unit(text: str, indent: str) -> str:
    """One step of indentation, as the file's first indented line has it."""
    lines = (line for line in text.splitlines() if line[:1] in (" ", "\t") and line.strip())
    first = next(lines, indent or "  ")
    return "\t" if first[0] == "\t" else first[: len(first) - len(first.lstrip(" "))]


def _line(name: str, value: Json, spaced: bool) -> str:
    shown = json.dumps(value)
    return f"{json.dumps(name)}: {f'{{ {shown[1:-1]} }}' if spaced else shown}"


def _block(name: str, value: Json, indent: str, unit: str, line_end: str) -> str:
    lines = json.dumps(value, indent=unit).split("\n")
    return f"{json.dumps(name)}: {(line_end + indent).join(lines)}"
