"""Every text of one thing that a server declares: an Item in, each string and each key that may be read as a sentence out, with its place."""

from __future__ import annotations

from mcp_audit_gate.metadata.normal import is_unseen
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.metadata.declared import Item
    from mcp_audit_gate.model import Json, Pointer

# A string without a blank that is shorter cannot hold an order; names and enum values are that.
_ONE_WORD = 24
_KEY = 20
# Where people do not look for prose: values and remarks of a schema.
_UNREAD = frozenset(("const", "enum", "default", "examples", "example", "title", "pattern", "$comment", "format", "type", "$id", "$ref", "required"))
_MARKED = frozenset(("$ref", "$dynamicRef", "$schema", "pattern", "x-mcp-header", "connectDomains", "permissions", "icons"))
_NAMING = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))


class Text(NamedTuple):
    """A string, or (key) the name of a member, below the pin. unread: it stands where people do not look for prose."""

    at: Pointer
    text: str
    key: bool = False
    unread: bool = False


class Mark(NamedTuple):
    """A member that has a meaning of its own, wherever it stands: a reference, a pattern, a header, icons."""

    name: str
    at: Pointer
    value: Json


class Read(NamedTuple):
    """The texts of an item in their order, and its marked members."""

    texts: tuple[Text, ...]
    marks: tuple[Mark, ...] = ()


def texts(item: Item) -> Read:
    """What an item says; long names are read as words: `send_all_mail_to` as `send all mail to`."""
    if isinstance(item.value, str):
        return Read((Text(item.at, item.value),))
    found: list[Text] = []
    marks: list[Mark] = []
    pending = [_Step(item.value, item.at)]
    while pending:
        step = pending.pop()
        value = step.value
        if isinstance(value, str):
            if len(value) >= _ONE_WORD or " " in value or not (value.isascii() and value.isprintable()):
                found.append(Text(step.at, value, False, step.unread))
        elif isinstance(value, dict):
            for key, inner in reversed(value.items()):
                if (len(key) >= _KEY and _is_sentence(key)) or _holds_unseen(key):
                    found.append(Text((*step.at, key), key.replace("_", " ").replace("-", " "), True, True))
                if key in _MARKED and not step.named:
                    marks.append(Mark(key, (*step.at, key), inner))
                if isinstance(inner, (str, dict, list)):
                    pending.append(step.into(key, inner))
        elif isinstance(value, list):
            pending.extend(step.member(number, inner) for number, inner in reversed(tuple(enumerate(value))) if isinstance(inner, (str, dict, list)))
    return Read(tuple(found), tuple(marks))


class _Step(NamedTuple):
    """A value on the way down. unread: it stands where people do not look for prose. schema: in a schema. named: its keys are names."""

    value: Json
    at: Pointer
    unread: bool = False
    schema: bool = False
    named: bool = False

    def into(self, key: str, inner: Json) -> _Step:
        """The value under a key."""
        if self.named:
            return _Step(inner, (*self.at, key), False, True)
        schema = self.schema or key in ("inputSchema", "outputSchema")
        return _Step(inner, (*self.at, key), self.unread or _hides(key, self.schema), schema, self.schema and key in _NAMING)

    def member(self, number: int, inner: Json) -> _Step:
        """The value at a number of a list."""
        return _Step(inner, (*self.at, number), self.unread, self.schema)


def _is_sentence(key: str) -> bool:
    return key.count("_") + key.count("-") + key.count(" ") >= 3


def _holds_unseen(key: str) -> bool:
    """True for a name with characters that nobody sees, whatever they are for."""
    return not (key.isascii() and key.isprintable()) and any(is_unseen(ord(char)) for char in key)


def _hides(key: str, schema: bool) -> bool:
    return key[:2] in ("x-", "_m") or key[:1] == "$" or key == "annotations" or (schema and key in _UNREAD)
