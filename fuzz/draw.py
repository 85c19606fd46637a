"""Bytes to values: what the fuzzer changes byte by byte becomes texts, JSON values and choices. The same bytes give the same values."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# Pieces that mean something to one reader or another.
PIECES = (
    "", "a", "name", "b", " ", "\n", "\r", "\r\n", "\t", "\x00", "\x1b[31m", "\x9b2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b",
    "\U000e0041", "️", "\ud800", "\udc80", "\udfff", "\ufffe", "\ufeff", "é", "é", "😀", "\u3000", "::", "::error::", "##[error]", "%",
    "%0A", "%25", ",", ":", ";", "`", "``", "```", "|", "\\", "\\|", "<b>", "</script>", "<!--", "-->", "<![CDATA[", "]]>", "&", "&amp;",
    "&#10;", '"', "'", "=", "@user", "](x)", "![", "[x](y)", "http://x.test", "www.x.test", "javascript:x", "a@b.test", "#1", "GH-1", "*",
    "_", "~~", "# ", "- ", "1. ", "> ", "---", "===", "\n\n    ", "/", "//", "..", "../", "~", "$(", "${", "}", "$lines", "$$lines", "{",
    "[", "]", "(", ")", "null", "0", "1e5", "-", "a" * 250, "word " * 60,
)  # fmt: skip


class Draw:
    """Reads the input from its beginning; behind its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def left(self) -> int:
        """How many bytes are not read."""
        return max(0, len(self._data) - self._at)

    def take(self, count: int) -> bytes:
        """That many bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken + bytes(count - len(taken))

    def number(self, below: int) -> int:
        """A number from 0."""
        return int.from_bytes(self.take(1 if below <= 256 else 2), "big") % below

    def flag(self) -> bool:
        """True or false."""
        return self.number(2) == 1

    def choice(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.number(len(values))]

    def many(self, make: Callable[[], T], most: int) -> list[T]:
        """Up to so many of what `make` makes."""
        return [make() for _ in range(self.number(most + 1)) if self.left()]

    def text(self) -> str:
        """A text of pieces, of bytes as they come, or of single characters of any plane."""
        kind = self.number(4)
        if kind == 0:
            return "".join(self.many(lambda: self.choice(PIECES), 4))
        if kind == 1:
            return self.take(self.number(12)).decode("utf-8", "surrogateescape")
        if kind == 2:
            return "".join(self.many(lambda: chr(int.from_bytes(self.take(3), "big") % 0x110000), 3))
        return self.choice(PIECES)

    def utf8(self) -> str:
        """A text without half pairs."""
        return self.text().encode("utf-8", "replace").decode("utf-8")

    def scalar(self, text: Callable[[], str]) -> Any:
        """A JSON value that is no container; numbers of every size."""
        kind = self.number(8)
        if kind == 0:
            return None
        if kind == 1:
            return self.flag()
        if kind == 2:
            return self.number(300) - 20
        if kind == 3:
            return int.from_bytes(self.take(8), "big", signed=True)
        if kind == 4:
            value = struct.unpack(">d", self.take(8))[0]
            return value if value - value == 0 else 0.5
        if kind == 5:
            return 10.0 ** (self.number(64) - 32) * (self.number(19) - 9)
        return text()

    def json(self, text: Callable[[], str] | None = None, deepest: int = 4) -> Any:
        """A JSON value."""
        text = text or self.text
        kind = self.number(4) if deepest else 0
        if kind == 2:
            return self.many(lambda: self.json(text, deepest - 1), 4)
        if kind == 3:
            return self.object(text, deepest - 1)
        return self.scalar(text)

    def object(self, text: Callable[[], str] | None = None, deepest: int = 3) -> dict[str, Any]:
        """A JSON object."""
        made = text or self.text
        return dict(self.many(lambda: (made(), self.json(made, deepest)), 4))
