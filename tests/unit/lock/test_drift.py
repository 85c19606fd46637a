"""Two pins of a server: which class each change has, where it stands, and what is no change."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_audit_gate.lock.drift import compare, paired_changes
from mcp_audit_gate.lock.items import HINTS
from mcp_audit_gate.lock.judge import Known
from mcp_audit_gate.lock.places import value_at
from mcp_audit_gate.model import Change, Pin, Surface
from unit.lock.drifts import LAUNCH, S, Words, kinds, pin, tool

JUDGE = Words()


def pin_value(pinned: Pin, at: tuple[Any, ...]) -> Any:
    """The value at a place of a record, as true values."""
    surface = pinned.surface
    fields = {"tools": surface.tools, "prompts": surface.prompts, "resources": surface.resources, "resourceTemplates": surface.resource_templates}
    if at[:1] and at[0] in fields:
        return value_at(fields[at[0]][at[1]], at[3:])
    whole: Any = {
        "launch": dict(pinned.launch),
        "serverInfo": surface.server_info,
        "instructions": surface.instructions,
        "protocolVersion": surface.protocol_version,
    }
    return value_at({**whole, "resolved": pinned.resolved}, at)


def check(old: Pin, new: Pin) -> tuple[Change, ...]:
    """The changes, after a look at what holds for all of them."""
    changes = compare(old, new, JUDGE)
    for change in changes:
        assert change.server == new.name
        assert change.message.isprintable()
        assert change.old is not None or change.new is not None
        if not isinstance(change.before, (dict, list)) and change.kind != "version-changed" and change.old is not None:
            assert pin_value(old, change.old) == change.before
        if not isinstance(change.after, (dict, list)) and change.kind != "version-changed" and change.new is not None:
            # A name stands for itself.
            assert change.after in (pin_value(new, change.new), change.new[-1])
    return changes


def described(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return tool(properties=properties, **more)


P = {"path": {"type": "string", "description": "Where.", "maxLength": 9}}
TOOLS = {
    "tool-added": [("another", [tool()], [tool(), tool("write")]), ("first", [], [tool()])],
    "tool-removed": [("another", [tool(), tool("write")], [tool()]), ("last", [tool()], [])],
    "description-changed": [
        ("reworded", [tool()], [tool(description="Reads one file.")]),
        ("gone", [tool()], [tool(description="")]),
        ("capitals", [tool()], [tool(description="READ a file.".lower())]),
        ("title", [tool()], [tool(title="Read")]),
        ("title of the hints", [tool()], [tool(annotations={"title": "Read"})]),
        ("unknown member", [tool()], [tool(**{"x-hidden": 1})]),
        ("unknown member deep", [tool(_meta={"a": [1, {"b": True}]})], [tool(_meta={"a": [1, {"b": 1}]})]),
        ("icons", [tool()], [tool(icons=[{"src": "https://a.example/i.png"}])]),
        ("description of a parameter", [described(P)], [described({"path": {**P["path"], "description": "Which."}})]),
        ("description of a parameter gone", [described(P)], [described({"path": {"type": "string", "maxLength": 9}})]),
        ("default", [described(P)], [described({"path": {**P["path"], "default": "/"}})]),
        ("examples", [described(P)], [described({"path": {**P["path"], "examples": ["/a"]}})]),
        ("unknown keyword", [described(P)], [described({"path": {**P["path"], "x-note": "n"}})]),
        ("dialect", [tool()], [tool(inputSchema={"$schema": "http://json-schema.org/draft-07/schema#", **tool()["inputSchema"]})]),
        (
            "descriptions swapped",
            [described({"a": {**S, "title": "1"}, "b": {**S, "title": "2"}})],
            [described({"a": {**S, "title": "2"}, "b": {**S, "title": "1"}})],
        ),
        ("invisible character", [tool()], [tool(description="Reads\u2009a file.")]),
    ],
    "instruction-introduced": [
        ("description", [tool()], [tool(description="Reads a file. ORDER")]),
        ("parameter", [described(P)], [described({"path": {**P["path"], "description": "ORDER"}})]),
        ("default", [described(P)], [described({"path": {**P["path"], "default": "ORDER"}})]),
        ("unknown member", [tool()], [tool(**{"x-hidden": {"deep": ["ORDER"]}})]),
        ("name of an unknown member", [tool(_meta={"a": 1})], [tool(_meta={"a": 1, "ORDER": 1})]),
    ],
    "schema-widened": [
        ("new parameter", [tool()], [described({"path": S, "note": {**S, "description": "Anything."}})]),
        ("another type", [tool()], [described({"path": {"type": "boolean"}})]),
        ("limit dropped", [described(P)], [described({"path": {"type": "string", "description": "Where."}})]),
        ("schema lost", [tool()], [tool(inputSchema=None)]),
        ("too large", [tool()], [tool(inputSchema={"properties": {str(i): S for i in range(30_000)}})]),
        (
            "description gone with its parameter's type",
            [described({"a": {"anyOf": [{**S, "title": "A"}, {"type": "null"}]}})],
            [described({"a": {}})],
        ),
    ],
    "schema-narrowed": [
        ("parameter gone", [described({"path": S, "note": {**S, "description": "Anything."}})], [tool()]),
        ("limit", [described({"path": {"type": "string", "description": "Where."}})], [described(P)]),
    ],
    "output-schema-changed": [
        ("new", [tool()], [tool(outputSchema={"type": "object"})]),
        ("wider", [tool(outputSchema={"properties": {"a": {"type": "integer"}}})], [tool(outputSchema={"properties": {"a": {"type": "number"}}})]),
        ("narrower", [tool(outputSchema={"properties": {"a": S}})], [tool(outputSchema={"properties": {"a": S}, "required": ["a"]})]),
    ],
    "annotation-flipped": [
        *((hint, [tool(annotations={hint: default})], [tool(annotations={hint: not default})]) for hint, default in HINTS.items()),
        ("from absent", [tool()], [tool(annotations={"readOnlyHint": True})]),
        ("to absent", [tool(annotations={"destructiveHint": False, "title": "T"})], [tool(annotations={"title": "T"})]),
        ("no boolean", [tool()], [tool(annotations={"readOnlyHint": "no"})]),
    ],
}
ONE_CLASS = [(kind, name, pin(*old), pin(*new)) for kind, rows in TOOLS.items() for name, old, new in rows]
A, B = {"name": "a", "description": "Sums."}, {"uri": "a://1", "name": "one"}
ONE_CLASS += [
    ("instructions-changed", "reworded", pin(instructions="Be brief."), pin(instructions="Be very brief.")),
    ("instructions-changed", "new", pin(), pin(instructions="Be brief.")),
    ("instructions-changed", "gone", pin(instructions="Be brief."), pin()),
    ("instruction-introduced", "instructions", pin(instructions="Be brief."), pin(instructions="Be brief. ORDER")),
    ("instruction-introduced", "serverInfo", pin(), pin(server_info={"name": "files", "version": "1.0.0", "title": "ORDER"})),
    ("prompt-changed", "added", pin(), pin(prompts=[A])),
    ("prompt-changed", "removed", pin(prompts=[A]), pin()),
    ("prompt-changed", "reworded", pin(prompts=[A]), pin(prompts=[{**A, "description": "Sums up."}])),
    ("prompt-changed", "argument", pin(prompts=[A]), pin(prompts=[{**A, "arguments": [{"name": "style"}]}])),
    (
        "prompt-changed",
        "required",
        pin(prompts=[{**A, "arguments": [{"name": "s"}]}]),
        pin(prompts=[{**A, "arguments": [{"name": "s", "required": True}]}]),
    ),
    ("prompt-changed", "renamed", pin(prompts=[A]), pin(prompts=[{**A, "name": "b"}])),
    ("instruction-introduced", "prompt", pin(prompts=[A]), pin(prompts=[{**A, "description": "ORDER"}])),
    ("resource-changed", "added", pin(), pin(resources=[B])),
    ("resource-changed", "type", pin(resources=[B]), pin(resources=[{**B, "mimeType": "text/html"}])),
    ("resource-changed", "address", pin(resources=[B]), pin(resources=[{**B, "uri": "a://2"}])),
    (
        "resource-changed",
        "template",
        pin(resource_templates=[{"uriTemplate": "a://{x}", "name": "x"}]),
        pin(resource_templates=[{"uriTemplate": "a://{x}", "name": "y"}]),
    ),
    ("instruction-introduced", "resource", pin(resources=[B]), pin(resources=[{**B, "description": "ORDER"}])),
    ("protocol-changed", "", pin(), pin(protocol_version="2025-06-18")),
    ("server-identity-changed", "", pin(), pin(server_info={"name": "other", "version": "1.0.0"})),
    ("version-changed", "of the card", pin(), pin(server_info={"name": "files", "version": "2"})),
    ("description-changed", "of the card", pin(), pin(server_info={"name": "files", "version": "1.0.0", "title": "Files"})),
    ("version-changed", "resolved", pin(resolved="1.0.0"), pin(resolved="1.0.1")),
    ("version-changed", "package", pin(), pin(launch={**LAUNCH, "args": ["-y", "@acme/files@1.4.3"], "package": "npm:@acme/files@1.4.3"})),
    ("launch-changed", "package", pin(), pin(launch={**LAUNCH, "args": ["-y", "@evil/files@1.4.2"], "package": "npm:@evil/files@1.4.2"})),
    ("repo-script-changed", "", pin(launch={**LAUNCH, "files": {"a.js": "sha256:1"}}), pin(launch={**LAUNCH, "files": {"a.js": "sha256:2"}})),
    ("tool-added", "renamed", pin(tool("one", annotations={"readOnlyHint": True})), pin(tool("two", annotations={"readOnlyHint": True}))),
]


@pytest.mark.parametrize(("kind", "name", "old", "new"), ONE_CLASS, ids=[f"{kind}: {name}" for kind, name, _, _ in ONE_CLASS])
def test_one_change_has_exactly_its_class(kind: str, name: str, old: Pin, new: Pin) -> None:
    assert kinds(check(old, new)) == [kind]


QUIET = {
    "nothing": (pin(tool()), pin(tool())),
    "order of tools": (pin(tool("a"), tool("b")), pin(tool("b"), tool("a"))),
    "order of members": (pin(tool()), pin(dict(reversed(tool().items())))),
    "blanks and line ends": (pin(tool(description="Reads\r\na  file.\n")), pin(tool(description=" Reads a\tfile."))),
    "normal form": (pin(tool(description="Gr\u00fc\u00dfe")), pin(tool(description="Gru\u0308\u00dfe"))),
    "blanks of instructions": (pin(instructions="a\nb"), pin(instructions="a b ")),
    "no instructions": (pin(), pin(instructions="")),
    "spelling of a schema": (
        pin(tool(inputSchema={"type": "object", "properties": {"a": {"anyOf": [S, {"type": "null"}]}}, "required": ["a"]})),
        pin(tool(inputSchema={"required": ["a"], "properties": {"a": {"type": ["null", "string"]}}, "type": "object", "additionalProperties": True})),
    ),
    "inlined definition with its text": (
        pin(tool(inputSchema={"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {**S, "description": "An A.", "title": "A"}}})),
        pin(tool(inputSchema={"properties": {"a": {**S, "description": "An A.", "title": "A"}}})),
    ),
    "hints spelled out": (pin(tool()), pin(tool(annotations=HINTS))),
    "no hints": (pin(tool()), pin(tool(annotations={}))),
    "no output schema": (pin(tool()), pin(tool(outputSchema={}))),
    "order of arguments": (
        pin(prompts=[{**A, "arguments": [{"name": "x"}, {"name": "y", "required": False}]}]),
        pin(prompts=[{**A, "arguments": [{"name": "y"}, {"name": "x"}]}]),
    ),
    "protocol not told": (pin(), pin(protocol_version=None)),
    "arguments pinned with the rest": (pin(), pin(launch={**LAUNCH, "args": ["-y", "@acme/files@1.4.2", "docs"]})),
    "order kept": (pin(tool(description="ORDER one")), pin(tool(description="ORDER  one"))),
    "numbers": (pin(tool(**{"x-a": 1})), pin(tool(**{"x-a": 1.0}))),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_the_same_in_other_words_is_no_change(name: str) -> None:
    old, new = QUIET[name]
    assert check(old, new) == ()
    assert check(new, old) == ()


def test_an_order_that_was_there_before_is_not_introduced() -> None:
    assert kinds(check(pin(tool(description="ORDER a")), pin(tool(description="ORDER b")))) == ["description-changed"]
    moved = check(pin(tool(description="ORDER")), pin(tool(description="Reads.", title="ORDER")))
    assert kinds(moved) == ["description-changed"]


def test_an_order_and_a_rewording_are_two_changes() -> None:
    changes = check(pin(tool()), pin(tool(description="ORDER", title="T")))
    assert kinds(changes) == ["instruction-introduced", "description-changed"]
    assert (changes[0].new, changes[1].new) == (("tools", 0, "definition", "description"), ("tools", 0, "definition", "title"))
    assert (changes[0].before, changes[0].after) == ("Reads a file.", "ORDER")


def test_an_added_tool_is_read_for_orders_too() -> None:
    assert kinds(check(pin(tool()), pin(tool(), tool("write", "ORDER")))) == ["tool-added", "instruction-introduced"]
    assert kinds(check(pin(tool("one")), pin(tool("ORDER")))) == ["tool-added", "instruction-introduced"]


def test_an_order_in_an_enum_is_told_beside_the_schema() -> None:
    old, new = (pin(tool(properties={"a": {"enum": values}})) for values in (["x"], ["x", "ORDER"]))
    assert kinds(check(old, new)) == ["instruction-introduced", "schema-widened"]


def test_several_texts_of_a_tool_are_one_change() -> None:
    old = pin(tool(properties={"a": {**S, "description": "1"}, "b": {**S, "description": "2"}}))
    new = pin(tool(description="Reads.", properties={"a": {**S, "description": "3"}, "b": {**S, "description": "4"}}))
    (change,) = check(old, new)
    assert change.message == 'tool "read_file" differs in description, description of a, description of b'
    assert change.new == ("tools", 0, "definition", "description")
    assert isinstance(change.after, dict)
    assert list(change.after) == ["description", "inputSchema/properties/a/description", "inputSchema/properties/b/description"]


def test_a_schema_that_accepts_more_and_less_is_widened_and_says_both() -> None:
    old, new = (pin(tool(inputSchema={"type": "object", "properties": {"m": {"enum": values}}})) for values in (["r"], ["w"]))
    (change,) = check(old, new)
    assert (change.kind, change.message) == ("schema-widened", 'tool "read_file" accepts other input: m: enum gained "w"; m: enum lost "r"')
    assert change.new == ("tools", 0, "definition", "inputSchema", "properties", "m")


def test_the_same_package_with_another_schema_library() -> None:
    """As seen with firecrawl-mcp 3.22.2: integer or number, limits, formats and texts come and go with what is installed beside it."""
    alone = {
        "url": {"type": "string", "format": "uri", "minLength": 1, "description": "The address."},
        "limit": {"type": "integer", "maximum": 100, "description": "How many."},
        "tag": {"type": "string", "pattern": "^a"},
    }
    beside = {"url": S, "limit": {"type": "number"}, "tag": S}
    old, new = pin(tool(properties=alone)), pin(tool(properties=beside))
    assert kinds(check(old, new)) == ["schema-widened", "description-changed"]
    assert kinds(check(new, old)) == ["schema-narrowed", "description-changed"]


def test_a_renamed_tool_is_told_once() -> None:
    (change,) = check(pin(tool("one")), pin(tool("two")))
    assert change.message == 'tool "two" is "one" under another name'
    assert (change.old, change.new, change.subject) == (("tools", 0, "definition"), ("tools", 0, "definition"), "tool:two")


@pytest.mark.parametrize(
    ("old", "new", "subjects"),
    [
        pytest.param([tool("a")], [tool("a", "RUNS it")], ["tool:a"], id="an existing tool"),
        pytest.param(
            [tool("a", "RUNS it"), tool("b")], [tool("a", "RUNS it"), tool("b", "RUNS it")], ["tool:b"], id="an existing tool of an able server"
        ),
        pytest.param([tool("a")], [tool("a"), tool("b", "SENDS it")], ["tool:b"], id="the server's first"),
        pytest.param([tool("a")], [tool("a"), tool("b", "SENDS it"), tool("c", "SENDS all")], ["tool:b"], id="the server's first is told once"),
        pytest.param([tool("a", "SENDS it")], [tool("a", "SENDS it"), tool("b", "SENDS more")], [], id="another of a kind"),
        pytest.param([tool("a")], [tool("a", "READS it")], [], id="reading"),
        pytest.param([tool("a")], [tool("a", "MAYBE")], [], id="a weak sign"),
        pytest.param([tool("a")], [tool("a", annotations={"title": "RUNS"})], [], id="a hint alone"),
        pytest.param([tool("a", "RUNS")], [tool("b", "RUNS")], [], id="a renamed tool"),
    ],
)
def test_capability_gained(old: list[Any], new: list[Any], subjects: list[str]) -> None:
    changes = check(pin(*old), pin(*new))
    assert [change.subject for change in changes if change.kind == "capability-gained"] == subjects


def test_a_version_is_told_once() -> None:
    new = pin(launch={**LAUNCH, "args": ["-y", "@acme/files@2.0.0"]}, server_info={"name": "files", "version": "2.0.0"})
    assert kinds(check(pin(), new)) == ["version-changed"]


def test_tools_of_one_name_are_paired_with_their_like() -> None:
    one, other = tool(description="One."), tool(description="Other.")
    assert check(pin(one, other), pin(other, one)) == ()
    assert kinds(check(pin(one, other), pin(other))) == ["tool-removed"]
    assert kinds(check(pin(one, other), pin(other, tool(description="Third.")))) == ["description-changed"]


# --- whole lockfiles --------------------------------------------------------------------------------------------------

HTTP = {"transport": "http", "url": "https://mcp.example.com/mcp"}


def between(old: list[Pin], new: list[Pin], judge: Words) -> tuple[Change, ...]:
    return tuple(item.change for item in paired_changes(old, new, judge))


def test_servers_that_came_and_went() -> None:
    changes = between([pin(name="a"), pin(name="b", launch=HTTP)], [pin(name="a"), pin(name="c", launch={**LAUNCH, "args": ["other@1"]})], JUDGE)
    assert [(change.kind, change.server) for change in changes] == [("server-added", "c"), ("server-removed", "b")]
    assert [change.message for change in changes] == ["it is new: npm package other", "it is gone: host mcp.example.com"]


def test_what_came_and_went_is_told_with_its_pin_and_its_launch() -> None:
    gone, new = pin(name="a"), pin(name="b", launch=HTTP)
    added, removed = paired_changes([gone], [new], JUDGE)
    assert added.change == Change("server-added", "b", "", None, (), None, HTTP, "it is new: host mcp.example.com")
    assert (added.old, added.new) == (None, new)
    assert removed.change[1:7] == ("a", "", (), None, dict(gone.launch), None)
    assert (removed.old, removed.new) == (gone, None)


def test_a_pin_that_stays_beside_one_that_goes_is_compared_with_itself() -> None:
    one, two = pin(tool("a"), launch={**LAUNCH, "args": ["one@1"]}), pin(tool("b"), launch={**LAUNCH, "args": ["two@1"]})
    assert kinds(between([one, two], [two], JUDGE)) == ["server-removed"]
    assert kinds(between([two], [one, two], JUDGE)) == ["server-added"]
    changed = pin(tool("b", description="New."), launch={**LAUNCH, "args": ["two@1"]})
    assert [(item.old, item.new) for item in paired_changes([one, two], [changed], JUDGE) if item.change.kind == "description-changed"] == [
        (two, changed)
    ]


def test_a_renamed_server_is_told_once_and_compared() -> None:
    changes = between([pin(tool(), name="a")], [pin(tool(description="x"), name="b")], JUDGE)
    assert [(change.kind, change.server) for change in changes] == [("server-removed", "a"), ("description-changed", "b")]
    assert changes[0].message == 'it is now called "b"'


def test_pins_of_one_name_are_paired_by_launch_then_by_identity() -> None:
    one, two = {**LAUNCH, "args": ["one@1"]}, {**LAUNCH, "args": ["two@1"]}
    old = [pin(tool("a"), launch=one), pin(tool("b"), launch=two), pin(tool("c"), launch=HTTP)]
    new = [pin(tool("c"), launch=HTTP), pin(tool("b"), launch={**two, "args": ["two@2"]}), pin(tool("a"), launch={**one, "args": ["one@2"]})]
    assert kinds(between(old, new, JUDGE)) == ["version-changed", "version-changed"]
    assert kinds(between(old[:1], [pin(tool("a"), launch=two)], JUDGE)) == ["launch-changed"]
    assert kinds(between(old[:1], [], JUDGE)) == ["server-removed"]
    assert between(old, list(reversed(old)), JUDGE) == ()


def deep(levels: int, leaf: Any) -> Any:
    for number in range(levels):
        leaf = {"a": leaf} if number % 2 else [leaf]
    return leaf


@pytest.mark.parametrize("levels", [50, 900, 4000])
def test_values_nested_too_deeply_are_compared(levels: int) -> None:
    # Made by hand: no digest is worked out for what the lockfile cannot hold.
    one, two = (
        pin()._replace(digest="", surface=Surface(tools=(tool(_meta=deep(levels, leaf), inputSchema={"not": deep(levels, 1)}), tool("b"))))
        for leaf in (1, 2)
    )
    assert kinds(compare(one, two, Known([]))) == ["description-changed"]
    assert compare(one, one._replace(digest=""), Known([])) == ()
    renamed = one._replace(surface=Surface(tools=({**one.surface.tools[0], "name": "z"}, tool("b"))))
    assert kinds(compare(one, renamed, Known([]))) == ["tool-added"]


# --- properties -------------------------------------------------------------------------------------------------------

TEXT = st.text("ab \n\u200b\u00fc", max_size=6)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)
SCHEMA = st.recursive(
    st.sampled_from([{}, S, {"type": "integer", "minimum": 1}, {"enum": ["a", "b"]}]),
    lambda inner: st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)}),
    max_leaves=4,
)
TOOL = st.fixed_dictionaries(
    {"name": st.sampled_from("pqr"), "inputSchema": SCHEMA},
    optional={
        "description": TEXT,
        "title": TEXT,
        "outputSchema": SCHEMA,
        "annotations": st.dictionaries(st.sampled_from([*HINTS, "title"]), VALUE),
        "_meta": VALUE,
    },
)
PINS = st.builds(
    lambda tools, prompts, resources, instructions: pin(*tools, prompts=prompts, resources=resources, instructions=instructions),
    st.lists(TOOL, max_size=4),
    st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from("pq")}, optional={"description": TEXT, "arguments": st.lists(st.fixed_dictionaries({"name": TEXT}), max_size=2)}
        ),
        max_size=2,
    ),
    st.lists(st.fixed_dictionaries({"uri": st.sampled_from("uv")}, optional={"name": TEXT, "_meta": VALUE}), max_size=2),
    st.none() | TEXT,
)


@settings(max_examples=150, deadline=None)
@given(PINS)
def test_a_pin_does_not_differ_from_itself(one: Pin) -> None:
    assert compare(one, copy.deepcopy(one)._replace(digest=""), JUDGE) == ()


@settings(max_examples=150, deadline=None)
@given(PINS, PINS)
def test_what_differs_one_way_differs_the_other_way(one: Pin, other: Pin) -> None:
    assert bool(check(one, other)) == bool(check(other, one))


MUTATIONS = {
    "description": ("description-changed", lambda tool: {**tool, "description": tool.get("description", "") + "!"}),
    "title": ("description-changed", lambda tool: {**tool, "title": tool.get("title", "") + "!"}),
    "order": ("instruction-introduced", lambda tool: {**tool, "description": tool.get("description", "") + "ORDER"}),
    "parameter": (
        "schema-widened",
        lambda tool: {
            **tool,
            "inputSchema": {"type": "object", "properties": {**tool["inputSchema"].get("properties", {}), "new": {"type": "string"}}},
        },
    ),
    "requirement": ("schema-narrowed", lambda tool: {**tool, "inputSchema": {**tool["inputSchema"], "required": ["a"]}}),
    "limit": ("schema-narrowed", lambda tool: {**tool, "inputSchema": {**tool["inputSchema"], "maxProperties": 1}}),
    "output": ("output-schema-changed", lambda tool: {**tool, "outputSchema": {"type": "object", "required": ["z"]}}),
    "meta": ("description-changed", lambda tool: {**tool, "x-meta": [tool.get("_meta")]}),
    "hint": (
        "annotation-flipped",
        lambda tool: {
            **tool,
            "annotations": {**tool.get("annotations", {}), "readOnlyHint": tool.get("annotations", {}).get("readOnlyHint") is not True},
        },
    ),
}


@settings(max_examples=300, deadline=None)
@given(TOOL, st.sampled_from(sorted(MUTATIONS)))
def test_every_single_mutation_has_exactly_its_class(one: dict[str, Any], name: str) -> None:
    kind, mutate = MUTATIONS[name]
    if name in ("parameter", "requirement", "limit"):
        one = {**one, "inputSchema": {"type": "object", "properties": one["inputSchema"].get("properties", {})}}
    if name == "hint" and not isinstance(one.get("annotations", {}).get("readOnlyHint", False), bool):
        return
    found = kinds(check(pin(one, tool("other")), pin(mutate(one), tool("other"))))
    assert found == [kind]


def test_unchanged_tools_cost_almost_nothing() -> None:
    tools = [tool(f"tool_{number}") for number in range(10_000)]
    old, same = pin(*tools), pin(*copy.deepcopy(tools))
    one = pin(*copy.deepcopy(tools[:-1]), tool("tool_9999", "Reads."))
    Words.calls = 0
    started = time.process_time()
    assert compare(old, same, JUDGE) == ()
    assert time.process_time() - started < 0.01
    assert Words.calls == 0
    started = time.process_time()
    assert kinds(compare(old, one._replace(), JUDGE)) == ["description-changed"]
    assert time.process_time() - started < 3
