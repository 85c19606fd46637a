"""What people read of a change: whose it is, where, and what is different."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_audit_gate.lock.drift import compare
from mcp_audit_gate.model import Pin
from unit.lock.drifts import S, Words, pin, tool

TOOL = 'tool "read_file"'
PATH = {**S, "description": "Where.", "maxLength": 9}


def of(properties: dict[str, Any]) -> Pin:
    return pin(tool(properties=properties))


def described(names: str) -> Pin:
    return of({name: {**S, "description": name} for name in names})


def arguments(*some: dict[str, Any]) -> Pin:
    return pin(tool(), prompts=[{"name": "p", "arguments": list(some)}])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (pin(tool()), pin(tool(description="Reads one file.")), [("description-changed", f"{TOOL} differs in description")]),
        (of({"path": PATH}), of({"path": {**PATH, "description": "Which."}}), [("description-changed", f"{TOOL} differs in description of path")]),
        (of({"path": PATH}), of({"path": {**PATH, "maxLength": 5}}), [("schema-narrowed", f"{TOOL} accepts less: path: maxLength 5 instead of 9")]),
        (of({"path": PATH}), of({"path": {**PATH, "maxLength": 50}}), [("schema-widened", f"{TOOL} accepts more: path: maxLength 50 instead of 9")]),
        (
            of(dict.fromkeys("ab", S)),
            of(dict.fromkeys("abcdef", S)),
            [
                (
                    "schema-widened",
                    f"{TOOL} accepts more: c: is a new parameter (string); d: is a new parameter (string); e: is a new parameter (string); and 1 more",
                )
            ],
        ),
        (
            of(dict.fromkeys("abcde", S)),
            described("abcde"),
            [("description-changed", f"{TOOL} differs in description of a, description of b, description of c, and 2 more")],
        ),
        (
            of(dict.fromkeys("abc", S)),
            described("abc"),
            [("description-changed", f"{TOOL} differs in description of a, description of b, description of c")],
        ),
        (
            of({"a": S, "path": S}),
            pin(tool(inputSchema={"type": "object", "properties": {"a": S, "b": {}}})),
            [("schema-widened", f"{TOOL} accepts other input: b: is a new parameter (anything); path: is no longer a parameter")],
        ),
        (
            pin(tool(annotations={"readOnlyHint": True})),
            pin(tool()),
            [("annotation-flipped", f"{TOOL} now says readOnlyHint false instead of true")],
        ),
        (
            pin(tool()),
            pin(tool(annotations={"openWorldHint": "no\x1b"})),
            [("annotation-flipped", f"{TOOL} now says openWorldHint no\\x1b instead of true")],
        ),
        (
            pin(tool()),
            pin(tool(outputSchema={"type": "object"})),
            [("output-schema-changed", f"{TOOL} returns another shape: the whole: accepts only object")],
        ),
        (
            pin(tool(_meta={"a": [1, {"b": True}]})),
            pin(tool(_meta={"a": [1, {"b": 1}]})),
            [("description-changed", f"{TOOL} differs in _meta.a.1.b")],
        ),
        (
            arguments({"name": "x"}),
            arguments({"name": "x", "description": "d"}, {"name": "y", "required": True}),
            [("prompt-changed", 'prompt "p" differs in arguments.x.description, arguments.y.name, arguments.y.required')],
        ),
        (
            pin(tool(), resources=[{"name": "r", "uri": "x://r"}]),
            pin(tool(), resources=[{"name": "r", "uri": "x://r", "description": "n"}]),
            [("resource-changed", 'resource "x://r" differs in description')],
        ),
        (
            pin(tool(), instructions="Reads."),
            pin(tool(), instructions="ORDER now."),
            [("instruction-introduced", "the instructions newly bring an order to the model")],
        ),
        (
            pin(tool()),
            pin(tool(description="ORDER")),
            [("instruction-introduced", f"{TOOL}: its description newly brings an order to the model")],
        ),
        (
            of({"path": S}),
            of({"path": S, "ORDER": S}),
            [
                ("instruction-introduced", f"{TOOL}: the name ORDER newly brings an order to the model"),
                ("schema-widened", f"{TOOL} accepts more: ORDER: is a new parameter (string)"),
            ],
        ),
    ],
)
def test_a_change_in_words(old: Pin, new: Pin, told: list[tuple[str, str]]) -> None:
    changes = compare(old, new, Words())
    assert [(change.kind, change.message) for change in changes] == told
    kinds = {"tool": "tool:read_file", "prompt": "prompt:p", "resource": "resource:x://r", "the": "instructions"}
    assert {change.subject for change in changes} == {kinds[message.partition(" ")[0]] for _, message in told}


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ({"readOnlyHint": True}, {}, (("tools", 0, "definition", "annotations", "readOnlyHint"), None)),
        ({}, {"readOnlyHint": True}, (None, ("tools", 0, "definition", "annotations", "readOnlyHint"))),
    ],
)
def test_a_hint_has_a_place_on_the_side_that_has_it(old: dict[str, Any], new: dict[str, Any], places: tuple[object, object]) -> None:
    (change,) = compare(pin(tool(annotations=old)), pin(tool(annotations=new)), Words())
    assert (change.old, change.new) == places
