"""Keys of wallets in a text: a private key (0x and 64 hexadecimal digits) or a recovery phrase (words of BIP-39) under a telling name."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata.placeholders import blank, is_made_up
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PRIVATE, PHRASE = "wallet private key", "wallet recovery phrase"
_LENGTHS = (24, 21, 18, 15, 12)  # words of a phrase, BIP-39
_LONGEST = 24 * 9 + 24
_FEWEST = 6  # different words: `test test … junk` and `abandon … about` stand in every tutorial
_NAME = 100  # characters before a value that may hold its name
_NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


class Found(NamedTuple):
    """A key: what it is, and where it begins and ends."""

    kind: str
    start: int
    end: int


def find(text: str, name: str | None) -> Iterator[Found]:
    """Every key in the text; `name` is what the text stands under, in it names may stand, too (`--private-key=0x…`)."""
    if "0x" in text or "0X" in text:
        yield from _keys(text, name)
    yield from _phrases(text, name)


def _keys(text: str, name: str | None) -> Iterator[Found]:
    literal = blank(text).replace("\0", " ").strip(" \t\r\n\"'")
    for found in _hexadecimal().finditer(text):
        alone = name is not None and found[0] == literal
        spoken = name if alone else _name_before(text, found.start())
        if spoken and _is_named(spoken, "key names") and not is_made_up(found[1], found[0]):
            yield Found(PRIVATE, found.start(), found.end())


@functools.cache
def _hexadecimal() -> re.Pattern[str]:
    return re.compile(r"(?<![0-9A-Za-z_])0[xX]([0-9A-Fa-f]{64})(?![0-9A-Za-z_])")


def _phrases(text: str, name: str | None) -> Iterator[Found]:
    """The words of the whole text, or those behind a name in it."""
    if name is not None and len(text) <= _LONGEST and _is_named(name, "phrase names"):
        end = _phrase_at(text, 0)
        if end:
            yield Found(PHRASE, len(text) - len(text.lstrip(" \"'")), end)
            return
    for found in _named().finditer(text):
        end = _phrase_at(text, found.end())
        if end and _is_named(found[1], "phrase names"):
            yield Found(PHRASE, found.end(), end)


@functools.cache
def _named() -> re.Pattern[str]:
    """The end of a phrase's name, what stands between it and the value, and the first letters of a word."""
    return re.compile(
        r"((?:mnemonic|seed|phrase|wallet|recovery)[A-Za-z0-9_.-]{0,16})(?:[\\\"']{0,3} ?[:=][ \\\"']{0,4}| {1,3}[\\\"']{1,3})(?=[a-z]{3})", re.I
    )


def _phrase_at(text: str, start: int) -> int:
    """Where the phrase that begins there ends; 0 when there is none."""
    piece, listed = text[start : start + _LONGEST], _table()["words"]
    ends: list[int] = []
    for found in _words().finditer(piece):
        if found[0] not in listed or piece[ends[-1] if ends else 0 : found.start()] not in ((" ", ", ", ",", "  ") if ends else ("", " ", '"', "'")):
            break
        ends.append(found.end())
    length = next((length for length in _LENGTHS if length == len(ends)), 0)
    different = len(set(_words().findall(piece[: ends[length - 1]]))) if length else 0
    return start + ends[length - 1] if different >= _FEWEST else 0


@functools.cache
def _words() -> re.Pattern[str]:
    return re.compile(r"[a-z]+")


def _name_before(text: str, at: int) -> str:
    """The name that a value in the text stands under: `NAME=`, `"name": "`, `--flag `; "" when there is none."""
    before = text[max(0, at - _NAME) : at].rstrip("\\\"' ")
    between = text[max(0, at - _NAME) + len(before) : at]
    if before[-1:] in (":", "="):
        before = before[:-1].rstrip("\\\"' ")
    elif not between.strip("\\\"'"):
        return ""
    return before[len(before.rstrip(_NAME_LETTERS)) :]


def _is_named(name: str, part: str) -> bool:
    words = {word.upper() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name[:200])}
    return not words.isdisjoint(_table()[part]) and words.isdisjoint(_table()["other names"])


@functools.cache
def _table() -> dict[str, frozenset[str]]:
    """The lists of data/wallets.json."""
    import json
    import os

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "wallets.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    return {name: frozenset(value.split() if isinstance(value, str) else value) for name, value in data.items()}
