"""What of a text must be read as sentences: a text in, its parts that may hold a pattern, with those patterns, out.

Nothing here decides. A part is left out only when no pattern can stand in it, so that most of an honest text is never taken apart.
"""

from __future__ import annotations

import functools

from mcp_audit_gate.metadata.grammar import shipped
from mcp_audit_gate.metadata.words import SHORT_STOPS, TELLING, UPPER
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.metadata.grammar import Pattern

# Where words.sentences may begin anew: after a full stop, after an empty line, before a list mark.
_CUT = lazy(r"\.\s+|\n\n|\n[ \t]*(?=[-*] )")
_STOPS = tuple(sorted(SHORT_STOPS))
_LONGEST = max(map(len, _STOPS))
# What parts words, and what may stand at their edges, as blanks.
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()} | {ord(char): " " for char in "“”‘’«»…–—"}
_CAPITAL = lazy(r"[A-Z](?<=[A-Za-z]{2})")
# Of the apostrophes those that begin a word; the one in `user's` belongs to it.
_APOSTROPHE = lazy(r"'(?<![A-Za-z0-9]')|'(?!(?:s|t|re|ll|ve|d)\b)|'(?<=['’]\w')|'(?<=['’]\w\w')")
_COMPOUND = lazy(r"-(?<=\S-)\S")
_TOLD = lazy("|".join(TELLING))
_SHORT, _KEPT = 500, 2000  # characters of a part that is remembered, and how many are
# The classes that a word's shape may give it.
_NAMED = ("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD", "SELF", "OWN")
_OF_CAPITALS, _OF_ADDRESSES = ("MUST_UPPER",), ("URL", "MAIL", "PATH", "KEYFILE", "SETTINGS", "MEMORYFILE", "TOOL")
_OF_QUOTED, _OF_NAMES = ("QUOTED", *_NAMED), ("SECRETNAME", *_NAMED)
_AHEAD = 8  # characters after a word by which it is known as a tool


_LAYOUT = dict.fromkeys(map(ord, "\t\n\r"))
# One of these stands in every ASCII text that carries something, unless a long word does.
_MARKS = ("<!--", "[//]: #", "display:", "\\u", "\\x", "&#", "%", " " * 80, "\t" * 80, "\n\n\n\n", "\n \n", " \n ")
_LONG = 24  # letters of a word that may be encoded


class _Shapes(NamedTuple):
    """The classes that capitals, a character of an address, a quotation mark, a sign of a name or what follows a parameter may give."""

    upper: int
    address: int
    quoted: int
    named: int
    told: int


def may_carry(text: str) -> bool:
    """False when a text, or many joined by empty lines, surely carries nothing of what `carriers` looks for."""
    if not text.isascii() or any(mark in text for mark in _MARKS) or not text.translate(_LAYOUT).isprintable():
        return True
    return max(map(len, text.split()), default=0) >= _LONG


def parts(text: str) -> Iterator[tuple[int, int, Sequence[Pattern]]]:
    """(start, end, patterns) of the parts in which a pattern may stand; each begins and ends where sentences do."""
    start = 0
    for end in ends(text):
        # Servers repeat themselves: the same sentence stands at many tools.
        wanted = (_remembered if end - start < _SHORT else _wanted)(text[start : end + _AHEAD], end - start)
        if wanted:
            yield start, end, wanted
        start = end


def _wanted(text: str, length: int) -> tuple[Pattern, ...]:
    """The patterns that may stand in a part of a text, which is given with some characters after it."""
    present = classes(text, length)
    return tuple(shipped().patterns.possible(_begun(present), present))


_remembered = functools.lru_cache(_KEPT)(_wanted)


def classes(text: str, length: int) -> int:
    """All classes that words of a part may have, and some that none has."""
    return _said(text[:length].lower()) | _shaped(text)


def ends(text: str) -> Iterator[int]:
    """Where words.sentences surely ends a sentence; a full stop after an abbreviation is none."""
    for cut in _CUT.finditer(text):
        at = cut.start()
        if text[at] == "\n" or (text[at - 1 : at].isalnum() and not text[max(0, at - _LONGEST) : at].lower().endswith(_STOPS)):
            yield cut.end()
    yield len(text)


def _begun(present: int) -> list[int]:
    """The numbers of the patterns whose rarest step may stand where these classes are."""
    rarest = shipped().rarest
    found: set[int] = set()
    rest = present & shipped().begins
    while rest:
        bit = rest & -rest
        found.update(rarest[bit.bit_length() - 1])
        rest ^= bit
    return sorted(found)


def _said(low: str) -> int:
    """The classes that the words of a text in lower case may have."""
    rules = shipped()
    known, masks = rules.words, rules.masks
    found = set(low.translate(_BLANKS).split())
    mask = 0
    for word in found:
        mask |= known[word]
    for first in rules.phrases.first() & found:
        for _, plain, more in rules.phrases[first]:
            if found.issuperset(plain):
                mask |= more
    for sign in rules.odd.signs:
        if sign in low:
            for word, numbers in rules.odd[sign]:
                if word in low:
                    mask |= masks[numbers]
    return mask


def _shaped(text: str) -> int:
    """The classes that the shapes of words may give them; of a part with some characters after it."""
    shapes = _shapes()
    mask = 0
    if _CAPITAL.search(text):
        mask = shapes.named | (shapes.upper if any(word in text for word in UPPER) else 0)
    elif "_" in text or "()" in text or " tool" in text or not text.isascii() or ("-" in text and _COMPOUND.search(text)):
        mask = shapes.named
    if "/" in text or "@" in text or "~" in text or "\\" in text or "." in text.replace(". ", " ").replace(".\n", " ").removesuffix("."):
        mask |= shapes.address
    if '"' in text or "`" in text or not text.isascii() or ("'" in text and _APOSTROPHE.search(text)):
        mask |= shapes.quoted
    if ":" in text or _TOLD.search(text):
        mask |= shapes.told
    return mask


@functools.cache
def _shapes() -> _Shapes:
    rules = shipped()
    return _Shapes(*(sum(rules.bits[name] for name in names) for names in (_OF_CAPITALS, _OF_ADDRESSES, _OF_QUOTED, _OF_NAMES, ("OWN",))))
