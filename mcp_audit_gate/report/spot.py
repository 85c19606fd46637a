"""A value in a report that somebody handed over, read strictly: bytes in, typed values out, or ReportError with line and column."""

from __future__ import annotations

from mcp_audit_gate.errors import ReportError, Unreadable
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Place
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import jsonc
from mcp_audit_gate.sources.document import Document, Lines
from mcp_audit_gate.sources.parse import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import NoReturn

    from mcp_audit_gate.model import Json, Pointer

MAX_DEPTH = 160  # a launch, or what changed of a tool, nests as deep as a config may, inside a SARIF file
MOST = 1_000_000_000
_HINT = "hand over what `mcp-audit scan --shard I/N -o json=FILE` wrote, whole and as it was written"


class Spot(NamedTuple):
    """A value, and where in which report it stands."""

    document: Document
    pointer: Pointer
    value: Json

    def refuse(self, what: str) -> NoReturn:
        """Raises ReportError for this place."""
        place = self.document.locate(Place(self.document, self.pointer))
        raise ReportError(f"{place.path}:{place.start_line}:{place.start_column}: the report cannot be used: {what}", _HINT)

    def object(self, *keys: str) -> tuple[Spot, ...]:
        """The members of these names, in their order; the object has no others."""
        value = self.value
        if not isinstance(value, dict) or isinstance(value, jsonc.Repeated) or value.keys() != {*keys}:
            self.refuse(f"here it wants an object with just the members {', '.join(keys)}, each once")
        return tuple(Spot(self.document, (*self.pointer, key), value[key]) for key in keys)

    def map(self) -> Iterator[tuple[str, Spot]]:
        """The members of an object of any names."""
        value = self.value
        if not isinstance(value, dict) or isinstance(value, jsonc.Repeated):
            self.refuse("here it wants an object without repeated keys")
        return ((key, Spot(self.document, (*self.pointer, key), item)) for key, item in value.items())

    def items(self) -> list[Spot]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.refuse("here it wants a list")
        return [Spot(self.document, (*self.pointer, number), item) for number, item in enumerate(self.value)]

    def text(self) -> str:
        """A string; what looks like a credential in it is masked, as everywhere."""
        return masked_name(self.path())

    def path(self) -> str:
        """A string as it is: the path of a file."""
        if not isinstance(self.value, str):
            self.refuse("here it wants a string")
        return self.value

    def optional(self, path: bool = False) -> str | None:
        """A string or null."""
        return None if self.value is None else self.path() if path else self.text()

    def choice(self, words: Collection[str]) -> str:
        """One of some words."""
        if not isinstance(self.value, str) or self.value not in words:
            self.refuse("a word that is not known stands here")
        return self.value

    def digits(self, length: int) -> str:
        """So many hexadecimal digits."""
        text = self.path()
        if len(text) != length or not set(text) <= set("0123456789abcdef"):
            self.refuse(f"here it wants {length} hexadecimal digits")
        return text

    def number(self, least: int = 0) -> int:
        """A whole number from `least` on."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= MOST:
            self.refuse(f"here it wants a whole number from {least} on")
        return self.value

    def score(self) -> float:
        """A number from 0 to 10."""
        if not isinstance(self.value, (int, float)) or isinstance(self.value, bool) or not 0 <= self.value <= 10:
            self.refuse("here it wants a number from 0 to 10")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.refuse("here it wants true or false")
        return self.value

    def json(self) -> Json:
        """Any value, masked like a text."""
        if isinstance(self.value, str):
            return self.text()
        if isinstance(self.value, list):
            return [item.json() for item in self.items()]
        return {masked_name(key): item.json() for key, item in self.map()} if isinstance(self.value, dict) else self.value


def spot(path: str, data: bytes) -> Spot:
    """The whole of a report. Raises ReportError for what is no JSON."""
    try:
        text = decode(data)
        jsonc.check_depth(text, MAX_DEPTH)
        value = jsonc.read_strict(text)
    except Unreadable as error:
        line, column = Lines(data.decode("utf-8-sig", "replace")).position(error.offset or 0)
        raise ReportError(f"{visible(path)}:{line}:{column}: the report cannot be used: {error.reason}", _HINT) from error
    return Spot(Document(path, data, text, value, lambda: jsonc.JsonIndex(text)), (), value)
