"""Text that hides text: a string in, what is carried in it where a reader does not see it, decoded once, out."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata.lookalikes import letters
from mcp_audit_gate.metadata.normal import is_unseen
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS, SELECTORS, ZERO_WIDTH, DIRECTION, CONTROL = (
    "tag characters",
    "variation selectors",
    "zero-width characters",
    "marks of direction",
    "control sequences",
)
BASE64, PERCENT, ESCAPES, HEX, ENTITIES, COMMENT, PADDING, ALIKE = (
    *("base64", "percent encoding", "character escapes", "hexadecimal", "character references"),
    *("a comment", "padding", "look-alike letters"),
)
NAME = "a name"
UNSEEN = (TAGS, SELECTORS, ZERO_WIDTH, DIRECTION, CONTROL)
# What stands in these is read with the rest of the text.
READ_ANYWAY = (DIRECTION, CONTROL, COMMENT, PADDING, ALIKE)
_ENOUGH = 4  # letters that a decoded text must have to be one
_JOINERS = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u00ad"
_RUN = 8

_TAG_RUN = lazy("[\U000e0020-\U000e007f]{2,}")
_SELECTOR_RUN = lazy("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_JOINER_RUN = lazy(f"[{_JOINERS}]{{8,}}")
_NOTE = 3  # blanks in a comment that says something; `<!-- prettier-ignore -->` does not
_EXAMPLES = ("e.g. ", "example ", "example: ")
_BASE64 = lazy(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = lazy(r"(?:[0-9A-Fa-f]{2}[ :]?){16,}")
_ESCAPES = lazy(r"(?:\\u\{?[0-9A-Fa-f]{4}\}?|\\x[0-9A-Fa-f]{2}){4,}")
_ENTITIES = lazy(r"(?:&#x?[0-9A-Fa-f]{1,6};){4,}")
# One letter of a word written as a number hides the word from a search, and has no other use.
_REFERENCE = lazy(
    r"(?i)&#(?:x0{0,4}(?:[46][1-9a-f]|[57][0-9a])|0{0,4}(?:6[5-9]|[78]\d|9[07-9]|1[01]\d|12[0-2]));(?:(?=[a-z])|(?<=[a-z]&#\d\d;)|(?<=[a-z]&#\d\d\d;))"
)
_ESCAPE = lazy(r"\\(?:u\{?00|x)(?:[46][1-9A-Fa-f]|[57][0-9Aa])\}?(?=[a-z]{2})")
_BLANKS = lazy(r"[ \t\u00a0]{80,}|(?:\n[ \t]*){15,}")
_PERCENT_RUN = lazy(r"(?:%[0-9A-Fa-f]{2})+")
_HEX_PAIR = lazy(r"%[0-9A-Fa-f]{2}")
_LATIN = 0x24F  # the last letter of European alphabets; the dotless i among them is no look-alike but Turkish
_WORD = lazy(r"[^\W\d_]{4,}")
_CONTROL = lazy("\x1b|\x9b|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_ANSI = lazy("[\x1b\x9b][\\[\\]()#;?]*[0-9;]*[A-Za-z@~]?")


class Carried(NamedTuple):
    """What a text carries: how, from where to where, and the text; "" when it only stands there to hide."""

    kind: str
    start: int
    end: int
    text: str


def carried(text: str) -> list[Carried]:
    """Everything that a text carries, in its order. What decodes to no words is not there."""
    found: list[Carried] = []
    if not text.isascii():
        found += _unseen(text)
    if _CONTROL.search(text):
        found += _controls(text)
    if "<!--" in text or "[//]: #" in text or "display:" in text:
        found += _comments(text)
    if "  " * 20 in text or "\n\n" in text or "\t\t\t" in text or "\n " in text:
        found += _padding(text)
    found += _encoded(text)
    return sorted(found, key=lambda item: item.start)


def _unseen(text: str) -> Iterator[Carried]:
    if max(text) >= "\U000e0000":
        yield from _tags(text)
    yield from _selectors(text)
    yield from _joiners(text)
    yield from _turned(text)
    yield from _alike(text)


def _tags(text: str) -> Iterator[Carried]:
    for run in _TAG_RUN.finditer(text):
        # A flag of a region is a black flag, tags, and the tag that ends it.
        if text[max(0, run.start() - 1) : run.start()] == "\U0001f3f4" and len(run.group()) <= 7:
            continue
        words = "".join(chr(ord(char) - 0xE0000) for char in run.group()).replace("\x7f", "")
        if is_text(words):
            yield Carried(TAGS, run.start(), run.end(), words)


def _selectors(text: str) -> Iterator[Carried]:
    for run in _SELECTOR_RUN.finditer(text):
        codes = [ord(char) for char in run.group()]
        words = bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes).decode("utf-8", "replace")
        if is_text(words):
            yield Carried(SELECTORS, run.start(), run.end(), words)


def loose(text: str) -> list[int]:
    """Where characters stand that nobody sees and no script or emoji needs, beginning with the first."""
    if text.isascii():
        return [found.start() for found in _CONTROL.finditer(text)]
    return [at for at, char in enumerate(text) if char not in "\n\t\r" and is_unseen(ord(char)) and not _needed(text, at)]


def _joiners(text: str) -> Iterator[Carried]:
    """Runs of zero-width characters, read as bits, and words with one between all letters."""
    for run in _JOINER_RUN.finditer(text):
        yield Carried(ZERO_WIDTH, run.start(), run.end(), _bits(run.group()))
    single = [at for at, char in enumerate(text) if char in _JOINERS and not _needed(text, at)]
    if len(single) >= _RUN and not _JOINER_RUN.search(text):
        start, end = single[0], single[-1] + 1
        yield Carried(ZERO_WIDTH, start, end, "".join(char for char in text[max(0, start - 1) : end + 1] if char not in _JOINERS))


def _needed(text: str, at: int) -> bool:
    """True for what belongs to its neighbours: joiners in scripts and emoji, the look of an emoji or ideograph, a flag's tags, marks beside
    letters that run from right to left, soft hyphens, a mark of byte order at the start."""
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char in "\ufeff\xad":
        return char == "\xad" or at == 0
    if char in "\u200c\u200d":
        return _is_far(before) and (_is_far(after) or after in ("", " ", "\n", ".", ","))
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return bool(before) and (ord(before) > 0x2000 or (before in "0123456789#*©®" and char in "\ufe0e\ufe0f")) and not _is_selector(before)
    if "\U000e0020" <= char <= "\U000e007f":
        return "\U0001f3f4" in text[max(0, at - 7) : at]
    if char in "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069":
        return _has_rtl(text)
    return char in "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2"


def _is_far(char: str) -> bool:
    """True for a letter of a script that joins, or a part of an emoji."""
    return bool(char) and ord(char) >= 0x590 and char not in _JOINERS


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _has_rtl(text: str) -> bool:
    return any("\u0590" <= char <= "\u08ff" or "\ufb1d" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufefc" for char in text)


def _bits(run: str) -> str:
    """A run of two kinds of zero-width characters as the text its bits spell, most significant first; "" when they spell none."""
    kinds = sorted(set(run))
    if len(kinds) != 2 or len(run) < 32:
        return ""
    for zero, one in (kinds, kinds[::-1]):
        digits = run.translate({ord(zero): "0", ord(one): "1"})
        for size in (8, 7):
            words = "".join(chr(int(digits[at : at + size], 2)) for at in range(0, len(digits) - size + 1, size))
            if is_text(words):
                return words
    return ""


def _turned(text: str) -> Iterator[Carried]:
    """Overrides of direction; marks and isolates are honest beside letters that run from right to left."""
    at = min((place for place in (text.find(mark) for mark in "\u202d\u202e") if place >= 0), default=-1)
    if at >= 0:
        end = text.find("\u202c", at)
        words = text[at + 1 : end if end >= 0 else len(text)]
        yield Carried(DIRECTION, at, at + 1 + len(words), words)


def _alike(text: str) -> Iterator[Carried]:
    """Words of Latin letters with look-alikes of other scripts among them, two or more in a text."""
    table = letters()
    mixed = []
    for word in _WORD.finditer(text):
        group = word.group()
        if not group.isascii():
            latin = sum(ord(char) <= _LATIN for char in group)
            foreign = sum(ord(char) in table and ord(char) > _LATIN for char in group)
            if latin and foreign and latin + foreign == len(group):
                mixed.append(word)
    if len(mixed) > 1:
        yield Carried(ALIKE, mixed[0].start(), mixed[-1].end(), "")


def _controls(text: str) -> Iterator[Carried]:
    found = _CONTROL.search(text)
    if found:
        yield Carried(CONTROL, found.start(), len(text), _ANSI.sub(" ", text[found.start() :]))


def _comments(text: str) -> Iterator[Carried]:
    for opening, closing in (("<!--", "-->"), ("[//]: # (", ")"), ("[//]: # ", "\n"), ("display:none", "</"), ("display: none", "</")):
        at = text.find(opening)
        while at >= 0:
            begin = at + len(opening)
            end = text.find(closing, begin)
            end = end if end >= 0 else len(text)
            words = text[begin:end].strip(' \t\n">')
            if is_text(words) and words.count(" ") >= _NOTE:
                yield Carried(COMMENT, at, end, words)
            at = text.find(opening, end)


def _padding(text: str) -> Iterator[Carried]:
    """What stands below a screenful of nothing."""
    for run in _BLANKS.finditer(text):
        words = text[run.end() :].strip()
        if sum(char.isalpha() for char in words[:200]) >= 20:
            yield Carried(PADDING, run.start(), len(text), words)
            return


def _encoded(text: str) -> Iterator[Carried]:
    if len(text) >= 24:
        for run in _BASE64.finditer(text):
            words = "" if text.endswith(_EXAMPLES, 0, run.start()) else _from_base64(run.group())
            if words:
                yield Carried(BASE64, run.start(), run.end(), words)
        for run in _HEX.finditer(text):
            words = _text_of(bytes.fromhex(re.sub("[ :]", "", run.group())))
            if words:
                yield Carried(HEX, run.start(), run.end(), words)
    if "\\" in text:
        for run in _ESCAPES.finditer(text):
            words = "".join(chr(int(code, 16)) for code in re.findall(r"[0-9A-Fa-f]{2,4}", run.group()))
            if is_text(words):
                yield Carried(ESCAPES, run.start(), run.end(), words)
        yield from _single(text, ESCAPES, _ESCAPE)
    if "&#" in text:
        for run in _ENTITIES.finditer(text):
            from html import unescape

            if is_text(unescape(run.group())):
                yield Carried(ENTITIES, run.start(), run.end(), unescape(run.group()))
        yield from _single(text, ENTITIES, _REFERENCE)
    if text.count("%") > 2:
        yield from _percent(text)


def _single(text: str, kind: str, pattern: re.Pattern[str]) -> Iterator[Carried]:
    """The text from the first word on in which a letter is written as a number."""
    first = pattern.search(text)
    if first:
        from html import unescape

        start = text.rfind(" ", 0, first.start()) + 1
        words = (
            re.sub(r"\\(?:u\{?|x)([0-9A-Fa-f]{2,4})\}?", lambda found: chr(int(found[1], 16)), text[start:])
            if kind == ESCAPES
            else unescape(text[start:])
        )
        yield Carried(kind, start, len(text), words)


def _percent(text: str) -> Iterator[Carried]:
    """Words with three or more encoded characters; addresses encode blanks honestly, so theirs are read after the `?` only by the signals."""
    from urllib.parse import unquote

    for run in re.finditer(r"\S+", text):
        word = run.group()
        if word.count("%") > 2 and len(_HEX_PAIR.findall(word)) > 2 and "://" not in word:
            words = unquote(word)
            if is_text(words):
                yield Carried(PERCENT, run.start(), run.end(), words)


def _from_base64(run: str) -> str:
    from base64 import b64decode

    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    usable = body[: len(body) - (1 if len(body) % 4 == 1 else 0)]
    return _text_of(b64decode(usable + "=" * (-len(usable) % 4)))


def _text_of(data: bytes) -> str:
    """The bytes as text, when nearly all of them are printable and they hold words."""
    words = data.decode("utf-8", "replace")
    printable = sum(char.isprintable() or char in "\n\t" for char in words) - words.count("\ufffd")
    return words if is_text(words) and printable * 20 >= len(words) * 19 else ""


def blob(text: str) -> int | None:
    """Where an encoded run of more than 200 characters begins; None for no such run, and for a data address."""
    for pattern in (_BASE64, _HEX):
        for run in pattern.finditer(text):
            if len(run.group()) > 200 and not text.endswith("base64,", 0, run.start()):
                return run.start()
    start = text.find("%")
    percent = _PERCENT_RUN.match(text, start) if start >= 0 else None
    return start if percent and len(percent.group()) > 200 else None


def is_text(words: str) -> bool:
    """True for what has enough letters to be words."""
    return len(words) >= _ENOUGH and sum(char.isalpha() for char in words) * 2 >= len(words) and sum(char.isalpha() for char in words) >= _ENOUGH
