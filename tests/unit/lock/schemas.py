"""Strategies for the tests of schemas: random small schemas, edited ones, the same in another spelling, and values to try on them."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c")
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
SCALARS = (None, True, False, -1, 0, 1, 1.5, 2, 3, 6, "", "a", "ab", "abc", "xy")
SMALL = st.integers(0, 3)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
            "propertyNames": inner,
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "unevaluatedProperties": inner,
            "dependentRequired": st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), unique=True, max_size=2), max_size=1),
            "dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
        },
    )


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "contains": inner,
            "minContains": SMALL,
            "unevaluatedItems": inner,
        },
    )


STRINGS = st.fixed_dictionaries({}, optional={"minLength": SMALL, "maxLength": SMALL, "pattern": st.sampled_from(["^a", "b$"])})
NUMBER = st.sampled_from([-1, 0, 1, 1.5, 2, 3])
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "minimum": NUMBER,
        "exclusiveMinimum": NUMBER,
        "maximum": NUMBER,
        "exclusiveMaximum": NUMBER,
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
    },
)
VALUES = st.sampled_from(SCALARS)
LISTED = st.one_of(st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=4)}), st.fixed_dictionaries({"const": VALUES}))
TYPES = st.fixed_dictionaries({"type": st.one_of(st.sampled_from(KINDS), st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True))})


def _applied(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        *(st.fixed_dictionaries({word: several}) for word in ("allOf", "anyOf", "oneOf")),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
        st.just({"$ref": "#/$defs/d"}),
    )


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {word: value for part in parts for word, value in part.items()}


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    part = st.one_of(_objects(inner), _objects(inner), _arrays(inner), TYPES, TYPES, _applied(inner), STRINGS, NUMBERS, LISTED)
    return st.lists(part, min_size=1, max_size=3).map(_merged)


LEAVES = st.one_of(st.just(True), st.just(False), st.just({}), TYPES, STRINGS, NUMBERS, LISTED, st.tuples(TYPES, STRINGS, NUMBERS).map(_merged))
INNER = st.recursive(LEAVES, _larger, max_leaves=6)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A schema; `$ref`s in it point at its `$defs`, which may refer to itself."""
    root = dict(draw(_larger(INNER)))
    return {**root, "$defs": {"d": draw(st.one_of(INNER, LEAVES))}}


def places(schema: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The pointers of every object and list of a JSON value."""
    items = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    return [at, *(place for name, value in items if isinstance(value, (dict, list)) for place in places(value, (*at, name)))]


def replaced(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The JSON value with the part at a pointer replaced."""
    if not at:
        return new
    if isinstance(value, dict):
        return {**value, at[0]: replaced(value[at[0]], at[1:], new)}
    return [replaced(item, at[1:], new) if index == at[0] else item for index, item in enumerate(value)]


def part(value: Any, at: tuple[Any, ...]) -> Any:
    for step in at:
        value = value[step]
    return value


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema and the same with one to three edits, in either order."""
    old = new = draw(schemas())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from([place for place in places(new) if place[-1:] != ("$defs",)]))
        there = part(new, at)
        if isinstance(there, dict) and there and draw(st.booleans()):
            gone = draw(st.sampled_from(sorted(there)))
            edited = {word: value for word, value in there.items() if word != gone or gone == "$defs"}
        elif isinstance(there, dict) and not (at and at[-1] in ("properties", "patternProperties", "dependentRequired", "dependentSchemas")):
            edited = {**there, **{word: value for word, value in draw(_larger(LEAVES)).items() if word != "$defs"}}
        elif isinstance(there, list) and len(there) > 1:
            edited = there[1:] if draw(st.booleans()) else there[:-1]
        else:
            edited = there
        new = replaced(new, at, edited)
    return (old, new) if draw(st.booleans()) else (new, old)


def _pool() -> tuple[Any, ...]:
    lists = [[], *([one] for one in SCALARS), *([one, other] for one in (1, "a", None) for other in (1, "ab", 2, True)), [1, 2, 3], [[1]], [{"a": 1}]]
    fields = [{}, *({name: value} for name in NAMES for value in (*SCALARS, [], {}, {"a": 1}, {"b": "a"}, {"a": {"a": 1}}))]
    two = [
        {one: first, other: second} for one, other in itertools.combinations(NAMES, 2) for first in (1, "ab", None, {}) for second in (0, "a", 1.5)
    ]
    return (*SCALARS, *lists, *fields, *two, {"a": 1, "b": 2, "c": 3}, {"a": {"a": 1, "b": 2}, "z": 1})


POOL = _pool()
