"""What of a text must be read as sentences: a text in, its parts that may hold a pattern, with those patterns, out.

Nothing here decides. A part is left out only when no pattern can stand in it, so that most of an honest text is never taken apart.
"""

from __future__ import annotations

import functools

from mcp_audit_gate.metadata.grammar import shipped
from mcp_audit_gate.metadata.words import SHORT_STOPS, UPPER
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.metadata.grammar import Pattern

# Where words.sentences may begin anew: after a full stop, after an empty line, before a list mark.
_CUT = lazy(r"\.\s+|\n\n|\n[ \t]*(?=[-*] )")
_STOPS = tuple(sorted(SHORT_STOPS))
_LONGEST = max(map(len, _STOPS))
# What parts words, and what may stand at their edges, as blanks.
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()} | {ord(char): " " for char in "“”‘’«»…–—"}
_CAPITAL = lazy(r"[A-Z](?<=[A-Za-z]{2})")
_DOT = lazy(r"\.\S")
# Of the apostrophes those that begin a word; the one in `user's` belongs to it.
_APOSTROPHE = lazy(r"'(?<![A-Za-z0-9]')|'(?!(?:s|t|re|ll|ve|d)\b)|'(?<=['’]\w')|'(?<=['’]\w\w')")
_COMPOUND = lazy(r"-(?<=\S-)\S")
_SHORT, _KEPT = 500, 2000  # characters of a part that is remembered, and how many are
# The classes that a word's shape may give it.
_NAMED = ("TOOL", "STRANGER", "OTHERS", "SIBLING", "FIELD", "SELF", "OWN")
_OF_CAPITALS, _OF_ADDRESSES = ("MUST_UPPER",), ("URL", "MAIL", "PATH", "KEYFILE", "SETTINGS", "MEMORYFILE", "TOOL")
_OF_QUOTED, _OF_NAMES = ("QUOTED", *_NAMED), ("SECRETNAME", *_NAMED)
_AHEAD = 6  # characters after a word by which it is known as a tool


class _Index(NamedTuple):
    """The grammar by what must stand in a text.

    phrases: first word -> (further words, mask). odd: a sign -> words with it, or first words of phrases, that are not letters and
    digits alone, with masks. upper, address, quoted, named: classes that capitals, a character of an address, a quotation mark or a
    sign of a name may give. rarest: bits that the rarest step of a pattern has.
    """

    phrases: dict[str, tuple[tuple[tuple[str, ...], int], ...]]
    odd: dict[str, tuple[tuple[str, int], ...]]
    upper: int
    address: int
    quoted: int
    named: int
    rarest: int


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
    return tuple(_possible(_begun(present), present))


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


def _begun(present: int) -> list[Pattern]:
    """The patterns whose rarest step may stand where these classes are."""
    patterns, rarest = shipped().patterns, shipped().rarest
    found: set[int] = set()
    rest = present & _index().rarest
    while rest:
        bit = rest & -rest
        found.update(rarest[bit])
        rest ^= bit
    return [patterns[number] for number in sorted(found)]


def _possible(patterns: Iterable[Pattern], present: int) -> list[Pattern]:
    """The patterns whose every step may stand where these classes are."""
    found = []
    for pattern in patterns:
        for wanted in pattern.needs:
            if not wanted & present:
                break
        else:
            found.append(pattern)
    return found


def _said(low: str) -> int:
    """The classes that the words of a text in lower case may have."""
    index, known, masks = _index(), shipped().words, shipped().masks
    found = set(low.translate(_BLANKS).split())
    mask = 0
    for word in known.keys() & found:
        mask |= masks[known[word]]
    for first in index.phrases.keys() & found:
        for rest, more in index.phrases[first]:
            if found.issuperset(rest):
                mask |= more
    for sign, words in index.odd.items():
        if sign in low:
            for word, more in words:
                if word in low:
                    mask |= more
    return mask


def _shaped(text: str) -> int:
    """The classes that the shapes of words may give them; of a part with some characters after it."""
    index = _index()
    mask = 0
    if _CAPITAL.search(text):
        mask = index.named | (index.upper if any(word in text for word in UPPER) else 0)
    elif "_" in text or "()" in text or " tool" in text or not text.isascii() or ("-" in text and _COMPOUND.search(text)):
        mask = index.named
    if "/" in text or "@" in text or "~" in text or "\\" in text or _DOT.search(text):
        mask |= index.address
    if '"' in text or "`" in text or not text.isascii() or ("'" in text and _APOSTROPHE.search(text)):
        mask |= index.quoted
    return mask


@functools.cache
def _index() -> _Index:
    rules = shipped()
    phrases, odd = {}, [(word, rules.masks[number]) for word, number in rules.words.items() if not word.isalnum()]
    signs: dict[str, tuple[tuple[str, int], ...]] = {}
    for first, ways in rules.phrases.items():
        if first.isalnum():
            phrases[first] = tuple((tuple(filter(str.isalnum, rest)), mask) for rest, mask in ways)
        else:
            odd += [(first, mask) for _, mask in ways]
    for word, mask in odd:
        sign = next(char for char in word if not char.isalnum())
        signs[sign] = (*signs.get(sign, ()), (word, mask))
    upper, address, quoted, named = (sum(rules.bits[name] for name in names) for names in (_OF_CAPITALS, _OF_ADDRESSES, _OF_QUOTED, _OF_NAMES))
    return _Index(phrases, signs, upper, address, quoted, named, sum(rules.rarest))
