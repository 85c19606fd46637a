"""Text as a reader takes it in: compatibility forms resolved, look-alike letters made ASCII, accents and what is not seen left out.

For matching only; what is shown or pinned stays as it was sent. Look-alikes are those of Unicode TR39 (data/confusables.json).
"""

from __future__ import annotations

import functools

from mcp_audit_gate.metadata.lookalikes import letters
from mcp_audit_gate.pattern import lazy

_ANSI = lazy("[\x1b\x9b][\\[\\]()#;?]*[0-9;]*[A-Za-z@~]?")
_KEPT = "\n\t\r"
# Not seen, although letters or marks to Unicode: blank Hangul, Khmer and Braille, joiners, variation selectors.
_BLANK = (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
)
_BLANK_TAGS = (0xE0000, 0xE0FFF)


class _Folded(dict[int, str]):
    """str.translate table, filled as characters turn up; a character's image is its own image, so folding twice changes nothing."""

    def __missing__(self, code: int) -> str:
        self[code] = _image(code)
        return self[code]


def _image(code: int) -> str:
    import unicodedata

    char = chr(code)
    if code < 0x7F:
        return char if code >= 0x20 or char in _KEPT else " "
    if is_unseen(code) or unicodedata.category(char) in ("Mn", "Me"):
        return ""
    if char.isspace():
        return "\n" if char in "\u2028\u2029\x85" else " "
    alike = letters().get(code)
    if alike is not None:
        return alike
    parts = unicodedata.normalize("NFKD", char)
    return char if parts == char else "".join(_TABLE[ord(part)] for part in parts)


class _Unmarked(_Folded):
    """The same in lower case and with the letters of other scripts kept, for reading other languages than English."""

    def __missing__(self, code: int) -> str:
        import unicodedata

        if is_unseen(code) and chr(code) not in _KEPT:
            self[code] = ""
        else:
            self[code] = "".join(char for char in unicodedata.normalize("NFKD", chr(code)).lower() if unicodedata.category(char) not in ("Mn", "Me"))
        return self[code]


_TABLE = _Folded()
_LOWER = _Unmarked()


@functools.lru_cache(1024)
def is_unseen(code: int) -> bool:
    """True for a character that takes no room: controls, joiners, marks of direction, tags, variation selectors, blank letters."""
    import unicodedata

    blank = _BLANK_TAGS[0] <= code <= _BLANK_TAGS[1] or any(first <= code <= last for first, last in _BLANK)
    return blank or unicodedata.category(chr(code)) in ("Cf", "Cc", "Co", "Cs", "Cn")


def folded(text: str) -> str:
    """The text for matching; ASCII text without control characters comes back as it is."""
    if text.isascii() and "\x1b" not in text:
        return text
    return _plain(text).translate(_TABLE)


def _plain(text: str) -> str:
    """The text with blanks in place of terminal sequences, so that they are no part of a word."""
    if "\x1b" not in text and "\x9b" not in text:
        return text
    return _ANSI.sub(lambda found: " " * len(found[0]), text)


def origins(text: str) -> list[int]:
    """For each character of the folded text, and its end, where in the text the character stands that it came from."""
    if text.isascii() and "\x1b" not in text:
        return list(range(len(text) + 1))
    found = [at for at, char in enumerate(_plain(text)) for _ in _TABLE[ord(char)]]
    return [*found, len(text)]


def unmarked(text: str) -> str:
    """The text in lower case, without accents and what is not seen, in its own letters."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def unmarked_origins(text: str) -> list[int]:
    """For each character of the unmarked text, and its end, where in the text the character stands that it came from."""
    return [*(at for at, char in enumerate(text) for _ in _LOWER[ord(char)]), len(text)]
