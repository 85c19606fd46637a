"""A JSON Schema as a bounded tree: which keyword holds schemas, which limits, which only tells; references inside the document."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from mcp_audit_gate.model import Json, Pointer

# A schema of a real tool has a few hundred values and a depth of 20; the deepest seen had 44 (steps through `properties` counted).
MAX_VALUES, MAX_DEPTH = 20_000, 100

MAPS = frozenset(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"])
LISTS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems", "items"])
SINGLES = frozenset(
    [
        "items",
        "additionalItems",
        "additionalProperties",
        "unevaluatedItems",
        "unevaluatedProperties",
        "propertyNames",
        "contains",
        "not",
        "if",
        "then",
        "else",
    ]
)
_LIMITS = frozenset(
    [
        "type",
        "enum",
        "const",
        "multipleOf",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "format",
        "maxItems",
        "minItems",
        "uniqueItems",
        "maxContains",
        "minContains",
        "maxProperties",
        "minProperties",
        "required",
        "dependentRequired",
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "nullable",
    ]
)
CONSTRAINTS = MAPS | LISTS | SINGLES | _LIMITS
_KEYED = CONSTRAINTS | {"$id", "$anchor", "$dynamicAnchor"}
# Beside one of these, what `unevaluatedProperties` and `unevaluatedItems` mean depends on more than the object they stand in.
IN_PLACE = ("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas", "dependencies")


class TooLarge(Exception):  # noqa: N818 - an outcome, told as such
    """A schema that is too large, too deep or too entangled to be compared in bounded time."""


class Node(NamedTuple):
    """A schema in a document, and where it stands there."""

    raw: Json
    pointer: Pointer
    document: Document


class Document:
    """A whole schema: references are resolved in it and nowhere else; equal schemas of it have equal keys.

    number: keys of schemas that refer to themselves, or out of the document, are equal only within documents of one number.
    table: shared by documents whose keys are compared.
    """

    __slots__ = ("_anchors", "_depth", "_keys", "_open", "foreign", "number", "root", "table")

    def __init__(self, root: Json, number: int, table: dict[Hashable, int]) -> None:
        measured(root)
        self.root, self.number, self.table = root, number, table
        self._keys: dict[int, int] = {}
        self._open: set[int] = set()
        self._depth = 0
        self._anchors: dict[str, Node] | None = None
        # A schema with an address of its own moves what `#/…` below it means: references are then compared as text.
        self.foreign = any(pointer and _moves(node.get("$id")) for pointer, node in subschemas(root))

    def key(self, raw: Json) -> int:
        """A number that is the same for schemas that differ only in order, annotations and nothing else."""
        if not isinstance(raw, dict):
            return self._number(("value", frozen(raw)))
        if id(raw) not in self._keys:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise TooLarge
            self._keys[id(raw)] = self._number(frozenset([(word, self._part(word, value)) for word, value in raw.items() if word in _KEYED]))
            self._depth -= 1
        return self._keys[id(raw)]

    def _number(self, value: Hashable) -> int:
        return self.table.setdefault(value, len(self.table))

    def _part(self, word: str, value: Json) -> Hashable:
        if word in MAPS and isinstance(value, dict):
            return frozenset((name, self.key(sub)) for name, sub in value.items())
        if word in LISTS and isinstance(value, list):
            keys = [self.key(sub) for sub in value]
            return tuple(keys if word in ("prefixItems", "items") else sorted(keys))
        if word in SINGLES:
            return self.key(value)
        if word == "$ref":
            return self._target(value)
        if word in ("$dynamicRef", "$recursiveRef"):
            return (frozen(value), self.number)
        if word in ("required", "enum", "type") and isinstance(value, list):
            return frozenset(frozen(item) for item in value)
        return frozen(value)

    def _target(self, ref: Json) -> Hashable:
        """The key of what a reference points at; the reference itself where that leads back or nowhere."""
        found = self.resolve(ref)
        if found is None or id(found.raw) in self._open:
            return (frozen(ref), self.number)
        self._open.add(id(found.raw))
        key = self.key(found.raw)
        self._open.discard(id(found.raw))
        return key

    def resolve(self, ref: Json) -> Node | None:
        """What a reference inside the document points at; None for one that leads out of it or nowhere."""
        if not isinstance(ref, str) or ref[:1] != "#" or self.foreign:
            return None
        if ref[1:2] not in ("", "/"):
            return self._anchor(ref[1:])
        raw, pointer = self.root, tuple(_steps(ref[2:])) if ref[1:] else ()
        for step in pointer:
            if isinstance(raw, dict) and step in raw:
                raw = raw[step]
            elif isinstance(raw, list) and step.isascii() and step.isdigit() and len(step) < 6 and int(step) < len(raw):
                raw = raw[int(step)]
            else:
                return None
        return Node(raw, pointer, self)

    def _anchor(self, name: str) -> Node | None:
        if self._anchors is None:
            self._anchors = {}
            for pointer, node in subschemas(self.root):
                for found in (node.get("$anchor"), node.get("$dynamicAnchor")):
                    if isinstance(found, str):
                        self._anchors.setdefault(found, Node(node, pointer, self))
        return self._anchors.get(name)


def _moves(address: Json) -> bool:
    return isinstance(address, str) and address[:1] != "#"


def _steps(text: str) -> Iterator[str]:
    if "%" in text:
        from urllib.parse import unquote

        text = unquote(text)
    for step in text.split("/"):
        yield step.replace("~1", "/").replace("~0", "~")


def measured(root: Json) -> int:
    """The number of values in a JSON value; TooLarge when there are too many, or when they are nested too deeply."""
    count, depth, level = 0, 0, [root]
    while level:
        count += len(level)
        depth += 1
        if count > MAX_VALUES or depth > MAX_DEPTH:
            raise TooLarge
        level = [item for value in level if isinstance(value, (dict, list)) for item in (value.values() if isinstance(value, dict) else value)]
    return count


def subschemas(root: Json, at: Pointer = ()) -> Iterator[tuple[Pointer, dict[str, Json]]]:
    """Every object of a schema that is itself a schema, with its pointer, in the order of the text; without recursion."""
    stack: list[tuple[Pointer, Json]] = [(at, root)]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, dict):
            yield pointer, value
            stack.extend(reversed(list(children(value, pointer))))


def children(value: dict[str, Json], at: Pointer = ()) -> Iterator[tuple[Pointer, Json]]:
    """The schemas that stand directly in a schema object."""
    for word, part in value.items():
        if word in MAPS and isinstance(part, dict):
            yield from (((*at, word, name), sub) for name, sub in part.items())
        elif word in LISTS and isinstance(part, list):
            yield from (((*at, word, index), sub) for index, sub in enumerate(part))
        elif word in SINGLES:
            yield (*at, word), part


def frozen(value: Json) -> Hashable:
    """A hashable stand-in for a JSON value, equal for values that are equal as JSON: 1 is 1.0 and is not true."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", tuple(frozen(item) for item in value))
    if isinstance(value, dict):
        return ("dict", frozenset((name, frozen(item)) for name, item in value.items()))
    return value
