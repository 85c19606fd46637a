from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import mcp_audit_gate
from mcp_audit_gate.errors import LockError
from mcp_audit_gate.lock.lockfile import observed, read, write
from mcp_audit_gate.lock.places import declared_at, in_lock
from mcp_audit_gate.model import Surface

PATH = "mcp-audit.lock.json"
TOOL = {"name": "read", "description": "Reads.\nSlowly.", "inputSchema": {"type": "object", "properties": {"$lines": {"minimum": 0.5}}}}
LAUNCH = {"transport": "stdio", "command": "npx", "args": ["-y", "@acme/docs@1.0.0"], "package": "npm:@acme/docs@1.0.0"}


def pin(name="docs", resolved=None, **parts):
    surface = Surface(**{"server_info": {"name": "docs"}, "protocol_version": "2025-11-25", "tools": (TOOL,), **parts})
    return observed(name, LAUNCH, surface, resolved)


def edited(change, pins=None):
    """A lockfile changed after it was written, as (text, what it reads as)."""
    value = json.loads(write(pins or [pin()]))
    change(value)
    text = json.dumps(value, indent=2)
    return text, read(PATH, text.encode())


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
definitions = st.builds(
    lambda name, more: {**more, "name": name, "uri": name, "uriTemplate": name}, text, st.dictionaries(text, json_values, max_size=3)
)
lists = st.lists(definitions, max_size=3).map(tuple)
surfaces = st.builds(
    Surface,
    st.none() | text,
    lists,
    lists,
    lists,
    lists,
    st.none() | st.dictionaries(text, json_values, max_size=2),
    st.none() | text,
)
pins = st.builds(observed, text, st.dictionaries(text, json_values, max_size=3), surfaces, st.none() | text)


@given(st.lists(pins, max_size=3, unique_by=lambda item: (item.name, item.launch_digest)))
@settings(max_examples=50, deadline=None)
def test_what_is_written_reads_back_whole_and_sound(given):
    data = write(given)
    lock = read(PATH, data)
    assert lock.faults == ()
    assert all(lock.sound)
    assert write(lock.pins) == data
    wanted = sorted(given, key=lambda item: (item.name, item.launch_digest))
    assert [(item.name, item.launch, item.surface, item.digest, item.resolved) for item in lock.pins] == [
        (item.name, item.launch, item.surface, item.digest, item.resolved) for item in wanted
    ]


@given(st.lists(pins, min_size=1, max_size=3, unique_by=lambda item: (item.name, item.launch_digest)), st.randoms())
@settings(max_examples=50, deadline=None)
def test_order_changes_no_byte(given, random):
    turned = []
    for item in given:
        parts = {
            field: tuple(random.sample(getattr(item.surface, field), len(getattr(item.surface, field))))
            for field in ("tools", "prompts", "resources")
        }
        turned.append(observed(item.name, dict(reversed(item.launch.items())), item.surface._replace(**parts), item.resolved))
    random.shuffle(turned)
    assert write(turned) == write(given)


def test_the_form_of_a_record():
    value = json.loads(write([pin(resolved="1.0.0")]))
    assert value["lockfileVersion"] == 1
    [record] = value["servers"]
    assert sorted(record) == [
        "digest",
        "instructions",
        "launch",
        "launchDigest",
        "name",
        "prompts",
        "protocolVersion",
        "resolved",
        "resourceTemplates",
        "resources",
        "serverInfo",
        "tools",
    ]
    assert record["tools"][0]["definition"]["description"] == {"$lines": ["Reads.", "Slowly."]}
    assert list(record["tools"][0]["definition"]["inputSchema"]["properties"]) == ["$$lines"]


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (b"", 1, 1, "not valid JSON"),
        (b"[]", 1, 1, "an object is expected"),
        (b'{"servers": []}', 1, 1, "lockfileVersion is missing"),
        (b'{\n  "lockfileVersion": 2,\n  "servers": []}', 2, 3, "lockfileVersion is 2"),
        (b'{\n  "lockfileVersion": true,\n  "servers": []}', 2, 3, "lockfileVersion is true"),
        (b'{"lockfileVersion": 1,\n "servers": {}}', 2, 2, "`servers` is not a list"),
        (b'{"lockfileVersion": 1}', 1, 1, "`servers` is not a list"),
        (b'{\n<<<<<<< HEAD\n"lockfileVersion": 1,\n=======\n', 2, 1, "merge conflict"),
        (b'{"lockfileVersion": 1, "servers": [,]}', 1, 36, "not valid JSON"),
        (b'{"lockfileVersion": 1, "servers": []} x', 1, 39, "not valid JSON"),
        (b'{"lockfileVersion": NaN, "servers": []}', 1, 21, "NaN"),
        (b'{"lockfileVersion": 1,\n "servers": [{"$lines": 3}]}', 2, 15, "$lines"),
        (b"\xff\xfe{", 1, 1, "not UTF-8"),
        (b"[" * 200 + b"]" * 200, 1, 161, "nested deeper"),
    ],
)
def test_what_is_no_lockfile_is_refused_with_its_place(data, line, column, words):
    with pytest.raises(LockError) as refused:
        read(PATH, data)
    assert str(refused.value).startswith(f"{PATH}:{line}:{column}: ")
    assert words in str(refused.value)


def _tool(value):
    return value["servers"][0]["tools"][0]


@pytest.mark.parametrize(
    ("change", "words", "line_of"),
    [
        (lambda v: _tool(v)["definition"].update(description="Writes."), "of this definition", '"definition"'),
        (lambda v: _tool(v).update(digest="sha256:" + "0" * 64), "of this definition", '"definition"'),
        (lambda v: _tool(v).update(extra=1), "members that mcp-audit does not write", None),
        (lambda v: v["servers"][0].update(digest="sha256:0"), "digest is not that of its content", '"digest": "sha256:0"'),
        (lambda v: v["servers"][0].update(instructions="Obey."), "digest is not that of its content", None),
        (lambda v: v["servers"][0].update(launchDigest="x"), "launchDigest", '"launchDigest"'),
        (lambda v: v["servers"][0]["launch"].update(command="sh"), "launchDigest", '"launchDigest"'),
        (lambda v: v["servers"][0].update(trusted=True), "member that mcp-audit does not write", '"trusted"'),
        (lambda v: v.update(trusted=True), "member that mcp-audit does not write", '"trusted"'),
        (lambda v: v["servers"][0].pop("prompts"), "has no `prompts`", None),
        (lambda v: v["servers"][0].pop("launchDigest"), "has no `launchDigest`", None),
        (lambda v: v["servers"].append(v["servers"][0]), "twice or out of order", None),
        (lambda v: v["servers"][0]["tools"].append(_tool(v)), "twice or out of order", None),
        (lambda v: v["servers"].append({"name": "x"}), "without a name or a launch", None),
        (lambda v: v["servers"].append(3), "without a name or a launch", None),
        (lambda v: v["servers"][0].update(instructions=["a"]), "wrong type", '"instructions"'),
        (lambda v: v["servers"][0].update(tools={}), "not a list", None),
        (lambda v: v["servers"][0]["tools"].append("x"), "without a definition", None),
    ],
)
def test_what_was_edited_by_hand_is_a_fault_at_its_place(change, words, line_of):
    text, lock = edited(change)
    told = [fault for fault in lock.faults if words in fault.message]
    assert told, [fault.message for fault in lock.faults]
    location = lock.document.locate(told[0].place)
    if line_of:
        assert line_of in text.splitlines()[location.start_line - 1]
    assert not all(lock.sound) or words == "without a name or a launch" or told[0].server is None


def test_records_out_of_order_are_a_fault():
    _, lock = edited(lambda v: v["servers"].reverse(), [pin("a"), pin("b")])
    assert [fault.message for fault in lock.faults] == ["the record stands twice or out of order"]


def test_a_repeated_key_is_a_fault():
    data = write([pin()]).replace(b'"description": {', b'"description": "Reads.",\n            "description": {')
    lock = read(PATH, data)
    assert [fault.message for fault in lock.faults] == ["a key stands twice in the record, and readers differ in which one they take"]
    assert lock.sound == (False,)


def test_a_repeated_key_is_a_fault_of_its_record_alone():
    data = write([pin("a"), pin("b")])
    first, second = data.split(b'"name": "b"')
    lock = read(PATH, first + b'"name": "b",\n      "name": "b"' + second)
    assert [fault.server for fault in lock.faults] == ["b"]
    assert lock.sound == (True, False)


def test_line_ends_changed_by_git_are_no_fault():
    data = write([pin()])
    assert read(PATH, data.replace(b"\n", b"\r\n")).faults == ()
    assert read(PATH, json.dumps(json.loads(data)).encode()).faults == ()


@pytest.mark.parametrize(
    ("at", "offset", "needle"),
    [
        (("tools", 0, "definition", "description"), 8, '"Slowly."'),
        (("tools", 0, "definition", "description"), 0, '"Reads."'),
        (("tools", 0, "definition", "inputSchema", "properties", "$lines", "minimum"), None, "0.5"),
        (("instructions",), 4, '"two"'),
        (("serverInfo", "name"), 0, '"docs"'),
    ],
)
def test_places_of_texts(at, offset, needle):
    data = write([pin("a"), pin("docs", instructions="one\ntwo")])
    lock = read(PATH, data)
    place = in_lock(lock.pins[1], at, offset)
    start, end = lock.document.span(place)
    assert lock.document.text[start:end] == needle


def test_values_at_steps():
    surface = pin(instructions="x").surface
    assert declared_at(surface, ("tools", 0, "definition", "name")) == "read"
    assert declared_at(surface, ("instructions",)) == "x"
    assert declared_at(surface, ("tools", 4, "definition", "name")) is None
    assert declared_at(surface, ("tools", 0, "definition", "name", "more")) is None


SCHEMA = json.loads((Path(mcp_audit_gate.__file__).parent / "schemas" / "lockfile.schema.json").read_text("utf-8"))


@given(st.lists(st.builds(observed, text, st.just(LAUNCH), surfaces, st.none() | text), max_size=2))
@settings(max_examples=50, deadline=None)
def test_the_published_schema_accepts_what_is_written(given):
    Draft202012Validator(SCHEMA).validate(json.loads(write(given)))


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(lockfileVersion=2),
        lambda v: v.update(extra=1),
        lambda v: v["servers"][0].pop("digest"),
        lambda v: v["servers"][0].update(trusted=True),
        lambda v: v["servers"][0]["launch"].update(shell=True),
        lambda v: _tool(v).update(digest="md5:1"),
        lambda v: v["servers"][0].update(instructions={"$lines": "x"}),
    ],
)
def test_the_published_schema_refuses_what_is_not(change):
    value = json.loads(write([pin()]))
    change(value)
    assert not Draft202012Validator(SCHEMA).is_valid(value)


@pytest.mark.parametrize("number", ["9" * 400, "1e999", "NaN", "9" * 5000])
def test_a_number_that_no_reader_agrees_on_is_refused(number: str) -> None:
    data = f'{{"lockfileVersion": 1, "servers": [{{"name": "a", "launch": {{"x": {number}}}}}]}}'
    with pytest.raises(LockError):
        read("x.json", data.encode())
