"""Text as YAML: a string in, a scalar out that every reader of YAML takes for the same string."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"\.?[A-Za-z_/][A-Za-z0-9_./@+;() -]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Words that some reader takes for something else than text.
_TAKEN = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", ".nan", ".inf"))


def scalar(text: str, flow: bool = False) -> str:
    """The text as it may stand in a value or key, in quotes where need be; `flow`: inside brackets."""
    plain = _WORD if flow else _PLAIN
    if plain.fullmatch(text) and text.lower() not in _TAKEN and not text.endswith(" "):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """The text in double quotes; what cannot be seen is an escape."""
    return f'"{"".join(_char(char) for char in text)}"'


def _char(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return "\\" + char
    if char.isprintable() and char != "\ufeff":
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
