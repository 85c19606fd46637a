"""Untrusted text made printable: `visible` for people, `quoted` for JSON."""

from __future__ import annotations

from json.encoder import encode_basestring

ELLIPSIS = "…"

# What a reader cannot see or what moves other text about: controls, line breaks, bidirectional and other format characters, lone
# surrogates, private use, non-characters, tags, variation selectors, blank letters. A fixed table and not `unicodedata`, so that
# the same text gives the same bytes under every Python. U+FE0F stays: it follows half of all emoji. Unicode 16.0, seen 2026-11-22.
_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFEFF, 0xFEFF),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
    (0xF0000, 0x10FFFF),
)
# The same kind, but letters and marks to Unicode, so that str.isprintable lets them pass.
_BLANK_RANGES = (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180D),
    (0x180F, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0E),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)
_BLANK = frozenset(chr(code) for first, last in _BLANK_RANGES for code in range(first, last + 1))
_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


def _hidden(code: int) -> bool:
    return chr(code) in _BLANK or code & 0xFFFE == 0xFFFE or any(first <= code <= last for first, last in _RANGES)


class _Visible(dict[int, str]):
    """str.translate table, filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = _escape(code) if _hidden(code) or not (char.isprintable() or char.isspace()) else char
        return self[code]


class _Quoted(dict[int, str]):
    """The same for the inside of a JSON string, where json has escaped what is below U+0020."""

    def __missing__(self, code: int) -> str:
        self[code] = _json_escape(code) if _hidden(code) else chr(code)
        return self[code]


def _escape(code: int) -> str:
    if code in _SHORT:
        return _SHORT[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


_VISIBLE = _Visible()
_QUOTED = _Quoted()


def visible(text: str, limit: int | None = None) -> str:
    """The text with every control, line break, invisible or bidirectional character as a visible escape (`\\x1b`, `\\u202e`).

    With `limit` at most that many characters, the last an ellipsis where something was cut. Visible text comes back unchanged.
    """
    shown = text if limit is None else text[: limit + 1]
    # str.isprintable knows all kinds but those in _BLANK; most text is done here.
    if not (shown.isprintable() and (shown.isascii() or _BLANK.isdisjoint(shown))):
        shown = shown.translate(_VISIBLE)
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + ELLIPSIS
    return shown


def quoted(text: str) -> str:
    """The text as a JSON string: the same value when read, nothing in it that a reader cannot see; other scripts stay readable."""
    literal: str = encode_basestring(text)
    return escaped(literal)


def escaped(literal: str) -> str:
    """A JSON text on one line with everything that a reader cannot see as \\u escapes; the same value when read."""
    if literal.isprintable() and (literal.isascii() or _BLANK.isdisjoint(literal)):
        return literal
    return literal.translate(_QUOTED)
