"""Schemas compared by meaning: spellings that are the same, directions and words, hostile schemas. test_schema_oracle.py proves verdicts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcp_audit_gate.lock.schemas import NARROWED, OTHER, SAME, TOO_LARGE, WIDENED, compare
from unit.lock.schemas import part, places, replaced, schemas

S, N, I = {"type": "string"}, {"type": "number"}, {"type": "integer"}  # noqa: E741
NULL = {"type": "null"}


def obj(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


def arg(schema: Any, **more: Any) -> dict[str, Any]:
    return obj({"x": schema}, **more)


EQUIVALENT = {
    "anyOf of types": ({"anyOf": [S, NULL]}, {"type": ["string", "null"]}),
    "oneOf of types": ({"oneOf": [S, NULL]}, {"type": ["null", "string"]}),
    "anyOf of one": ({"anyOf": [S]}, S),
    "allOf of one": ({"allOf": [S]}, S),
    "allOf of a reference": ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": S}}, S),
    "allOf split": ({"allOf": [{"type": "string"}, {"minLength": 2}]}, {"type": "string", "minLength": 2}),
    "allOf of objects with one member": ({"allOf": [arg(S), arg({"maxLength": 2})]}, arg({**S, "maxLength": 2})),
    "order of anyOf": ({"anyOf": [S, N]}, {"anyOf": [N, S]}),
    "order of anyOf of objects": ({"anyOf": [arg(S), arg(N)]}, {"anyOf": [arg(N), arg(S)]}),
    "order of required": (obj({"a": S, "b": S}, required=["a", "b"]), obj({"b": S, "a": S}, required=["b", "a"])),
    "order of enum": ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    "enum with type": ({"type": "string", "enum": ["a", "b"]}, {"enum": ["a", "b"]}),
    "enum of constants": ({"anyOf": [{"const": "a"}, {"const": "b", "title": "B"}]}, {"enum": ["a", "b"]}),
    "enum of which the type takes a part": ({"type": "integer", "enum": [1, 1.5, "a"]}, {"enum": [1]}),
    "const": ({"const": "a"}, {"enum": ["a"]}),
    "both booleans": ({"enum": [True, False]}, {"type": "boolean"}),
    "default of additionalProperties": (obj({"a": S}), obj({"a": S}, additionalProperties=True)),
    "empty additionalProperties": (obj({"a": S}), obj({"a": S}, additionalProperties={})),
    "no properties": ({"type": "object"}, obj({})),
    "no required": (obj({}), obj({}, required=[])),
    "minLength 0": (S, {**S, "minLength": 0}),
    "minItems 0": ({"type": "array"}, {"type": "array", "minItems": 0, "uniqueItems": False, "items": {}}),
    "minProperties 0": ({"type": "object"}, {"type": "object", "minProperties": 0, "patternProperties": {}}),
    "definitions": ({"$ref": "#/definitions/a", "definitions": {"a": S}}, {"$ref": "#/$defs/a", "$defs": {"a": S}}),
    "inlined reference": (arg({"$ref": "#/$defs/a"}, **{"$defs": {"a": obj({"y": N})}}), arg(obj({"y": N}))),
    "reference by anchor": ({"$ref": "#a", "$defs": {"z": {"$anchor": "a", **S}}}, S),
    "reference into a list": ({"$ref": "#/$defs/a/anyOf/1", "$defs": {"a": {"anyOf": [N, S]}}}, S),
    "reference with escapes": ({"$ref": "#/$defs/a%20b~1c~0", "$defs": {"a b/c~": S}}, S),
    "unused definition": (arg(S), arg(S, **{"$defs": {"a": N}})),
    "draft-4 exclusiveMinimum": ({**N, "minimum": 0, "exclusiveMinimum": True}, {**N, "exclusiveMinimum": 0}),
    "draft-4 inclusive": ({**N, "maximum": 9, "exclusiveMaximum": False}, {**N, "maximum": 9}),
    "integer": (I, {**N, "multipleOf": 1}),
    "integer beside number": ({"type": ["integer", "number"]}, N),
    "limits of integers": ({**I, "exclusiveMinimum": 0}, {**I, "minimum": 1}),
    "1 and 1.0": ({**N, "minimum": 1}, {**N, "minimum": 1.0}),
    "all types": ({"type": ["null", "boolean", "number", "string", "array", "object"]}, {}),
    "true": ({"properties": {"a": True}}, {"properties": {"a": {}}}),
    "false": (arg(False), arg({"enum": []})),
    "nullable": ({**S, "nullable": True}, {"type": ["string", "null"]}),
    "keyword of another type": ({**S, "minimum": 3}, S),
    "annotations": ({**S, "title": "T", "description": "D", "default": 1, "examples": [1], "$comment": "c", "x-a": 1, "deprecated": True}, S),
    "one array form": ({"type": "array", "items": [S, N]}, {"type": "array", "prefixItems": [S, N]}),
    "dependencies": ({"dependencies": {"a": ["b"]}}, {"dependentRequired": {"a": ["b"]}}),
    "unevaluatedProperties alone": (obj({"a": S}, unevaluatedProperties=False), obj({"a": S}, additionalProperties=False)),
    "tagged alternatives": (
        {"oneOf": [arg({"const": "a"}, required=["x"]), arg({"const": "b"}, required=["x"])]},
        {"anyOf": [arg({"const": "b"}, required=["x"]), arg({"const": "a"}, required=["x"])]},
    ),
    "alternatives tagged by an enum": (
        {"oneOf": [arg({"enum": ["a", "b"]}, required=["x"]), arg({"const": "c"}, required=["x"])]},
        {"anyOf": [arg({"const": "c"}, required=["x"]), arg({"enum": ["b", "a"]}, required=["x"])]},
    ),
    "recursive": (
        {"$ref": "#/$defs/n", "$defs": {"n": obj({"n": {"$ref": "#/$defs/n"}})}},
        {"$ref": "#/definitions/m", "definitions": {"m": obj({"n": {"$ref": "#/definitions/m"}})}},
    ),
}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_another_spelling_is_the_same(name: str) -> None:
    one, other = EQUIVALENT[name]
    for parameters in (True, False):
        for old, new in ((one, other), (other, one), (arg(one), arg(other)) if "$" not in json.dumps([one, other]) else (one, other)):
            assert compare(old, new, parameters) == (SAME, ()), name


# (older, newer, what a reader is told); the other way round it is narrowed.
WIDER = {
    "optional": (arg(S, required=["x"]), arg(S), "x: became optional"),
    "enum": (arg({"enum": ["r"]}), arg({"enum": ["r", "w"]}), 'x: enum gained "w"'),
    "enum by two": (arg({"enum": ["r"]}), arg({"enum": ["r", "w", "x"]}), "x: enum gained 2 values"),
    "enum dropped": (arg({"type": "string", "enum": ["r"]}), arg(S), "x: any string is accepted, not only listed values"),
    "maxLength raised": (arg({**S, "maxLength": 5}), arg({**S, "maxLength": 9}), "x: maxLength 9 instead of 5"),
    "maxLength dropped": (arg({**S, "maxLength": 5}), arg(S), "x: maxLength 5 dropped"),
    "minLength dropped": (arg({**S, "minLength": 5}), arg(S), "x: minLength 5 dropped"),
    "maximum dropped": (arg({**N, "maximum": 5}), arg(N), "x: maximum 5 dropped"),
    "minimum included": (arg({**N, "exclusiveMinimum": 5}), arg({**N, "minimum": 5}), "x: minimum 5 instead of 5 (excluded)"),
    "minItems lowered": (arg({"type": "array", "minItems": 2}), arg({"type": "array", "minItems": 1}), "x: minItems 1 instead of 2"),
    "uniqueItems dropped": (arg({"type": "array", "uniqueItems": True}), arg({"type": "array"}), "x: uniqueItems dropped"),
    "pattern dropped": (arg({**S, "pattern": "^a"}), arg(S), "x: pattern dropped"),
    "format dropped": (arg({**S, "format": "uri"}), arg(S), "x: format dropped"),
    "integer to number": (arg(I), arg(N), "x: accepts any number, not only integers"),
    "multipleOf": (arg({**N, "multipleOf": 4}), arg({**N, "multipleOf": 2}), "x: multipleOf changed"),
    "type added": (arg(S), arg({"type": ["string", "null"]}), "x: accepts null too"),
    "type dropped": (arg(S), arg({}), "x: accepts anything"),
    "opened": (arg(S, additionalProperties=False), arg(S), "the whole: accepts any additional property"),
    "opened deeper": (arg(obj({}, additionalProperties=False)), arg(obj({})), "x: accepts any additional property"),
    "opened beside a pattern": (
        obj({}, patternProperties={"^a": S}, additionalProperties=False),
        obj({}, patternProperties={"^a": S}),
        "the whole: accepts any additional property",
    ),
    "a pattern's members in a closed object": (
        obj({"x": S}, patternProperties={"^a": I}, additionalProperties=False),
        obj({"x": S}, patternProperties={"^a": N}, additionalProperties=False),
        "/^a/: accepts any number, not only integers",
    ),
    "additional loosened": (arg(S, additionalProperties=I), arg(S, additionalProperties=N), "*: accepts any number, not only integers"),
    "new parameter": (arg(S), obj({"x": S, "note": S}), "note: is a new parameter (string)"),
    "new parameter of a closed object": (
        arg(S, additionalProperties=False),
        obj({"x": S, "n": I}, additionalProperties=False),
        "n: accepts integer too",
    ),
    "new parameter deeper": (arg(obj({})), arg(obj({"y": True})), "x.y: is a new parameter (anything)"),
    "items": (arg({"type": "array", "items": I}), arg({"type": "array", "items": N}), "x[]: accepts any number, not only integers"),
    "alternative": (arg({"anyOf": [S, N]}), arg({"anyOf": [S, N, {"type": "boolean"}]}), "x: accepts boolean too"),
    "alternative of objects": (
        arg({"anyOf": [arg(S, required=["x"]), obj({"y": S}, required=["y"])]}),
        arg({"anyOf": [arg(S, required=["x"]), obj({"y": S}, required=["y"]), obj({"z": S}, required=["z"])]}),
        "x: other alternatives for object values (2 before, 3 now)",
    ),
    "inside an alternative": (
        arg({"anyOf": [arg({"const": "a"}, required=["x"]), obj({"x": {"const": "b"}, "y": I}, required=["x", "y"])]}),
        arg({"anyOf": [arg({"const": "a"}, required=["x"]), obj({"x": {"const": "b"}, "y": N}, required=["x", "y"])]}),
        "x.y: accepts any number, not only integers",
    ),
    "more alternatives than are told apart": (
        arg({"oneOf": [{"const": number} for number in range(31)]}),
        arg({"anyOf": [{"const": number} for number in range(31)]}),
        "x: oneOf dropped",
    ),
    "not dropped": (arg({**S, "not": {"const": "a"}}), arg(S), "x: not dropped"),
    "in a definition": (
        arg({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"enum": ["r"]}}}),
        arg({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"enum": ["r", "w"]}}}),
        'x: enum gained "w"',
    ),
    "a hidden character in a name": (arg(S), obj({"x": S, "a\u202eb": S}), "a\\u202eb: is a new parameter (string)"),
}


@pytest.mark.parametrize("name", WIDER)
def test_what_accepts_more_is_widened_and_back_again_narrowed(name: str) -> None:
    old, new, words = WIDER[name]
    found = compare(old, new)
    assert (found.direction, [difference.words for difference in found.differences]) == (WIDENED, [words])
    assert compare(new, old).direction == NARROWED


OTHERS = {
    "another type": (arg(S), arg({"type": "boolean"}), ["x: accepts boolean instead of string"]),
    "more and less": (arg({"enum": ["r"]}), arg({"enum": ["w"]}), ['x: enum gained "w"', 'x: enum lost "r"']),
    "another pattern": (arg({**S, "pattern": "a"}), arg({**S, "pattern": "b"}), ["x: pattern changed"]),
    "inside not": (arg({**S, "not": {"const": "a"}}), arg({**S, "not": {"const": "b"}}), ["x: not changed"]),
    "new and required": (obj({}), arg(S, required=["x"]), ["x: became required", "x: is a new parameter (string)"]),
    "renamed": (arg(S), obj({"y": S}), ["x: is no longer a parameter", "y: is a new parameter (string)"]),
    "not a schema": (arg(S), arg("string"), None),
    "left to a pattern": (
        obj({"a": S}, additionalProperties=S),
        obj({}, additionalProperties=S, patternProperties={"^a": N}),
        ["a: left to patternProperties on one side", "the whole: patternProperties changed"],
    ),
    "multipleOf that is none": (arg({**N, "multipleOf": 2}), arg({**N, "multipleOf": "2"}), None),
    "dependencies that are none": (obj({}, dependentRequired={"a": ["b"]}), obj({}, dependentRequired=["a"]), None),
    "limit that is none": (arg({**S, "maxLength": 3}), arg({**S, "maxLength": "3"}), None),
    "remote reference": (arg({"$ref": "https://a.example/x"}), arg({"$ref": "https://a.example/y"}), ["x: $ref changed"]),
    "reference into nothing": (arg({"$ref": "#/$defs/a"}), arg({"$ref": "#/$defs/b"}), ["x: $ref changed"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_accepts_neither_more_nor_less_is_other(name: str) -> None:
    old, new, words = OTHERS[name]
    for forth, back in ((old, new), (new, old)):
        assert compare(forth, back).direction == OTHER
    if words is not None:
        assert [difference.words for difference in compare(old, new).differences] == words


def test_differences_say_where_they_stand() -> None:
    old = arg({"$ref": "#/$defs/a"}, **{"$defs": {"a": obj({"y": {"enum": ["r"]}}, required=["y"])}})
    new = arg(obj({"y": {"enum": ["r", "w"]}, "z": S}))
    places = {difference.words: (difference.old, difference.new) for difference in compare(old, new).differences}
    assert places == {
        "x.y: became optional": (("$defs", "a", "properties", "y"), ("properties", "x", "properties", "y")),
        'x.y: enum gained "w"': (("$defs", "a", "properties", "y"), ("properties", "x", "properties", "y")),
        "x.z: is a new parameter (string)": (None, ("properties", "x", "properties", "z")),
    }
    for difference in compare(old, new).differences:
        for root, at in ((old, difference.old), (new, difference.new)):
            part(root, at or ())


def test_one_more_of_many_alternatives_is_told() -> None:
    many = [obj({f"p{i}": S, "q": S}, required=[f"p{i}"]) for i in range(60)]
    old, new = arg({"anyOf": many}), arg({"anyOf": [*many, obj({"new": S}, required=["new"])]})
    assert [difference.words for difference in compare(old, new).differences] == ["x: other alternatives for object values (60 before, 61 now)"]
    assert (compare(old, new).direction, compare(new, old).direction) == (WIDENED, NARROWED)


def test_without_parameters_a_name_that_is_not_declared_is_any_other_member() -> None:
    assert compare(obj({}), arg(S)).direction == WIDENED
    assert compare(obj({}), arg(S), parameters=False).direction == NARROWED


def nested(depth: int, leaf: Any, wrap: str = "properties") -> Any:
    for _ in range(depth):
        leaf = (
            {"type": "object", "properties": {"n": leaf}}
            if wrap == "properties"
            else {wrap: [leaf, {"type": "string"}]}
            if wrap.endswith("Of")
            else {wrap: leaf}
        )
    return leaf


def doubling(word: str, leaf: Any) -> dict[str, Any]:
    defs = {f"d{i}": {word: [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]} for i in range(40)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, "d40": leaf}}


def entangled(leaf: Any) -> dict[str, Any]:
    """Every definition holds alternatives that hold every other definition."""
    defs = {
        f"d{i}": {"anyOf": [obj({f"p{j}": {"$ref": f"#/$defs/d{(i + j) % 12}"}, "k": leaf if i == j else I}, required=[f"p{j}"]) for j in range(12)]}
        for i in range(12)
    }
    return {"$ref": "#/$defs/d0", "$defs": defs}


HOSTILE = {
    "deep": lambda leaf: nested(5000, leaf),
    "deep not": lambda leaf: nested(5000, leaf, "not"),
    "just within depth": lambda leaf: nested(58, leaf),
    "deep anyOf": lambda leaf: nested(50, leaf, "anyOf"),
    "deep allOf": lambda leaf: nested(28, leaf, "allOf"),
    "wide": lambda leaf: obj({f"p{i}": leaf for i in range(30_000)}),
    "rather wide": lambda leaf: obj({f"p{i}": leaf for i in range(1000)}),
    "long enum": lambda leaf: arg({"enum": [leaf, *range(15_000)]}),
    "to itself": lambda leaf: {"$ref": "#", **leaf},
    "each other": lambda leaf: {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a", **leaf}}},
    "allOf of itself": lambda leaf: {"allOf": [{"$ref": "#"}, {"$ref": "#"}, leaf]},
    "dynamic": lambda leaf: {"$dynamicRef": "#a", "$dynamicAnchor": "a", "properties": {"x": leaf}},
    "chain": lambda leaf: {"$ref": "#/$defs/d0", "$defs": {**{f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(200)}, "d200": leaf}},
    "flat anyOf": lambda leaf: arg({"anyOf": [leaf] * 1200}),
    "anyOf doubling": lambda leaf: doubling("anyOf", leaf),
    "allOf doubling": lambda leaf: doubling("allOf", leaf),
    "products": lambda leaf: {"allOf": [{"anyOf": [{**leaf, "pattern": f"{i}-{j}"} for j in range(30)]} for i in range(30)]},
    "entangled": entangled,
    "many branches": lambda leaf: arg({"anyOf": [obj({f"p{i}": leaf, "q": S}, required=[f"p{i}"]) for i in range(60)]}),
    "pattern": lambda leaf: arg({**leaf, "pattern": "^(a+)+$" * 2000}),
    "huge numbers": lambda leaf: arg({**leaf, "minItems": 10**400, "maxItems": 1e400, "multipleOf": 1e-320, "maximum": -(10**400)}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_compared_or_said_to_be_too_large_in_time(name: str) -> None:
    make = HOSTILE[name]
    old, new = make({"type": "string", "maxLength": 5}), make({"type": "string", "maxLength": 7})
    started = time.process_time()
    found = compare(old, new)
    assert time.process_time() - started < 1.0
    assert found.direction != SAME
    assert found.direction != OTHER or found.differences


@pytest.mark.parametrize("name", ["deep", "wide", "chain", "flat anyOf", "anyOf doubling", "products"])
def test_what_is_too_large_is_said_to_be_so(name: str) -> None:
    assert [difference.words for difference in compare(HOSTILE[name](S), HOSTILE[name](N)).differences] == [TOO_LARGE]


def test_a_recursive_schema_is_compared_where_it_differs() -> None:
    old, new = ({"$ref": "#/$defs/n", "$defs": {"n": obj({"next": {"$ref": "#/$defs/n"}, "v": leaf})}} for leaf in (I, N))
    assert [difference.words for difference in compare(old, new).differences] == ["v: accepts any number, not only integers"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "anyOf", "required", "$ref", "enum", "not", "minimum", "maxLength", "a"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(JSON, JSON)
def test_anything_at_all_can_be_compared(old: Any, new: Any) -> None:
    assert compare(old, old).direction == SAME
    assert compare(old, new).direction in (SAME, WIDENED, NARROWED, OTHER)


REWRITES = {
    "allOf": lambda schema: {"allOf": [schema]},
    "anyOf": lambda schema: {"anyOf": [schema]},
    "oneOf": lambda schema: {"oneOf": [schema]},
    "title": lambda schema: {**schema, "title": "T", "description": "D"},
    "order": lambda schema: dict(reversed(schema.items())),
    "defaults": lambda schema: {"minLength": 0, "uniqueItems": False, "required": [], "minItems": 0, **schema},
    "twice": lambda schema: {"anyOf": [schema, schema]},
    "both": lambda schema: {"allOf": [schema, schema]},
    "apart": lambda schema: (
        {"allOf": [{word: value} for word, value in schema.items()] or [True]}
        if not (
            {
                "items",
                "prefixItems",
                "additionalProperties",
                "unevaluatedItems",
                "unevaluatedProperties",
                "contains",
                "minContains",
                "properties",
                "patternProperties",
                "if",
                "then",
                "else",
            }
            & schema.keys()
        )
        else schema
    ),
}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(schemas(), st.data(), st.sampled_from(sorted(REWRITES)))
def test_a_schema_rewritten_anywhere_is_the_same(schema: Any, data: st.DataObject, rewrite: str) -> None:
    # These depend on what stands beside them, or, for patterns, on running them.
    assume("unevaluated" not in json.dumps(schema) and "patternProperties" not in json.dumps(schema))
    # What refers to itself with nothing in between says nothing that could be compared.
    assume("$ref" not in json.dumps(schema["$defs"]))
    tree = {"type": "object", "properties": {"t": {word: value for word, value in schema.items() if word != "$defs"}}, "$defs": schema["$defs"]}
    spots = [
        at for at in places(tree["properties"]["t"]) if isinstance(part(tree["properties"]["t"], at), dict) and not OPAQUE & set(at) and is_schema(at)
    ]
    at = ("properties", "t", *data.draw(st.sampled_from(spots)))
    assert compare(tree, replaced(tree, at, REWRITES[rewrite](part(tree, at)))).direction == SAME


# Schemas below these are compared as they are spelled.
OPAQUE = {"not", "if", "then", "else", "contains", "propertyNames", "dependentSchemas", "oneOf"}


def is_schema(at: tuple[Any, ...]) -> bool:
    """False for the maps of names that stand between schemas."""
    inside = False
    for step in at:
        inside = not inside and step in ("properties", "dependentRequired", "enum", "required")
    return not inside
