"""Drift: what is the same is no drift, what differs one way differs the other way, and what schemas accept is what the classes say."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema

from fuzz.draw import Draw
from fuzz.target import Target, agree, wrong
from fuzz.targets.locks import drawn_pin
from mcp_audit_gate.lock import schemas
from mcp_audit_gate.lock.drift import compare, paired_changes
from mcp_audit_gate.lock.judge import Known
from mcp_audit_gate.lock.lockfile import LISTS, observed
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Change, Pin, Surface

CLASSES = set(
    "server-added server-removed launch-changed repo-script-changed version-changed tool-added tool-removed description-changed "  # noqa: SIM905
    "instruction-introduced schema-widened schema-narrowed output-schema-changed annotation-flipped capability-gained instructions-changed "
    "prompt-changed resource-changed protocol-changed server-identity-changed".split()
)
FIELDS = tuple(field for _, field, _ in LISTS)
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
WORDS = (
    "type", "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "pattern", "items",
    "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "properties", "required", "additionalProperties", "patternProperties",
    "propertyNames", "minProperties", "allOf", "anyOf", "oneOf", "not", "if", "description",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    -1,
    0,
    1,
    1.5,
    2,
    3,
    6,
    "",
    "a",
    "ab",
    "abc",
    [],
    [1],
    ["a", 1],
    [1, 1],
    {},
    {"a": 1},
    {"a": "x", "b": 2},
    {"b": None},
)


def changes(old: Pin, new: Pin) -> tuple[Change, ...]:
    """The changes between two pins, each of a known class, with a place on a side that has it."""
    found = compare(old, new, Known((old, new)))
    for change in found:
        if (
            change.kind not in CLASSES
            or change.server != new.name
            or (change.old is None and change.new is None)
            or visible(change.message) != change.message
        ):
            wrong("a change", change)
    return found


def turned(value: Any) -> Any:
    """The value with the members of each object in the opposite order, and blanks of texts as others."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def check_drift(data: bytes) -> None:
    """Nothing between a pin and itself in any order; a change one way is one the other way; a new text, tool or launch is a change."""
    draw = Draw(data)
    one = drawn_pin(draw)
    again: dict[str, Any] = {field: tuple(map(turned, reversed(getattr(one.surface, field)))) for field in FIELDS}
    same = observed(one.name, turned(one.launch), one.surface._replace(server_info=turned(one.surface.server_info), **again), one.resolved)
    agree("drift of what is the same", changes(one, same), ())
    other, differs = edited(draw, one)
    there, back = changes(one, other), changes(other, one)
    if bool(there) != bool(back):
        wrong("drift one way only", there, back, one, other)
    if differs and not there:
        wrong("a change that is not told", differs, one.surface, other.surface)
    more = [pin for pin in draw.many(lambda: drawn_pin(draw), 1) if (pin.name, pin.launch_digest) != (other.name, other.launch_digest)]
    locks = [one], [other, *more]
    agree("drift between a lockfile and itself", paired_changes(locks[1], list(reversed(locks[1])), Known(locks[1])), ())
    known = Known((*locks[0], *locks[1]))
    came, went = (came_and_went([drift.change for drift in paired_changes(*pair, known)]) for pair in (locks, locks[::-1]))
    agree("servers that came and went", went, came[::-1])


def came_and_went(found: list[Change]) -> tuple[int, int]:
    """How many servers are new, and how many are gone."""
    added = sum(change.kind == "server-added" for change in found)
    return added, sum(change.kind == "server-removed" and change.new is None for change in found)


def edited(draw: Draw, pin: Pin) -> tuple[Pin, str]:
    """The pin with one thing changed, and what that was when a reader must be told of it."""
    kind, text = draw.number(6), draw.utf8()
    surface: Surface = copy.deepcopy(pin.surface)
    words = text.split() or ["word"]
    field = FIELDS[draw.number(len(FIELDS))]
    items = list(getattr(surface, field))
    told = ""
    if kind == 0:
        told = "instructions" if words != (surface.instructions or "").split() and text.isascii() and text.strip() else ""
        surface = surface._replace(instructions=text)
    elif kind == 1 and items:
        at = draw.number(len(items))
        told = "description" if text.isascii() and words != str(items[at]["description"]).split() and text.strip() else ""
        items[at] = {**items[at], "description": text}
    elif kind == 2 and items:
        items.pop()
        told = "something gone" if len(set(map(repr, items))) == len(items) and repr(getattr(surface, field)[-1]) not in map(repr, items) else ""
    elif kind == 3:
        items.append({"name": text, "uri": text, "uriTemplate": text, "description": "new"})
    elif kind == 4:
        return observed(pin.name, {**pin.launch, "command": text}, pin.surface, pin.resolved), ""
    elif kind == 5 and items:
        items[0] = {**items[0], **draw.object(draw.utf8, 2)}
    lists: dict[str, Any] = {field: tuple(items)} if kind else {}
    return observed(pin.name, dict(pin.launch), surface._replace(**lists), pin.resolved), told


def drawn_schema(draw: Draw, deepest: int = 3) -> Any:
    """A small JSON Schema of the keywords that limit something."""
    if not deepest or draw.number(6) == 0:
        return draw.choice((True, False, {}, {"type": draw.choice(KINDS)}))
    made: dict[str, Any] = {}
    for _ in range(1 + draw.number(3)):
        made.update(_keyword(draw, deepest - 1))
    return made


def _keyword(draw: Draw, deepest: int) -> dict[str, Any]:
    word = draw.choice(WORDS)
    if word == "type":
        return {word: draw.choice(KINDS) if draw.flag() else sorted({draw.choice(KINDS) for _ in range(2)})}
    if word in ("enum", "const"):
        return {word: [draw.choice(VALUES) for _ in range(1 + draw.number(3))] if word == "enum" else draw.choice(VALUES)}
    if word in ("minimum", "maximum", "exclusiveMinimum"):
        return {word: draw.choice((-1, 0, 1, 1.5, 2))}
    if word in ("minLength", "maxLength", "minItems", "maxItems", "minProperties"):
        return {word: draw.number(4)}
    if word in ("items", "contains", "additionalProperties", "propertyNames", "not"):
        return {word: drawn_schema(draw, deepest)}
    if word in ("allOf", "anyOf", "oneOf", "prefixItems"):
        return {word: [drawn_schema(draw, deepest) for _ in range(1 + draw.number(2))]}
    if word in ("properties", "patternProperties"):
        names = ("a", "b") if word == "properties" else ("^a", "b$")
        return {word: {name: drawn_schema(draw, deepest) for name in names[: 1 + draw.number(2)]}}
    if word == "if":
        return {
            "if": drawn_schema(draw, deepest),
            "then": drawn_schema(draw, deepest),
            **({"else": drawn_schema(draw, deepest)} if draw.flag() else {}),
        }
    more = {"multipleOf": draw.choice((1, 2, 0.5)), "pattern": draw.choice(("^a", "b")), "required": ["a"], "uniqueItems": True}
    return {word: more.get(word, "Words.")}


def check_schemas(data: bytes) -> None:
    """The verdict on two schemas holds for every value that a validator accepts by one of them, and is the mirror image the other way."""
    draw = Draw(data)
    old = drawn_schema(draw)
    new = drawn_schema(draw) if draw.flag() or not isinstance(old, dict) else {**old, **_keyword(draw, 2)}
    found = schemas.compare(old, new, parameters=False).direction
    agree("a schema and itself", schemas.compare(old, turned(old), parameters=False).direction, schemas.SAME)
    mirror = {schemas.WIDENED: schemas.NARROWED, schemas.NARROWED: schemas.WIDENED}
    agree("the other way", schemas.compare(new, old, parameters=False).direction, mirror.get(found, found))
    if found == schemas.OTHER:
        return
    before, after = (jsonschema.Draft202012Validator(schema) for schema in (old, new))
    for value in VALUES:
        one, two = before.is_valid(value), after.is_valid(value)
        if (one and not two and found != schemas.NARROWED) or (two and not one and found != schemas.WIDENED):
            wrong("a verdict that a value refutes", found, value, old, new)


TARGETS = {"drift": Target(check_drift, None, (), 600), "schemas": Target(check_schemas, None, (), 160)}
